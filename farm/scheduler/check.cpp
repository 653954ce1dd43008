#include "farm/scheduler/farm.hpp"

#include "renderer/base/check.hpp"

namespace raymill::farm::scheduler {

void Farm::check() const {
    std::uint64_t waiting = 0, tiles_unfinished = 0, leased = 0;
    std::map<std::pair<JobId, std::uint32_t>, std::uint32_t> workers_in;
    for (const auto& [id, worker] : workers_)
        if (worker.frame) ++workers_in[*worker.frame];

    for (const auto& [id, job] : jobs_) {
        CHECK_SAME(id, job.spec.id);
        CHECK_TRUE(tenants_.contains(job.spec.tenant) && tenants_.at(job.spec.tenant).jobs.contains(id));
        CHECK_SAME(tenants_.at(job.spec.tenant).with_work.contains(id), job.has_work());
        CHECK_SAME(job.frames.size() + job.frames_done + job.frames_failed, std::size_t{job.next_frame});
        CHECK_TRUE(job.state == JobState::queued || job.state == JobState::running);
        waiting += std::uint64_t{job.spec.frames - job.next_frame} * job.spec.tiles;
        tiles_unfinished += std::uint64_t{job.spec.frames} * job.spec.tiles;
        for (const auto& [index, frame] : job.frames) {
            std::uint32_t done = 0, frame_waiting = 0;
            for (std::uint32_t tile = 0; tile < frame.tiles.size(); ++tile) {
                const auto& task = frame.tiles[tile];
                const TaskId task_id{id, index, tile};
                const auto lease = leases_.find(task_id);
                CHECK_SAME(task.state == TaskState::leased, lease != leases_.end());
                CHECK_BELOW(std::uint32_t{task.failures}, options_.max_failures);
                CHECK_BELOW(std::uint32_t{task.losses}, options_.max_losses);
                const bool is_waiting = tile >= frame.next_fresh || frame.returned.contains(tile);
                CHECK_SAME(is_waiting, task.state == TaskState::waiting);
                if (tile >= frame.next_fresh) CHECK_SAME(task.fence, 0u);
                done += task.state == TaskState::done ? 1 : 0;
                frame_waiting += is_waiting ? 1 : 0;
                if (lease == leases_.end()) continue;
                // The open lease is the newest one, and its worker is the one that history names.
                CHECK_SAME(lease->second.fence, task.fence);
                CHECK_SAME(histories_.at(task_id).last_holder, lease->second.worker);
                ++leased;
            }
            const auto finish = leases_.find({id, index, finish_tile});
            CHECK_SAME(frame.finish.state == TaskState::leased, finish != leases_.end());
            CHECK_SAME(frame.finish.state == TaskState::waiting, frame.finish_waiting);
            CHECK_SAME(frame.finish_waiting, job.finishing.contains(index));
            CHECK_SAME(frame.finish.state != TaskState::done, done == frame.tiles.size());
            leased += finish != leases_.end() ? 1 : 0;
            CHECK_SAME(done, frame.done);
            CHECK_SAME(frame_waiting, frame.waiting_tiles());
            CHECK_SAME(frame_waiting > 0, job.open.contains(index));
            const auto here = workers_in.find({id, index});
            CHECK_SAME(frame.workers, here == workers_in.end() ? 0u : here->second);
            waiting += frame_waiting + (frame.finish_waiting ? 1 : 0);
        }
    }
    CHECK_SAME(waiting, waiting_);
    CHECK_SAME(tiles_unfinished, tiles_unfinished_);
    CHECK_AT_MOST(tiles_unfinished, options_.max_tiles);
    CHECK_SAME(leased, leases_.size());
    CHECK_SAME(leases_.size(), lease_deadlines_.size());
    CHECK_SAME(workers_.size(), worker_deadlines_.size());

    std::map<std::string, std::uint64_t> running;
    for (const auto& [task, lease] : leases_) running[jobs_.at(task.job).spec.tenant] += lease.rendered ? 0 : 1;
    for (const auto& [name, tenant] : tenants_) CHECK_SAME(tenant.running, running[name]);

    std::size_t held = 0;
    for (const auto& [worker, tasks] : holdings_) {
        CHECK_TRUE(!tasks.empty());
        for (const auto& task : tasks) CHECK_SAME(leases_.at(task).worker, worker);
        held += tasks.size();
    }
    CHECK_SAME(held, leases_.size());
    for (const auto& [task, lease] : leases_) CHECK_TRUE(lease_deadlines_.contains(std::pair(lease.deadline, task)));
    for (const auto& [task, history] : histories_) CHECK_TRUE(jobs_.contains(task.job) && jobs_.at(task.job).frames.contains(task.frame));

    std::size_t hungry = 0;
    bool idle = false;
    for (const auto& [id, worker] : workers_) {
        std::uint32_t busy = 0;
        if (const auto tasks = holdings_.find(id); tasks != holdings_.end())
            for (const auto& task : tasks->second) busy += leases_.at(task).rendered ? 0 : 1;
        CHECK_SAME(busy, worker.busy);
        CHECK_TRUE(worker_deadlines_.contains(std::pair(worker.deadline, id)));
        CHECK_SAME(hungry_.contains(std::pair(worker.busy, id)), worker.busy < worker.slots);
        hungry += worker.busy < worker.slots ? 1 : 0;
        idle = idle || (worker.busy == 0 && worker.slots > 0);
    }
    CHECK_SAME(hungry, hungry_.size());
    // No worker idles while a task waits that anybody may try: all that wait were failed by somebody.
    if (!idle) return;
    const auto was_failed = [&](const TaskId& task) {
        const auto history = histories_.find(task);
        return history != histories_.end() && !history->second.failed_by.empty();
    };
    for (const auto& [id, job] : jobs_) {
        CHECK_SAME(job.next_frame, job.spec.frames);
        for (const auto& [index, frame] : job.frames) {
            CHECK_SAME(std::size_t{frame.next_fresh}, frame.tiles.size());
            for (const auto tile : frame.returned) CHECK_TRUE(was_failed(TaskId{id, index, tile}));
            if (frame.finish_waiting) CHECK_TRUE(was_failed(TaskId{id, index, finish_tile}));
        }
    }
}

} // namespace raymill::farm::scheduler
