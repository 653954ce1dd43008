#pragma once
/// renderer/accel: bounding-volume hierarchies over a FlatScene, built on the CPU: one bottom level a mesh (object space), one top level
/// over instances (world space). Deterministic: the same scene gives the same bytes, whatever the number of threads. Depends on scene's
/// flat form only.
#include "renderer/scene/flat_scene.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace raymill::accel {

/// Two-wide node, as the builder makes it and as the reference walks it. Boxes are conservative (never smaller than their contents).
struct Node2 {
    glm::vec3 lower{};
    std::uint32_t first = 0; ///< leaf: first index into `items`; inner: the left child (the right one follows it)
    glm::vec3 upper{};
    std::uint32_t count = 0; ///< items of a leaf, always 1 here; 0: inner
};
static_assert(sizeof(Node2) == 32);

/// A leaf lies at most this many steps below its root, whatever the input: the builder falls back to halving by number where the surface
/// area heuristic would go deeper. So a walk that pushes one child a step needs no longer stack. 2^32 items need 32.
inline constexpr unsigned max_depth = 48;

/// A hierarchy over boxes: `nodes[0]` is the root; `items` are the numbers of the boxes, in leaf order. No items: no nodes.
struct Tree {
    std::vector<Node2> nodes;
    std::vector<std::uint32_t> items;
};

struct Hierarchy {
    Tree top;                 ///< items: instance indices; without instances of empty meshes and those whose matrices are not finite
    std::vector<Tree> bottom; ///< one a mesh; items: global triangle indices. Empty for an empty mesh
    double build_seconds = 0;
};

struct Box {
    glm::vec3 lower, upper;
};

/// SAH over any boxes: binned (Wald, "On fast construction of SAH-based bounding volume hierarchies", 2007), by a full sweep where few are
/// left. Boxes that are not finite are treated as the point 0 (nothing can be hit in them). `threads` 0: all.
Tree build_tree(std::span<const Box> boxes, unsigned threads);

/// The hierarchies of all meshes and of the instances. `threads` 0: all.
Hierarchy build(const scene::FlatScene& scene, unsigned threads);

} // namespace raymill::accel
