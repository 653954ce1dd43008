#include "tests/support/statistics.hpp"

#include "renderer/base/check.hpp"

#include <cmath>

namespace raymill::tests {

double chi_squared_p(double statistic, double freedom) {
    CHECK_BELOW(0, freedom);
    const double a = 0.5 * freedom, x = 0.5 * statistic;
    if (x <= 0) return 1;
    const double scale = std::exp(-x + a * std::log(x) - std::lgamma(a));
    if (x < a + 1) {
        double term = 1 / a, sum = term;
        for (int n = 1; n < 10000 && term > sum * 1e-16; ++n) sum += term *= x / (a + n);
        return 1 - sum * scale;
    }
    // Lentz's method.
    double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
    for (int n = 1; n < 10000; ++n) {
        const double factor = -n * (n - a);
        b += 2;
        d = 1 / (factor * d + b);
        c = b + factor / c;
        h *= d * c;
        if (std::abs(d * c - 1) < 1e-15) break;
    }
    return scale * h;
}

ChiSquared chi_squared(std::span<const double> observed, std::span<const double> expected) {
    CHECK_SAME(observed.size(), expected.size());
    ChiSquared result;
    double pooled_observed = 0, pooled_expected = 0;
    int cells = 0;
    for (std::size_t i = 0; i < observed.size(); ++i) {
        if (expected[i] < 5) {
            pooled_observed += observed[i];
            pooled_expected += expected[i];
            continue;
        }
        result.statistic += (observed[i] - expected[i]) * (observed[i] - expected[i]) / expected[i];
        ++cells;
    }
    if (pooled_expected >= 5) {
        result.statistic += (pooled_observed - pooled_expected) * (pooled_observed - pooled_expected) / pooled_expected;
        ++cells;
    } else if (pooled_observed > pooled_expected + 6 * std::sqrt(pooled_expected) + 6) {
        result.statistic = HUGE_VAL; // samples where there should be next to none
    }
    result.freedom = cells - 1;
    result.p = result.statistic == HUGE_VAL ? 0 : chi_squared_p(result.statistic, result.freedom);
    return result;
}

double sidak_level(double family_level, std::size_t tests) { return 1 - std::pow(1 - family_level, 1.0 / static_cast<double>(tests)); }

Mean mean_of(std::span<const double> values) {
    CHECK_BELOW(std::size_t{1}, values.size());
    const auto count = static_cast<double>(values.size());
    double sum = 0, squares = 0;
    for (const double value : values) sum += value;
    const double mean = sum / count;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return {mean, std::sqrt(squares / (count - 1) / count)};
}

double welch_t(const Mean& a, const Mean& b) {
    const double error = std::sqrt(a.standard_error * a.standard_error + b.standard_error * b.standard_error);
    return error > 0 ? (a.value - b.value) / error : (a.value == b.value ? 0 : HUGE_VAL);
}

} // namespace raymill::tests
