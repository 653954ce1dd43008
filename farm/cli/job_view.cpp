#include "farm/cli/job_view.hpp"

#include "farm/cli/progress.hpp"
#include "farm/cli/report.hpp"
#include "renderer/base/settings.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace raymill::cli {
namespace {

std::string local_time(std::int64_t us) {
    if (us <= 0) return "not yet";
    const auto seconds = static_cast<std::time_t>(us / 1000000);
    std::tm parts{};
    char text[64];
    if (!localtime_r(&seconds, &parts) || std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) == 0) return "unknown";
    return text;
}

std::string of(std::uint64_t done, std::uint64_t total) { return std::to_string(done) + "/" + std::to_string(total); }

} // namespace

std::string line_of(const farm::client::JobInfo& job) {
    char text[256];
    std::snprintf(text, sizeof text, "%-16s  %-9s  %9s frames  %11s tiles  ", job.id.c_str(), job.state.c_str(),
                  of(job.frames_done, job.frames).c_str(), of(job.tiles_done, job.tiles).c_str());
    return text + job.name;
}

std::string lines_of(const farm::client::JobInfo& job) {
    std::string out;
    const auto line = [&](const char* what, const std::string& value) {
        if (value.empty()) return;
        char head[32];
        std::snprintf(head, sizeof head, "%-10s ", what);
        out += (out.empty() ? "" : "\n") + std::string(head) + value;
    };
    line("job", job.id);
    line("name", job.name);
    line("key", job.key);
    line("state", job.state);
    line("error", job.error ? job.error->message() : "");
    line("frames",
         of(job.frames_done, job.frames) + " done" + (job.frames_failed ? ", " + std::to_string(job.frames_failed) + " failed" : ""));
    line("tiles", of(job.tiles_done, job.tiles) + " done, " + std::to_string(job.tiles_leased) + " with workers");
    for (const auto& [name, value] : job.settings) line("setting", name + " = " + value);
    line("scene", job.scene);
    line("created", local_time(job.created_us));
    line("started", local_time(job.started_us));
    line("finished", local_time(job.finished_us));
    line("device", job.device);
    if (job.samples > 0) {
        line("samples", short_number(static_cast<double>(job.samples)));
        line("rays", short_number(static_cast<double>(job.rays)));
        line("tracing", short_time(job.trace_s) + ", " + short_time(job.trace_cpu_s) + " of CPU");
    }
    for (const auto& note : job.notes) line("note", note);
    return out;
}

double samples_of(const farm::client::JobInfo& job) {
    const auto settings = parse_settings(job.settings);
    if (!settings) return 0;
    return static_cast<double>(job.frames) * settings->width * settings->height * settings->spp;
}

void Notes::say_new(const std::vector<std::string>& notes) {
    for (const auto& note : notes) {
        if (std::ranges::find(said_, note) != said_.end()) continue;
        said_.push_back(note);
        say("note: " + note);
    }
}

int end_of(const farm::client::JobInfo& job) {
    const auto fault = job.fault();
    return fault ? report(*fault) : 0;
}

} // namespace raymill::cli
