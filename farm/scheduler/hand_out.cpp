#include "farm/scheduler/farm.hpp"

#include <algorithm>

namespace raymill::farm::scheduler {

/// Gives waiting tasks to workers with free slots: those with the fewest tasks first. Ends, since each gift moves its worker back in the
/// order.
void Farm::hand_out() {
    if (!stirred_) return;
    stirred_ = false;
    for (auto at = hungry_.begin(); at != hungry_.end() && waiting_ > 0;) {
        const auto [busy, id] = *at;
        if (busy > 0 && workers_.size() > 1 && waiting_ <= workers_.size()) return; // near the end nothing may queue behind one worker
        if (const auto task = pick(id, workers_.at(id))) give(id, *task);
        at = hungry_.upper_bound({busy, id});
    }
}

std::optional<TaskId> Farm::pick(const WorkerId& id, const Worker& worker) {
    order_tenants(worker);
    for (const auto& rank : order_)
        for (const auto job : rank.tenant->with_work)
            if (auto task = pick_in(jobs_.at(job), id, worker)) return task;
    return {};
}

std::optional<TaskId> Farm::pick_in(Job& job, const WorkerId& id, const Worker& worker) {
    const auto own = worker.frame && worker.frame->first == job.spec.id ? std::optional(worker.frame->second) : std::nullopt;
    // A frame that only lacks its finish is somebody's picture: first.
    if (own && job.finishing.contains(*own) && may_try(id, {job.spec.id, *own, finish_tile})) return TaskId{job.spec.id, *own, finish_tile};
    for (const auto frame : job.finishing)
        if (may_try(id, {job.spec.id, frame, finish_tile})) return TaskId{job.spec.id, frame, finish_tile};
    // The frame it has loaded.
    if (own && job.open.contains(*own))
        if (const auto tile = pick_tile(job, *own, job.frames.at(*own), id)) return TaskId{job.spec.id, *own, *tile};
    // A frame without any worker, else one with the fewest. At most as many frames have workers as there are workers, so the walk is short.
    std::optional<TaskId> best;
    std::uint32_t fewest = ~0u;
    for (const auto index : job.open) {
        const auto& frame = job.frames.at(index);
        if (frame.workers >= fewest) continue;
        const auto tile = pick_tile(job, index, frame, id);
        if (!tile) continue;
        best = TaskId{job.spec.id, index, *tile};
        fewest = frame.workers;
        if (fewest == 0) return best;
    }
    if (job.next_frame < job.spec.frames) return TaskId{job.spec.id, job.next_frame, 0};
    return best;
}

std::optional<std::uint32_t> Farm::pick_tile(const Job& job, std::uint32_t index, const Frame& frame, const WorkerId& id) const {
    for (const auto tile : frame.returned)
        if (may_try(id, {job.spec.id, index, tile})) return tile;
    if (frame.next_fresh < frame.tiles.size()) return frame.next_fresh;
    return {};
}

/// A worker does not get a task again that it failed, while another worker is there that did not fail it.
bool Farm::may_try(const WorkerId& worker, const TaskId& task) const {
    const auto history = histories_.find(task);
    if (history == histories_.end() || !history->second.failed_by.contains(worker)) return true;
    return std::ranges::all_of(workers_, [&](const auto& other) { return history->second.failed_by.contains(other.first); });
}

std::uint32_t choose_tile_edge(const TilingQuestion& q) {
    const auto tiles = [&](std::uint64_t edge) { return ((q.width + edge - 1) / edge) * ((q.height + edge - 1) / edge); };
    constexpr double tile_seconds = 2;
    const double pixels = std::max(1.0, q.samples_per_second * tile_seconds / std::max(1u, q.spp));
    std::uint32_t edge = 1024;
    while (edge > 16 && double(edge) * edge > pixels) edge /= 2;
    while (edge > 32 && tiles(edge) * q.frames < std::uint64_t{4} * q.workers) edge /= 2;
    while (edge < 4096 && (tiles(edge) > q.max_tiles_a_frame || tiles(edge) * q.frames > q.max_tiles_a_job)) edge *= 2;
    return edge;
}

} // namespace raymill::farm::scheduler
