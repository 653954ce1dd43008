// Running the farm: what its operator reads and does while it works.
#include "farm/coordinator/backup.hpp"
#include "farm/coordinator/metrics.hpp"
#include "farm/coordinator/usage.hpp"
#include "farm/ledger/ledger.hpp"
#include "tests/farm/test_farm.hpp"

#include <cmath>

using namespace raymill;
using namespace raymill::farm;

namespace {

/// The value of a line of Prometheus' text; -1 where there is none.
double metric(const std::string& text, const std::string& name) {
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + name.size() + 2, nullptr);
}

} // namespace

TEST_CASE("the usage that is told, by each door, is that of the accepted tiles, over a kill too") {
    // 2 jobs of 2 frames of 4 tiles, 1 ms of tracing each as the stand-in renderer says.
    TestFarm farm(2);
    const auto scene = farm.scene("tile_ms=1");
    const auto job = farm.submit(scene, {{"size", "32x32"}, {"spp", "1"}, {"tile", "16"}, {"frames", "1-2"}});
    CHECK(farm.wait(job).state == "done");
    CHECK(farm.wait(farm.submit(scene, {{"size", "32x32"}, {"spp", "2"}, {"tile", "16"}, {"frames", "1-2"}})).state == "done");
    farm.server->kill();
    farm.start_server();
    auto client = farm.client();
    const auto by_job = client.usage("by=job");
    REQUIRE(by_job.has_value());
    REQUIRE(by_job->size() == 2);
    CHECK(by_job->front().job == job);
    for (const auto& row : *by_job) {
        CHECK(row.tiles == 8);
        CHECK(row.frames == 2);
        CHECK(std::abs(row.device_s - 0.008) < 1e-9);
        CHECK(row.unscored_s == row.device_s); // these workers were never measured
        CHECK(row.bench_h == 0);
        CHECK(row.bytes > 0);
    }
    const auto by_tenant = client.usage("by=tenant");
    REQUIRE(by_tenant->size() == 1);
    CHECK(by_tenant->front().tiles == 16);
    CHECK(by_tenant->front().bytes == by_job->front().bytes + by_job->back().bytes);
    const auto csv = client.usage_csv("by=tenant");
    CHECK(csv->starts_with("tenant,tiles,frames,device_s,unscored_s,bench_h,bytes\r\nlocal,16,4,0.016000,0.016000,0.000000000,"));
    CHECK(client.usage("by=day&from=1970-01-01&to=1970-01-02")->empty());
    CHECK(client.usage("job=" + job)->size() == 1);
    CHECK_FALSE(client.usage("by=colour").has_value());
    CHECK_FALSE(client.usage("from=2026-02-30").has_value());
}

TEST_CASE("metrics count what happened, and are not for those that a proxy brings") {
    TestFarm farm(1);
    const auto job = farm.submit(farm.scene("tile_ms=1"), {{"size", "32x32"}, {"spp", "1"}, {"tile", "16"}});
    CHECK(farm.wait(job).state == "done");
    const auto text = farm.http("").get("/metrics");
    REQUIRE(text.has_value());
    CHECK(text->status == 200);
    CHECK(metric(text->body, "raymill_tiles_accepted_total") == 4);
    CHECK(metric(text->body, "raymill_frames_done_total") == 1);
    CHECK(metric(text->body, "raymill_leases_total") == 5); // four tiles and the finish
    CHECK(metric(text->body, "raymill_workers") == 1);
    CHECK(metric(text->body, "raymill_jobs_open") == 0);
    CHECK(metric(text->body, "raymill_ledger_commit_seconds_count") > 0);
    CHECK(metric(text->body, "raymill_nonsense") == -1);
    CHECK(farm.http("").get("/readyz")->status == 200);
}

TEST_CASE("a backup that is made while the farm works serves on its own with all that was acknowledged before it") {
    TestFarm farm(2);
    const auto scene = farm.scene("tile_ms=5");
    const auto done = farm.submit(scene, {{"size", "64x64"}, {"spp", "1"}, {"tile", "16"}});
    CHECK(farm.wait(done).state == "done");
    const auto running = farm.submit(scene, {{"size", "160x160"}, {"spp", "1"}, {"tile", "16"}, {"frames", "1-4"}});
    auto client = farm.client();
    REQUIRE(eventually([&] { return client.job(running)->tiles_done >= 20; }));
    const auto before = client.job(running)->tiles_done;
    const auto copied = back_up(farm.folder / "server", farm.folder / "copy");
    REQUIRE_MESSAGE(copied.has_value(), copied.error().message());
    CHECK(copied->files > 3);
    CHECK_FALSE(back_up(farm.folder / "server", farm.folder / "copy").has_value()); // never over another
    CHECK(farm.wait(running).state == "done");
    const auto expected = farm.images(running);
    const auto finished = farm.images(done);

    farm.workers.clear();
    farm.server->kill();
    std::filesystem::rename(farm.folder / "server", farm.folder / "gone");
    std::filesystem::rename(farm.folder / "copy", farm.folder / "server");
    farm.start_server();
    CHECK(farm.client().job(running)->tiles_done >= before);
    CHECK(farm.images(done) == finished);
    farm.start_worker(0);
    CHECK(farm.wait(running).state == "done");
    CHECK(farm.images(running) == expected);
}

TEST_CASE("days are days of the calendar, and a table that a spreadsheet opens starts no formula") {
    CHECK(parse_day("1970-01-01") == 0);
    CHECK(parse_day("2026-11-24") == 20781);
    CHECK(parse_day("2024-02-29") == 19782);
    for (const std::string bad : {"2026-02-29", "2026-13-01", "1969-12-31", "2026-1-01", "2026-01-01x", "", "2026-01-1a"})
        CHECK_FALSE(parse_day(bad).has_value());
    for (const std::int64_t day : {0, 19782, 20781}) CHECK(parse_day(day_text(day)) == day);
    const std::vector<UsageRow> rows{
        {"=cmd", 1, 2, 3, 4, 5, 6, 7, 8}, {"a,\"b\"", 1, 3, 1, 0, 0, 0, 0, 0}, {"=cmd", 9, 2, 1, 1, 1, 0, 1, 1}};
    const auto sums = sum_usage(rows, UsageBy::tenant);
    REQUIRE(sums.size() == 2);
    CHECK(sums[0] == UsageRow{"=cmd", 0, 0, 4, 5, 6, 6, 8, 9});
    CHECK(usage_csv(sums, UsageBy::tenant).find("\r\n\"'=cmd\",4,5,") != std::string::npos);
    CHECK(usage_csv(sums, UsageBy::tenant).find("\r\n\"a,\"\"b\"\"\",1,0,") != std::string::npos);
    CHECK(sum_usage(rows, UsageBy::day).size() == 2);
    CHECK(sum_usage(rows, UsageBy::job).size() == 3);
}

TEST_CASE("a histogram's buckets hold all that took at most their bound") {
    Durations durations;
    for (const double seconds : {0.0005, 0.001, 0.0011, 0.3, 7.0}) durations.add(seconds);
    std::string text;
    durations.write(text, "x", "Y.");
    CHECK(text.find("x_bucket{le=\"0.001\"} 2\n") != std::string::npos);
    CHECK(text.find("x_bucket{le=\"0.5\"} 4\n") != std::string::npos);
    CHECK(text.find("x_bucket{le=\"1\"} 4\n") != std::string::npos);
    CHECK(text.find("x_bucket{le=\"+Inf\"} 5\n") != std::string::npos);
    CHECK(text.find("x_count 5\n") != std::string::npos);
}
