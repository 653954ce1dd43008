// The audit log: what it keeps, over crashes and floods, and whether a changed line shows.
#include "farm/coordinator/audit.hpp"
#include "tests/farm/scratch.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

using namespace raymill;
using namespace raymill::farm;

namespace {

std::string text(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}
AuditRecord record(const std::string& detail, const std::string& outcome = "done") {
    return {.who = "tenant studio", .what = "job.submit", .from = "10.0.0.1", .outcome = outcome, .detail = detail};
}
std::size_t lines(const AuditLog& log) { return log.read(0, 100000)->lines.size(); }

} // namespace

TEST_CASE("the audit log keeps who did what from where in order, and goes on after a restart and after a line cut short") {
    const Scratch folder;
    {
        const auto log = *AuditLog::open(folder);
        for (int i = 0; i < 3; ++i) log->write(record("job " + std::to_string(i)));
    }
    std::ofstream(folder / "audit.jsonl", std::ios::app) << "{\"seq\":4,\"who\":\"to"; // a crash in the middle of a line
    const auto log = *AuditLog::open(folder);
    log->write(record("after"));
    const auto page = *log->read(2, 10);
    REQUIRE(page.lines.size() == 3);
    CHECK(page.next == 5);
    const auto third = nlohmann::json::parse(page.lines[0]), mended = nlohmann::json::parse(page.lines[1]);
    CHECK(third["who"] == "tenant studio");
    CHECK(third["from"] == "10.0.0.1");
    CHECK(third["outcome"] == "done");
    CHECK(third["detail"] == "job 2");
    CHECK(third["time_us"].get<std::int64_t>() > 1'700'000'000'000'000);
    CHECK(mended["what"] == "audit.mended");
    CHECK(*verify_audit(folder) == 5);
    CHECK(log->read(5, 10)->lines.empty());
    CHECK(log->read(0, 2)->next == 2);
}

TEST_CASE("a line of the audit log that is changed or taken out shows") {
    const Scratch folder;
    {
        const auto log = *AuditLog::open(folder);
        for (int i = 0; i < 4; ++i) log->write(record("job " + std::to_string(i)));
    }
    const auto file = folder / "audit.jsonl";
    const auto good = text(file);
    REQUIRE(*verify_audit(folder) == 4);
    auto changed = good;
    changed.replace(changed.find("job 1"), 5, "job 9");
    std::ofstream(file) << changed;
    CHECK(verify_audit(folder).error().where.ends_with("audit.jsonl:2"));
    // Nor does it help to make the changed line's own hash anew: the next one holds the old.
    auto forged = good;
    const auto from = forged.find('\n') + 1, end = forged.find('\n', from);
    auto line = nlohmann::json::parse(forged.substr(from, end - from));
    const auto before = nlohmann::json::parse(good.substr(0, from))["chain"].get<std::string>();
    line["detail"] = "job 9";
    line.erase("chain");
    line["chain"] = sha256_of(before + line.dump());
    forged.replace(from, end - from, line.dump());
    std::ofstream(file) << forged;
    CHECK(verify_audit(folder).error().where.ends_with("audit.jsonl:3"));
    auto shorter = good;
    const auto second = shorter.find('\n') + 1;
    shorter.erase(second, shorter.find('\n', second) + 1 - second);
    std::ofstream(file) << shorter;
    CHECK(verify_audit(folder).error().where.ends_with("audit.jsonl:2"));
}

TEST_CASE("a stranger's words forge no line, and every line is bounded") {
    const Scratch folder;
    const auto log = *AuditLog::open(folder);
    log->write({.who = std::string(5000, 'w'),
                .what = "http.refused",
                .from = "x\n{\"seq\":9}",
                .outcome = "refused",
                .detail = std::string(100000, '"') + "\xff\n\x1b[2J"});
    const auto all = text(folder / "audit.jsonl");
    CHECK(std::ranges::count(all, '\n') == 1);
    CHECK(all.size() < 8192);
    CHECK(all.find('\x1b') == std::string::npos);
    log->write(record("next"));
    CHECK(*verify_audit(folder) == 2);
}

TEST_CASE("a flood of refusals is counted, not written, and hides neither another's refusal nor what was done") {
    const Scratch folder;
    const auto log = *AuditLog::open(folder, {.repeats_a_second = 0.001, .burst = 20, .refusals_a_second = 1000});
    for (int i = 0; i < 5000; ++i) log->write(record("try " + std::to_string(i), "refused"));
    CHECK(lines(*log) == 20);
    log->write({.who = "nobody", .what = "http.refused", .from = "10.0.0.2", .outcome = "refused"});
    for (int i = 0; i < 30; ++i) log->write(record("done"));
    CHECK(lines(*log) == 51);
    // What was left out is told with the next that is written.
    const Scratch second;
    const auto quick = *AuditLog::open(second, {.repeats_a_second = 100, .burst = 1, .refusals_a_second = 1000});
    for (int i = 0; i < 50; ++i) quick->write(record("try", "refused"));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    quick->write(record("last", "refused"));
    std::uint64_t told = 0;
    const auto page = *quick->read(0, 100);
    for (const auto& line : page.lines) told += nlohmann::json::parse(line).value("skipped", 0u);
    CHECK(told + page.lines.size() == 51);
}

TEST_CASE("from very many places at once the log grows no faster than all refusals together may") {
    const Scratch folder;
    const auto log = *AuditLog::open(folder, {.burst = 20, .refusals_a_second = 0.001});
    for (int i = 0; i < 10000; ++i)
        log->write({.who = "nobody",
                    .what = "http.refused",
                    .from = "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250),
                    .outcome = "refused"});
    CHECK(lines(*log) == 200);
}

TEST_CASE("the audit log's files are bounded in size and number, and the chain runs through them") {
    const Scratch folder;
    const auto log = *AuditLog::open(folder, {.file_bytes = 2000, .files = 3});
    for (int i = 0; i < 100; ++i) log->write(record("job " + std::to_string(i)));
    std::size_t files = 0;
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path)) ++files, bytes += entry.file_size();
    CHECK(files == 3);
    CHECK(bytes < 3 * (2000 + 500));
    const auto page = *log->read(0, 1000);
    CHECK(page.next == 100);
    CHECK(*verify_audit(folder) == page.lines.size());
    CHECK(log->read(98, 10)->lines.size() == 2);
}

TEST_CASE("two writers of one audit log, as the server and a command on its folder are, keep one chain") {
    const Scratch folder;
    const auto one = *AuditLog::open(folder, {.file_bytes = 3000, .files = 50}),
               two = *AuditLog::open(folder, {.file_bytes = 3000, .files = 50});
    const auto write = [](AuditLog& log) {
        for (int i = 0; i < 100; ++i) log.write(record("job " + std::to_string(i)));
    };
    std::jthread other([&] { write(*two); });
    write(*one);
    other.join();
    CHECK(*verify_audit(folder) == 200);
}
