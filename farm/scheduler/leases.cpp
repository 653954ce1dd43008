#include "farm/scheduler/farm.hpp"

#include "renderer/base/check.hpp"

#include <algorithm>

namespace raymill::farm::scheduler {

Farm::Task* Farm::find(const TaskId& task) {
    const auto job = jobs_.find(task.job);
    if (job == jobs_.end()) return nullptr;
    const auto frame = job->second.frames.find(task.frame);
    if (frame == job->second.frames.end()) return nullptr;
    if (task.tile == finish_tile) return &frame->second.finish;
    return task.tile < frame->second.tiles.size() ? &frame->second.tiles[task.tile] : nullptr;
}

bool Farm::holds(const WorkerId& worker, const LeaseRef& lease) const {
    const auto found = leases_.find(lease.task);
    return found != leases_.end() && found->second.worker == worker && found->second.fence == lease.fence;
}

/// Whether the worker may go on with what it says it holds: its lease is open, or ran out and nobody has had the task since (then it is
/// opened again).
bool Farm::adopt(const WorkerId& worker, const Held& held) {
    const auto& [lease, rendered] = held;
    if (!holds(worker, lease)) {
        const auto* task = find(lease.task);
        if (task == nullptr || task->state != TaskState::waiting || task->fence == 0 || task->fence != lease.fence) return false;
        const auto history = histories_.find(lease.task);
        if (history == histories_.end() || history->second.last_holder != worker) return false;
        take_waiting(lease.task);
        open_lease(worker, lease.task, rendered);
        record(lease.task);
        return true;
    }
    auto& open = leases_.at(lease.task);
    if (rendered) mark_rendered(lease.task, open);
    renew(lease.task, open);
    return true;
}

/// A new attempt: the fence grows, and is recorded before the send.
void Farm::give(const WorkerId& id, const TaskId& task) {
    auto& job = jobs_.at(task.job);
    if (!job.frames.contains(task.frame)) begin_frame(job, task.frame);
    take_waiting(task);
    auto* state = find(task);
    ++state->fence;
    if (job.state == JobState::queued) {
        job.state = JobState::running;
        effects_.records.emplace_back(JobChanged{job.spec.id, JobState::running, {}, now_});
        log(job, "job", 0, 0, "running", {});
    }
    if (job.frames.at(task.frame).state == FrameState::queued) set_frame_state(job, task.frame, FrameState::running);
    histories_[task].last_holder = id;
    open_lease(id, task, false);
    record(task);
    auto& worker = workers_.at(id);
    set_frame_of(worker, std::pair(task.job, task.frame));
    if (worker.tenant != job.spec.tenant) {
        worker.tenant = job.spec.tenant;
        worker.tenant_since = now_;
    }
    effects_.sends.emplace_back(SendAssign{id, {task, state->fence}});
}

void Farm::set_frame_of(Worker& worker, std::optional<std::pair<JobId, std::uint32_t>> frame) {
    const auto count = [&](const auto& place, std::uint32_t change) {
        if (!place) return;
        const auto job = jobs_.find(place->first);
        if (job == jobs_.end()) return;
        const auto found = job->second.frames.find(place->second);
        if (found != job->second.frames.end()) found->second.workers += change;
    };
    if (worker.frame == frame) return;
    count(worker.frame, ~0u); // less one
    worker.frame = frame;
    count(worker.frame, 1);
}

void Farm::open_lease(const WorkerId& worker, const TaskId& task, bool rendered) {
    auto* state = find(task);
    state->state = TaskState::leased;
    auto& lease = leases_[task];
    lease = {worker, state->fence, now_ + options_.lease, rendered, now_, false};
    if (!rendered) count_running(task, lease, true);
    lease_deadlines_.emplace(lease.deadline, task);
    holdings_[worker].insert(task);
    if (const auto found = workers_.find(worker); found != workers_.end() && !rendered) {
        set_hungry(worker, found->second, false);
        ++found->second.busy;
        set_hungry(worker, found->second, true);
    }
}

void Farm::close_lease(TaskId task) {
    const auto found = leases_.find(task);
    const auto lease = found->second;
    lease_deadlines_.erase({lease.deadline, task});
    if (!lease.rendered) count_running(task, lease, false);
    leases_.erase(found);
    const auto held = holdings_.find(lease.worker);
    held->second.erase(task);
    if (held->second.empty()) holdings_.erase(held);
    if (const auto worker = workers_.find(lease.worker); worker != workers_.end() && !lease.rendered) {
        set_hungry(lease.worker, worker->second, false);
        --worker->second.busy;
        set_hungry(lease.worker, worker->second, true);
    }
}

void Farm::renew(const TaskId& task, Lease& lease) {
    lease_deadlines_.erase({lease.deadline, task});
    lease.deadline = now_ + options_.lease;
    // Who says for an hour that he renders and never has rendered does not.
    if (!lease.rendered) lease.deadline = std::min(lease.deadline, lease.given + options_.longest_lease);
    lease_deadlines_.emplace(lease.deadline, task);
}

void Farm::mark_rendered(const TaskId& task, Lease& lease) {
    if (lease.rendered) return;
    count_running(task, lease, false);
    lease.rendered = true;
    renew(task, lease);
    if (const auto worker = workers_.find(lease.worker); worker != workers_.end()) {
        set_hungry(lease.worker, worker->second, false);
        --worker->second.busy;
        set_hungry(lease.worker, worker->second, true);
    }
}

/// Ends an open lease without a result. The task waits again, unless it was lost too often: then its frame fails.
void Farm::requeue(TaskId task, Loss loss, const Fault& fault) {
    close_lease(task);
    auto* state = find(task);
    if (loss == Loss::counted && ++state->losses >= options_.max_losses) {
        auto& job = jobs_.at(task.job);
        const auto what = task.tile == finish_tile ? std::string("its finish") : "tile " + std::to_string(task.tile);
        state->state = TaskState::done; // not waiting, so that the frame's count is right
        fail_frame(job, task.frame,
                   {fault.code, what + " was lost " + std::to_string(state->losses) + " times; the last time: " + fault.message});
        return;
    }
    put_waiting(task);
    record(task);
}

void Farm::drop_worker(WorkerId id, Loss loss, const Fault& fault) {
    const auto found = workers_.find(id);
    if (found == workers_.end()) return;
    // The worker goes first, so that nothing below is handed to it.
    set_hungry(id, found->second, false);
    set_frame_of(found->second, std::nullopt);
    worker_deadlines_.erase({found->second.deadline, id});
    workers_.erase(found);
    stirred_ = true; // whoever failed a task may try again where nobody else is left
    for (auto held = holdings_.find(id); held != holdings_.end(); held = holdings_.find(id)) requeue(*held->second.begin(), loss, fault);
}

void Farm::put_waiting(const TaskId& task) {
    auto& job = jobs_.at(task.job);
    auto& frame = job.frames.at(task.frame);
    ++waiting_;
    stirred_ = true;
    if (task.tile == finish_tile) {
        frame.finish.state = TaskState::waiting;
        frame.finish_waiting = true;
        job.finishing.insert(task.frame);
    } else {
        frame.tiles[task.tile].state = TaskState::waiting;
        frame.returned.insert(task.tile);
        job.open.insert(task.frame);
    }
    refresh(job);
}

void Farm::take_waiting(const TaskId& task) {
    auto& job = jobs_.at(task.job);
    auto& frame = job.frames.at(task.frame);
    --waiting_;
    if (task.tile == finish_tile) {
        CHECK_TRUE(frame.finish_waiting);
        frame.finish_waiting = false;
        job.finishing.erase(task.frame);
    } else {
        if (frame.returned.erase(task.tile) == 0) {
            CHECK_SAME(task.tile, frame.next_fresh);
            ++frame.next_fresh;
        }
        if (frame.waiting_tiles() == 0) job.open.erase(task.frame);
    }
    refresh(job);
}

void Farm::record(const TaskId& id) {
    const auto* task = find(id);
    TaskChanged changed{.task = id,
                        .fence = task->fence,
                        .holder = {},
                        .last_holder = {},
                        .failures = task->failures,
                        .losses = task->losses,
                        .failed_by = {}};
    if (const auto lease = leases_.find(id); lease != leases_.end()) changed.holder = lease->second.worker;
    if (const auto history = histories_.find(id); history != histories_.end()) {
        changed.last_holder = history->second.last_holder;
        changed.failed_by.assign(history->second.failed_by.begin(), history->second.failed_by.end());
    }
    effects_.records.emplace_back(std::move(changed));
}

/// Ends the open leases from `first` to `last` and tells their workers; the tasks are not put back.
void Farm::revoke_all(const TaskId& first, const TaskId& last) {
    for (auto lease = leases_.lower_bound(first); lease != leases_.end() && lease->first <= last;) {
        const auto task = lease->first;
        if (workers_.contains(lease->second.worker))
            effects_.sends.emplace_back(SendRevoke{lease->second.worker, {task, lease->second.fence}});
        find(task)->state = TaskState::done;
        ++lease;
        close_lease(task);
    }
}

Farm::Frame& Farm::begin_frame(Job& job, std::uint32_t index) {
    CHECK_SAME(index, job.next_frame);
    auto& frame = job.frames[index];
    frame.tiles.resize(job.spec.tiles);
    frame.finish.state = TaskState::done; // there is none until all tiles are done
    job.next_frame = index + 1;
    job.open.insert(index);
    return frame;
}

void Farm::forget_frame(Job& job, std::uint32_t index) {
    const auto frame = job.frames.find(index);
    waiting_ -= frame->second.waiting_tiles() + (frame->second.finish_waiting ? 1 : 0);
    histories_.erase(histories_.lower_bound({job.spec.id, index, 0}), histories_.upper_bound({job.spec.id, index, finish_tile}));
    job.open.erase(index);
    job.finishing.erase(index);
    job.frames.erase(frame);
    refresh(job);
}

void Farm::refresh(Job& job) {
    auto& tenant = tenants_.at(job.spec.tenant);
    if (job.has_work())
        tenant.with_work.insert(job.spec.id);
    else
        tenant.with_work.erase(job.spec.id);
}

void Farm::set_hungry(const WorkerId& id, const Worker& worker, bool present) {
    if (!present)
        hungry_.erase({worker.busy, id});
    else if (worker.busy < worker.slots) {
        hungry_.emplace(worker.busy, id);
        stirred_ = true;
    }
}

std::uint64_t Farm::leased(JobId job) const {
    return static_cast<std::uint64_t>(std::distance(leases_.lower_bound({job, 0, 0}), leases_.upper_bound({job, ~0u, ~0u})));
}

std::vector<WorkerView> Farm::workers() const {
    std::vector<WorkerView> views;
    views.reserve(workers_.size());
    for (const auto& [id, worker] : workers_) views.push_back({id, worker.busy});
    return views;
}

} // namespace raymill::farm::scheduler
