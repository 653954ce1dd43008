#pragma once
/// A Hierarchy in the form that the device walks: four-wide nodes with boxes on 8-bit grids, one triangle a leaf, all levels in one array
/// of nodes.
#include "renderer/accel/bvh.hpp"
#include "renderer/base/error.hpp"
#include "shaders/shared/trace_data.h"

namespace raymill::accel {

struct TraceHierarchy {
    std::vector<shading::TraceNode> nodes;         ///< nodes[0] is the root of the top level; without anything to hit it has no children
    std::vector<shading::TraceTriangle> triangles; ///< in the order of the leaves: the opened ones first
    std::vector<std::uint32_t> triangle_instances; ///< of the opened ones
    std::vector<shading::TraceInstance> instances; ///< same indices as FlatScene::instances
    unsigned stack_entries = 0;                    ///< no walk needs a longer stack: levels of inner nodes, top and deepest bottom together
};

/// What indices can name: 24 bits for nodes, 30 for triangles. Tests set less.
struct TraceLimits {
    std::uint64_t nodes = shading::TRACE_MAX_NODES;
    std::uint64_t triangles = shading::TRACE_MAX_TRIANGLES;
};

/// Boxes on the grids are never smaller than what they hold, and larger by at least `grid_slack` of the node's coordinates, which is what
/// the rounding of a walk can take from them. Code::unsupported where the scene has more nodes or triangles than 24- and 30-bit indices can
/// name.
Result<TraceHierarchy> quantise(const scene::FlatScene& scene, const Hierarchy& hierarchy, const TraceLimits& limits = {});

/// The boxes of a four-wide node's children as a walk sees them; child < its count.
Box child_box(const shading::TraceNode& node, unsigned child);
unsigned child_count(const shading::TraceNode& node);
std::uint32_t child_of(const shading::TraceNode& node, unsigned child);

/// Relative to the largest absolute coordinate of a node and its extent: eight roundings of single precision.
inline constexpr float grid_slack = 8 * 5.9604645e-8f;

} // namespace raymill::accel
