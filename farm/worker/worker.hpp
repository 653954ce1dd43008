#pragma once
/// farm/worker: a worker host: the supervisor, which has the network and no Vulkan, and the render process that it starts and may lose. May
/// include renderer, protocol; farm/cli calls it. This file: the supervisor as a whole.
///
/// The data folder (one supervisor at a time):
///   name          this worker's name on the farm
///   worker.key    its CURVE key pair, for a server on another host: the public half (worker.pub) goes into that server's worker_keys
///   server.pub    that server's public key, copied here by hand
///   results/      what was rendered and is not acknowledged: kept over restarts and sent again until it is
///   cache/        blobs of scenes and frames by hash, at most `cache_bytes`, the longest unused go first
///   scenes/       scenes in use, as links into the cache
///   scratch/      of running render processes
///   bench_score   the device's score, left there by `raymill bench --save`
#include "renderer/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace raymill::farm {

struct WorkerOptions {
    std::string connect = "tcp://127.0.0.1:8081";
    std::filesystem::path data;              ///< empty: the user's data folder
    std::string device;                      ///< DeviceChoice::name
    unsigned threads = 0;                    ///< DeviceChoice::threads
    std::uint64_t cache_bytes = 20ull << 30; ///< soft while one job needs more
    std::uint64_t memory_bytes = 0;          ///< resident, of a render process; 0: nine tenths of the machine's
    double score =
        0; ///< of the device, by `raymill bench`; 0: what `bench --save` left in the data folder (bench_score), else not measured
    unsigned stall_s = 600;                                             ///< a render process that is silent for so long is taken for hung
    enum class Sandbox { off, best, required } sandbox = Sandbox::best; ///< required: work() refuses where a protection does not hold
    std::vector<std::filesystem::path> render_may_write{};              ///< folders, besides its own
    /// The program that becomes the render process; it finds its socket as descriptor 3 and calls render_process(3).
    std::vector<std::string> render_command{"/proc/self/exe", "render-process"};
};

/// Works until SIGTERM or SIGINT (one process at a time may call it, once, from its main thread). Waits for a server that is not there yet.
Status work(const WorkerOptions& options);

} // namespace raymill::farm
