// The default ledger: one SQLite file. The writer's connection belongs to the thread that commits; questions share a second one behind a
// lock, which in WAL mode neither waits for the writer nor makes it wait.
#include "farm/ledger/ledger.hpp"

#include <mutex>
#include <nlohmann/json.hpp>
#include <sqlite3.h>
#include <sys/stat.h>
#include <tuple>
#include <type_traits>

namespace raymill::farm {

using namespace scheduler;

namespace {

constexpr int schema_version = 1;

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

using Connection = std::unique_ptr<sqlite3, decltype([](sqlite3* db) { sqlite3_close(db); })>;

std::unexpected<Error> sql_error(sqlite3* db, const char* where) {
    return fail(Code::io, std::string("ledger: ") + where, sqlite3_errmsg(db));
}

/// A prepared statement; bind in order, then step. Reset on destruction of its Run.
class Statement {
  public:
    Statement() = default;
    Status prepare(sqlite3* db, const char* sql) {
        db_ = db;
        sqlite3_stmt* raw = nullptr;
        if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK) return sql_error(db, sql);
        statement_.reset(raw);
        return {};
    }
    template<class... Values> Statement& bind(const Values&... values) {
        sqlite3_reset(statement_.get());
        int at = 0;
        (bind_one(++at, values), ...);
        return *this;
    }
    /// True while there is a row.
    Result<bool> step() {
        const int code = sqlite3_step(statement_.get());
        if (code == SQLITE_ROW) return true;
        const auto error = code == SQLITE_DONE ? std::string() : std::string(sqlite3_errmsg(db_));
        sqlite3_reset(statement_.get());
        if (code == SQLITE_DONE) return false;
        return fail(Code::io, "ledger", error);
    }
    Status run() {
        const auto row = step();
        if (!row) return std::unexpected(row.error());
        return {};
    }
    [[nodiscard]] std::string text(int column) const {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
        return {bytes != nullptr ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
    }
    [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
    [[nodiscard]] std::uint32_t small(int column) const { return static_cast<std::uint32_t>(integer(column)); }
    [[nodiscard]] std::uint64_t big(int column) const { return static_cast<std::uint64_t>(integer(column)); }
    [[nodiscard]] double real(int column) const { return sqlite3_column_double(statement_.get(), column); }

  private:
    // The texts outlive the step: they are the callers' arguments.
    void bind_one(int at, const std::string& value) {
        sqlite3_bind_text(statement_.get(), at, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    }
    void bind_one(int at, double value) { sqlite3_bind_double(statement_.get(), at, value); }
    template<class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
    void bind_one(int at, T value) { sqlite3_bind_int64(statement_.get(), at, static_cast<sqlite3_int64>(value)); }

    sqlite3* db_ = nullptr;
    std::unique_ptr<sqlite3_stmt, decltype([](sqlite3_stmt* s) { sqlite3_finalize(s); })> statement_;
};

Result<Connection> connect(const std::filesystem::path& file) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    Connection db(raw);
    if (code != SQLITE_OK)
        return fail(Code::io, file.string(),
                    std::string("the ledger cannot be opened: ") + (raw != nullptr ? sqlite3_errmsg(raw) : "no memory"));
    sqlite3_busy_timeout(raw, 10000);
    if (sqlite3_exec(raw, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;", nullptr, nullptr, nullptr) !=
        SQLITE_OK)
        return fail(Code::io, file.string(), std::string("the ledger cannot be used: ") + sqlite3_errmsg(raw));
    return db;
}

std::string joined(const std::vector<std::string>& words) {
    return nlohmann::json(words).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::string> split(const std::string& text) {
    const auto list = nlohmann::json::parse(text, nullptr, false);
    std::vector<std::string> words;
    if (list.is_array())
        for (const auto& word : list)
            if (word.is_string()) words.push_back(word.get<std::string>());
    return words;
}

bool is_over(JobState state) { return state == JobState::done || state == JobState::failed || state == JobState::cancelled; }
bool is_over(FrameState state) { return state == FrameState::done || state == FrameState::failed; }

class SqliteLedger final : public Ledger {
  public:
    Status open(const std::filesystem::path& file) {
        auto writer = connect(file);
        if (!writer) return std::unexpected(writer.error());
        writer_ = std::move(*writer);
        ::chmod(file.c_str(), 0600);
        if (auto ok = set_up(file); !ok) return ok;
        auto reader = connect(file);
        if (!reader) return std::unexpected(reader.error());
        reader_ = std::move(*reader);
        return prepare();
    }

    Status commit(std::span<const Entry> entries) override {
        if (broken_) return fail(Code::io, "ledger", "an earlier commit failed; the server must be started anew");
        Status ok = begin_.bind().run();
        for (const auto& entry : entries)
            if (ok) ok = std::visit([this](const auto& e) { return write(e); }, entry);
        if (ok) ok = commit_.bind().run();
        if (!ok) {
            broken_ = true;
            sqlite3_exec(writer_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
        }
        return ok;
    }

    Result<std::vector<TenantRow>> tenants() override {
        return read<TenantRow>(tenants_, std::tuple(), [](const Statement& s) { return TenantRow{s.text(0), s.text(1)}; });
    }
    Result<bool> has_scene(const std::string& tenant, const std::string& scene) override {
        const auto rows = read<int>(has_scene_, std::tuple(tenant, scene), [](const Statement&) { return 1; });
        if (!rows) return std::unexpected(rows.error());
        return !rows->empty();
    }
    Result<std::vector<JobRow>> jobs() override {
        return read<JobRow>(jobs_, std::tuple(), [](const Statement& s) {
            JobRow row;
            row.added = {.spec = {.id = s.big(0), .tenant = s.text(1), .frames = s.small(7), .tiles = s.small(8)},
                         .scene = s.text(2),
                         .name = s.text(3),
                         .key = s.text(4),
                         .settings = {},
                         .tile_edge = s.small(6),
                         .at = s.integer(9)};
            const auto words = nlohmann::json::parse(s.text(5), nullptr, false);
            if (words.is_object())
                for (const auto& [name, word] : words.items())
                    if (word.is_string()) row.added.settings[name] = word.get<std::string>();
            row.state = static_cast<JobState>(s.small(10));
            row.started = s.integer(11);
            row.finished = s.integer(12);
            row.fault = {s.text(13), s.text(14)};
            row.device = s.text(15);
            row.notes = split(s.text(16));
            row.tiles_done = s.big(17);
            row.stats = {.samples = s.big(18),
                         .rays = s.big(19),
                         .trace_s = s.real(20),
                         .trace_cpu_s = s.real(21),
                         .prepare_s = s.real(22),
                         .peak_rss_mb = s.real(23)};
            row.frames_done = s.small(24);
            row.frames_failed = s.small(25);
            return row;
        });
    }
    Result<Progress> progress(JobId job) override {
        Progress progress;
        auto tasks = read<TaskChanged>(tasks_, std::tuple(job), [&](const Statement& s) {
            return TaskChanged{.task = {job, s.small(0), s.small(1)},
                               .fence = s.small(2),
                               .holder = s.text(3),
                               .last_holder = s.text(4),
                               .failures = s.small(5),
                               .losses = s.small(6),
                               .failed_by = split(s.text(7))};
        });
        if (!tasks) return std::unexpected(tasks.error());
        auto done = read<std::pair<std::uint32_t, std::uint32_t>>(done_, std::tuple(job),
                                                                  [](const Statement& s) { return std::pair(s.small(0), s.small(1)); });
        if (!done) return std::unexpected(done.error());
        auto frames = read<FrameChanged>(all_frames_, std::tuple(job), [&](const Statement& s) {
            FrameChanged frame{.job = job,
                               .frame = s.small(0),
                               .state = static_cast<FrameState>(s.small(1)),
                               .fault = {s.text(2), s.text(3)},
                               .output = {}};
            frame.output.sha256 = s.text(4);
            frame.output.size = s.big(5);
            frame.output.trace_s = s.real(6);
            frame.output.trace_cpu_s = s.real(7);
            return frame;
        });
        if (!frames) return std::unexpected(frames.error());
        return Progress{std::move(*tasks), std::move(*done), std::move(*frames)};
    }
    Result<std::uint64_t> last_seq() override {
        const auto rows = read<std::uint64_t>(last_seq_, std::tuple(), [](const Statement& s) { return s.big(0); });
        if (!rows) return std::unexpected(rows.error());
        return rows->empty() ? 0 : rows->front();
    }
    Result<std::vector<FrameRow>> frames(JobId job, std::uint32_t from, std::size_t limit) override {
        return read<FrameRow>(frames_, std::tuple(job, from, limit), [](const Statement& s) {
            return FrameRow{s.small(0), static_cast<FrameState>(s.small(1)), {s.text(2), s.text(3)}, s.text(4), s.big(5), s.small(6)};
        });
    }
    Result<std::vector<TileAccepted>> tiles(JobId job, std::uint32_t frame, std::uint64_t after, std::size_t limit) override {
        return read<TileAccepted>(tiles_, std::tuple(job, frame, after, limit), tile_row);
    }
    Result<std::vector<TileAccepted>> chunks(JobId job, std::uint32_t frame, std::uint32_t first, std::size_t limit) override {
        return read<TileAccepted>(chunks_, std::tuple(job, frame, first, limit), tile_row);
    }
    Result<std::vector<Logged>> events(JobId job, std::uint64_t after, std::size_t limit) override {
        return read<Logged>(events_, std::tuple(job, after, limit), [&](const Statement& s) {
            return Logged{.seq = s.big(0),
                          .at = s.integer(1),
                          .job = job,
                          .what = s.text(2),
                          .frame = s.small(3),
                          .tile = s.small(4),
                          .state = s.text(5),
                          .fault = {s.text(6), s.text(7)},
                          .tiles_total = s.big(8),
                          .tiles_done = s.big(9)};
        });
    }

  private:
    /// A question: its statement is shared, so it is bound under the lock.
    template<class Row, class... Values, class Make>
    Result<std::vector<Row>> read(Statement& statement, const std::tuple<Values...>& values, Make&& make) {
        const std::scoped_lock lock(reading_);
        std::apply([&](const auto&... value) { statement.bind(value...); }, values);
        std::vector<Row> rows;
        for (;;) {
            const auto row = statement.step();
            if (!row) return std::unexpected(row.error());
            if (!*row) return rows;
            rows.push_back(make(statement));
        }
    }

    static TileAccepted tile_row(const Statement& s) {
        TileAccepted tile{
            .task = {s.big(0), s.small(1), s.small(2)}, .fence = s.small(3), .worker = s.text(4), .output = {}, .seq = s.big(5)};
        auto& o = tile.output;
        o.sha256 = s.text(6), o.size = s.big(7), o.preview = s.text(8), o.preview_size = s.big(9), o.samples = s.big(10),
        o.rays = s.big(11);
        o.trace_s = s.real(12), o.trace_cpu_s = s.real(13), o.prepare_s = s.real(14), o.peak_rss_mb = s.real(15);
        return tile;
    }

    Status set_up(const std::filesystem::path& file) {
        Statement version;
        if (auto ok = version.prepare(writer_.get(), "PRAGMA user_version"); !ok) return ok;
        if (const auto row = version.step(); !row) return std::unexpected(row.error());
        const auto found = version.integer(0);
        version.bind();
        if (found == schema_version) return {};
        if (found != 0)
            return fail(Code::unsupported, file.string(),
                        "the ledger has schema " + std::to_string(found) + ", this raymill knows " + std::to_string(schema_version) +
                            "; use the raymill that wrote it");
        const auto sql = std::string("BEGIN IMMEDIATE;") + schema + "PRAGMA user_version=" + std::to_string(schema_version) + ";COMMIT;";
        if (sqlite3_exec(writer_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
            return sql_error(writer_.get(), "making its tables");
        return {};
    }

    Status prepare() {
        auto* w = writer_.get();
        auto* r = reader_.get();
        const std::pair<Statement*, const char*> writes[] = {
            {&begin_, "BEGIN IMMEDIATE"},
            {&commit_, "COMMIT"},
            {&put_task_, "INSERT OR REPLACE INTO tasks VALUES (?,?,?,?,?,?,?,?,?)"},
            {&drop_tasks_, "DELETE FROM tasks WHERE job=? AND frame BETWEEN ? AND ? AND tile BETWEEN ? AND ?"},
            {&add_tile_, "INSERT OR IGNORE INTO tiles VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
            {&put_frame_,
             "INSERT INTO frames VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (job, frame) DO UPDATE SET state=excluded.state, "
             "fault_code=excluded.fault_code, fault_message=excluded.fault_message, sha256=excluded.sha256, size=excluded.size, "
             "trace_s=excluded.trace_s, trace_cpu_s=excluded.trace_cpu_s WHERE state NOT IN (3, 4)"},
            {&set_job_, "UPDATE jobs SET state=?2, fault_code=?3, fault_message=?4, started=CASE WHEN ?2=1 THEN ?5 ELSE started END, "
                        "finished=CASE WHEN ?2>1 THEN ?5 ELSE finished END WHERE job=?1"},
            {&add_event_, "INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?)"},
            {&clear_tenants_, "DELETE FROM tenants"},
            {&add_tenant_, "INSERT OR REPLACE INTO tenants VALUES (?,?)"},
            {&add_scene_, "INSERT OR IGNORE INTO scenes VALUES (?,?,?)"},
            {&add_job_,
             "INSERT INTO jobs (job, tenant, scene, name, key, settings, tile_edge, frames, tiles, created) VALUES (?,?,?,?,?,?,?,?,?,?)"},
            {&note_job_, "UPDATE jobs SET device=?2, notes=?3 WHERE job=?1"},
        };
        const std::pair<Statement*, const char*> reads[] = {
            {&tenants_, "SELECT name, token_sha256 FROM tenants ORDER BY name, token_sha256"},
            {&has_scene_, "SELECT 1 FROM scenes WHERE tenant=? AND scene=?"},
            {&jobs_,
             "SELECT j.job, tenant, scene, name, key, settings, tile_edge, j.frames, tiles, created, j.state, started, finished, "
             "j.fault_code, "
             "j.fault_message, device, notes, ifnull(t.n,0), ifnull(t.samples,0), ifnull(t.rays,0), ifnull(t.trace_s,0), ifnull(t.cpu,0), "
             "ifnull(t.prepare_s,0), ifnull(t.rss,0), ifnull(f.done,0), ifnull(f.failed,0) FROM jobs j "
             "LEFT JOIN (SELECT job, count(*) n, sum(samples) samples, sum(rays) rays, sum(trace_s) trace_s, sum(trace_cpu_s) cpu, "
             "sum(prepare_s) prepare_s, max(peak_rss_mb) rss FROM tiles GROUP BY job) t ON t.job=j.job "
             "LEFT JOIN (SELECT job, sum(state=3) done, sum(state=4) failed FROM frames GROUP BY job) f ON f.job=j.job ORDER BY j.job"},
            {&tasks_,
             "SELECT frame, tile, fence, holder, last_holder, failures, losses, failed_by FROM tasks WHERE job=? ORDER BY frame, tile"},
            {&done_, "SELECT frame, tile FROM tiles WHERE job=? ORDER BY frame, tile"},
            {&all_frames_,
             "SELECT frame, state, fault_code, fault_message, sha256, size, trace_s, trace_cpu_s FROM frames WHERE job=? ORDER BY frame"},
            {&last_seq_, "SELECT ifnull(max(seq), 0) FROM events"},
            {&frames_, "SELECT frame, state, fault_code, fault_message, sha256, size, (SELECT count(*) FROM tiles t WHERE t.job=f.job AND "
                       "t.frame=f.frame) "
                       "FROM frames f WHERE job=? AND frame>=? ORDER BY frame LIMIT ?"},
            {&tiles_, "SELECT job, frame, tile, fence, worker, seq, sha256, size, preview, preview_size, samples, rays, trace_s, "
                      "trace_cpu_s, prepare_s, "
                      "peak_rss_mb FROM tiles WHERE job=? AND frame=? AND seq>? ORDER BY seq LIMIT ?"},
            {&chunks_, "SELECT job, frame, tile, fence, worker, seq, sha256, size, preview, preview_size, samples, rays, trace_s, "
                       "trace_cpu_s, prepare_s, "
                       "peak_rss_mb FROM tiles WHERE job=? AND frame=? AND tile>=? ORDER BY tile LIMIT ?"},
            {&events_, "SELECT seq, at, what, frame, tile, state, fault_code, fault_message, total, done FROM events WHERE job=? AND seq>? "
                       "ORDER BY seq LIMIT ?"},
        };
        for (const auto& [statement, sql] : writes)
            if (auto ok = statement->prepare(w, sql); !ok) return ok;
        for (const auto& [statement, sql] : reads)
            if (auto ok = statement->prepare(r, sql); !ok) return ok;
        return {};
    }

    Status write(const TaskChanged& e) {
        const auto failed_by = joined(e.failed_by);
        return put_task_.bind(e.task.job, e.task.frame, e.task.tile, e.fence, e.holder, e.last_holder, e.failures, e.losses, failed_by)
            .run();
    }
    Status write(const TileAccepted& e) {
        const auto& o = e.output;
        if (auto ok = drop_tasks(e.task, e.task); !ok) return ok;
        return add_tile_
            .bind(e.task.job, e.task.frame, e.task.tile, e.fence, e.worker, e.seq, o.sha256, o.size, o.preview, o.preview_size, o.samples,
                  o.rays, o.trace_s, o.trace_cpu_s, o.prepare_s, o.peak_rss_mb)
            .run();
    }
    Status write(const FrameChanged& e) {
        const auto& o = e.output;
        if (is_over(e.state))
            if (auto ok = drop_tasks({e.job, e.frame, 0}, {e.job, e.frame, ~0u}); !ok) return ok;
        return put_frame_.bind(e.job, e.frame, e.state, e.fault.code, e.fault.message, o.sha256, o.size, o.trace_s, o.trace_cpu_s).run();
    }
    Status write(const JobChanged& e) {
        if (is_over(e.state))
            if (auto ok = drop_tasks({e.job, 0, 0}, {e.job, ~0u, ~0u}); !ok) return ok;
        return set_job_.bind(e.job, e.state, e.fault.code, e.fault.message, e.at).run();
    }
    Status write(const Logged& e) {
        return add_event_
            .bind(e.seq, e.at, e.job, e.what, e.frame, e.tile, e.state, e.fault.code, e.fault.message, e.tiles_total, e.tiles_done)
            .run();
    }
    Status write(const TenantsSet& e) {
        Status ok = clear_tenants_.bind().run();
        for (const auto& tenant : e.tenants)
            if (ok) ok = add_tenant_.bind(tenant.name, tenant.token_sha256).run();
        return ok;
    }
    Status write(const SceneAdded& e) { return add_scene_.bind(e.tenant, e.scene, e.at).run(); }
    Status write(const JobAdded& e) {
        const auto settings = nlohmann::json(e.settings).dump();
        return add_job_.bind(e.spec.id, e.spec.tenant, e.scene, e.name, e.key, settings, e.tile_edge, e.spec.frames, e.spec.tiles, e.at)
            .run();
    }
    Status write(const JobNoted& e) {
        const auto notes = joined(e.notes);
        return note_job_.bind(e.job, e.device, notes).run();
    }
    Status drop_tasks(const TaskId& first, const TaskId& last) {
        return drop_tasks_.bind(first.job, first.frame, last.frame, first.tile, last.tile).run();
    }

    Connection writer_, reader_;
    std::mutex reading_;
    bool broken_ = false;
    Statement begin_, commit_, put_task_, drop_tasks_, add_tile_, put_frame_, set_job_, add_event_, clear_tenants_, add_tenant_, add_scene_,
        add_job_, note_job_;
    Statement tenants_, has_scene_, jobs_, tasks_, done_, all_frames_, last_seq_, frames_, tiles_, chunks_, events_;
};

} // namespace

Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::filesystem::path& file) {
    auto ledger = std::make_unique<SqliteLedger>();
    if (auto ok = ledger->open(file); !ok) return std::unexpected(ok.error());
    return ledger;
}

} // namespace raymill::farm
