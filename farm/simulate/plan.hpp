#pragma once
/// What a seed means: how large the world is, and which faults happen in it how often. Each seed has a subset of the faults, so that rare
/// states come up that a mixture of everything would drown.
#include "farm/scheduler/types.hpp"

#include <array>
#include <bitset>
#include <cstdint>
#include <string>

namespace raymill::farm::simulate {

using scheduler::Time;

enum class Fault : unsigned {
    drops,         ///< messages vanish
    repeats,       ///< messages come twice
    delays,        ///< messages are late, and so out of order
    cuts,          ///< nothing goes through between a worker and the coordinator in one direction, for a while
    deaths,        ///< workers vanish for good, and others come in their place
    fast_reboots,  ///< a worker's process is killed and is back before anybody noticed
    slow_reboots,  ///< likewise, but it is taken for lost meanwhile
    pauses,        ///< a worker stands still, past its leases, and goes on as if nothing had been
    zombies,       ///< two processes work under one name
    liars,         ///< workers whose chunks are not what they say
    hoarders,      ///< workers that take as many tiles as they may and never render one
    failures,      ///< rendering fails, render processes die
    poison,        ///< tiles that no worker can render
    bad_input,     ///< jobs whose scene is broken
    crashes,       ///< the coordinator dies at a commit: before it, after it, or between two sends
    ledger_errors, ///< a commit fails; what the disk has is unknown
    ledger_stalls, ///< a commit takes seconds
    store_errors,  ///< a blob cannot be written, or is torn
    store_stalls,  ///< a blob takes seconds
    clock_jumps,   ///< the coordinator's clock jumps, both ways
    floods,        ///< a tenant submits as much as it may
    steering,      ///< tenants cancel and otherwise steer their jobs
    trespass,      ///< tenants try others' jobs
    count
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(Fault::count);
using Faults = std::bitset<fault_count>;
const char* name_of(Fault fault);

struct Plan {
    std::uint64_t seed = 0;
    std::uint32_t workers = 0, tenants = 0, jobs = 0; ///< jobs of all tenants together, floods aside
    std::uint32_t tiles_a_job = 0;                    ///< about so many
    Time storm = 0;                                   ///< faults happen for so long; then the world heals
    Time tile = 0;                                    ///< what a tile takes a worker of speed 1; the fastest have 20
    std::array<double, fault_count> rate{};           ///< 0: the fault is not in this plan
    [[nodiscard]] bool has(Fault fault) const { return rate[static_cast<std::size_t>(fault)] > 0; }
    [[nodiscard]] double of(Fault fault) const { return rate[static_cast<std::size_t>(fault)]; }
    [[nodiscard]] Faults faults() const;
    [[nodiscard]] std::string text() const; ///< one line
};

/// `workers` 0: as the seed has it (1 to 60). Faults outside of `allowed` have rate 0, without changing the others.
Plan make_plan(std::uint64_t seed, std::uint32_t workers, const Faults& allowed);

} // namespace raymill::farm::simulate
