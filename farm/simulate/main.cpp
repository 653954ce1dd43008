// raymill-simulate: the farm's promises under faults, seed by seed. Not installed.
#include "farm/simulate/runs.hpp"

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace raymill::farm::simulate;

constexpr const char* help = R"(raymill-simulate [--workers N] [--seeds A-B] [--jobs N] [--limit S] [--verbose] [--until-failure]

Runs the scheduling core with imagined workers, links, disks and tenants, and faults of all kinds, and checks the farm's promises after each event.
  --workers N      that many workers in each run; without it as the seed has it, 1 to 60
  --seeds A-B      the runs, 1-20 without it; a single number is one run
  --jobs N         runs at a time, as many as there are processors without it
  --limit S        real seconds a run may take, 600
  --verbose        a line for each run
  --until-failure  stops at the first failed run: exit status 0 where there is one, which is printed, else 1
A failed run is made smaller and printed with its last events. The last line is "N seeds, N failed"; exit status 0 where none failed, 1 where some
did, 2 for wrong usage. The same seed is the same run everywhere.
)";

struct Arguments {
    std::uint32_t workers = 0;
    std::uint64_t first = 1, last = 20;
    unsigned jobs = std::max(1u, std::thread::hardware_concurrency()), limit_s = 600;
    bool verbose = false, until_failure = false;
};

bool parse(int count, char** words, Arguments& to) {
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--verbose")
            to.verbose = true;
        else if (word == "--until-failure")
            to.until_failure = true;
        else if (i + 1 < count && (word == "--workers" || word == "--seeds" || word == "--jobs" || word == "--limit")) {
            char* end = nullptr;
            const auto value = std::strtoull(words[++i], &end, 10);
            if (end == words[i] || value > 1'000'000'000'000) return false;
            if (word == "--seeds") {
                to.first = to.last = value;
                if (*end == '-') to.last = std::strtoull(end + 1, &end, 10);
                if (*end != 0 || to.last < to.first) return false;
                continue;
            }
            if (*end != 0 || value == 0 || value > 100'000) return false;
            (word == "--workers" ? to.workers : word == "--jobs" ? to.jobs : to.limit_s) = static_cast<unsigned>(value);
        } else
            return false;
    }
    return true;
}

void print_failure(std::uint64_t seed, const Plan& plan, const Plan& small, const std::string& message) {
    std::printf("seed %" PRIu64 " failed: %s\n  smaller: %s\n%s", seed, plan.text().c_str(), small.text().c_str(), message.c_str());
    std::fflush(stdout);
}

} // namespace

int main(int count, char** words) {
    Arguments arguments;
    if (count == 2 && std::strcmp(words[1], "--help") == 0) {
        std::fputs(help, stdout);
        return 0;
    }
    if (!parse(count, words, arguments)) {
        std::fputs(help, stderr);
        return 2;
    }
    std::mutex mutex;
    auto next = arguments.first;
    std::uint64_t failed = 0, ran = 0, tiles = 0, events = 0;
    const auto began = std::chrono::steady_clock::now();
    const auto work = [&] {
        for (;;) {
            std::uint64_t seed = 0;
            {
                const std::scoped_lock lock(mutex);
                if (next > arguments.last || (arguments.until_failure && failed > 0)) return;
                seed = next++;
            }
            const auto plan = make_plan(seed, arguments.workers, Faults{}.set());
            const auto run = run_in_child(plan, false, arguments.limit_s);
            Plan small = plan;
            std::string message = run.message;
            if (!run.good && !arguments.until_failure) {
                small = shrink(plan, arguments.limit_s);
                message = run_in_child(small, true, arguments.limit_s).message;
            }
            const std::scoped_lock lock(mutex);
            ++ran;
            failed += run.good ? 0 : 1;
            tiles += run.outcome.tiles;
            events += run.outcome.events;
            if (!run.good)
                print_failure(seed, plan, small, message);
            else if (arguments.verbose)
                std::printf("seed %" PRIu64 ": hash %016" PRIx64 ", %" PRIu64 " events, %" PRIu64 " tiles, %" PRIu64
                            " turned down, %" PRIu64 " starts, %" PRIu64 " checks, %.1f h, share off by %.1f %%; %s\n",
                            seed, run.outcome.state_hash, run.outcome.events, run.outcome.tiles, run.outcome.turned_down,
                            run.outcome.restarts, run.outcome.checks, double(run.outcome.simulated) / 3.6e9,
                            100 * run.outcome.worst_share_error, plan.text().c_str());
        }
    };
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::min<std::uint64_t>(arguments.jobs, arguments.last - arguments.first + 1); ++i) threads.emplace_back(work);
    threads.clear();
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    std::printf("%" PRIu64 " events, %" PRIu64 " tiles accepted, %.1f s\n%" PRIu64 " seeds, %" PRIu64 " failed\n", events, tiles, seconds,
                ran, failed);
    return arguments.until_failure ? (failed > 0 ? 0 : 1) : (failed > 0 ? 1 : 0);
}
