#pragma once
/// Every decoder that a stranger's bytes reach, as a function of bytes, with good inputs to begin from. Run by the mutating program
/// (fuzz.cpp: no special compiler, every platform, seeds printed) and, where clang is the compiler, by libFuzzer (libfuzzer.cpp).
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace raymill::fuzz {

using Bytes = std::span<const std::uint8_t>;

struct Target {
    std::string_view name;
    std::vector<std::string> (*seeds)(); ///< good inputs
    /// Decodes, and uses what came out. Any return is good; a crash, a sanitizer's report, an exception or a broken promise (a check
    /// inside) is a fault.
    void (*run)(Bytes input);
    std::uint64_t usual_runs; ///< in the short run of the test suite
};

std::span<const Target> scene_targets(); ///< what a render process reads
std::span<const Target> farm_targets();  ///< what the doors, the tools and the supervisor read

/// A file of these bytes in a folder of this process's own, in memory where there is room; the same one again for the same name.
std::filesystem::path file_of(Bytes input, const std::string& name);
std::string text_of(Bytes input);
/// A file of the checkout's scenes/; empty where $SCENES names no folder that has it.
std::string scene_file(const std::string& name);

/// Ends the process with words: a decoder gave what it promises never to give.
void promise(bool kept, const char* words);

} // namespace raymill::fuzz
