#pragma once
/// A render process as its supervisor sees it: started under limits, spoken to over a socket pair, killed when it must be. Belongs to the
/// supervisor's thread, which has to live as long as the child (the child dies with it).
#include "farm/protocol/framing.hpp"
#include "farm/protocol/messages.hpp"
#include "renderer/base/error.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace raymill::farm {

struct RenderLimits {
    std::uint64_t memory_bytes = 0;          ///< resident; watched, since address space is no measure of what GPU drivers use
    std::uint64_t file_bytes = 300ull << 30; ///< of one file it writes
    std::chrono::seconds stall{600};         ///< silence while it has work
    bool sandbox = true;                     ///< whether it enters one (sandbox.hpp) that leaves it its folder and these
    std::vector<std::filesystem::path> read{}, write{};
};

class RenderChild {
  public:
    using Clock = std::chrono::steady_clock;

    /// Starts `command` with one end of a socket as descriptor 3 and all others but 0 to 2 closed, in a new private folder under `scratch`,
    /// without a network where this system lets an unprivileged process give it up, without core dumps; it dies with this thread.
    static Result<std::unique_ptr<RenderChild>> start(const std::vector<std::string>& command, const std::filesystem::path& scratch,
                                                      const RenderLimits& limits);
    /// Kills it and removes its folder.
    ~RenderChild();
    RenderChild(const RenderChild&) = delete;
    RenderChild& operator=(const RenderChild&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

    /// A request; `work` says whether an answer is to be waited for. Where the process is dead already, receive() says so.
    void send(const wire::ToRender& message, bool work);
    /// What it said since. Empty `ended` while it lives; else why it is over, in words.
    std::vector<wire::FromRender> receive(std::string& ended);
    /// Why it has to be killed now (too much memory, hung); empty: no reason. To be asked about once a second.
    [[nodiscard]] std::string over_limits() const;
    void idle() { busy_ = false; }

  private:
    RenderChild() = default;
    pid_t pid_ = -1;
    int fd_ = -1;
    bool busy_ = false;
    Clock::time_point heard_ = Clock::now();
    FrameReader reader_;
    RenderLimits limits_;
    std::filesystem::path folder_;
};

} // namespace raymill::farm
