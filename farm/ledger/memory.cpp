// The ledger without a disk: for tests, and the shortest statement of what the others must do.
#include "farm/ledger/ledger.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>

namespace raymill::farm {

using namespace scheduler;

void JobStats::add(const Output& output) {
    samples += output.samples;
    rays += output.rays;
    trace_s += output.trace_s;
    trace_cpu_s += output.trace_cpu_s;
    prepare_s += output.prepare_s;
    peak_rss_mb = std::max(peak_rss_mb, output.peak_rss_mb);
}

namespace {

bool is_over(JobState state) { return state == JobState::done || state == JobState::failed || state == JobState::cancelled; }
bool is_over(FrameState state) { return state == FrameState::done || state == FrameState::failed; }

class MemoryLedger final : public Ledger {
  public:
    Status commit(std::span<const Entry> entries) override {
        const std::scoped_lock lock(mutex_);
        for (const auto& entry : entries) std::visit([this](const auto& e) { write(e); }, entry);
        return {};
    }
    Result<std::vector<TenantRow>> tenants() override {
        const std::scoped_lock lock(mutex_);
        return tenants_;
    }
    Result<bool> has_scene(const std::string& tenant, const std::string& scene) override {
        const std::scoped_lock lock(mutex_);
        return scenes_.contains({tenant, scene});
    }
    Result<std::vector<JobRow>> jobs() override {
        const std::scoped_lock lock(mutex_);
        std::vector<JobRow> rows;
        for (const auto& [id, job] : jobs_) rows.push_back(job);
        return rows;
    }
    Result<Progress> progress(JobId job) override {
        const std::scoped_lock lock(mutex_);
        Progress progress;
        for (auto at = tasks_.lower_bound({job, 0, 0}); at != tasks_.end() && at->first.job == job; ++at)
            progress.tasks.push_back(at->second);
        for (auto at = tiles_.lower_bound({job, 0, 0}); at != tiles_.end() && at->first.job == job; ++at)
            progress.done.emplace_back(at->first.frame, at->first.tile);
        for (auto at = frames_.lower_bound({job, 0}); at != frames_.end() && at->first.first == job; ++at)
            progress.frames.push_back(at->second);
        return progress;
    }
    Result<std::uint64_t> last_seq() override {
        const std::scoped_lock lock(mutex_);
        return last_seq_;
    }
    Result<std::vector<FrameRow>> frames(JobId job, std::uint32_t from, std::size_t limit) override {
        const std::scoped_lock lock(mutex_);
        std::vector<FrameRow> rows;
        for (auto at = frames_.lower_bound({job, from}); at != frames_.end() && at->first.first == job && rows.size() < limit; ++at) {
            const auto& f = at->second;
            const auto done = std::distance(tiles_.lower_bound({job, f.frame, 0}), tiles_.upper_bound({job, f.frame, ~0u}));
            rows.push_back({f.frame, f.state, f.fault, f.output.sha256, f.output.size, static_cast<std::uint32_t>(done)});
        }
        return rows;
    }
    Result<std::vector<TileAccepted>> tiles(JobId job, std::uint32_t frame, std::uint64_t after, std::size_t limit) override {
        const std::scoped_lock lock(mutex_);
        std::vector<TileAccepted> rows;
        for (auto at = tiles_.lower_bound({job, frame, 0}); at != tiles_.end() && at->first.job == job && at->first.frame == frame; ++at)
            if (at->second.seq > after) rows.push_back(at->second);
        std::ranges::sort(rows, {}, &TileAccepted::seq);
        if (rows.size() > limit) rows.resize(limit);
        return rows;
    }
    Result<std::vector<TileAccepted>> chunks(JobId job, std::uint32_t frame, std::uint32_t first, std::size_t limit) override {
        const std::scoped_lock lock(mutex_);
        std::vector<TileAccepted> rows;
        for (auto at = tiles_.lower_bound({job, frame, first});
             at != tiles_.end() && at->first.job == job && at->first.frame == frame && rows.size() < limit; ++at)
            rows.push_back(at->second);
        return rows;
    }
    Result<std::vector<Logged>> events(JobId job, std::uint64_t after, std::size_t limit) override {
        const std::scoped_lock lock(mutex_);
        std::vector<Logged> rows;
        const auto found = events_.find(job);
        if (found == events_.end()) return rows;
        for (auto at = found->second.upper_bound(after); at != found->second.end() && rows.size() < limit; ++at) rows.push_back(at->second);
        return rows;
    }

