#pragma once
/// The whole farm on this machine for a while: a coordinator and workers as child processes on loopback, in a temporary folder. Used by
/// `raymill render`.
#include "renderer/base/error.hpp"

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace raymill::farm {

struct LocalFarmOptions {
    unsigned workers = 1;
    std::string device;   ///< of every worker; empty: best
    unsigned threads = 0; ///< of every worker; 0: all
    /// The program and arguments in front of "serve" and "worker".
    std::vector<std::string> command{"/proc/self/exe"};
    std::filesystem::path temporary;    ///< folder to make the farm's own folder in; empty: $TMPDIR or /tmp
    std::vector<std::string> devices{}; ///< of the workers in turn, instead of `device`; empty: `device`
};

class LocalFarm {
  public:
    /// Starts the processes and waits until the coordinator is ready (at most 20 s); workers come on their own. Call it from the main
    /// thread before others are started: the children die with the thread that started them.
    static Result<LocalFarm> start(const LocalFarmOptions& options);
    LocalFarm(LocalFarm&&) noexcept;
    LocalFarm& operator=(LocalFarm&&) = delete;
    /// Ends all processes (SIGTERM, SIGKILL after 5 s) and removes the folder.
    ~LocalFarm();

    [[nodiscard]] const std::string& url() const { return url_; }     ///< "http://127.0.0.1:PORT"
    [[nodiscard]] const std::string& token() const { return token_; } ///< bearer token
    [[nodiscard]] const std::vector<pid_t>& processes() const { return processes_; }
    /// An error when the coordinator or every worker has ended: nothing will come any more. Says the last line it wrote.
    Status check();

  private:
    LocalFarm() = default;
    std::filesystem::path folder_;
    std::string url_, token_;
    std::vector<pid_t> processes_; ///< the coordinator first; 0 where one has ended
};

} // namespace raymill::farm
