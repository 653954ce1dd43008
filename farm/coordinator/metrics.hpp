#pragma once
/// What Prometheus reads at /metrics: counters and levels of the whole farm, no tenant's names. Belongs to the shell's thread.
#include <array>
#include <cstdint>
#include <string>

namespace raymill::farm {

/// Counts of durations, as Prometheus has them: each bucket holds what took at most its bound.
class Durations {
  public:
    static constexpr std::array<double, 10> bounds{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1};
    void add(double seconds);
    /// Lines of `name`, a histogram.
    void write(std::string& out, const char* name, const char* help) const;

  private:
    std::array<std::uint64_t, bounds.size()> counts_{};
    std::uint64_t count_ = 0;
    double sum_ = 0;
};

struct Metrics {
    // Counters since the start.
    std::uint64_t leases = 0, tiles_accepted = 0, frames_done = 0, results_not_needed = 0, results_busy = 0, results_damaged = 0;
    std::uint64_t tasks_failed = 0, result_bytes = 0, commits = 0, records = 0, hellos = 0;
    double device_s = 0, bench_h = 0;
    Durations commit_s; ///< of the ledger
    // Levels, filled in when they are asked for.
    std::uint64_t workers = 0, workers_busy = 0, tasks_waiting = 0, jobs_open = 0, uploads = 0;
    bool draining = false;
};

/// Prometheus' text format, version 0.0.4.
std::string prometheus(const Metrics& metrics);

} // namespace raymill::farm
