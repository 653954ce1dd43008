#include "renderer/accel/quantise.hpp"

#include "renderer/base/check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace raymill::accel {
namespace {

using shading::TraceNode;

struct Children {
    std::array<std::uint32_t, 4> nodes{};
    unsigned count = 0;
};

float half_area(const Node2& node) {
    const glm::vec3 size = node.upper - node.lower;
    return size.x * size.y + size.y * size.z + size.z * size.x;
}

// The up to four descendants that become the children of one wide node: the largest inner one is opened until there are four.
Children gather_children(const Tree& tree, std::uint32_t index) {
    Children children;
    if (tree.nodes[index].count > 0) { // a tree of one leaf still gets a node round it
        children.nodes[0] = index, children.count = 1;
        return children;
    }
    children.nodes = {tree.nodes[index].first, tree.nodes[index].first + 1};
    children.count = 2;
    while (children.count < 4) {
        int largest = -1;
        float area = -1;
        for (unsigned i = 0; i < children.count; ++i) {
            const Node2& child = tree.nodes[children.nodes[i]];
            if (child.count == 0 && half_area(child) > area) area = half_area(child), largest = static_cast<int>(i);
        }
        if (largest < 0) break;
        const std::uint32_t opened = tree.nodes[children.nodes[static_cast<unsigned>(largest)]].first;
        children.nodes[static_cast<unsigned>(largest)] = opened;
        children.nodes[children.count++] = opened + 1;
    }
    return children;
}

struct Axis {
    float origin;
    std::uint32_t exponent; // biased
    std::array<std::uint32_t, 4> lower{}, upper{};
};

// Grid and bytes of one axis. All in double, whose rounding is far below the slack.
Axis make_axis(const Tree& tree, const Children& children, int axis) {
    double lowest = INFINITY, highest = -INFINITY;
    for (unsigned i = 0; i < children.count; ++i) {
        const Node2& child = tree.nodes[children.nodes[i]];
        lowest = std::min(lowest, static_cast<double>(child.lower[axis]));
        highest = std::max(highest, static_cast<double>(child.upper[axis]));
    }
    // The least normal number keeps a scale of 0 away, also for a node that is one point at 0.
    const double slack = std::max({std::abs(lowest), std::abs(highest), 1e-30}) * static_cast<double>(grid_slack);
    Axis result;
    result.origin = static_cast<float>(std::max(lowest - 2 * slack, -static_cast<double>(std::numeric_limits<float>::max())));
    const double extent = highest + slack - static_cast<double>(result.origin);
    int exponent = 0;
    std::frexp(extent / 255, &exponent); // extent / 255 < 2^exponent
    exponent = std::clamp(exponent, -126, 127);
    result.exponent = static_cast<std::uint32_t>(exponent + 127);
    const double scale = std::ldexp(1.0, exponent);
    for (unsigned i = 0; i < children.count; ++i) {
        const Node2& child = tree.nodes[children.nodes[i]];
        const auto grid = [&](double x) { return (x - static_cast<double>(result.origin)) / scale; };
        result.lower[i] =
            static_cast<std::uint32_t>(std::clamp(std::floor(grid(static_cast<double>(child.lower[axis]) - slack)), 0.0, 255.0));
        result.upper[i] =
            static_cast<std::uint32_t>(std::clamp(std::ceil(grid(static_cast<double>(child.upper[axis]) + slack)), 0.0, 255.0));
    }
    return result;
}

std::uint32_t pack(const std::array<std::uint32_t, 4>& bytes) { return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | bytes[3] << 24; }

// Writes one tree's wide nodes behind those that are there; returns how many levels of them there are. `leaf` gives the child of a leaf's
// item.
template<class LeafOf> unsigned collapse(const Tree& tree, std::vector<TraceNode>& nodes, LeafOf leaf) {
    struct Waiting {
        std::uint32_t from, to; // index in tree.nodes, in nodes
        unsigned level;
    };
    unsigned levels = 0;
    std::vector<Waiting> waiting{{0, static_cast<std::uint32_t>(nodes.size()), 1}};
    nodes.emplace_back();
    while (!waiting.empty()) {
        const Waiting at = waiting.back();
        waiting.pop_back();
        levels = std::max(levels, at.level);
        const Children children = gather_children(tree, at.from);
        const Axis x = make_axis(tree, children, 0), y = make_axis(tree, children, 1), z = make_axis(tree, children, 2);
        TraceNode node{};
        node.origin = glm::vec3(x.origin, y.origin, z.origin);
        node.shape = x.exponent | y.exponent << 8 | z.exponent << 16 | children.count << 24;
        node.lower_x = pack(x.lower), node.lower_y = pack(y.lower), node.lower_z = pack(z.lower);
        node.upper_x = pack(x.upper), node.upper_y = pack(y.upper), node.upper_z = pack(z.upper);
        std::array<std::uint32_t, 4> refs;
        refs.fill(shading::TRACE_FINISHED);
        for (unsigned i = 0; i < children.count; ++i) {
            const Node2& child = tree.nodes[children.nodes[i]];
            if (child.count > 0) {
                CHECK_SAME(child.count, 1u);
                refs[i] = shading::TRACE_LEAF | leaf(tree.items[child.first]);
            } else {
                refs[i] = static_cast<std::uint32_t>(nodes.size());
                nodes.emplace_back();
            }
        }
        // Pushed last to first, so that the first child's subtree follows at once.
        for (unsigned i = children.count; i-- > 0;)
            if (tree.nodes[children.nodes[i]].count == 0) waiting.push_back({children.nodes[i], refs[i], at.level + 1});
        node.child0 = refs[0], node.child1 = refs[1], node.child2 = refs[2], node.child3 = refs[3];
        nodes[at.to] = node;
    }
    return levels;
}

} // namespace

