#pragma once
/// Statistics that tests decide with: chi-squared against expected counts, means with standard errors, Welch's t. Fixed seeds make a test's
/// outcome fixed; the stated levels say how often a right program would have failed with another seed.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace raymill::tests {

/// Chance that a chi-squared variable of `freedom` degrees is at least `statistic`: the regularised upper incomplete gamma function
/// Q(freedom / 2, statistic / 2) (Numerical Recipes, section 6.2: series below, continued fraction above the mean).
double chi_squared_p(double statistic, double freedom);

struct ChiSquared {
    double statistic = 0;
    double freedom = 0;
    double p = 1;
};

/// Observed against expected counts; cells that expect fewer than five are pooled. `freedom` is the number of cells left less one.
ChiSquared chi_squared(std::span<const double> observed, std::span<const double> expected);

/// Level for each of `tests` independent tests such that all pass with probability 1 - `family_level` when all hypotheses hold (Sidak).
double sidak_level(double family_level, std::size_t tests);

/// Mean and its standard error, of independent values.
struct Mean {
    double value = 0;
    double standard_error = 0;
};
Mean mean_of(std::span<const double> values);

/// Welch's t of two means: far from 0 where they differ. About normal for the numbers of values used here (at least 16 each).
double welch_t(const Mean& a, const Mean& b);

/// Small random generator (PCG32: O'Neill 2014), the same everywhere.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed + 0x853c49e6748fea9bull) { (void)bits(); }
    std::uint32_t bits() {
        const std::uint64_t old = state_;
        state_ = old * 6364136223846793005ull + 1442695040888963407ull;
        const auto mixed = static_cast<std::uint32_t>(((old >> 18) ^ old) >> 27);
        const auto turn = static_cast<std::uint32_t>(old >> 59);
        return (mixed >> turn) | (mixed << ((32 - turn) & 31));
    }
    /// In [0, 1), 24 bits.
    float unit() { return static_cast<float>(bits() >> 8) * (1.0f / 16777216.0f); }
    float between(float low, float high) { return low + (high - low) * unit(); }

  private:
    std::uint64_t state_;
};

} // namespace raymill::tests
