#include "farm/coordinator/usage.hpp"

#include "farm/coordinator/catalog.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

namespace raymill::farm {

using nlohmann::json;

std::optional<std::int64_t> parse_day(const std::string& text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return {};
    int parts[3] = {};
    const std::pair<std::size_t, std::size_t> places[] = {{0, 4}, {5, 7}, {8, 10}};
    for (std::size_t i = 0; i < 3; ++i) {
        const auto [begin, end] = places[i];
        const auto [at, error] = std::from_chars(text.data() + begin, text.data() + end, parts[i]);
        if (error != std::errc() || at != text.data() + end || parts[i] < 0) return {};
    }
    using namespace std::chrono;
    const year_month_day date{year(parts[0]), month(static_cast<unsigned>(parts[1])), day(static_cast<unsigned>(parts[2]))};
    if (!date.ok() || parts[0] < 1970) return {};
    return sys_days(date).time_since_epoch().count();
}

std::string day_text(std::int64_t number) {
    using namespace std::chrono;
    const year_month_day date{sys_days(days(number))};
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()));
    return text;
}

std::vector<UsageRow> sum_usage(const std::vector<UsageRow>& rows, UsageBy by) {
    std::map<std::tuple<std::string, scheduler::JobId, std::int64_t>, UsageRow> sums;
    for (const auto& row : rows) {
        auto& sum = sums[{row.tenant, by == UsageBy::job ? row.job : 0, by == UsageBy::day ? row.day : 0}];
        sum.tenant = row.tenant;
        sum.job = by == UsageBy::job ? row.job : 0;
        sum.day = by == UsageBy::day ? row.day : 0;
        sum.tiles += row.tiles;
        sum.frames += row.frames;
        sum.device_s += row.device_s;
        sum.unscored_s += row.unscored_s;
        sum.bench_h += row.bench_h;
        sum.bytes += row.bytes;
    }
    std::vector<UsageRow> list;
    for (auto& [key, row] : sums) list.push_back(std::move(row));
    return list;
}

std::string usage_json(const std::vector<UsageRow>& rows, UsageBy by) {
    auto list = json::array();
    for (const auto& row : rows) {
        json one{{"tenant", row.tenant},         {"tiles", row.tiles},     {"frames", row.frames}, {"device_s", row.device_s},
                 {"unscored_s", row.unscored_s}, {"bench_h", row.bench_h}, {"bytes", row.bytes}};
        if (by == UsageBy::job) one["job"] = job_text(row.job);
        if (by == UsageBy::day) one["day"] = day_text(row.day);
        list.push_back(std::move(one));
    }
    return json{{"usage", list}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

namespace {

std::string csv_field(const std::string& text) {
    const bool formula = !text.empty() && (text[0] == '=' || text[0] == '+' || text[0] == '-' || text[0] == '@');
    if (!formula && text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string out = formula ? "\"'" : "\"";
    for (const char c : text) {
        if (c == '"') out.push_back('"');
        out.push_back(c);
    }
    return out + "\"";
}

} // namespace

std::string usage_csv(const std::vector<UsageRow>& rows, UsageBy by) {
    const std::string key = by == UsageBy::job ? "job," : by == UsageBy::day ? "day," : "";
    std::string out = "tenant," + key + "tiles,frames,device_s,unscored_s,bench_h,bytes\r\n";
    for (const auto& row : rows) {
        out += csv_field(row.tenant) + ",";
        if (by == UsageBy::job) out += job_text(row.job) + ",";
        if (by == UsageBy::day) out += day_text(row.day) + ",";
        char numbers[200];
        std::snprintf(numbers, sizeof numbers, "%llu,%llu,%.6f,%.6f,%.9f,%llu\r\n", static_cast<unsigned long long>(row.tiles),
                      static_cast<unsigned long long>(row.frames), row.device_s, row.unscored_s, row.bench_h,
                      static_cast<unsigned long long>(row.bytes));
        out += numbers;
    }
    return out;
}

Result<UsageRequest> read_usage_request(const std::string& tenant, const UsageWords& words) {
    const auto bad = [](const char* why) { return fail(Code::usage, "", why); };
    UsageRequest request{.query = {.tenant = tenant}};
    if (!words.job.empty()) {
        const auto job = parse_job(words.job);
        if (!job) return bad("job is no id of a job");
        request.query.job = *job;
    }
    for (const auto& [text, into, more] : {std::tuple(&words.from, &request.query.from, 0), {&words.to, &request.query.to, 1}}) {
        if (text->empty()) continue;
        const auto day = parse_day(*text);
        if (!day) return bad("from and to are days, YYYY-MM-DD");
        *into = *day + more;
    }
    if (!words.by.empty() && words.by != "tenant" && words.by != "day" && words.by != "job") return bad("by is tenant, job or day");
    if (!words.format.empty() && words.format != "json" && words.format != "csv") return bad("format is json or csv");
    request.by = words.by == "tenant" ? UsageBy::tenant : words.by == "day" ? UsageBy::day : UsageBy::job;
    request.csv = words.format == "csv";
    return request;
}

} // namespace raymill::farm
