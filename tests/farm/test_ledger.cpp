// One suite over every ledger: what is committed comes back, the same from each, after a restart too.
#include "farm/ledger/ledger.hpp"
#include "tests/farm/scratch.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <sqlite3.h>
#include <sys/stat.h>

using namespace raymill;
using namespace raymill::farm;
using namespace raymill::farm::scheduler;

namespace {

Output output(std::uint64_t n) {
    return {.sha256 = sha256_of(std::to_string(n)),
            .preview = sha256_of("p" + std::to_string(n)),
            .size = n,
            .preview_size = n + 1,
            .samples = 100 * n,
            .rays = 300 * n,
            .trace_s = 0.5 * double(n),
            .trace_cpu_s = 0.25,
            .prepare_s = 0.125,
            .peak_rss_mb = double(n)};
}

JobAdded job(JobId id, const std::string& tenant, const std::string& key = "") {
    return {.spec = {id, tenant, 4, 9},
            .scene = sha256_of("scene"),
            .name = "näme \"quoted\"",
            .key = key,
            .settings = {{"size", "30x30"}, {"camera", "a'b"}},
            .tile_edge = 10,
            .at = 123456};
}

/// Runs `test` with a function that opens the ledger anew; for the memory ledger that is the same one again.
template<class Test> void on_each(Test test) {
    SUBCASE("memory") {
        std::shared_ptr<Ledger> only = open_memory_ledger();
        test([&] { return only; });
    }
    SUBCASE("sqlite") {
        const Scratch folder;
        std::shared_ptr<Ledger> open;
        test([&] {
            open.reset();
            auto ledger = open_sqlite_ledger(folder / "ledger.db");
            REQUIRE_MESSAGE(ledger.has_value(), ledger.error().message());
            open = std::move(*ledger);
            return open;
        });
    }
}

template<class T> T must(Result<T> result) {
    REQUIRE_MESSAGE(result.has_value(), result.error().message());
    return std::move(*result);
}

void commit(Ledger& ledger, std::vector<Entry> entries) {
    const auto ok = ledger.commit(entries);
    REQUIRE_MESSAGE(ok.has_value(), ok.error().message());
}

} // namespace

