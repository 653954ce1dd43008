#pragma once
/// Seeds as processes: a broken promise ends the process of its seed alone.
#include "farm/simulate/world.hpp"

#include <string>

namespace raymill::farm::simulate {

struct Run {
    bool good = false;
    Outcome outcome;     ///< where good
    std::string message; ///< where not: what was broken, and with `trace` what happened last
};

/// Runs the plan in a child process and waits for it; at most `limit_s` of real time.
Run run_in_child(const Plan& plan, bool trace, unsigned limit_s);

/// The smallest plan that still fails which leaving out faults, workers and work gives, one after the other.
Plan shrink(Plan plan, unsigned limit_s);

} // namespace raymill::farm::simulate
