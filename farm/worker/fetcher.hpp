#pragma once
/// Brings blobs from the coordinator into the cache: in parts, a few under way at a time, checked by hash. Belongs to the supervisor's
/// thread.
#include "farm/protocol/messages.hpp"
#include "farm/protocol/sha256.hpp"
#include "farm/worker/cache.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>

namespace raymill::farm {

class Fetcher {
  public:
    using Clock = std::chrono::steady_clock;
    using Send = std::function<bool(const wire::FromWorkerData&)>;                      ///< false: not now
    using Done = std::function<void(const std::string& sha256, const Status& outcome)>; ///< it is in the cache, or cannot be had

    Fetcher(Cache& cache, Send send, Done done) : cache_(cache), send_(std::move(send)), done_(std::move(done)) {}

    /// Wants a blob of that job's tenant; several wishes for one blob are one.
    void want(std::uint64_t job, const std::string& sha256);
    void on_part(const wire::BlobPart& part);
    /// Sends what may be sent; asks again for what did not come within 20 s.
    void pump();
    /// The connection is new: what was under way is asked for again.
    void restart();
    /// Stops wanting all but these.
    void keep_only(const std::set<std::string>& wanted);
    [[nodiscard]] bool blocked() const { return blocked_; } ///< the last send did not go out

  private:
    struct Download {
        std::uint64_t job = 0;
        std::uint64_t total = 0;               ///< known after the first part
        std::uint64_t asked = 0, received = 0; ///< bytes
        unsigned under_way = 0;                ///< parts
        bool begun = false, sized = false;
        Clock::time_point heard;
        int fd = -1;
        Sha256 hash;
        Download() = default;
        Download(const Download&) = delete;
        Download& operator=(const Download&) = delete;
        ~Download();
    };
    void finish(const std::string& sha256, const Status& outcome);
    Cache& cache_;
    Send send_;
    Done done_;
    std::map<std::string, Download> downloads_;
    std::deque<std::string> order_; ///< in the order they were wanted
    unsigned under_way_ = 0;
    bool blocked_ = false;
};

} // namespace raymill::farm
