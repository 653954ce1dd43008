#include "renderer/scene/light_tree.hpp"

#include "renderer/base/check.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <optional>
#include <span>

namespace raymill::scene {
namespace {

constexpr double pi = std::numbers::pi;
constexpr std::uint32_t trail_bits = 32;
constexpr int bins = 12;

double angle_between(const glm::dvec3& a, const glm::dvec3& b) { return std::acos(std::clamp(glm::dot(a, b), -1.0, 1.0)); }

/// The smallest bounds that hold both; cones as in Conty Estevez and Kulla's algorithm 1.
LightBounds join(const LightBounds& a, const LightBounds& b) {
    const LightBounds& wide = a.spread >= b.spread ? a : b;
    LightBounds narrow = a.spread >= b.spread ? b : a;
    LightBounds out = wide;
    out.lower = glm::min(a.lower, b.lower);
    out.upper = glm::max(a.upper, b.upper);
    out.emission = std::max(a.emission, b.emission);
    out.both_sides = a.both_sides || b.both_sides;
    out.intensity = a.intensity + b.intensity;
    // A cone that counts on both sides may be turned round.
    if (narrow.both_sides && glm::dot(wide.axis, narrow.axis) < 0) narrow.axis = -narrow.axis;
    const double apart = angle_between(wide.axis, narrow.axis);
    if (std::min(apart + narrow.spread, pi) <= wide.spread) return out;
    out.spread = (wide.spread + apart + narrow.spread) / 2;
    const glm::dvec3 across = narrow.axis - wide.axis * glm::dot(wide.axis, narrow.axis);
    if (out.spread >= pi || glm::length(across) < 1e-12) {
        out.spread = pi;
        return out;
    }
    const double turn = out.spread - wide.spread;
    out.axis = glm::normalize(wide.axis * std::cos(turn) + glm::normalize(across) * std::sin(turn));
    return out;
}

/// What a node of these bounds costs: intensity x the solid angle it shines into x the area of its box. Section 4.4 of the paper,
/// equation 1.
double cost(const LightBounds& b) {
    const double spread = b.spread, reach = std::min(spread + b.emission, pi);
    const double cone =
        2 * pi * (1 - std::cos(spread)) +
        pi / 2 * (2 * reach * std::sin(spread) - std::cos(spread - 2 * reach) - 2 * spread * std::sin(spread) + std::cos(spread));
    const glm::dvec3 size = b.upper - b.lower;
    return b.intensity * cone * 2 * (size.x * size.y + size.y * size.z + size.z * size.x);
}

glm::dvec3 center(const LightBounds& b) { return 0.5 * (b.lower + b.upper); }

LightBounds bounds_of(std::span<const LightBounds> lights) {
    LightBounds all = lights.front();
    for (const auto& light : lights.subspan(1)) all = join(all, light);
    return all;
}

/// Number of lights of the first part after the best split found, with `lights` put in that order; half of them along the longest axis
/// where no plane parts them or where the trail would grow too long.
std::size_t split(std::span<LightBounds> lights, const LightBounds& all, std::uint32_t depth) {
    glm::dvec3 lower = center(lights.front()), upper = lower;
    for (const auto& light : lights) lower = glm::min(lower, center(light)), upper = glm::max(upper, center(light));
    const glm::dvec3 extent = upper - lower, size = all.upper - all.lower;
    const int longest = extent.x >= extent.y && extent.x >= extent.z ? 0 : (extent.y >= extent.z ? 1 : 2);
    const auto bin_of = [&](const LightBounds& light, int axis) {
        return std::min(bins - 1, static_cast<int>(bins * (center(light)[axis] - lower[axis]) / extent[axis]));
    };
    double best = 0;
    int best_axis = -1, best_bin = 0;
    const bool may_lean = static_cast<std::uint32_t>(std::bit_width(lights.size())) + depth + 1 < trail_bits;
    for (int axis = 0; may_lean && axis < 3; ++axis) {
        if (!(extent[axis] > 0)) continue;
        std::array<std::optional<LightBounds>, bins> bin;
        for (const auto& light : lights) {
            auto& b = bin[static_cast<std::size_t>(bin_of(light, axis))];
            b = b ? join(*b, light) : light;
        }
        std::array<double, bins> below{};
        std::optional<LightBounds> sum;
        for (std::size_t i = 0; i + 1 < bins; ++i) {
            if (bin[i]) sum = sum ? join(*sum, *bin[i]) : *bin[i];
            below[i] = sum ? cost(*sum) : 0;
        }
        sum.reset();
        // Thin boxes are not to be cut along their short sides.
        const double shape = std::max({size.x, size.y, size.z}) / std::max(size[axis], 1e-30);
        for (std::size_t i = bins - 1; i > 0; --i) {
            if (bin[i]) sum = sum ? join(*sum, *bin[i]) : *bin[i];
            const double total = shape * (below[i - 1] + (sum ? cost(*sum) : 0));
            if (best_axis < 0 || total < best) best = total, best_axis = axis, best_bin = static_cast<int>(i);
        }
    }
    if (best_axis >= 0) {
        const auto middle =
            std::stable_partition(lights.begin(), lights.end(), [&](const auto& light) { return bin_of(light, best_axis) < best_bin; });
        const auto first = static_cast<std::size_t>(middle - lights.begin());
        if (first > 0 && first < lights.size()) return first;
    }
    std::ranges::stable_sort(lights, [&](const auto& a, const auto& b) { return center(a)[longest] < center(b)[longest]; });
    return lights.size() / 2;
}

void build(FlatScene& flat, std::span<LightBounds> lights, std::uint32_t depth, std::uint32_t trail) {
    const LightBounds all = bounds_of(lights);
    const std::size_t at = flat.light_nodes.size();
    shading::LightNode node{};
    // Rounded outwards: bounds may not lose what they hold.
    for (int axis = 0; axis < 3; ++axis) {
        node.lower[axis] = std::nextafter(static_cast<float>(all.lower[axis]), -INFINITY);
        node.upper[axis] = std::nextafter(static_cast<float>(all.upper[axis]), INFINITY);
    }
    node.axis = glm::vec3(all.axis);
    constexpr double rounding = 1e-6;
    node.cos_spread = static_cast<float>(std::max(-1.0, std::cos(std::min(all.spread, pi)) - rounding));
    node.cos_emission = static_cast<float>(std::cos(std::min(all.emission, pi)) - rounding);
    node.intensity = static_cast<float>(std::max(all.intensity, 1e-30));
    node.flags = all.both_sides ? shading::LIGHT_NODE_BOTH_SIDES : 0;
    flat.light_nodes.push_back(node);
    if (lights.size() == 1) {
        flat.light_nodes[at].link = shading::LIGHT_LEAF | lights.front().light;
        flat.lights[lights.front().light].trail = trail;
        return;
    }
    CHECK_BELOW(depth, trail_bits);
    const std::size_t first = split(lights, all, depth);
    build(flat, lights.first(first), depth + 1, trail);
    flat.light_nodes[at].link = static_cast<std::uint32_t>(flat.light_nodes.size());
    build(flat, lights.subspan(first), depth + 1, trail | 1u << depth);
}

} // namespace

void build_light_tree(FlatScene& flat, std::vector<LightBounds> lights) {
    flat.light_nodes.clear();
    if (lights.empty()) return;
    CHECK_AT_MOST(lights.size(), std::size_t{1} << 24);
    flat.light_nodes.reserve(2 * lights.size() - 1);
    build(flat, lights, 0, 0);
}

} // namespace raymill::scene
