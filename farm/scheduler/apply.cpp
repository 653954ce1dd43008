#include "farm/scheduler/farm.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace raymill::farm::scheduler {
namespace {

const char* name_of(FrameState state) {
    static constexpr const char* names[] = {"queued", "running", "assembling", "done", "failed"};
    return names[static_cast<unsigned>(state)];
}

const char* name_of(JobState state) {
    static constexpr const char* names[] = {"queued", "running", "done", "failed", "cancelled"};
    return names[static_cast<unsigned>(state)];
}

/// A job of which this many frames failed before a single tile was accepted is over: nobody can render it.
constexpr std::uint32_t hopeless_frames = 3;

} // namespace

Effects Farm::apply(Time now, const Event& event) {
    now_ = std::max(now_, now);
    std::visit([this](const auto& e) { on(e); }, event);
    hand_out();
    return std::exchange(effects_, {});
}

std::optional<Time> Farm::next_deadline() const {
    std::optional<Time> next;
    if (!lease_deadlines_.empty()) next = lease_deadlines_.begin()->first;
    if (!worker_deadlines_.empty() && (!next || worker_deadlines_.begin()->first < *next)) next = worker_deadlines_.begin()->first;
    return next;
}

void Farm::on(const WorkerHello& event) {
    auto found = workers_.find(event.worker);
    const bool rebooted = found != workers_.end() && found->second.boot != event.boot;
    if (found != workers_.end()) {
        set_hungry(event.worker, found->second, false);
        worker_deadlines_.erase({found->second.deadline, event.worker});
        if (rebooted) set_frame_of(found->second, std::nullopt);
    } else {
        found = workers_.emplace(event.worker, Worker{}).first;
    }
    auto& worker = found->second;
    worker.boot = event.boot;
    worker.slots = event.slots;
    worker.deadline = now_ + options_.lease;
    worker_deadlines_.emplace(worker.deadline, event.worker);
    worker.busy = 0;
    if (const auto held = holdings_.find(event.worker); held != holdings_.end())
        for (const auto& task : held->second) worker.busy += leases_.at(task).rendered ? 0 : 1;
    set_hungry(event.worker, worker, true);

    // What it presents and may keep; all its other leases are over at once (of an old boot, or never arrived).
    std::set<TaskId> kept;
    SendWelcome welcome{event.worker, {}};
    for (const auto& held : event.held)
        if (adopt(event.worker, held) && kept.insert(held.lease.task).second) welcome.keep.push_back(held.lease);
    std::vector<TaskId> over;
    if (const auto held = holdings_.find(event.worker); held != holdings_.end())
        std::ranges::set_difference(held->second, kept, std::back_inserter(over));
    for (const auto& task : over)
        if (const auto lease = leases_.find(task); lease != leases_.end() && lease->second.worker == event.worker)
            requeue(task, rebooted ? Loss::counted : Loss::none, {"failed", "the worker was started anew"});
    effects_.sends.emplace_back(std::move(welcome));
}

void Farm::on(const WorkerHeartbeat& event) {
    const auto found = workers_.find(event.worker);
    if (found == workers_.end()) {
        effects_.sends.emplace_back(SendHelloAgain{event.worker});
        return;
    }
    worker_deadlines_.erase({found->second.deadline, event.worker});
    found->second.deadline = now_ + options_.lease;
    worker_deadlines_.emplace(found->second.deadline, event.worker);
    for (const auto& held : event.held)
        if (!adopt(event.worker, held)) effects_.sends.emplace_back(SendRevoke{event.worker, held.lease});
}

void Farm::on(const WorkerGoodbye& event) { drop_worker(event.worker, Loss::none, {"failed", "the worker left"}); }

void Farm::on(const TaskRendered& event) {
    if (holds(event.worker, event.lease)) mark_rendered(event.lease.task, leases_.at(event.lease.task));
}

void Farm::on(const ResultOffered& event) {
    if (!workers_.contains(event.worker))
        effects_.sends.emplace_back(SendHelloAgain{event.worker});
    else if (adopt(event.worker, {event.lease, true}))
        effects_.sends.emplace_back(SendGrant{event.worker, event.lease});
    else
        effects_.sends.emplace_back(SendVerdict{event.worker, event.lease, false});
}

