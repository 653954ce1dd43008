#include "farm/scheduler/farm.hpp"

#include "renderer/base/check.hpp"

#include <algorithm>

namespace raymill::farm::scheduler {

Farm Farm::restore(Options options, std::vector<SavedJob> jobs, std::uint64_t next_seq, Time now) {
    Farm farm(options);
    farm.now_ = now;
    farm.next_seq_ = next_seq;
    std::vector<JobId> over;
    for (const auto& saved : jobs) {
        const auto id = saved.spec.id;
        auto& tenant = farm.tenants_[saved.spec.tenant];
        tenant.jobs.insert(id);
        auto& job = farm.jobs_[id];
        job.spec = saved.spec;
        job.state = saved.state;
        const auto tiles = std::uint64_t{job.spec.frames} * job.spec.tiles;
        farm.waiting_ += tiles;
        farm.tiles_unfinished_ += tiles;

        // Which frames were begun, and which of those are over. Frames are begun in order.
        std::map<std::uint32_t, FrameState> states;
        for (const auto& frame : saved.frames) states[frame.frame] = frame.state;
        std::uint32_t begun = 0;
        for (const auto& [index, state] : states) begun = std::max(begun, index + 1);
        for (const auto& task : saved.tasks) begun = std::max(begun, task.task.frame + 1);
        for (const auto& [frame, tile] : saved.done) begun = std::max(begun, frame + 1);
        CHECK_AT_MOST(begun, job.spec.frames);
        for (std::uint32_t index = 0; index < begun; ++index) {
            auto& frame = farm.begin_frame(job, index);
            if (const auto state = states.find(index); state != states.end()) frame.state = state->second;
        }

        // Tiles: done ones, then those with a history. Every tile below the highest touched one is taken out of the fresh ones first.
        const auto touch = [&](std::uint32_t index, std::uint32_t tile) -> Task& {
            auto& frame = job.frames.at(index);
            CHECK_BELOW(tile, frame.tiles.size());
            for (; frame.next_fresh <= tile; ++frame.next_fresh) frame.returned.insert(frame.next_fresh);
            return frame.tiles[tile];
        };
        for (const auto& [index, tile] : saved.done) {
            auto& task = touch(index, tile);
            if (task.state == TaskState::done) continue;
            task.state = TaskState::done;
            auto& frame = job.frames.at(index);
            frame.returned.erase(tile);
            --farm.waiting_;
            ++frame.done;
            ++job.tiles_done;
        }
        for (auto& [index, frame] : job.frames) {
            if (frame.waiting_tiles() == 0) job.open.erase(index);
            if (frame.done == job.spec.tiles && frame.state != FrameState::done && frame.state != FrameState::failed)
                farm.put_waiting({id, index, finish_tile});
        }
        for (const auto& saved_task : saved.tasks) {
            const auto& [task_id, fence, holder, last_holder, failures, losses, failed_by] = saved_task;
            auto& frame = job.frames.at(task_id.frame);
            if (frame.state == FrameState::done || frame.state == FrameState::failed) continue;
            auto& task = task_id.tile == finish_tile ? frame.finish : touch(task_id.frame, task_id.tile);
            if (task.state == TaskState::done) continue;
            task.fence = fence;
            task.failures = static_cast<std::uint8_t>(failures);
            task.losses = static_cast<std::uint8_t>(losses);
            auto& history = farm.histories_[task_id];
            history.last_holder = last_holder;
            history.failed_by.insert(failed_by.begin(), failed_by.end());
            if (holder.empty()) continue;
            farm.take_waiting(task_id);
            farm.open_lease(holder, task_id, false);
        }
        for (const auto& [index, state] : states) {
            if (state != FrameState::done && state != FrameState::failed) continue;
            ++(state == FrameState::done ? job.frames_done : job.frames_failed);
            farm.forget_frame(job, index);
        }
        for (const auto& frame : saved.frames)
            if (frame.state == FrameState::failed && job.fault == Fault{}) job.fault = frame.fault;
        farm.refresh(job);
        if (job.frames_done + job.frames_failed == job.spec.frames) over.push_back(id);
    }
    for (const auto id : over) farm.end_job_if_over(farm.jobs_.at(id));
    return farm;
}

} // namespace raymill::farm::scheduler
