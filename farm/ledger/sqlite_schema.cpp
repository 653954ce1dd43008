// The ledger's tables, and how an older file becomes one of today's.
#include "farm/ledger/sqlite_parts.hpp"

#include <iterator>
#include <string>

namespace raymill::farm {
namespace {

constexpr int schema_version = 2;

constexpr const char* schema = R"sql(
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
-- Accepted tiles.
CREATE TABLE tiles (
  job INTEGER NOT NULL, frame INTEGER NOT NULL, tile INTEGER NOT NULL, fence INTEGER NOT NULL, worker TEXT NOT NULL, seq INTEGER NOT NULL,
  sha256 TEXT NOT NULL, size INTEGER NOT NULL, preview TEXT NOT NULL, preview_size INTEGER NOT NULL, samples INTEGER NOT NULL, rays INTEGER NOT NULL,
  trace_s REAL NOT NULL, trace_cpu_s REAL NOT NULL, prepare_s REAL NOT NULL, peak_rss_mb REAL NOT NULL, at INTEGER NOT NULL DEFAULT 0,
  score REAL NOT NULL DEFAULT 0, PRIMARY KEY (job, frame, tile)) WITHOUT ROWID;
CREATE TABLE frames (
  job INTEGER NOT NULL, frame INTEGER NOT NULL, state INTEGER NOT NULL, fault_code TEXT NOT NULL, fault_message TEXT NOT NULL,
  sha256 TEXT NOT NULL, size INTEGER NOT NULL, trace_s REAL NOT NULL, trace_cpu_s REAL NOT NULL, PRIMARY KEY (job, frame)) WITHOUT ROWID;
-- By job, since that is how they are asked for; numbers has the greatest seq.
CREATE TABLE events (
  job INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL, frame INTEGER NOT NULL, tile INTEGER NOT NULL, state TEXT NOT NULL,
  fault_code TEXT NOT NULL, fault_message TEXT NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (job, seq)) WITHOUT ROWID;
CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO numbers VALUES ('last_seq', 0);
-- What is billed; kept when the job's own rows are gone.
CREATE TABLE usage (
  tenant TEXT NOT NULL, day INTEGER NOT NULL, job INTEGER NOT NULL, tiles INTEGER NOT NULL, frames INTEGER NOT NULL, device_s REAL NOT NULL,
  unscored_s REAL NOT NULL, bench_h REAL NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (tenant, day, job)) WITHOUT ROWID;
)sql";

/// What makes version N + 1 of version N; the N-th is at index N - 1.
constexpr const char* upgrades[] = {
    // 2: events by job without a second index; when a tile was accepted and how fast its host is; usage, from the tiles that are there.
    R"sql(
ALTER TABLE tiles ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tiles ADD COLUMN score REAL NOT NULL DEFAULT 0;
UPDATE tiles SET at = ifnull((SELECT e.at FROM events e WHERE e.seq = tiles.seq), (SELECT created FROM jobs j WHERE j.job = tiles.job));
ALTER TABLE events RENAME TO old_events;
DROP INDEX events_by_job;
CREATE TABLE events (
  job INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL, frame INTEGER NOT NULL, tile INTEGER NOT NULL, state TEXT NOT NULL,
  fault_code TEXT NOT NULL, fault_message TEXT NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (job, seq)) WITHOUT ROWID;
INSERT INTO events SELECT job, seq, at, what, frame, tile, state, fault_code, fault_message, total, done FROM old_events;
CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO numbers SELECT 'last_seq', ifnull(max(seq), 0) FROM old_events;
DROP TABLE old_events;
CREATE TABLE usage (
  tenant TEXT NOT NULL, day INTEGER NOT NULL, job INTEGER NOT NULL, tiles INTEGER NOT NULL, frames INTEGER NOT NULL, device_s REAL NOT NULL,
  unscored_s REAL NOT NULL, bench_h REAL NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (tenant, day, job)) WITHOUT ROWID;
INSERT INTO usage SELECT j.tenant, t.at / 86400000000, t.job, count(*), 0, sum(t.trace_s), sum(t.trace_s), 0, sum(t.size + t.preview_size)
  FROM tiles t JOIN jobs j ON j.job = t.job GROUP BY j.tenant, t.at / 86400000000, t.job;
-- A frame of before has no time of its own: it counts on its job's last day.
INSERT INTO usage SELECT j.tenant, max(j.finished, j.started, j.created) / 86400000000, f.job, 0, count(*), 0, 0, 0, sum(f.size)
  FROM frames f JOIN jobs j ON j.job = f.job WHERE f.state = 3 GROUP BY f.job
  ON CONFLICT (tenant, day, job) DO UPDATE SET frames = frames + excluded.frames, bytes = bytes + excluded.bytes;
)sql",
};
static_assert(std::size(upgrades) + 1 == schema_version);

} // namespace

Status set_up_schema(sqlite3* db, const std::filesystem::path& file) {
    Statement version;
    if (auto ok = version.prepare(db, "PRAGMA user_version"); !ok) return ok;
    if (const auto row = version.step(); !row) return std::unexpected(row.error());
    const auto found = version.integer(0);
    version.bind();
    if (found == schema_version) return {};
    if (found < 0 || found > schema_version)
        return fail(Code::unsupported, file.string(),
                    "the ledger has schema " + std::to_string(found) + ", this raymill knows " + std::to_string(schema_version) +
                        "; use the raymill that wrote it");
    std::string sql = "BEGIN IMMEDIATE;";
    if (found == 0)
        sql += schema;
    else
        for (auto at = found; at < schema_version; ++at) sql += upgrades[at - 1];
    sql += "PRAGMA user_version=" + std::to_string(schema_version) + ";COMMIT;";
    if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    auto error = sql_error(db, found == 0 ? "making its tables" : "upgrading its tables");
    sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr);
    return error;
}

} // namespace raymill::farm
