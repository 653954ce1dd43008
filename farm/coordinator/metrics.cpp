#include "farm/coordinator/metrics.hpp"

#include <cstdio>

namespace raymill::farm {
namespace {

std::string text(double value) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.17g", value);
    return digits;
}

void line(std::string& out, const char* name, const char* type, const char* help, double value) {
    out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n" + name + " " + text(value) + "\n";
}

} // namespace

void Durations::add(double seconds) {
    ++count_;
    sum_ += seconds;
    for (std::size_t i = 0; i < bounds.size(); ++i) counts_[i] += seconds <= bounds[i] ? 1 : 0;
}

void Durations::write(std::string& out, const char* name, const char* help) const {
    out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " histogram\n";
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        char bound[24];
        std::snprintf(bound, sizeof bound, "%g", bounds[i]);
        out += std::string(name) + "_bucket{le=\"" + bound + "\"} " + std::to_string(counts_[i]) + "\n";
    }
    out += std::string(name) + "_bucket{le=\"+Inf\"} " + std::to_string(count_) + "\n";
    out += std::string(name) + "_sum " + text(sum_) + "\n" + name + "_count " + std::to_string(count_) + "\n";
}

std::string prometheus(const Metrics& m) {
    std::string out;
    const auto counter = [&](const char* name, const char* help, double value) { line(out, name, "counter", help, value); };
    const auto level = [&](const char* name, const char* help, double value) { line(out, name, "gauge", help, value); };
    const auto n = [](std::uint64_t value) { return static_cast<double>(value); };
    counter("raymill_leases_total", "Tasks handed out.", n(m.leases));
    counter("raymill_tiles_accepted_total", "Tiles accepted, each once.", n(m.tiles_accepted));
    counter("raymill_frames_done_total", "Frames finished.", n(m.frames_done));
    counter("raymill_results_not_needed_total", "Results that came too late to count.", n(m.results_not_needed));
    counter("raymill_results_busy_total", "Results that were told to come again.", n(m.results_busy));
    counter("raymill_results_damaged_total", "Results whose bytes were not those of their hash.", n(m.results_damaged));
    counter("raymill_tasks_failed_total", "Failures that workers reported.", n(m.tasks_failed));
    counter("raymill_result_bytes_total", "Bytes of results stored.", n(m.result_bytes));
    counter("raymill_device_seconds_total", "Seconds of tracing in accepted tiles.", m.device_s);
    counter("raymill_benchmark_hours_total", "Benchmark-hours of accepted tiles.", m.bench_h);
    counter("raymill_hellos_total", "Introductions of workers.", n(m.hellos));
    counter("raymill_ledger_commits_total", "Commits to the ledger.", n(m.commits));
    counter("raymill_ledger_records_total", "Records in them.", n(m.records));
    m.commit_s.write(out, "raymill_ledger_commit_seconds", "Time of a commit, to the disk.");
    level("raymill_workers", "Workers connected.", n(m.workers));
    level("raymill_workers_busy", "Workers that render.", n(m.workers_busy));
    level("raymill_tasks_waiting", "Tasks that wait for a worker.", n(m.tasks_waiting));
    level("raymill_jobs_open", "Jobs that are not over.", n(m.jobs_open));
    level("raymill_uploads", "Results on their way in.", n(m.uploads));
    level("raymill_draining", "1 while the coordinator hands out nothing new.", m.draining ? 1 : 0);
    return out;
}

} // namespace raymill::farm
