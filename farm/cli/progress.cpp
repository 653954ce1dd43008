#include "farm/cli/progress.hpp"

#include "farm/cli/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/ioctl.h>
#include <unistd.h>

namespace raymill::cli {
namespace {

bool bar_is_drawn = false; // there is one terminal

int columns() {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

} // namespace

std::string short_number(double value) {
    constexpr const char* prefixes[] = {"", " k", " M", " G", " T", " P"};
    std::size_t step = 0;
    while (value >= 999.5 && step + 1 < std::size(prefixes)) value /= 1000, ++step;
    char text[32];
    std::snprintf(text, sizeof text,
                  value < 9.995 && step > 0   ? "%.2f%s"
                  : value < 99.95 && step > 0 ? "%.1f%s"
                                              : "%.0f%s",
                  value, prefixes[step]);
    return text;
}

std::string short_time(double seconds) {
    char text[48];
    const auto whole = static_cast<long>(std::lround(std::clamp(seconds, 0.0, 1e9)));
    if (whole < 60)
        std::snprintf(text, sizeof text, "%ld s", whole);
    else if (whole < 3600)
        std::snprintf(text, sizeof text, "%ld min %02ld s", whole / 60, whole % 60);
    else
        std::snprintf(text, sizeof text, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
    return text;
}

Progress::Progress() {
    const char* kind = std::getenv("TERM");
    terminal_ = ::isatty(STDERR_FILENO) == 1 && kind && std::strcmp(kind, "dumb") != 0;
}

Progress::~Progress() { clear(); }

void Progress::clear() {
    if (!bar_is_drawn) return;
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    bar_is_drawn = false;
}

void Progress::upload(const farm::client::UploadProgress& p) {
    if (p.bytes == 0) return;
    show("upload", static_cast<double>(p.bytes_done), static_cast<double>(p.bytes),
         short_number(static_cast<double>(p.bytes_done)) + "B of " + short_number(static_cast<double>(p.bytes)) + "B",
         p.bytes_done == p.bytes);
}

void Progress::tiles(std::uint64_t done, std::uint64_t total, double samples) {
    if (total == 0) return;
    const auto now = Clock::now();
    const double at = static_cast<double>(done), of = static_cast<double>(total);
    if (started_ == Clock::time_point{}) started_ = now, done_at_start_ = at;
    const double elapsed = std::chrono::duration<double>(now - started_).count();
    const double rate = elapsed > 0 ? (at - done_at_start_) / elapsed : 0; // tiles a second
    std::string numbers = std::to_string(done) + "/" + std::to_string(total) + " tiles";
    if (rate > 0 && samples > 0) numbers += ", " + short_number(rate * samples / of) + " samples/s";
    if (rate > 0 && done < total) numbers += ", " + short_time((of - at) / rate) + " left";
    show("render", at, of, numbers, done == total);
}

void Progress::show(const char* what, double done, double total, const std::string& numbers, bool last) {
    if (manner().quiet) return;
    if (stage_ != what) stage_ = what, tenth_ = -1, drawn_ = {};
    const double part = std::clamp(done / total, 0.0, 1.0);
    const int percent = static_cast<int>(part * 100); // 100 only when all is done
    if (!terminal_) {
        if (percent / 10 == tenth_) return;
        tenth_ = percent / 10;
        std::fprintf(stderr, "%s %3d %%  %s\n", what, percent, numbers.c_str());
        return;
    }
    const auto now = Clock::now();
    if (!last && now - drawn_ < std::chrono::milliseconds(50)) return;
    drawn_ = now;
    char head[32];
    std::snprintf(head, sizeof head, "%s %3d %% [", what, percent);
    const int room = columns() - static_cast<int>(std::strlen(head) + numbers.size()) - 4;
    std::string line = head;
    if (room >= 8) {
        const int width = std::min(room, 40), full = static_cast<int>(part * width);
        line += std::string(static_cast<std::size_t>(full), '#') + std::string(static_cast<std::size_t>(width - full), '.');
    }
    line += "] " + numbers;
    line.resize(std::min<std::size_t>(line.size(), static_cast<std::size_t>(std::max(1, columns() - 1))));
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
    bar_is_drawn = true;
}

} // namespace raymill::cli
