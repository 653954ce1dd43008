// raymill worker: this machine's devices for a coordinator, until it is told to end; and, not in the help, the render process that it
// starts.
#include "farm/cli/commands.hpp"
#include "farm/cli/report.hpp"
#include "farm/cli/server.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/worker/render_process.hpp"
#include "farm/worker/worker.hpp"
#include "renderer/renderer.hpp"

#include <charconv>

namespace raymill::cli {

int run_worker(Arguments& arguments) {
    farm::WorkerOptions options;
    std::string data;
    std::optional<unsigned> threads, cache;
    arguments.text("--connect", options.connect, "tcp://HOST:PORT", "the coordinator: tcp://127.0.0.1:8081");
    arguments.text("--data", data, "DIR", "keys, scene cache and unsent results; the user's data folder. One worker at a time");
    arguments.text("--device", options.device, "NAME", "a device by name, index or UUID, \"software\" or \"reference\"; the best");
    arguments.number("--threads", threads, 1, 4096, "CPU threads of a software device or the reference (all)");
    arguments.number("--cache", cache, 1, 1u << 20, "GiB of scenes to keep on disk (20)");
    std::string score;
    arguments.text("--score", score, "S",
                   "the device's score for benchmark-hours; what `raymill bench --save DIR` left in the data folder");
    add_manner(arguments);
    arguments.footer(
        "A coordinator on another host wants this worker's public key: \"worker.pub\" in the data folder goes into the coordinator's\n"
        "\"worker_keys\", and the coordinator's \"server.pub\" into this folder.");
    if (const auto over = arguments.parse()) return *over;
    options.data = data;
    options.threads = threads.value_or(0);
    if (cache) options.cache_bytes = std::uint64_t{*cache} << 30;
    if (!score.empty()) {
        const auto [end, error] = std::from_chars(score.data(), score.data() + score.size(), options.score);
        if (error != std::errc() || end != score.data() + score.size() || !(options.score > 0) || options.score > farm::limits::best_score)
            return report({Code::usage, "--score", "is a number above 0, at most a million"});
    }
    const auto worked = farm::work(options);
    return worked ? 0 : report(worked.error());
}

int run_render_process() { return farm::render_process(3, Renderer::open); }

} // namespace raymill::cli
