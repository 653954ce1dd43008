// A ledger that an older raymill wrote goes on with all that it has.
#include "farm/ledger/ledger.hpp"
#include "tests/farm/scratch.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>

using namespace raymill;
using namespace raymill::farm;
using namespace raymill::farm::scheduler;

namespace {

// Word for word what raymill made before schema 2.
constexpr const char* schema_1 = R"sql(
CREATE TABLE tenants (name TEXT NOT NULL, token_sha256 TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE scenes (tenant TEXT NOT NULL, scene TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (tenant, scene)) WITHOUT ROWID;
CREATE TABLE jobs (
  job INTEGER PRIMARY KEY, tenant TEXT NOT NULL, scene TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, settings TEXT NOT NULL,
  tile_edge INTEGER NOT NULL, frames INTEGER NOT NULL, tiles INTEGER NOT NULL, created INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 0, started INTEGER NOT NULL DEFAULT 0, finished INTEGER NOT NULL DEFAULT 0,
  fault_code TEXT NOT NULL DEFAULT '', fault_message TEXT NOT NULL DEFAULT '', device TEXT NOT NULL DEFAULT '', notes TEXT NOT NULL DEFAULT '[]');
CREATE UNIQUE INDEX jobs_by_key ON jobs (tenant, key) WHERE key <> '';
-- The newest fence of each task that was leased and is not done.
CREATE TABLE tasks (
  job INTEGER NOT NULL, frame INTEGER NOT NULL, tile INTEGER NOT NULL, fence INTEGER NOT NULL, holder TEXT NOT NULL, last_holder TEXT NOT NULL,
  failures INTEGER NOT NULL, losses INTEGER NOT NULL, failed_by TEXT NOT NULL, PRIMARY KEY (job, frame, tile)) WITHOUT ROWID;
-- Accepted tiles: what is billed.
CREATE TABLE tiles (
  job INTEGER NOT NULL, frame INTEGER NOT NULL, tile INTEGER NOT NULL, fence INTEGER NOT NULL, worker TEXT NOT NULL, seq INTEGER NOT NULL,
  sha256 TEXT NOT NULL, size INTEGER NOT NULL, preview TEXT NOT NULL, preview_size INTEGER NOT NULL, samples INTEGER NOT NULL, rays INTEGER NOT NULL,
  trace_s REAL NOT NULL, trace_cpu_s REAL NOT NULL, prepare_s REAL NOT NULL, peak_rss_mb REAL NOT NULL, PRIMARY KEY (job, frame, tile)) WITHOUT ROWID;
CREATE TABLE frames (
  job INTEGER NOT NULL, frame INTEGER NOT NULL, state INTEGER NOT NULL, fault_code TEXT NOT NULL, fault_message TEXT NOT NULL,
  sha256 TEXT NOT NULL, size INTEGER NOT NULL, trace_s REAL NOT NULL, trace_cpu_s REAL NOT NULL, PRIMARY KEY (job, frame)) WITHOUT ROWID;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, job INTEGER NOT NULL, what TEXT NOT NULL, frame INTEGER NOT NULL, tile INTEGER NOT NULL, state TEXT NOT NULL,
  fault_code TEXT NOT NULL, fault_message TEXT NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL);
CREATE INDEX events_by_job ON events (job, seq);
)sql";

// Two tenants; job 16 runs (frame 0 done, frame 1 half done, a lease out), job 17 is done. Day 20000 begins at 1728000000 s.
constexpr const char* rows_1 = R"sql(
INSERT INTO tenants VALUES ('t', 'hash');
INSERT INTO scenes VALUES ('t', 'scene', 5);
INSERT INTO jobs (job, tenant, scene, name, key, settings, tile_edge, frames, tiles, created, state, started) VALUES
  (16, 't', 'scene', 'n', 'k', '{"size":"20x10"}', 10, 3, 2, 1728000000000000, 1, 1728000001000000);
INSERT INTO jobs (job, tenant, scene, name, key, settings, tile_edge, frames, tiles, created, state, started, finished) VALUES
  (17, 'u', 'scene', 'm', '', '{"size":"10x10"}', 10, 1, 1, 1728000000000000, 2, 1728000001000000, 1728100000000000);