TEST_CASE("a ledger gives back what was committed, after being closed and opened again") {
    on_each([](auto open) {
        const TaskChanged task{
            .task = {1, 2, 3}, .fence = 7, .holder = "w", .last_holder = "w", .failures = 1, .losses = 2, .failed_by = {"x", "y"}};
        const TaskChanged finish{.task = {1, 0, finish_tile},
                                 .fence = 0xffffffff,
                                 .holder = "",
                                 .last_holder = "v",
                                 .failures = 0,
                                 .losses = 0,
                                 .failed_by = {}};
        const TileAccepted tile{.task = {1, 0, 8}, .fence = 2, .worker = "w", .output = output(5), .seq = 3};
        const FrameChanged failed{.job = 1, .frame = 3, .state = FrameState::failed, .fault = {"failed", "why"}, .output = {}};
        const FrameChanged done{.job = 1,
                                .frame = 1,
                                .state = FrameState::done,
                                .fault = {},
                                .output = {.sha256 = sha256_of("image"), .preview = {}, .size = 1ull << 40}};
        const Logged event{.seq = 3,
                           .at = 99,
                           .job = 1,
                           .what = "tile",
                           .frame = 0,
                           .tile = 8,
                           .state = "done",
                           .fault = {"c", "m"},
                           .tiles_total = 36,
                           .tiles_done = 1};
        {
            auto ledger = open();
            CHECK(must(ledger->jobs()).empty());
            CHECK(must(ledger->last_seq()) == 0);
            commit(*ledger, {TenantsSet{{{"b", "hash2"}, {"a", "hash1"}}}, SceneAdded{"t", "scene", 5}, job(1, "t", "key"), job(2, "t")});
            commit(*ledger,
                   {task, finish, tile, FrameChanged{.job = 1, .frame = 0, .state = FrameState::assembling, .fault = {}, .output = {}},
                    done, failed, event, JobChanged{1, JobState::running, {}, 1000}, JobNoted{1, "dev", {"no \"fur\"", "é"}},
                    JobChanged{2, JobState::cancelled, {"c", "m"}, 2000}});
            commit(*ledger, {});
        }
        auto ledger = open();
        auto tenants = must(ledger->tenants());
        std::ranges::sort(tenants, {}, &TenantRow::name);
        CHECK(tenants == std::vector<TenantRow>{{"a", "hash1"}, {"b", "hash2"}});
        CHECK(must(ledger->has_scene("t", "scene")));
        CHECK_FALSE(must(ledger->has_scene("u", "scene"))); // another tenant's scene is nobody's business
        const auto jobs = must(ledger->jobs());
        REQUIRE(jobs.size() == 2);
        CHECK(jobs[0].added == job(1, "t", "key"));
        CHECK(jobs[0].state == JobState::running);
        CHECK(jobs[0].started == 1000);
        CHECK(jobs[0].finished == 0);
        CHECK(jobs[0].device == "dev");
        CHECK(jobs[0].notes == std::vector<std::string>{"no \"fur\"", "é"});
        CHECK(jobs[0].tiles_done == 1);
        CHECK(jobs[0].frames_done == 1);
        CHECK(jobs[0].frames_failed == 1);
        CHECK(jobs[0].stats ==
              JobStats{.samples = 500, .rays = 1500, .trace_s = 2.5, .trace_cpu_s = 0.25, .prepare_s = 0.125, .peak_rss_mb = 5});
        CHECK(jobs[1].state == JobState::cancelled);
        CHECK(jobs[1].finished == 2000);
        CHECK(jobs[1].fault == Fault{"c", "m"});
        const auto progress = must(ledger->progress(1));
        CHECK(progress.tasks == std::vector{finish, task});
        CHECK(progress.done == std::vector{std::pair(0u, 8u)});
        REQUIRE(progress.frames.size() == 3);
        CHECK(progress.frames[1].output.sha256 == done.output.sha256);
        CHECK(progress.frames[2] == failed);
        CHECK(must(ledger->last_seq()) == 3);
        CHECK(must(ledger->tiles(1, 0, 0, 10)) == std::vector{tile});
        CHECK(must(ledger->tiles(1, 0, 3, 10)).empty());
        CHECK(must(ledger->chunks(1, 0, 8, 10)) == std::vector{tile});
        CHECK(must(ledger->chunks(1, 0, 9, 10)).empty());
        CHECK(must(ledger->events(1, 0, 10)) == std::vector{event});
        CHECK(must(ledger->events(2, 0, 10)).empty());
        const auto frames = must(ledger->frames(1, 0, 10));
        REQUIRE(frames.size() == 3);
        CHECK(frames[0] == FrameRow{0, FrameState::assembling, {}, "", 0, 1});
        CHECK(frames[1] == FrameRow{1, FrameState::done, {}, sha256_of("image"), 1ull << 40, 0});
        CHECK(must(ledger->frames(1, 1, 1)).size() == 1);
        CHECK(must(ledger->frames(1, 4, 10)).empty());
    });
}

TEST_CASE("what is over takes its leases with it, and a tile is accepted once") {
    on_each([](auto open) {
        auto ledger = open();
        const auto lease = [](JobId id, std::uint32_t frame, std::uint32_t tile) {
            return TaskChanged{
                .task = {id, frame, tile}, .fence = 1, .holder = "w", .last_holder = "w", .failures = 0, .losses = 0, .failed_by = {}};
        };
        commit(*ledger, {job(1, "t"), job(2, "t"), lease(1, 0, 0), lease(1, 0, 1), lease(1, 1, 0), lease(1, 1, finish_tile), lease(1, 2, 0),
                         lease(2, 0, 0)});
        commit(*ledger, {TileAccepted{{1, 0, 0}, 1, "w", output(1), 1}, TileAccepted{{1, 0, 0}, 2, "v", output(2), 2}});
        CHECK(must(ledger->progress(1)).tasks == std::vector{lease(1, 0, 1), lease(1, 1, 0), lease(1, 1, finish_tile), lease(1, 2, 0)});
        CHECK(must(ledger->jobs())[0].tiles_done == 1);
        CHECK(must(ledger->tiles(1, 0, 0, 10)).at(0).worker == "w");
        commit(*ledger, {FrameChanged{.job = 1, .frame = 1, .state = FrameState::done, .fault = {}, .output = output(3)}});
        CHECK(must(ledger->progress(1)).tasks == std::vector{lease(1, 0, 1), lease(1, 2, 0)});
        commit(*ledger, {FrameChanged{.job = 1, .frame = 1, .state = FrameState::failed, .fault = {}, .output = {}}}); // over stays over
        CHECK(must(ledger->jobs())[0].frames_done == 1);
        CHECK(must(ledger->jobs())[0].frames_failed == 0);
        commit(*ledger, {JobChanged{1, JobState::failed, {}, 5}});
        CHECK(must(ledger->progress(1)).tasks.empty());
        CHECK(must(ledger->progress(2)).tasks == std::vector{lease(2, 0, 0)});
        commit(*ledger, {TenantsSet{{{"a", "x"}}}, TenantsSet{{{"b", "y"}}}});
        CHECK(must(ledger->tenants()) == std::vector<TenantRow>{{"b", "y"}});
    });
}