void Farm::on(const ResultStored& event) {
    auto* task = find(event.lease.task);
    const auto history = histories_.find(event.lease.task);
    const bool newest = task != nullptr && task->state != TaskState::done && task->fence != 0 && task->fence == event.lease.fence;
    const bool wanted = newest && history != histories_.end() && history->second.last_holder == event.worker;
    if (wanted) accept(event.lease, event.worker, event.output);
    effects_.sends.emplace_back(SendVerdict{event.worker, event.lease, wanted});
}

void Farm::accept(const LeaseRef& lease, const WorkerId& worker, const Output& output) {
    const auto& id = lease.task;
    auto& job = jobs_.at(id.job);
    auto& frame = job.frames.at(id.frame);
    auto* task = find(id);
    if (task->state == TaskState::leased)
        close_lease(id);
    else
        take_waiting(id);
    task->state = TaskState::done;
    histories_.erase(id);
    if (id.tile == finish_tile) {
        set_frame_state(job, id.frame, FrameState::done, {}, output);
        ++job.frames_done;
        forget_frame(job, id.frame);
        end_job_if_over(job);
        return;
    }
    ++frame.done;
    ++job.tiles_done;
    effects_.records.emplace_back(TileAccepted{id, lease.fence, worker, output, next_seq_, now_}); // log() below uses that seq
    log(job, "tile", id.frame, id.tile, "done", {});
    if (frame.done == job.spec.tiles) {
        set_frame_state(job, id.frame, FrameState::assembling);
        put_waiting({id.job, id.frame, finish_tile});
    }
}

/// Twice damaged, the worker's disk or the worker is bad: else it would be sent for ever. It counts as a loss, since nothing is wrong with
/// the tile.
void Farm::on(const ResultDamaged& event) {
    if (holds(event.worker, event.lease)) {
        if (!std::exchange(leases_.at(event.lease.task).damaged, true)) {
            effects_.sends.emplace_back(SendVerdict{event.worker, event.lease, false, true});
            return;
        }
        histories_[event.lease.task].failed_by.insert(event.worker);
        requeue(event.lease.task, Loss::counted, {"failed", "what worker " + event.worker + " sent was damaged"});
    }
    effects_.sends.emplace_back(SendVerdict{event.worker, event.lease, false});
}

void Farm::on(const TaskFailed& event) {
    if (!holds(event.worker, event.lease)) return; // it ran out meanwhile: the task has gone its way
    const auto& id = event.lease.task;
    if (event.kind == FailureKind::lost) {
        requeue(id, Loss::counted, event.fault);
        return;
    }
    auto& job = jobs_.at(id.job);
    if (event.kind == FailureKind::input && ++job.input_faults >= 2) {
        end_job(id.job, JobState::failed, event.fault);
        return;
    }
    auto* task = find(id);
    histories_[id].failed_by.insert(event.worker);
    if (++task->failures >= options_.max_failures) {
        close_lease(id);
        task->state = TaskState::done;
        fail_frame(job, id.frame, event.fault);
        return;
    }
    requeue(id, Loss::none, event.fault);
}

void Farm::on(const JobSubmitted& event) {
    if (refuses(event.job)) return;
    auto [place, fresh] = tenants_.try_emplace(event.job.tenant);
    auto& tenant = place->second;
    if (fresh) tenant.used = used_floor_;
    stirred_ = true;
    tenant.jobs.insert(event.job.id);
    auto& job = jobs_[event.job.id];
    job.spec = event.job;
    const auto tiles = std::uint64_t{job.spec.frames} * job.spec.tiles;
    waiting_ += tiles;
    tiles_unfinished_ += tiles;
    effects_.records.emplace_back(JobChanged{job.spec.id, JobState::queued, {}, now_});
    log(job, "job", 0, 0, "queued", {});
    refresh(job);
}

