#pragma once
/// Random numbers of a run: xoshiro256** (Blackman and Vigna) seeded by splitmix64. Not <random>, whose distributions differ between
/// libraries: a seed means the same run everywhere.
#include <cstddef>
#include <cstdint>

namespace raymill::farm::simulate {

inline std::uint64_t splitmix(std::uint64_t& state) {
    auto z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

class Random {
  public:
    explicit Random(std::uint64_t seed) {
        for (auto& word : state_) word = splitmix(seed);
    }
    std::uint64_t next() {
        const auto rotate = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
        const auto result = rotate(state_[1] * 5, 7) * 9, t = state_[1] << 17;
        state_[2] ^= state_[0], state_[3] ^= state_[1], state_[1] ^= state_[2], state_[0] ^= state_[3];
        state_[2] ^= t, state_[3] = rotate(state_[3], 45);
        return result;
    }
    /// In [0, n), n > 0. The bias is below n / 2^64.
    std::uint64_t below(std::uint64_t n) { return next() % n; }
    std::int64_t between(std::int64_t least, std::int64_t most) {
        return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
    }
    bool chance(double p) { return static_cast<double>(next() >> 11) * 0x1p-53 < p; }
    /// `least` times a power of two up to `octaves`, evenly over the octaves: what is mostly short and now and then long.
    std::int64_t skewed(std::int64_t least, unsigned octaves) { return between(least, least << below(octaves + 1)); }

  private:
    std::uint64_t state_[4];
};

} // namespace raymill::farm::simulate
