#pragma once
/// Against a worker that was let in and sends a message without end: libzmq bounds a message's parts in size but not in number, and keeps
/// them all until the last one. Nothing of it ever arrives here, so nobody here can refuse it. What shows is this process's memory, and how
/// many bytes the kernel received on each connection against how many came out of the sockets: where the gap passes a bound while memory
/// grows, the connection that brought most is cut, which frees it all. A thread of its own, since the shell's may be busy.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace raymill::farm {

struct FloodLimits {
    std::uint64_t look_bytes = 48u << 20;   ///< memory grown by so much within the last second or so: connections are counted
    std::uint64_t undelivered = 128u << 20; ///< received and not come out since: one is cut
    std::int64_t ban_ms = 30'000;           ///< nobody comes in from its address for so long
};

class FloodWatch {
  public:
    /// `ports`: of the workers' sockets. `delivered`: bytes that came out of them so far. `cut` is told the address, on the watch's thread.
    FloodWatch(std::vector<std::uint16_t> ports, std::function<std::uint64_t()> delivered, std::function<void(const std::string& from)> cut,
               FloodLimits limits = {});
    ~FloodWatch();
    FloodWatch(const FloodWatch&) = delete;
    FloodWatch& operator=(const FloodWatch&) = delete;
    /// Whether that address has to wait. Any thread.
    [[nodiscard]] bool banned(const std::string& address);

  private:
    struct Connection {
        std::string address;
        unsigned port = 0;
        std::uint64_t received = 0; ///< bytes
        int fd = -1;
    };
    void look();
    [[nodiscard]] std::vector<Connection> connections() const;

    std::vector<std::uint16_t> ports_;
    std::function<std::uint64_t()> delivered_;
    std::function<void(const std::string&)> cut_;
    FloodLimits limits_;
    std::uint64_t calm_ = 0;                                             ///< memory when nothing grew, bytes
    std::map<std::pair<std::string, unsigned>, std::uint64_t> received_; ///< by peer, when memory began to grow; empty while calm
    std::uint64_t delivered_then_ = 0;
    unsigned still_ = 0; ///< looks without growth in a row
    std::uint64_t last_ = 0;

    std::mutex mutex_;
    std::condition_variable wake_;
    bool stop_ = false;
    std::map<std::string, std::int64_t> bans_; ///< address -> until, steady milliseconds
    std::thread thread_;
};

} // namespace raymill::farm