void Farm::on(const JobCancelled& event) {
    if (jobs_.contains(event.job)) end_job(event.job, JobState::cancelled, {});
}

void Farm::on(const Tick&) {
    while (!lease_deadlines_.empty() && lease_deadlines_.begin()->first <= now_)
        requeue(lease_deadlines_.begin()->second, Loss::counted, {"failed", "its worker was not heard of in time"});
    while (!worker_deadlines_.empty() && worker_deadlines_.begin()->first <= now_)
        drop_worker(worker_deadlines_.begin()->second, Loss::counted, {"failed", "its worker was not heard of in time"});
}

std::optional<Fault> Farm::refuses(const JobSpec& spec) const {
    const auto tiles = std::uint64_t{spec.frames} * spec.tiles;
    if (spec.frames == 0 || spec.tiles == 0) return Fault{"usage", "a job has at least one frame of one tile"};
    if (tiles > options_.max_tiles_a_job)
        return Fault{"usage", std::to_string(tiles) + " tiles are too many for one job (" + std::to_string(options_.max_tiles_a_job) +
                                  "); choose larger tiles or fewer frames"};
    if (jobs_.contains(spec.id)) return Fault{"failed", "there is a job of that id"};
    if (tiles_unfinished_ + tiles > options_.max_tiles)
        return Fault{"refused", "the farm is full: too many tiles wait already; try again when jobs have ended"};
    if (const auto tenant = tenants_.find(spec.tenant);
        tenant != tenants_.end() && tenant->second.jobs.size() >= options_.max_jobs_a_tenant)
        return Fault{"refused", "you have " + std::to_string(options_.max_jobs_a_tenant) + " unfinished jobs, which is the most"};
    return {};
}

void Farm::fail_frame(Job& job, std::uint32_t index, const Fault& fault) {
    revoke_all({job.spec.id, index, 0}, {job.spec.id, index, finish_tile});
    set_frame_state(job, index, FrameState::failed, fault);
    ++job.frames_failed;
    if (job.fault == Fault{}) job.fault = fault;
    forget_frame(job, index);
    if (job.tiles_done == 0 && job.frames_failed >= hopeless_frames)
        end_job(job.spec.id, JobState::failed, job.fault);
    else
        end_job_if_over(job);
}

void Farm::end_job_if_over(Job& job) {
    if (job.frames_done + job.frames_failed < job.spec.frames) return;
    end_job(job.spec.id, job.frames_failed == 0 ? JobState::done : JobState::failed, job.fault);
}

void Farm::end_job(JobId id, JobState state, const Fault& fault) {
    auto& job = jobs_.at(id);
    revoke_all({id, 0, 0}, {id, ~0u, ~0u});
    while (!job.frames.empty()) forget_frame(job, job.frames.begin()->first);
    waiting_ -= std::uint64_t{job.spec.frames - job.next_frame} * job.spec.tiles;
    tiles_unfinished_ -= std::uint64_t{job.spec.frames} * job.spec.tiles;
    effects_.records.emplace_back(JobChanged{id, state, fault, now_});
    log(job, "job", 0, 0, name_of(state), fault);
    auto& tenant = tenants_.at(job.spec.tenant);
    tenant.with_work.erase(id);
    tenant.jobs.erase(id);
    if (tenant.jobs.empty()) tenants_.erase(job.spec.tenant);
    jobs_.erase(id);
}

void Farm::set_frame_state(Job& job, std::uint32_t index, FrameState state, const Fault& fault, const Output& output) {
    job.frames.at(index).state = state;
    effects_.records.emplace_back(FrameChanged{job.spec.id, index, state, fault, output, now_});
    log(job, "frame", index, 0, name_of(state), fault);
}

void Farm::log(const Job& job, const char* what, std::uint32_t frame, std::uint32_t tile, const char* state, const Fault& fault) {
    effects_.records.emplace_back(Logged{next_seq_++, now_, job.spec.id, what, frame, tile, state, fault,
                                         std::uint64_t{job.spec.frames} * job.spec.tiles, job.tiles_done});
}

} // namespace raymill::farm::scheduler
