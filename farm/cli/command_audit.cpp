// raymill audit: who did what, and who was refused.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/operators.hpp"

#include <ctime>

namespace raymill::cli {

int run_audit(Arguments& arguments) {
    OperatorOptions options;
    std::optional<unsigned> after;
    bool check = false;
    arguments.number("--after", after, 0, ~0u, "only records behind this number");
    arguments.flag("--check", check, "checks the files' chain of hashes instead (with --data)");
    add_operators(arguments, options);
    if (const auto over = arguments.parse()) return *over;
    if (check) {
        if (options.data.empty()) return report({Code::usage, "--check", "needs --data: the files are looked at where they lie"});
        const auto count = farm::verify_audit(options.data);
        if (!count) return report(count.error());
        if (manner().json) print_json({{"event", "checked"}, {"records", *count}});
        say(std::to_string(*count) + " records, and none was changed or taken out");
        return 0;
    }
    const Interrupt interrupt;
    auto operators = Operators::find(options, interrupt.token());
    if (!operators) return report(operators.error());
    for (std::uint64_t from = after.value_or(0);;) {
        const auto answer = operators->audit(from, 1000);
        if (!answer) return report(answer.error());
        const auto root = nlohmann::json::parse(*answer);
        const auto records = root.value("records", nlohmann::json::array());
        for (const auto& record : records) {
            if (manner().json) {
                print_json(record);
                continue;
            }
            const auto at = static_cast<std::time_t>(record.value("time_us", std::int64_t{0}) / 1'000'000);
            std::tm parts{};
            ::gmtime_r(&at, &parts);
            char time[32];
            std::strftime(time, sizeof time, "%Y-%m-%d %H:%M:%S", &parts);
            const auto word = [&](const char* name) { return record.value(name, std::string()); };
            print_line(std::to_string(record.value("seq", std::uint64_t{0})) + "  " + time + "  " + word("what") + "  " + word("outcome") +
                       "  " + word("who") + (word("from").empty() ? "" : " from " + word("from")) + "  " + word("detail"));
        }
        if (records.empty()) return 0;
        from = root.value("next", from);
    }
}

} // namespace raymill::cli
