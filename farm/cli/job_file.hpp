#pragma once
/// JOB.toml: a batch of shots.
///
///     key = "shots-12"              # optional: submitted again with the same key it is the same jobs; --key wins
///     scene = "scenes/hall.glb"     # what stands at the top is every shot's default; paths are relative to this file's folder
///     size = "1920x1080"            # settings by their names; numbers, true and false without quotes; lists of numbers as [1, 2, 3]
///     spp = 256
///
///     [[shot]]
///     name = "hall"                 # optional: the scene's file name without its ending
///     frames = "1-48"
///     tonemap = "agx"               # a shot's own settings win
///     output = "out/hall.####.exr"  # optional: where `submit --wait` puts its frames; also chooses the format
///
/// `scene` is the file here; which of a file's scenes (--scene N) is written scene-index.
#include "renderer/base/error.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace raymill::cli {

struct Shot {
    std::filesystem::path scene;
    std::string name;
    std::string output;                       ///< empty: none
    std::map<std::string, std::string> words; ///< settings; each has passed set(), together they have passed parse_settings()
    int line = 0;                             ///< where the shot begins; 0: not from a file
};

struct JobFile {
    std::string key;
    std::vector<Shot> shots; ///< 1 to max_shots, names unique
};

inline constexpr std::size_t max_shots = 4096;
inline constexpr std::size_t max_name = 100, max_key = 99; ///< bytes; together they are a job's key of at most 200

/// The key of one of several jobs submitted under one key: the same file submitted twice is the same jobs, in whatever order its shots
/// stand.
std::string key_of_shot(const std::string& key, const std::string& name);

/// Code::usage with "FILE: line N" as `where`: a syntax error, an unknown key, a wrong type, a setting's value that is not allowed, no
/// shot. Code::bad_input where the file cannot be read.
Result<JobFile> read_job_file(const std::filesystem::path& file);

} // namespace raymill::cli