INSERT INTO tasks VALUES (16, 1, 1, 3, 'w', 'w', 1, 2, '["x"]');
INSERT INTO tiles VALUES (16, 0, 0, 1, 'w', 5, 'a0', 100, 'p0', 10, 1000, 3000, 1.5, 1, 0, 50);
INSERT INTO tiles VALUES (16, 0, 1, 2, 'w', 6, 'a1', 200, 'p1', 20, 1000, 3000, 2.5, 1, 0, 50);
INSERT INTO tiles VALUES (16, 1, 0, 1, 'v', 9, 'a2', 300, 'p2', 30, 1000, 3000, 4.0, 1, 0, 50);
INSERT INTO tiles VALUES (17, 0, 0, 1, 'v', 3, 'a3', 400, 'p3', 40, 1000, 3000, 8.0, 1, 0, 50);
INSERT INTO frames VALUES (16, 0, 3, '', '', 'f0', 5000, 0, 0);
INSERT INTO frames VALUES (16, 1, 1, '', '', '', 0, 0, 0);
INSERT INTO frames VALUES (17, 0, 3, '', '', 'f1', 7000, 0, 0);
INSERT INTO events VALUES (3, 1728000002000000, 17, 'tile', 0, 0, 'done', '', '', 1, 1);
INSERT INTO events VALUES (5, 1728000003000000, 16, 'tile', 0, 0, 'done', '', '', 6, 1);
INSERT INTO events VALUES (6, 1728000004000000, 16, 'tile', 0, 1, 'done', '', '', 6, 2);
INSERT INTO events VALUES (7, 1728000005000000, 16, 'frame', 0, 0, 'done', 'c', 'm', 6, 2);
INSERT INTO events VALUES (9, 1728090000000000, 16, 'tile', 1, 0, 'done', '', '', 6, 3);
PRAGMA user_version=1;
)sql";

template<class T> T must(Result<T> result) {
    REQUIRE_MESSAGE(result.has_value(), result.error().message());
    return std::move(*result);
}

void make_1(const std::filesystem::path& file, const char* more = "") {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
    for (const char* sql : {schema_1, rows_1, more}) REQUIRE(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
}

} // namespace

TEST_CASE("a ledger of schema 1 is upgraded with its jobs, leases, events and what was used, once") {
    const Scratch folder;
    const auto file = folder / "ledger.db";
    make_1(file);
    for (int opening = 0; opening < 2; ++opening) {
        auto ledger = must(open_sqlite_ledger(file));
        const auto jobs = must(ledger->jobs());
        REQUIRE(jobs.size() == 2);
        CHECK(jobs[0].state == JobState::running);
        CHECK(jobs[0].tiles_done == 3);
        CHECK(jobs[0].frames_done == 1);
        CHECK(jobs[0].stats.trace_s == 8.0);
        const auto progress = must(ledger->progress(16));
        REQUIRE(progress.tasks.size() == 1);
        CHECK(
            progress.tasks[0] ==
            TaskChanged{.task = {16, 1, 1}, .fence = 3, .holder = "w", .last_holder = "w", .failures = 1, .losses = 2, .failed_by = {"x"}});
        CHECK(progress.done.size() == 3);
        CHECK(must(ledger->last_seq()) == 9);
        const auto events = must(ledger->events(16, 5, 10));
        REQUIRE(events.size() == 3);
        CHECK(events[1] == Logged{.seq = 7,
                                  .at = 1728000005000000,
                                  .job = 16,
                                  .what = "frame",
                                  .frame = 0,
                                  .tile = 0,
                                  .state = "done",
                                  .fault = {"c", "m"},
                                  .tiles_total = 6,
                                  .tiles_done = 2});
        const auto tiles = must(ledger->tiles(16, 1, 0, 10));
        REQUIRE(tiles.size() == 1);
        CHECK(tiles[0].at == 1728090000000000);
        CHECK(tiles[0].output.score == 0);
        // Tiles count on the day they were accepted; no host had a score; a frame of before counts on its job's last day.
        CHECK(must(ledger->usage({}, 10)) == std::vector<UsageRow>{{"t", 16, 20000, 2, 1, 4, 4, 0, 330 + 5000},
                                                                   {"t", 16, 20001, 1, 0, 4, 4, 0, 330},
                                                                   {"u", 17, 20000, 1, 0, 8, 8, 0, 440},
                                                                   {"u", 17, 20001, 0, 1, 0, 0, 0, 7000}});
        CHECK(must(ledger->usage({.tenant = "u"}, 10)).size() == 2);
        CHECK(must(ledger->usage({.tenant = {}, .job = 16, .from = 20001, .to = 20002}, 10)).size() == 1);
    }
}

TEST_CASE("an upgrade that fails leaves the old ledger as it was") {
    const Scratch folder;
    const auto file = folder / "ledger.db";
    make_1(file, "CREATE TABLE usage (x)"); // somebody's own table is in the way
    CHECK_FALSE(open_sqlite_ledger(file).has_value());
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "DROP TABLE usage; SELECT seq FROM events; SELECT sha256 FROM tiles", nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
    CHECK(must(must(open_sqlite_ledger(file))->jobs()).size() == 2);
}
