#include "farm/simulate/plan.hpp"

#include "farm/simulate/random.hpp"

#include <algorithm>

namespace raymill::farm::simulate {

const char* name_of(Fault fault) {
    static constexpr std::array<const char*, fault_count> names{
        "drops",         "repeats",      "delays",       "cuts",        "deaths", "fast_reboots", "slow_reboots", "pauses",
        "zombies",       "liars",        "hoarders",     "failures",    "poison", "bad_input",    "crashes",      "ledger_errors",
        "ledger_stalls", "store_errors", "store_stalls", "clock_jumps", "floods", "steering",     "trespass"};
    return names[static_cast<std::size_t>(fault)];
}

Faults Plan::faults() const {
    Faults faults;
    for (std::size_t i = 0; i < fault_count; ++i) faults[i] = rate[i] > 0;
    return faults;
}

std::string Plan::text() const {
    std::string words = std::to_string(workers) + " workers, " + std::to_string(tenants) + " tenants, " + std::to_string(jobs) +
                        " jobs of about " + std::to_string(tiles_a_job) + " tiles, a storm of " +
                        std::to_string(storm / scheduler::second) + " s:";
    for (std::size_t i = 0; i < fault_count; ++i)
        if (rate[i] > 0) words += std::string(" ") + name_of(static_cast<Fault>(i));
    return words;
}

Plan make_plan(std::uint64_t seed, std::uint32_t workers, const Faults& allowed) {
    Random random(seed * 2 + 1);
    Plan plan;
    plan.seed = seed;
    plan.workers = static_cast<std::uint32_t>(random.skewed(1, 6)); // drawn even if not used: the rest of the plan is the same
    plan.workers = std::clamp(plan.workers, 1u, 60u);
    if (workers > 0) plan.workers = workers;
    plan.tenants = static_cast<std::uint32_t>(random.between(1, 5));
    plan.jobs = static_cast<std::uint32_t>(random.between(1, 12));
    plan.storm = random.between(20, 120) * scheduler::second;
    plan.tile = random.skewed(scheduler::second / 2, 4);
    // Work for about the storm's length: workers have speed 5 on average.
    const auto tiles = static_cast<std::uint64_t>(plan.storm / plan.tile) * plan.workers * 4 / plan.jobs;
    plan.tiles_a_job = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(tiles, 4, 200'000));
    for (std::size_t i = 0; i < fault_count; ++i) {
        const bool on = random.chance(0.4);
        const double strength = static_cast<double>(random.between(1, 100)) / 100; // each fault's unit is its own: see world_faults.cpp
        if (on && allowed[i]) plan.rate[i] = strength;
    }
    return plan;
}

} // namespace raymill::farm::simulate
