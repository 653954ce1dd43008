#include "renderer/gpu/environment.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace raymill::gpu {
namespace {

// llvmpipe's own limit (LP_MAX_THREADS).
constexpr unsigned llvmpipe_most_threads = 32;

std::optional<std::string> variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
}

bool has_avx512() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0;
#else
    return false;
#endif
}

} // namespace

std::optional<std::filesystem::path> cache_folder() {
    if (const auto own = variable("RAYMILL_CACHE")) return std::filesystem::path(*own);
    if (const auto user = variable("XDG_CACHE_HOME")) return std::filesystem::path(*user) / "raymill";
    if (const auto home = variable("HOME")) return std::filesystem::path(*home) / ".cache" / "raymill";
    return std::nullopt;
}

void prepare_software_drivers(unsigned threads) {
    static std::once_flag once;
    std::call_once(once, [threads] {
        if (threads > 0) setenv("LP_NUM_THREADS", std::to_string(std::min(threads, llvmpipe_most_threads)).c_str(), 0);
        if (has_avx512()) setenv("LP_NATIVE_VECTOR_WIDTH", "512", 0);
        const std::string width = variable("LP_NATIVE_VECTOR_WIDTH").value_or("default");
        if (const auto cache = cache_folder(); cache && !variable("MESA_SHADER_CACHE_DIR")) {
            const std::filesystem::path folder = *cache / ("mesa-" + width);
            std::error_code error; // Mesa makes the last folder of a path only; where we cannot, it goes without a cache
            std::filesystem::create_directories(folder, error);
            setenv("MESA_SHADER_CACHE_DIR", folder.c_str(), 1);
        }
    });
}

unsigned software_threads() {
    if (const auto set = variable("LP_NUM_THREADS")) {
        const long count = std::strtol(set->c_str(), nullptr, 10);
        if (count > 0) return std::min(static_cast<unsigned>(count), llvmpipe_most_threads);
    }
    return std::clamp(std::thread::hardware_concurrency(), 1u, llvmpipe_most_threads);
}

} // namespace raymill::gpu
