#pragma once
/// What tools/bench/farm measures, one function each. Every function starts its own coordinator, checks what it was told against what the
/// coordinator says afterwards (a rate of things that did not happen is no rate), and gives the figures by name.
#include "renderer/base/error.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace raymill::farm::bench {

struct Options {
    std::filesystem::path raymill; ///< the program
    std::filesystem::path folder;  ///< scratch; on the disk that is meant
    std::filesystem::path scene;   ///< a glTF file, for overhead_ratio
    std::string device;            ///< likewise; empty: the default
    bool tiny = false;             ///< for function only: seconds instead of minutes, and no figure means anything
};

struct Figure {
    std::string name; ///< as in --json
    double value = 0;
    std::string unit, how; ///< in words
    double target = 0;     ///< 0: none
    bool at_least = false; ///< else at most
};
using Figures = std::vector<Figure>;

Result<Figures> completions(const Options& options); ///< completions_per_s
Result<Figures> hand_out(const Options& options);    ///< handout_p99_ms
Result<Figures> restart(const Options& options);     ///< restart_s
Result<Figures> lost_worker(const Options& options); ///< lost_worker_reissue_s
Result<Figures> reconnects(const Options& options);  ///< reconnects_8000_s
Result<Figures> overhead(const Options& options);    ///< overhead_ratio
Result<Figures> intake(const Options& options);      ///< intake_mb_per_s

} // namespace raymill::farm::bench
