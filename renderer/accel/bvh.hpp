#pragma once
/// renderer/accel: bounding-volume hierarchies over a FlatScene, built on the CPU: one bottom level a mesh (object space), one top level
/// over instances (world space). Instances that share little are opened: their triangles stand in the top level themselves, in world space,
/// so that no ray has to enter one instance after another where they overlap. Deterministic: the same scene gives the same bytes, whatever
/// the number of threads. Depends on scene's flat form only.
#include "renderer/scene/flat_scene.hpp"

#include <array>
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

struct OpenedTriangle {
    std::uint32_t instance, triangle; ///< global index
};

/// Which meshes are opened: those placed once, and those that come to at most so many triangles with all their instances.
struct Opening {
    bool single = true;
    std::uint64_t most_triangles = 1u << 14;
};

struct Hierarchy {
    /// Items: instance indices, and from FlatScene::instances.size() on numbers in `opened`. Without instances of empty meshes and those
    /// whose matrices are not finite.
    Tree top;
    std::vector<OpenedTriangle> opened;
    std::vector<Tree> bottom; ///< one a mesh; items: global triangle indices. Empty for a mesh that is empty, opened or not placed
    double build_seconds = 0;
};

struct Box {
    glm::vec3 lower, upper;
};

/// SAH over any boxes: binned (Wald, "On fast construction of SAH-based bounding volume hierarchies", 2007), by a full sweep where few are
/// left. Boxes that are not finite are treated as the point 0 (nothing can be hit in them). `threads` 0: all.
Tree build_tree(std::span<const Box> boxes, unsigned threads);

/// The hierarchies of all meshes and of the instances. `threads` 0: all.
Hierarchy build(const scene::FlatScene& scene, unsigned threads, const Opening& opening = {});

/// The corners of an opened triangle, in world space.
std::array<glm::vec3, 3> world_corners(const scene::FlatScene& scene, const OpenedTriangle& opened);

} // namespace raymill::accel
