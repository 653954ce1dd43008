#pragma once
/// What this process and this host are to drivers: environment variables that they read, the folder for what they compile.
#include <filesystem>
#include <optional>
#include <string>

namespace raymill::gpu {

/// RAYMILL_CACHE, else XDG_CACHE_HOME/raymill, else HOME/.cache/raymill; none where none of these is set. Not created here.
std::optional<std::filesystem::path> cache_folder();

/// Tells Mesa's llvmpipe, before an instance is made, what it reads once in a process; so only the first call does anything, and the number
/// of threads that it was given holds until the end of the process. What the user has set stays.
/// - LP_NUM_THREADS: `threads`, where it is not 0.
/// - LP_NATIVE_VECTOR_WIDTH: 512 where the CPU has AVX-512 (llvmpipe takes 256; 1.3 to 1.4 times faster here).
/// - MESA_SHADER_CACHE_DIR: a folder for each vector width, since the key of Mesa's cache lacks it: code compiled for another width would
///   be taken, and can crash.
void prepare_software_drivers(unsigned threads);

/// Threads that llvmpipe works with in this process.
unsigned software_threads();

} // namespace raymill::gpu
