#include "farm/simulate/world.hpp"

#include <algorithm>

namespace raymill::farm::simulate {

using namespace scheduler;

void World::plan_jobs() {
    for (std::uint32_t i = 0; i < plan_.jobs; ++i) {
        const auto tiles = static_cast<std::uint32_t>(random_.between(1, 2ll * plan_.tiles_a_job));
        const auto frames = static_cast<std::uint32_t>(random_.skewed(1, 4));
        Wish wish{.tenant = static_cast<std::uint32_t>(random_.below(plan_.tenants)),
                  .frames = frames,
                  .tiles = std::max(1u, tiles / frames),
                  .key = "k" + std::to_string(i)};
        wish.broken = random_.chance(0.3 * plan_.of(Fault::bad_input));
        if (wish.broken) broken_keys_.insert(wish.key);
        wishes_.push_back(wish);
    }
    if (plan_.has(Fault::floods)) // one tenant, many small jobs at once
        for (std::uint32_t i = 0, n = static_cast<std::uint32_t>(random_.between(10, 300)); i < n; ++i)
            wishes_.push_back(
                {.tenant = 0, .frames = 1, .tiles = static_cast<std::uint32_t>(random_.between(1, 3)), .key = "flood" + std::to_string(i)});
}

/// Clients ask again, with the same key, until they are answered; and read what happens to their jobs.
void World::tenant_wakes() {
    after(random_.between(1, 3) * second, [this] { tenant_wakes(); });
    for (std::size_t i = 0; i < wishes_.size(); ++i) {
        auto& wish = wishes_[i];
        if (wish.job == 0 && !wish.given_up && !wish.key.starts_with("calm") && (!storming_ || random_.chance(0.3)))
            transmit([this, i] { submit(i, [this, i](JobId job) { wishes_[i].job = job; }); }, 0);
        if (wish.job != 0 && random_.chance(calm_to_ > 0 ? 0.01 : 0.2)) {
            const auto name = "t" + std::to_string(wish.tenant);
            const auto events = *ledger_.events(wish.job, wish.read, 50);
            for (const auto& event : events) oracle_.on_read(name, wish.job, event);
            if (!events.empty()) wish.read = events.back().seq;
        }
    }
    if (storming_) steer();
}

void World::steer() {
    if (random_.chance(0.2 * rate(Fault::steering))) {
        const auto& wish = wishes_[random_.below(wishes_.size())];
        if (wish.job != 0) {
            oracle_.may_cancel(wish.job);
            transmit(
                [this, job = wish.job, tenant = wish.tenant] {
                    if (!coordinator_) return;
                    coordinator_->inbox.emplace_back([this, job, tenant] {
                        if (tenant_of_[job] == "t" + std::to_string(tenant)) apply(JobCancelled{job});
                    });
                    wake_coordinator(0);
                },
                0);
        }
    }
}

} // namespace raymill::farm::simulate
