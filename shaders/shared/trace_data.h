// The hierarchy as our own traversal walks it (shaders/traversal_bvh.h), written by renderer/accel/quantise. Scalar layout, no tail
// padding. Shaped by what gathers cost: a node is one cache line and five 8-byte loads for its boxes, a leaf is one triangle of five 8-byte
// loads.
#ifndef RAYMILL_TRACE_DATA_H
#define RAYMILL_TRACE_DATA_H
#include "language.h"
SHADING_BEGIN

CONSTANT(uint, TRACE_LEAF, 0x80000000u);     // in a child: the rest is a triangle or, with TRACE_INSTANCE, an instance; else a node
CONSTANT(uint, TRACE_INSTANCE, 0x40000000u); // in a leaf of the top level
CONSTANT(uint, TRACE_FINISHED, 0xffffffffu); // no child at all
CONSTANT(uint, TRACE_MAX_NODES, 1u << 24u);  // a stack entry holds a node and, in eight bits, which of its children are still to be visited
CONSTANT(uint, TRACE_MAX_TRIANGLES, (1u << 30u) - 1u);
CONSTANT(uint, TRACE_NODE_CHILDREN, 10u); // word of the first child in a node
CONSTANT(uint, TRACE_NODE_WORDS, 16u);
CONSTANT(uint, TRACE_HAS_ALPHA, 0x80000000u); // in TraceTriangle::triangle: hits must be asked (alpha.h)

// Four children with boxes on a grid of the node's own: child i is [origin + lower_i * scale, origin + upper_i * scale] per axis, where
// byte i of lower_x is the x of lower_i, and scale is the power of two whose biased exponent stands in `shape` (x in the low byte, then y,
// z). The number of children is the high byte. After Ylitie, Karras and Laine, "Efficient Incoherent Ray Traversal on GPUs Through
// Compressed Wide BVHs" (HPG 2017), section 3.1, with four children.
struct TraceNode {
    vec3 origin;
    uint shape;
    uint lower_x, lower_y, lower_z, upper_x, upper_y, upper_z;
    uint child0, child1, child2, child3;
    uint unused0, unused1;
};
SHARED_LAYOUT(TraceNode, 64, unused1, 60);

struct TraceTriangle {
    vec3 v0, v1, v2; // the bottom level's: object space; the top level's own: world space
    uint triangle;   // index into triangles | TRACE_HAS_ALPHA
};
SHARED_LAYOUT(TraceTriangle, 40, triangle, 36);

// What a ray needs to enter an instance; same index as in instances.
struct TraceInstance {
    mat4x3 world_to_object;
    uint root;  // node of its mesh's hierarchy
    uint flags; // INSTANCE_*
};
SHARED_LAYOUT(TraceInstance, 56, flags, 52);

SHADING_END
#endif