    Result<std::vector<UsageRow>> usage(const UsageQuery& query, std::size_t limit) override {
        const std::scoped_lock lock(mutex_);
        std::vector<UsageRow> rows;
        for (const auto& [key, row] : usage_) {
            const bool asked = (query.tenant.empty() || row.tenant == query.tenant) && (query.job == 0 || row.job == query.job) &&
                               row.day >= query.from && row.day < query.to;
            if (asked && rows.size() < limit) rows.push_back(row);
        }
        return rows;
    }

  private:
    UsageRow& usage_of(JobId job, Time at) {
        const auto& tenant = jobs_.at(job).added.spec.tenant;
        auto& row = usage_[{tenant, day_of(at), job}];
        row.tenant = tenant;
        row.job = job;
        row.day = day_of(at);
        return row;
    }
    void write(const TaskChanged& e) { tasks_[e.task] = e; }
    void write(const TileAccepted& e) {
        tasks_.erase(e.task);
        if (!tiles_.emplace(e.task, e).second) return;
        auto& job = jobs_.at(e.task.job);
        ++job.tiles_done;
        job.stats.add(e.output);
        auto& row = usage_of(e.task.job, e.at);
        ++row.tiles;
        row.device_s += e.output.trace_s;
        row.unscored_s += e.output.score > 0 ? 0 : e.output.trace_s;
        row.bench_h += e.output.trace_s * e.output.score / 3600;
        row.bytes += e.output.size + e.output.preview_size;
    }
    void write(const FrameChanged& e) {
        auto& job = jobs_.at(e.job);
        const auto old = frames_.find({e.job, e.frame});
        if (old != frames_.end() && is_over(old->second.state)) return;
        frames_[{e.job, e.frame}] = e;
        if (!is_over(e.state)) return;
        ++(e.state == FrameState::done ? job.frames_done : job.frames_failed);
        if (e.state == FrameState::done) {
            auto& row = usage_of(e.job, e.at);
            ++row.frames;
            row.bytes += e.output.size;
        }
        tasks_.erase(tasks_.lower_bound({e.job, e.frame, 0}), tasks_.upper_bound({e.job, e.frame, ~0u}));
    }
    void write(const JobChanged& e) {
        auto& job = jobs_.at(e.job);
        job.state = e.state;
        job.fault = e.fault;
        if (e.state == JobState::running) job.started = e.at;
        if (!is_over(e.state)) return;
        job.finished = e.at;
        tasks_.erase(tasks_.lower_bound({e.job, 0, 0}), tasks_.upper_bound({e.job, ~0u, ~0u}));
    }
    void write(const Logged& e) {
        events_[e.job][e.seq] = e;
        last_seq_ = std::max(last_seq_, e.seq);
    }
    void write(const TenantsSet& e) { tenants_ = e.tenants; }
    void write(const SceneAdded& e) { scenes_.emplace(e.tenant, e.scene); }
    void write(const JobAdded& e) { jobs_[e.spec.id].added = e; }
    void write(const JobNoted& e) {
        auto& job = jobs_.at(e.job);
        job.device = e.device;
        job.notes = e.notes;
    }

    std::mutex mutex_;
    std::vector<TenantRow> tenants_;
    std::set<std::pair<std::string, std::string>> scenes_;
    std::map<JobId, JobRow> jobs_;
    std::map<TaskId, TaskChanged> tasks_;
    std::map<TaskId, TileAccepted> tiles_;
    std::map<std::pair<JobId, std::uint32_t>, FrameChanged> frames_;
    std::map<JobId, std::map<std::uint64_t, Logged>> events_;
    std::uint64_t last_seq_ = 0;
    std::map<std::tuple<std::string, std::int64_t, JobId>, UsageRow> usage_; ///< by tenant, day, job
};

} // namespace

std::unique_ptr<Ledger> open_memory_ledger() { return std::make_unique<MemoryLedger>(); }

} // namespace raymill::farm
