#pragma once
/// How far the work is, on stderr: a bar on a terminal, a plain line every tenth elsewhere, nothing under --quiet. Moves only when it is
/// told something; costs nothing in between. One at a time; used by one thread at a time.
#include "farm/client/upload.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace raymill::cli {

class Progress {
  public:
    Progress();
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void upload(const farm::client::UploadProgress& progress);
    /// Tiles of a job; `samples` of all its tiles together, 0 where unknown.
    void tiles(std::uint64_t done, std::uint64_t total, double samples);

    /// Takes the bar off the terminal, so that another line can be written; it comes back with the next step.
    static void clear();

  private:
    void show(const char* what, double done, double total, const std::string& numbers, bool last);

    using Clock = std::chrono::steady_clock;
    bool terminal_ = false;
    Clock::time_point drawn_{}, started_{}; ///< started_: when the first tiles were seen
    double done_at_start_ = 0;
    const char* stage_ = nullptr;
    int tenth_ = -1; ///< of the last plain line
};

/// "1.5 k", "23.4 M": three digits and a prefix of ten.
std::string short_number(double value);
/// "4 s", "3 min 05 s", "2 h 04 min".
std::string short_time(double seconds);

} // namespace raymill::cli
