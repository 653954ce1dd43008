// Weighted fair share between tenants.
// With n leases running or about to be, a tenant of weight w of all weights W is entitled to n w / W of them. Whoever is a whole lease
// below comes first, then who is a part of one below: at each moment everybody has his share, rounded down or up, and the freed worker's
// own tenant is the one that lacks a lease, so workers mostly stay where their scene is. Who is rounded up is decided by the time used so
// far, and for a quantum by who was: with fewer workers than tenants the shares are in time. A tenant that has less to do than its share
// leaves the rest to the others.
#include "farm/scheduler/farm.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace raymill::farm::scheduler {

void Farm::order_tenants(const Worker& worker) {
    order_.clear();
    std::uint64_t weights = 0, leases = 1; // the one to be given
    for (auto& [name, tenant] : tenants_) {
        if (tenant.with_work.empty()) continue;
        const bool stays = name == worker.tenant && now_ - worker.tenant_since < options_.quantum;
        order_.push_back({0, !stays, tenant.used, &tenant});
        weights += tenant.weight;
        leases += tenant.running;
    }
    if (order_.size() < 2) return;
    for (auto& rank : order_) {
        const auto entitled = leases * rank.tenant->weight, has = rank.tenant->running * weights;
        rank.level = has + weights <= entitled ? 0 : has < entitled ? 1 : 2;
    }
    // Stable, so that between equals the name decides.
    std::ranges::stable_sort(
        order_, [](const Rank& a, const Rank& b) { return std::tuple(a.level, a.leaves, a.used) < std::tuple(b.level, b.leaves, b.used); });
}

/// A lease begins or ends to occupy a worker.
void Farm::count_running(const TaskId& task, const Lease& lease, bool begins) {
    const auto job = jobs_.find(task.job);
    if (job == jobs_.end()) return;
    auto& tenant = tenants_.at(job->second.spec.tenant);
    if (begins) {
        ++tenant.running;
        used_floor_ = std::max(used_floor_, tenant.used);
        return;
    }
    --tenant.running;
    // A worker does one thing at a time: the time in which this lease waited for another one on it is that one's.
    auto since = lease.given;
    if (const auto worker = workers_.find(lease.worker); worker != workers_.end())
        since = std::max(since, std::exchange(worker->second.charged_to, now_));
    tenant.used += static_cast<std::uint64_t>(std::max<Time>(0, now_ - since)) * 1000 / tenant.weight;
}

} // namespace raymill::farm::scheduler
