// The default ledger: one SQLite file. The writer's connection belongs to the thread that commits; questions share a second one behind a
// lock, which in WAL mode neither waits for the writer nor makes it wait.
#include "farm/ledger/ledger.hpp"
#include "farm/ledger/sqlite_parts.hpp"

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <tuple>

namespace raymill::farm {

using namespace scheduler;

namespace {

Result<Connection> connect(const std::filesystem::path& file) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    Connection db(raw);
    if (code != SQLITE_OK)
        return fail(Code::io, file.string(),
                    std::string("the ledger cannot be opened: ") + (raw != nullptr ? sqlite3_errmsg(raw) : "no memory"));
    sqlite3_busy_timeout(raw, 10000);
    // The log is folded into the file each 32 MiB, not each 4 (the default): that costs a few random writes and two fsyncs, during which
    // nothing is committed. The cache, 64 MiB, is for the ends of the tables, where all the writing is.
    if (sqlite3_exec(raw,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF; PRAGMA wal_autocheckpoint=8192; "
                     "PRAGMA cache_size=-65536;",
                     nullptr, nullptr, nullptr) != SQLITE_OK)
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
        if (auto ok = set_up_schema(writer_.get(), file); !ok) return ok;
        auto reader = connect(file);
        if (!reader) return std::unexpected(reader.error());
        reader_ = std::move(*reader);
        return prepare();
    }

