#pragma once
/// Rays to try traversals with.
#include "shaders/shared/path.h"
#include "tests/support/statistics.hpp"

#include <vector>

namespace raymill::tests {

/// Rays from points in a cube of half edge `reach` round `center`, in random directions; each eighth along an axis, exactly.
inline std::vector<shading::PathState> random_rays(unsigned seed, std::size_t count, glm::vec3 center, float reach) {
    Random random(seed);
    std::vector<shading::PathState> rays(count);
    for (std::size_t i = 0; i < count; ++i) {
        shading::PathState& ray = rays[i];
        const auto anywhere = [&random] { return glm::vec3(random.between(-1, 1), random.between(-1, 1), random.between(-1, 1)); };
        ray.origin = center + reach * anywhere();
        glm::vec3 direction = anywhere();
        while (glm::dot(direction, direction) > 1 || glm::dot(direction, direction) < 0.01f) direction = anywhere();
        if (i % 8 == 0) direction = glm::vec3(0), direction[static_cast<int>(i / 8 % 3)] = i % 16 == 0 ? 1.f : -1.f;
        ray.direction = glm::normalize(direction);
        ray.t_max = shading::RAY_INFINITY;
        ray.key = static_cast<std::uint32_t>(i);
        ray.sample_index = ray.vertex = 0;
    }
    return rays;
}

/// The same rays as shadow rays that end `t_max` away.
inline std::vector<shading::ShadowRay> as_shadow_rays(const std::vector<shading::PathState>& rays, float t_max) {
    std::vector<shading::ShadowRay> shadows;
    for (const shading::PathState& ray : rays) shadows.push_back({ray.origin, t_max, ray.direction, glm::vec3(1)});
    return shadows;
}

} // namespace raymill::tests
