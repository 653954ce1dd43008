// The storm: what goes wrong, and how often. A fault's rate is from 0 to 1; here is what that means for each.
#include "farm/simulate/world.hpp"

namespace raymill::farm::simulate {

using namespace scheduler;

World::Worker& World::victim() { return workers_[random_.below(workers_.size())]; }

/// One message on its way: `arrive` is called once, later, twice or never.
void World::transmit(const std::function<void()>& arrive, Time deaf_until) {
    if (deaf_until > now_ || random_.chance(0.15 * rate(Fault::drops))) return;
    const auto delay = [this] {
        auto time = random_.between(200, 2000);                                            // microseconds
        if (random_.chance(0.2 * rate(Fault::delays))) time += random_.skewed(10'000, 11); // up to 20 s
        return time;
    };
    if (random_.chance(0.2 * rate(Fault::repeats))) after(delay(), arrive);
    after(delay(), arrive);
}

/// Ten times a second, so many victims as the rate says: at rate 1 each worker meets each fault about once in `period`.
void World::storm() {
    if (!storming_) return;
    constexpr Time step = second / 10;
    after(step, [this] { storm(); });
    const auto strikes = [&](Fault fault, Time period) {
        const auto expected = rate(fault) * double(workers_.size()) * double(step) / double(period);
        return static_cast<std::size_t>(expected) + (random_.chance(expected - double(static_cast<std::size_t>(expected))) ? 1 : 0);
    };
    const auto index = [&](const Worker& worker) { return static_cast<std::size_t>(&worker - workers_.data()); };
    const auto strike = [&](Fault fault, Time period, const std::function<void(std::size_t)>& what) {
        for (auto n = strikes(fault, period); n > 0; --n)
            if (const auto i = index(victim()); workers_[i].up) {
                note([&] { return std::string(name_of(fault)) + " " + workers_[i].name; });
                what(i);
            }
    };
    strike(Fault::fast_reboots, 60 * second, [&](std::size_t i) {
        kill(i);
        after(static_cast<Time>(random_.below(second)), [this, i] { boot(i); });
    });
    strike(Fault::slow_reboots, 90 * second, [&](std::size_t i) {
        kill(i);
        after(random_.between(10, 60) * second, [this, i] { boot(i); });
    });
    strike(Fault::deaths, 120 * second, [&](std::size_t i) {
        kill(i);
        workers_[i].gone = true;
        const auto next = add_worker("w" + std::to_string(workers_.size()));
        after(random_.between(1, 30) * second, [this, next] { boot(next); });
    });
    strike(Fault::pauses, 60 * second, [&](std::size_t i) { workers_[i].paused_until = now_ + random_.skewed(second, 6); });
    strike(Fault::cuts, 60 * second, [&](std::size_t i) {
        auto& until = random_.chance(0.5) ? workers_[i].deaf_until : workers_[i].mute_until;
        until = now_ + random_.skewed(second, 6);
    });
    strike(Fault::zombies, 200 * second, [&](std::size_t i) {
        const auto twin = add_worker(workers_[i].name);
        workers_[twin].results = workers_[i].results; // a copy of the machine, its disk too
        boot(twin);
    });
    strike(Fault::liars, 200 * second, [&](std::size_t i) { workers_[i].lies = true; });
    strike(Fault::hoarders, 200 * second, [&](std::size_t i) { workers_[i].hoards = true; });
    if (random_.chance(rate(Fault::clock_jumps) * double(step) / double(15 * second))) {
        clock_offset_ += random_.chance(0.6) ? random_.skewed(second, 8) : -random_.skewed(second, 5);
        note([&] { return "the clock is off by " + std::to_string(clock_offset_ / second) + " s"; });
    }
}

} // namespace raymill::farm::simulate