    Status commit(std::span<const Entry> entries) override {
        if (broken_) return fail(Code::io, "ledger", "an earlier commit failed; the server must be started anew");
        used_.clear();
        const auto seq_before = last_seq_written_;
        Status ok = begin_.bind().run();
        for (const auto& entry : entries)
            if (ok) ok = std::visit([this](const auto& e) { return write(e); }, entry);
        for (const auto& [key, u] : used_)
            if (ok) ok = add_usage_.bind(u.job, u.day, u.tiles, u.frames, u.device_s, u.unscored_s, u.bench_h, u.bytes).run();
        if (ok && last_seq_written_ != seq_before) ok = set_seq_.bind(last_seq_written_).run();
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

    Result<std::vector<UsageRow>> usage(const UsageQuery& query, std::size_t limit) override {
        return read<UsageRow>(usage_, std::tuple(query.tenant, query.job, query.from, query.to, limit), [](const Statement& s) {
            return UsageRow{s.text(0), s.big(1), s.integer(2), s.big(3), s.big(4), s.real(5), s.real(6), s.real(7), s.big(8)};
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
        tile.at = s.integer(16), o.score = s.real(17);
        return tile;
    }

    Status prepare() {
        auto* w = writer_.get();
        auto* r = reader_.get();
        const std::pair<Statement*, const char*> writes[] = {
            {&begin_, "BEGIN IMMEDIATE"},
            {&commit_, "COMMIT"},
            {&put_task_, "INSERT OR REPLACE INTO tasks VALUES (?,?,?,?,?,?,?,?,?)"},
            {&drop_tasks_, "DELETE FROM tasks WHERE job=? AND frame BETWEEN ? AND ? AND tile BETWEEN ? AND ?"},
            {&add_tile_, "INSERT OR IGNORE INTO tiles VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
            {&put_frame_,
             "INSERT INTO frames VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (job, frame) DO UPDATE SET state=excluded.state, "
             "fault_code=excluded.fault_code, fault_message=excluded.fault_message, sha256=excluded.sha256, size=excluded.size, "
             "trace_s=excluded.trace_s, trace_cpu_s=excluded.trace_cpu_s WHERE state NOT IN (3, 4)"},
            {&set_job_, "UPDATE jobs SET state=?2, fault_code=?3, fault_message=?4, started=CASE WHEN ?2=1 THEN ?5 ELSE started END, "
                        "finished=CASE WHEN ?2>1 THEN ?5 ELSE finished END WHERE job=?1"},
            {&add_event_, "INSERT INTO events (seq, at, job, what, frame, tile, state, fault_code, fault_message, total, done) VALUES "
                          "(?,?,?,?,?,?,?,?,?,?,?)"},
            {&set_seq_, "INSERT OR REPLACE INTO numbers VALUES ('last_seq', ?)"},
            {&add_usage_, "INSERT INTO usage SELECT tenant, ?2, ?1, ?3, ?4, ?5, ?6, ?7, ?8 FROM jobs WHERE job=?1 ON CONFLICT (tenant, "
                          "day, job) DO UPDATE "
                          "SET tiles=tiles+excluded.tiles, frames=frames+excluded.frames, device_s=device_s+excluded.device_s, "
                          "unscored_s=unscored_s+excluded.unscored_s, bench_h=bench_h+excluded.bench_h, bytes=bytes+excluded.bytes"},
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
            {&last_seq_, "SELECT value FROM numbers WHERE name='last_seq'"},
            {&usage_,
             "SELECT tenant, job, day, tiles, frames, device_s, unscored_s, bench_h, bytes FROM usage WHERE (?1='' OR tenant=?1) AND "
             "(?2=0 OR job=?2) AND day>=?3 AND day<?4 ORDER BY tenant, day, job LIMIT ?5"},
            {&frames_, "SELECT frame, state, fault_code, fault_message, sha256, size, (SELECT count(*) FROM tiles t WHERE t.job=f.job AND "
                       "t.frame=f.frame) "
                       "FROM frames f WHERE job=? AND frame>=? ORDER BY frame LIMIT ?"},
            {&tiles_, "SELECT job, frame, tile, fence, worker, seq, sha256, size, preview, preview_size, samples, rays, trace_s, "
                      "trace_cpu_s, prepare_s, "
                      "peak_rss_mb, at, score FROM tiles WHERE job=? AND frame=? AND seq>? ORDER BY seq LIMIT ?"},
            {&chunks_, "SELECT job, frame, tile, fence, worker, seq, sha256, size, preview, preview_size, samples, rays, trace_s, "
                       "trace_cpu_s, prepare_s, "
                       "peak_rss_mb, at, score FROM tiles WHERE job=? AND frame=? AND tile>=? ORDER BY tile LIMIT ?"},
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
        auto ok = add_tile_
                      .bind(e.task.job, e.task.frame, e.task.tile, e.fence, e.worker, e.seq, o.sha256, o.size, o.preview, o.preview_size,
                            o.samples, o.rays, o.trace_s, o.trace_cpu_s, o.prepare_s, o.peak_rss_mb, e.at, o.score)
                      .run();
        if (!ok || add_tile_.changes() == 0) return ok; // it was accepted before: nothing is billed
        auto& used = usage_in(e.task.job, e.at);
        ++used.tiles;
        used.device_s += o.trace_s;
        used.unscored_s += o.score > 0 ? 0 : o.trace_s;
        used.bench_h += o.trace_s * o.score / 3600;
        used.bytes += o.size + o.preview_size;
        return ok;
    }
    Status write(const FrameChanged& e) {
        const auto& o = e.output;
        if (is_over(e.state))
            if (auto ok = drop_tasks({e.job, e.frame, 0}, {e.job, e.frame, ~0u}); !ok) return ok;
        auto ok = put_frame_.bind(e.job, e.frame, e.state, e.fault.code, e.fault.message, o.sha256, o.size, o.trace_s, o.trace_cpu_s).run();
        if (!ok || e.state != FrameState::done || put_frame_.changes() == 0) return ok;
        auto& used = usage_in(e.job, e.at);
        ++used.frames;
        used.bytes += o.size;
        return ok;
    }
    Status write(const JobChanged& e) {
        if (is_over(e.state))
            if (auto ok = drop_tasks({e.job, 0, 0}, {e.job, ~0u, ~0u}); !ok) return ok;
        return set_job_.bind(e.job, e.state, e.fault.code, e.fault.message, e.at).run();
    }
    Status write(const Logged& e) {
        last_seq_written_ = std::max(last_seq_written_, e.seq);
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
    UsageRow& usage_in(JobId job, Time at) {
        auto& row = used_[{job, day_of(at)}];
        row.job = job;
        row.day = day_of(at);
        return row;
    }
    Status drop_tasks(const TaskId& first, const TaskId& last) {
        return drop_tasks_.bind(first.job, first.frame, last.frame, first.tile, last.tile).run();
    }

    Connection writer_, reader_;
    std::mutex reading_;
    bool broken_ = false;
    std::map<std::pair<JobId, std::int64_t>, UsageRow> used_; ///< by this commit; added to the table at its end
    std::uint64_t last_seq_written_ = 0;
    Statement begin_, commit_, put_task_, drop_tasks_, add_tile_, put_frame_, set_job_, add_event_, clear_tenants_, add_tenant_, add_scene_,
        add_job_, note_job_, set_seq_, add_usage_;
    Statement tenants_, has_scene_, jobs_, tasks_, done_, all_frames_, last_seq_, frames_, tiles_, chunks_, events_, usage_;
};

} // namespace

Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::filesystem::path& file) {
    auto ledger = std::make_unique<SqliteLedger>();
    if (auto ok = ledger->open(file); !ok) return std::unexpected(ok.error());
    return ledger;
}

} // namespace raymill::farm
