#pragma once
/// Threads for hashing and disk, so that the shell never waits for either. Work of one lane is done in order.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace raymill::farm {

class Pool {
  public:
    explicit Pool(std::size_t lanes);
    /// Finishes what was begun, drops the rest.
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    [[nodiscard]] std::size_t lanes() const { return lanes_.size(); }
    void post(std::size_t lane, std::function<void()> work);

  private:
    struct Lane {
        std::mutex mutex;
        std::condition_variable wake;
        std::deque<std::function<void()>> queue;
        bool stop = false;
        std::thread thread;
    };
    std::vector<Lane> lanes_;
};

} // namespace raymill::farm
