#include "farm/simulate/runs.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace raymill::farm::simulate {
namespace {

const World* running = nullptr; ///< in the child

/// abort() is called where a check fails, outside of any allocation, so the trace can be printed here.
void on_abort(int) {
    ::signal(SIGABRT, SIG_DFL);
    if (running != nullptr) running->print_trace();
    std::fflush(stderr);
    ::abort();
}

[[noreturn]] void child(const Plan& plan, bool trace, int out, unsigned limit_s) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(out, 2);
    ::signal(SIGABRT, on_abort);
    ::alarm(limit_s);
    static World world(plan, trace);
    running = &world;
    const auto outcome = world.run();
    [[maybe_unused]] const auto wrote = ::write(out, &outcome, sizeof outcome);
    ::_exit(0);
}

} // namespace

Run run_in_child(const Plan& plan, bool trace, unsigned limit_s) {
    int ends[2];
    if (::pipe(ends) != 0) return {.good = false, .outcome = {}, .message = "no pipe can be had"};
    std::fflush(nullptr);
    const auto pid = ::fork();
    if (pid == 0) {
        ::close(ends[0]);
        child(plan, trace, ends[1], limit_s);
    }
    ::close(ends[1]);
    std::string bytes;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) bytes.append(buffer, static_cast<std::size_t>(got));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    Run run;
    run.good = pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && bytes.size() >= sizeof run.outcome;
    if (run.good)
        bytes.copy(reinterpret_cast<char*>(&run.outcome), sizeof run.outcome, bytes.size() - sizeof run.outcome);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        run.message = "it did not end within " + std::to_string(limit_s) + " s of real time\n" + bytes;
    else
        run.message = bytes.empty() ? "the process ended without a word" : bytes;
    return run;
}

Plan shrink(Plan plan, unsigned limit_s) {
    const auto fails = [&](const Plan& smaller) { return !run_in_child(smaller, false, limit_s).good; };
    for (std::size_t i = 0; i < fault_count; ++i) {
        auto smaller = plan;
        smaller.rate[i] = 0;
        if (plan.rate[i] > 0 && fails(smaller)) plan = smaller;
    }
    const auto halve = [&](std::uint32_t Plan::*what) {
        for (auto smaller = plan; plan.*what > 1; plan = smaller) {
            smaller.*what = plan.*what / 2;
            if (!fails(smaller)) return;
        }
    };
    for (const auto what : {&Plan::workers, &Plan::jobs, &Plan::tiles_a_job, &Plan::tenants}) halve(what);
    for (auto smaller = plan; plan.storm > 2 * scheduler::second; plan = smaller) {
        smaller.storm = plan.storm / 2;
        if (!fails(smaller)) break;
    }
    return plan;
}

} // namespace raymill::farm::simulate