unsigned child_count(const TraceNode& node) { return node.shape >> 24; }

std::uint32_t child_of(const TraceNode& node, unsigned child) {
    return std::array{node.child0, node.child1, node.child2, node.child3}[child];
}

Box child_box(const TraceNode& node, unsigned child) {
    const auto byte = [child](std::uint32_t word) { return static_cast<float>(word >> (8 * child) & 0xff); };
    const auto scale = [&node](unsigned axis) { return std::ldexp(1.f, static_cast<int>(node.shape >> (8 * axis) & 0xff) - 127); };
    const glm::vec3 scales(scale(0), scale(1), scale(2));
    return {node.origin + glm::vec3(byte(node.lower_x), byte(node.lower_y), byte(node.lower_z)) * scales,
            node.origin + glm::vec3(byte(node.upper_x), byte(node.upper_y), byte(node.upper_z)) * scales};
}

Result<TraceHierarchy> quantise(const scene::FlatScene& scene, const Hierarchy& hierarchy, const TraceLimits& limits) {
    TraceHierarchy result;
    std::uint64_t triangle_count = hierarchy.opened.size();
    for (const Tree& tree : hierarchy.bottom) triangle_count += tree.items.size();
    if (triangle_count > limits.triangles)
        return fail(Code::unsupported, "scene",
                    std::to_string(triangle_count) + " triangles are more than the " + std::to_string(limits.triangles) +
                        " that can be drawn; split the scene");
    result.triangles.reserve(triangle_count);

    const auto add_triangle = [&](const std::array<glm::vec3, 3>& corners, std::uint32_t index) {
        const bool opaque = scene.materials[scene.triangles[index].material].alpha_mode == shading::ALPHA_OPAQUE;
        result.triangles.push_back({corners[0], corners[1], corners[2], index | (opaque ? 0u : shading::TRACE_HAS_ALPHA)});
        return static_cast<std::uint32_t>(result.triangles.size() - 1);
    };
    unsigned top_levels = 1, bottom_levels = 0;
    if (hierarchy.top.nodes.empty()) {
        TraceNode empty{};
        empty.child0 = empty.child1 = empty.child2 = empty.child3 = shading::TRACE_FINISHED;
        result.nodes.push_back(empty);
    } else {
        top_levels = collapse(hierarchy.top, result.nodes, [&](std::uint32_t item) {
            if (item < scene.instances.size()) return shading::TRACE_INSTANCE | item;
            const OpenedTriangle& opened = hierarchy.opened[item - scene.instances.size()];
            result.triangle_instances.push_back(opened.instance);
            return add_triangle(world_corners(scene, opened), opened.triangle);
        });
    }
    std::vector<std::uint32_t> roots(hierarchy.bottom.size(), 0);
    for (std::size_t mesh = 0; mesh < hierarchy.bottom.size(); ++mesh) {
        const Tree& tree = hierarchy.bottom[mesh];
        if (tree.nodes.empty()) continue;
        roots[mesh] = static_cast<std::uint32_t>(result.nodes.size());
        const unsigned levels = collapse(tree, result.nodes, [&](std::uint32_t index) {
            const shading::SceneTriangle& t = scene.triangles[index];
            return add_triangle({scene.positions[t.v0], scene.positions[t.v1], scene.positions[t.v2]}, index);
        });
        bottom_levels = std::max(bottom_levels, levels);
    }
    if (result.nodes.size() > limits.nodes)
        return fail(Code::unsupported, "scene",
                    "its hierarchy has " + std::to_string(result.nodes.size()) + " nodes, more than the " + std::to_string(limits.nodes) +
                        " that can be named (about 40 million triangles); use instances or split the scene");
    result.instances.reserve(scene.instances.size());
    for (const shading::SceneInstance& instance : scene.instances)
        result.instances.push_back({instance.world_to_object, roots[instance.mesh], instance.flags});
    result.stack_entries = top_levels + bottom_levels;
    return result;
}

} // namespace raymill::accel
