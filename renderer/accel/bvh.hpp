#pragma once
/// renderer/accel: bounding-volume hierarchies over a FlatScene, built on the CPU: one bottom level a mesh (object space), one top level over
/// instances (world space). Deterministic: the same scene gives the same bytes, whatever the number of threads. Depends on scene's flat form only.
#include "renderer/scene/flat_scene.hpp"

#include <cstdint>
#include <vector>

namespace raymill::accel {

/// Two-wide node, as the builder makes it and as the reference walks it. Boxes are conservative (never smaller than their contents).
struct Node2 {
    glm::vec3 lower{};
    std::uint32_t first = 0;   ///< leaf: first index into `items`; inner: the left child (the right one follows it)
    glm::vec3 upper{};
    std::uint32_t count = 0;   ///< items of a leaf; 0: inner
};
static_assert(sizeof(Node2) == 32);

/// A hierarchy over boxes: `nodes[0]` is the root; `items` are the numbers of the boxes, in leaf order.
struct Tree {
    std::vector<Node2> nodes;
    std::vector<std::uint32_t> items;
};

struct Hierarchy {
    Tree top;                    ///< items: instance indices
    std::vector<Tree> bottom;    ///< one a mesh; items: global triangle indices
    double build_seconds = 0;
};

/// Binned SAH over triangles and instances. `threads` 0: all.
Hierarchy build(const scene::FlatScene& scene, unsigned threads);

} // namespace raymill::accel
