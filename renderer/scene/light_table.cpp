#include "renderer/scene/light_table.hpp"

#include "renderer/base/check.hpp"
#include "shaders/shared/environment.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace raymill::scene {

std::vector<AliasCell> build_alias_table(std::span<const double> weights) {
    const std::size_t count = weights.size();
    std::vector<AliasCell> cells(count);
    if (count == 0) return cells;
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t i = 0; i < count; ++i) cells[i].alias = static_cast<std::uint32_t>(i);
    if (!(total > 0)) return cells;
    // Scaled so that the mean is 1; entries below it ("small") are filled up from one above it ("large").
    std::vector<double> scaled(count);
    std::vector<std::uint32_t> small, large;
    for (std::size_t i = 0; i < count; ++i) {
        scaled[i] = weights[i] / total * static_cast<double>(count);
        (scaled[i] < 1 ? small : large).push_back(static_cast<std::uint32_t>(i));
    }
    while (!small.empty() && !large.empty()) {
        const auto s = small.back(), l = large.back();
        small.pop_back();
        cells[s] = {static_cast<float>(scaled[s]), l};
        // What the float threshold gives away or keeps by rounding is booked too, so the table drifts no further than one rounding.
        scaled[l] -= 1 - static_cast<double>(cells[s].threshold);
        if (scaled[l] < 1) {
            large.pop_back();
            small.push_back(l);
        }
    }
    // Left over by rounding: all of them are 1 to rounding, unless their weight is 0 (then the largest entry takes their cell).
    const auto heaviest = static_cast<std::uint32_t>(std::max_element(weights.begin(), weights.end()) - weights.begin());
    for (const auto i : small)
        if (weights[i] > 0)
            cells[i] = {1, i};
        else
            cells[i] = {0, heaviest};
    return cells;
}

std::vector<double> probabilities(std::span<const AliasCell> cells) {
    std::vector<double> out(cells.size(), 0.0);
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const double own = static_cast<double>(cells[i].threshold);
        out[i] += own;
        out[cells[i].alias] += 1 - own;
    }
    for (auto& p : out) p /= static_cast<double>(cells.size());
    return out;
}

void fill_light_table(std::vector<shading::SceneLight>& lights, std::span<const double> powers, std::uint32_t environment,
                      double distant_share) {
    CHECK_SAME(powers.size(), lights.size());
    std::vector<double> weights(powers.begin(), powers.end());
    const auto far_count = static_cast<double>(std::ranges::count_if(weights, [](double w) { return w > 0; }));
    if (environment != shading::NONE) {
        const double others = std::accumulate(weights.begin(), weights.end(), 0.0) - weights[environment];
        if (others > 0) weights[environment] = std::clamp(weights[environment], others / 3, others * 3);
    }
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (auto& w : weights)
        if (w > 0) w = (1 - light_floor) * w / total + light_floor / far_count;
    const std::vector<AliasCell> cells = build_alias_table(weights);
    const std::vector<double> pmf = probabilities(cells);
    for (std::size_t i = 0; i < lights.size(); ++i) {
        lights[i].pmf = weights[i] > 0 ? static_cast<float>(pmf[i] * distant_share) : 0.0f;
        lights[i].alias_threshold = cells[i].threshold;
        lights[i].alias = cells[i].alias;
    }
}

namespace {
// Of `share` of a turn and `thickness` of polar angle round `middle`. cos a - cos b as a product of sines: exact also near the poles, where
// the cosines are nearly equal.
double band(double share, double middle, double thickness) {
    return 2 * std::numbers::pi * share * 2 * std::sin(middle) * std::sin(thickness / 2);
}
} // namespace

double texel_solid_angle(std::uint32_t width, std::uint32_t height, std::uint32_t y) {
    const double step = std::numbers::pi / height;
    return band(1.0 / width, (y + 0.5) * step, step);
}

double patch_solid_angle(std::uint32_t width, std::uint32_t height, std::uint32_t y) {
    const double step = std::numbers::pi / height;
    if (y == 0 || y == height) return band(1.0 / width, step / 4, step / 2);
    return band(1.0 / width, y * step, step);
}

std::vector<shading::EnvironmentTexel> build_environment(std::uint32_t width, std::uint32_t height, std::span<const glm::vec3> radiance) {
    CHECK_SAME(radiance.size(), static_cast<std::size_t>(width) * height);
    // The means of the bilinear interpolants over the patches between texels' centres (scene_data.h), one row more than there are texels.
    std::vector<double> means, weights;
    for (std::uint32_t y = 0; y <= height; ++y) {
        const std::size_t above = static_cast<std::size_t>(y == 0 ? 0 : y - 1) * width;
        const std::size_t below = static_cast<std::size_t>(std::min(y, height - 1)) * width;
        const double omega = patch_solid_angle(width, height, y);
        for (std::uint32_t x = 0; x < width; ++x) {
            const std::uint32_t next = x + 1 == width ? 0 : x + 1;
            double sum = 0;
            for (const std::size_t texel : {above + x, above + next, below + x, below + next})
                sum += static_cast<double>(shading::environment_importance(radiance[texel]));
            means.push_back(sum / 4);
            weights.push_back(omega * sum / 4);
        }
    }
    // 2^32 x the running sum / the total, each entry of positive weight at least some units wide: where radiance is positive, density must
    // be.
    const auto ends_of = [](std::span<double> parts) {
        const double sum = std::accumulate(parts.begin(), parts.end(), 0.0);
        for (auto& part : parts)
            if (part > 0) part = std::max(part, 1e-8 * sum);
        const double raised = std::accumulate(parts.begin(), parts.end(), 0.0);
        std::vector<std::uint32_t> ends(parts.size(), 0xffffffffu);
        double running = 0;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            running += parts[i];
            if (running < raised) ends[i] = static_cast<std::uint32_t>(std::min(4294967295.0, running / raised * 4294967296.0));
        }
        return ends;
    };
    const auto share = [](const std::vector<std::uint32_t>& ends, std::size_t i) {
        const auto edge = [](std::uint32_t end) { return end == 0xffffffffu ? 1.0 : end / 4294967296.0; };
        return edge(ends[i]) - (i == 0 ? 0.0 : edge(ends[i - 1]));
    };
    std::vector<double> rows(height + 1);
    for (std::uint32_t y = 0; y <= height; ++y)
        rows[y] = std::accumulate(weights.begin() + std::ptrdiff_t{y} * width, weights.begin() + (std::ptrdiff_t{y} + 1) * width, 0.0);
    const std::vector<std::uint32_t> row_ends = ends_of(rows);
    std::vector<shading::EnvironmentTexel> out(weights.size());
    for (std::uint32_t y = 0; y <= height; ++y) {
        const std::size_t first = static_cast<std::size_t>(y) * width;
        const std::vector<std::uint32_t> ends = ends_of(std::span(weights).subspan(first, width));
        const bool polar = y == 0 || y == height;
        const double area = polar ? patch_solid_angle(width, height, y) : 2 * std::numbers::pi / width * std::numbers::pi / height;
        for (std::uint32_t x = 0; x < width; ++x) {
            auto& texel = out[first + x];
            texel.radiance = y < height ? radiance[first + x] : glm::vec3(0);
            if (means[first + x] > 0) texel.density = static_cast<float>(share(row_ends, y) * share(ends, x) / means[first + x] / area);
            texel.row_end = row_ends[y];
            texel.column_end = ends[x];
        }
    }
    return out;
}

} // namespace raymill::scene
