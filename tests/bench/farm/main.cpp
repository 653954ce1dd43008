// The farm's speed, figure by figure, each with what it was measured on. Run by tools/bench/farm.
#include "tests/bench/farm/measures.hpp"

#include "farm/protocol/sha256.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

using namespace raymill;
using namespace raymill::farm;

namespace {

constexpr const char* help =
    "tools/bench/farm [MEASURE...] [--json] [--tiny] [--folder DIR] [--scene FILE] [--device NAME]\n"
    "How fast the farm is, without rendering but for `overhead`: a real coordinator process, and imagined workers that speak the real\n"
    "protocol over CURVE on loopback, on the same machine. MEASURE: completions, hand-out, restart, lost-worker, reconnects, intake, "
    "overhead;\n"
    "all of them where none is named. --folder: where the coordinator keeps its state, so which disk is measured (the temporary folder).\n"
    "--tiny: for function only, the figures mean nothing. --json: one object with completions_per_s, handout_p99_ms, restart_s,\n"
    "lost_worker_reissue_s, reconnects_8000_s, overhead_ratio, intake_mb_per_s (of those that were measured) and the hardware.\n";

/// Milliseconds of one append and fsync there: the median of 50.
double fsync_ms(const std::filesystem::path& folder) {
    const auto file = folder / "fsync";
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return 0;
    std::vector<double> times;
    const std::string bytes(4096, 'x');
    for (int i = 0; i < 50; ++i) {
        const auto began = std::chrono::steady_clock::now();
        if (::write(fd, bytes.data(), bytes.size()) < 0 || ::fsync(fd) != 0) break;
        times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
    }
    ::close(fd);
    std::filesystem::remove(file);
    std::ranges::sort(times);
    return times.empty() ? 0 : times[times.size() / 2];
}

std::string processor() {
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    return "unknown processor";
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
    }
    return out + "\"";
}

/// Removes its folder at the end.
struct Folder {
    std::filesystem::path path;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

} // namespace

int main(int argc, char** argv) {
    bench::Options options;
    bool json = false;
    std::vector<std::string> wanted;
    std::filesystem::path above = std::filesystem::temp_directory_path();
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const auto value = [&] { return i + 1 < argc ? std::string(argv[++i]) : std::string(); };
        if (word == "--json")
            json = true;
        else if (word == "--tiny")
            options.tiny = true;
        else if (word == "--folder")
            above = value();
        else if (word == "--raymill")
            options.raymill = value();
        else if (word == "--scene")
            options.scene = value();
        else if (word == "--device")
            options.device = value();
        else if (word.starts_with("-"))
            return std::fputs(help, word == "--help" ? stdout : stderr), word == "--help" ? 0 : 2;
        else
            wanted.push_back(word);
    }
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);

    const Folder folder{above / ("raymill-bench-" + random_hex(6))};
    std::filesystem::create_directories(folder.path);
    options.folder = folder.path;
    const auto fsync = fsync_ms(folder.path);
    utsname system{};
    ::uname(&system);
    if (!json)
        std::printf("%s, %u cores, Linux %s; one append with fsync in %s takes %.2f ms\n", processor().c_str(),
                    std::thread::hardware_concurrency(), system.release, above.c_str(), fsync);
    const std::pair<std::string, Result<bench::Figures> (*)(const bench::Options&)> measures[] = {
        {"completions", bench::completions}, {"hand-out", bench::hand_out},     {"restart", bench::restart},
        {"lost-worker", bench::lost_worker}, {"reconnects", bench::reconnects}, {"intake", bench::intake},
        {"overhead", bench::overhead},
    };
    for (const auto& name : wanted)
        if (std::ranges::none_of(measures, [&](const auto& measure) { return measure.first == name; })) {
            std::fprintf(stderr, "%s is not measured here\n%s", name.c_str(), help);
            return 2;
        }
    std::string fields;
    bool all = true;
    for (const auto& [name, measure] : measures) {
        if (!wanted.empty() && std::ranges::find(wanted, name) == wanted.end()) continue;
        const auto figures = measure(options);
        if (!figures) {
            std::fprintf(stderr, "%s: %s\n", name.c_str(), figures.error().message().c_str());
            all = false;
            continue;
        }
        for (const auto& figure : *figures) {
            char text[64];
            std::snprintf(text, sizeof text, "%.6g", figure.value);
            fields += quoted(figure.name) + ": " + text + ", ";
            const bool met = figure.target == 0 || (figure.at_least ? figure.value >= figure.target : figure.value <= figure.target);
            std::snprintf(text, sizeof text, "%-22s %10.5g %-5s", figure.name.c_str(), figure.value, figure.unit.c_str());
            std::string target;
            if (figure.target != 0) {
                char bound[48];
                std::snprintf(bound, sizeof bound, " (%s %g%s)", figure.at_least ? "wanted: at least" : "wanted: at most", figure.target,
                              met ? "" : ": MISSED");
                target = bound;
            }
            if (!json) std::printf("%s%s\n    %s\n", text, options.tiny ? "" : target.c_str(), figure.how.c_str());
            std::fflush(stdout);
        }
    }
    if (json)
        std::printf("{%s\"tiny\": %s, \"processor\": %s, \"cores\": %u, \"kernel\": %s, \"fsync_ms\": %.3f}\n", fields.c_str(),
                    options.tiny ? "true" : "false", quoted(processor()).c_str(), std::thread::hardware_concurrency(),
                    quoted(system.release).c_str(), fsync);
    return all ? 0 : 1;
}
