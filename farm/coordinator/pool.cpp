#include "farm/coordinator/pool.hpp"

namespace raymill::farm {

Pool::Pool(std::size_t lanes) : lanes_(lanes) {
    for (auto& lane : lanes_)
        lane.thread = std::thread([&lane] {
            std::unique_lock lock(lane.mutex);
            for (;;) {
                lane.wake.wait(lock, [&] { return lane.stop || !lane.queue.empty(); });
                if (lane.stop) return;
                const auto work = std::move(lane.queue.front());
                lane.queue.pop_front();
                lock.unlock();
                work();
                lock.lock();
            }
        });
}

Pool::~Pool() {
    for (auto& lane : lanes_) {
        {
            const std::scoped_lock lock(lane.mutex);
            lane.stop = true;
        }
        lane.wake.notify_one();
    }
    for (auto& lane : lanes_) lane.thread.join();
}

void Pool::post(std::size_t lane, std::function<void()> work) {
    auto& chosen = lanes_[lane % lanes_.size()];
    {
        const std::scoped_lock lock(chosen.mutex);
        chosen.queue.push_back(std::move(work));
    }
    chosen.wake.notify_one();
}

} // namespace raymill::farm