TEST_CASE("usage is what was accepted, each tile once, on its day, to the right job and tenant") {
    // A tile or frame that comes twice, or a bill that is not in the same commit, would show as a sum that is not that of the rows.
    static constexpr Time day = 86400 * second;
    on_each([](auto open) {
        auto ledger = open();
        commit(*ledger, {job(1, "t"), job(2, "t"), job(3, "u")});
        const auto tile = [](JobId id, std::uint32_t index, Time at, double trace_s, double score) {
            TileAccepted accepted{.task = {id, 0, index}, .fence = 1, .worker = "w", .output = output(1), .seq = 10 * id + index, .at = at};
            accepted.output.trace_s = trace_s;
            accepted.output.score = score;
            return accepted;
        };
        commit(*ledger, {tile(1, 0, day - 1, 3600, 2), tile(1, 1, day, 1800, 0.5), tile(1, 1, day, 1800, 0.5), tile(2, 0, day, 100, 0)});
        commit(*ledger, {tile(1, 0, 3 * day, 3600, 2), tile(1, 2, day, 1800, 0.5), tile(3, 0, day, 7200, 1)});
        const FrameChanged frame{
            .job = 1, .frame = 0, .state = FrameState::done, .fault = {}, .output = {.sha256 = "x", .preview = {}, .size = 500}, .at = day};
        commit(*ledger,
               {frame, frame, FrameChanged{.job = 1, .frame = 1, .state = FrameState::failed, .fault = {}, .output = {}, .at = day}});
        const std::vector<UsageRow> expected{{"t", 1, 0, 1, 0, 3600, 0, 2, 3},
                                             {"t", 1, 1, 2, 1, 3600, 0, 0.5, 506},
                                             {"t", 2, 1, 1, 0, 100, 100, 0, 3},
                                             {"u", 3, 1, 1, 0, 7200, 0, 2, 3}};
        CHECK(must(ledger->usage({}, 100)) == expected);
        CHECK(must(ledger->usage({}, 2)).size() == 2);
        CHECK(must(ledger->usage({.tenant = "t", .job = 1, .from = 1, .to = 2}, 100)) == std::vector{expected[1]});
        CHECK(must(ledger->usage({.tenant = "nobody"}, 100)).empty());
        CHECK(must(open()->usage({}, 100)) == expected);
    });
}

TEST_CASE("a batch that cannot be written whole is not written at all, and the ledger says so from then on") {
    const Scratch folder;
    {
        auto ledger = must(open_sqlite_ledger(folder / "ledger.db"));
        commit(*ledger, {job(1, "t", "key")});
        CHECK_FALSE(ledger->commit(std::vector<Entry>{job(2, "t"), job(3, "t", "key")}).has_value()); // the key is taken
        CHECK_FALSE(ledger->commit(std::vector<Entry>{job(4, "t")}).has_value());
    }
    auto ledger = must(open_sqlite_ledger(folder / "ledger.db"));
    CHECK(must(ledger->jobs()).size() == 1);
}

TEST_CASE("the ledger's file is its owner's alone, and one of a newer schema is refused") {
    const Scratch folder;
    const auto file = folder / "ledger.db";
    (void)must(open_sqlite_ledger(file));
    struct stat info {};
    REQUIRE(::stat(file.c_str(), &info) == 0);
    CHECK((info.st_mode & 077) == 0);
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db, "PRAGMA user_version=3", nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
    const auto newer = open_sqlite_ledger(file);
    REQUIRE_FALSE(newer.has_value());
    CHECK(newer.error().code == Code::unsupported);
}
