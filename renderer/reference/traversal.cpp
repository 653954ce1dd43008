#include "renderer/reference/traversal.hpp"

#include "shaders/shared/triangle.h"

#include <algorithm>
#include <array>
#include <utility>

namespace raymill::reference {
namespace {

/// Where a ray enters a box, or infinity where it misses it. Conservative: the far plane is pushed out by the three roundings of its
/// computation (Ize, "Robust BVH Ray Traversal", JCGT 2013), so no box is lost that the exact ray touches.
struct BoxTest {
    glm::vec3 origin, inverse;

    BoxTest(glm::vec3 ray_origin, glm::vec3 direction) : origin(ray_origin) {
        for (int axis = 0; axis < 3; ++axis) {
            // A ray within a slab's plane must not make 0 x infinity.
            const float d = direction[axis];
            inverse[axis] = std::abs(d) < 1e-30f ? std::copysign(1e30f, d) : 1 / d;
        }
    }

    [[nodiscard]] float enter(const accel::Node2& node, float t_max) const {
        const glm::vec3 a = (node.lower - origin) * inverse;
        const glm::vec3 b = (node.upper - origin) * inverse;
        const glm::vec3 near = glm::min(a, b), far = glm::max(a, b);
        const float first = std::max({near.x, near.y, near.z, 0.f});
        const float last = std::min({far.x, far.y, far.z}) * 1.0000004f;
        return first <= std::min(last, t_max) ? first : std::numeric_limits<float>::infinity();
    }
};

} // namespace

template<class OnLeaf>
bool Traversal::walk(const accel::Tree& tree, glm::vec3 origin, glm::vec3 direction, const float& t_max, OnLeaf on_leaf) {
    if (tree.nodes.empty()) return true;
    const BoxTest box(origin, direction);
    const std::size_t base = stack_.size();
    if (box.enter(tree.nodes[0], t_max) > t_max) return true;
    stack_.push_back(0);
    while (stack_.size() > base) {
        const accel::Node2& node = tree.nodes[stack_.back()];
        stack_.pop_back();
        if (node.count > 0) {
            for (std::uint32_t i = 0; i < node.count; ++i) {
                if (!on_leaf(tree.items[node.first + i])) {
                    stack_.resize(base);
                    return false;
                }
            }
            continue;
        }
        std::uint32_t near = node.first, far = node.first + 1;
        float near_t = box.enter(tree.nodes[near], t_max), far_t = box.enter(tree.nodes[far], t_max);
        if (far_t < near_t) std::swap(near, far), std::swap(near_t, far_t);
        if (far_t <= t_max) stack_.push_back(far);
        if (near_t <= t_max) stack_.push_back(near);
    }
    return true;
}

template<class OnHit> void Traversal::each_hit(glm::vec3 origin, glm::vec3 direction, const float& t_max, OnHit on_hit) {
    const auto ask = [&](std::uint32_t instance, std::uint32_t triangle, const std::array<glm::vec3, 3>& corners,
                         const shading::RayFrame& frame, glm::vec3 from) {
        shading::TriangleHit hit;
        if (!shading::intersect_triangle(frame, from, t_max, corners[0], corners[1], corners[2], hit)) return true;
        const bool has_alpha = (scene_.instances.at[instance].flags & shading::INSTANCE_HAS_ALPHA) != 0;
        return on_hit(shading::RayHit{instance, triangle, hit.t, hit.u, hit.v}, has_alpha);
    };
    const auto corners_of = [&](std::uint32_t triangle) {
        const shading::SceneTriangle& t = scene_.triangles.at[triangle];
        return std::array{scene_.positions.at[t.v0], scene_.positions.at[t.v1], scene_.positions.at[t.v2]};
    };
    const shading::RayFrame world_frame = shading::make_ray_frame(direction);
    walk(hierarchy_.top, origin, direction, t_max, [&](std::uint32_t item) {
        if (item >= scene_.instance_count) {
            const accel::OpenedTriangle& opened = hierarchy_.opened[item - scene_.instance_count];
            auto corners = corners_of(opened.triangle);
            for (glm::vec3& corner : corners)
                corner = shading::transform_point(scene_.instances.at[opened.instance].object_to_world, corner);
            return ask(opened.instance, opened.triangle, corners, world_frame, origin);
        }
        const shading::SceneInstance& placed = scene_.instances.at[item];
        const glm::vec3 object_origin = shading::transform_point(placed.world_to_object, origin);
        const glm::vec3 object_direction = shading::transform_vector(placed.world_to_object, direction);
        const shading::RayFrame frame = shading::make_ray_frame(object_direction);
        return walk(hierarchy_.bottom[placed.mesh], object_origin, object_direction, t_max,
                    [&](std::uint32_t triangle) { return ask(item, triangle, corners_of(triangle), frame, object_origin); });
    });
}

shading::RayHit Traversal::closest(glm::vec3 origin, glm::vec3 direction, float t_max, std::uint32_t alpha_key) {
    shading::RayHit best{shading::NONE, shading::NONE, t_max, 0, 0};
    each_hit(origin, direction, best.t, [&](const shading::RayHit& hit, bool has_alpha) {
        if (!has_alpha || shading::accept_hit(scene_, hit.instance, hit.triangle, hit.u, hit.v, alpha_key)) best = hit;
        return true;
    });
    return best;
}

float Traversal::transmittance(glm::vec3 origin, glm::vec3 direction, float t_max) {
    float kept = 1;
    each_hit(origin, direction, t_max, [&](const shading::RayHit& hit, bool has_alpha) {
        kept *= has_alpha ? shading::transmittance_of_hit(scene_, hit.instance, hit.triangle, hit.u, hit.v) : 0.f;
        return kept > 0;
    });
    return kept;
}

} // namespace raymill::reference
