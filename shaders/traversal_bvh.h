// Our own traversal: each lane walks one ray at a time through the two-level hierarchy of trace_data.h, and takes the next ray as soon as
// it is done, so that long rays do not hold up a whole group ("while-while with dynamic fetch": Aila and Laine, "Understanding the
// Efficiency of Ray Traversal on GPUs", HPG 2009; here without talk between lanes). Included by trace.comp, which says what a ray is and
// what hits do.
//
// Slabs are compared as integers: the bits of floats order like the floats where those are not negative, a negative one is below all
// others, and entry distances are at least 0. Boxes are larger than their contents by grid_slack (renderer/accel/quantise.hpp) of the
// node's coordinates; with exits pushed out by SLAB_EXIT that covers all rounding here, so that no triangle is lost at a box's face.
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer StackWords { uint at[]; };

const float SLAB_EXIT = 1.0f + 1.0e-6f;
const int MISSED = 0x7fffffff;
const uint STEPS = 2u; // rounds of [two nodes, one triangle] between looks at whether the ray is done

// A stack entry: a node << 8 | which of its children are still to be visited, two bits each, the next one lowest << 2 | how many (1 to 3).
// 0 is no entry. The newest entry stays in `top`; those below lie in memory, each lane's own column of its group's slice.
uint top;
uint depth;      // entries in memory
uint level_base; // entries that belong to the top level, while inside an instance
uint current;    // the child to visit next: a node, TRACE_LEAF | index, or TRACE_FINISHED
uint instance;   // NONE in the top level
Ray ray;         // world space
vec3 origin;     // of the ray in the space of the level
vec3 inverse;    // of its direction, never infinite
RayFrame ray_frame;
StackWords stack;
uint stack_base; // index of this lane's first entry

uint stack_index(uint entry) { return entry * gl_WorkGroupSize.x + stack_base; }

void push_top() {
    if (top == 0u) return;
    stack.at[stack_index(depth)] = top;
    depth += 1u;
}

// A direction without zeros: where a component is as good as 0 beside the largest, slabs are far apart either way.
vec3 without_zeros(vec3 d) {
    float least = 1.0e-15f * max(abs(d.x), max(abs(d.y), abs(d.z)));
    return vec3(abs(d.x) > least ? d.x : least, abs(d.y) > least ? d.y : least, abs(d.z) > least ? d.z : least);
}

void enter_space(vec3 o, vec3 direction) {
    origin = o;
    inverse = 1.0f / without_zeros(direction);
}

void begin_ray(Ray r) {
    ray = r;
    top = 0u;
    depth = 0u;
    level_base = 0u;
    instance = NONE;
    current = 0u;
    enter_space(ray.origin, ray.direction);
    ray_frame = make_ray_frame(ray.direction);
    begin_result(ray.t_max);
}

void enter_instance(uint index) {
    WordPairs words = WordPairs(wavefront.instances);
    uint first = 7u * index;
    mat4x3 world_to_object = load_matrix(words, first);
    uvec2 root_and_flags = load_pair(words, first + 6u);
    push_top();
    top = 0u;
    level_base = depth;
    instance = index;
    current = root_and_flags.x;
    vec3 direction = transform_vector(world_to_object, ray.direction);
    enter_space(transform_point(world_to_object, ray.origin), direction);
    ray_frame = make_ray_frame(direction);
}

// Node and place of the child to visit next, from the stack; false when nothing is left.
bool pop(out uint node, out uint place) {
    if (top == 0u) {
        if (depth == level_base && instance != NONE) {
            instance = NONE;
            level_base = 0u;
            enter_space(ray.origin, ray.direction);
            ray_frame = make_ray_frame(ray.direction);
        }
        if (depth == 0u) return false;
        depth -= 1u;
        top = stack.at[stack_index(depth)];
    }
    node = top >> 8u;
    place = (top >> 2u) & 3u;
    top = (top & 3u) == 1u ? 0u : (top & 0xffffff00u) | ((top >> 2u) & 0x3cu) | ((top & 3u) - 1u);
    return true;
}

void visit_child(uint node, uint place) { current = Words32(wavefront.nodes).at[TRACE_NODE_WORDS * node + TRACE_NODE_CHILDREN + place]; }

void next_from_stack() {
    uint node, place;
    if (pop(node, place))
        visit_child(node, place);
    else
        current = TRACE_FINISHED;
}

int sort_key(uvec3 nearer, uvec3 farther, uint shift, vec3 scale, vec3 offset, int t_end, uint place) {
    vec3 entries = vec3(ivec3((nearer >> shift) & 0xffu)) * scale + offset;
    vec3 exits = vec3(ivec3((farther >> shift) & 0xffu)) * scale + offset;
    int entry = max(max(floatBitsToInt(entries.x), floatBitsToInt(entries.y)), max(floatBitsToInt(entries.z), 0));
    int exit = min(min(floatBitsToInt(exits.x), floatBitsToInt(exits.y)), min(floatBitsToInt(exits.z), t_end));
    exit = floatBitsToInt(intBitsToFloat(exit) * SLAB_EXIT);
    return entry <= exit ? (entry & ~3) | int(place) : MISSED;
}

void order(inout int a, inout int b) {
    int smaller = min(a, b);
    b = max(a, b);
    a = smaller;
}

// Where `current` is a node: tests its children, visits the nearest that is hit next, and leaves the others on the stack.
void node_step() {
    if (int(current) < 0) return;
    WordPairs words = WordPairs(wavefront.nodes);
    uint first = TRACE_NODE_WORDS / 2u * current;
    uvec2 w0 = load_pair(words, first);
    uvec2 w1 = load_pair(words, first + 1u);
    uvec2 w2 = load_pair(words, first + 2u);
    uvec2 w3 = load_pair(words, first + 3u);
    uvec2 w4 = load_pair(words, first + 4u);
    uint shape = w1.y;
    vec3 scale = uintBitsToFloat((uvec3(shape, shape >> 8u, shape >> 16u) & 0xffu) << 23u) * inverse;
    vec3 offset = (uintBitsToFloat(uvec3(w0.x, w0.y, w1.x)) - origin) * inverse;
    uvec3 lower = uvec3(w2.x, w2.y, w3.x);
    uvec3 upper = uvec3(w3.y, w4.x, w4.y);
    bvec3 backwards = lessThan(inverse, vec3(0.0f));
    uvec3 nearer = mix(lower, upper, backwards);
    uvec3 farther = mix(upper, lower, backwards);
    int t_end = floatBitsToInt(found.t);
    uint children = shape >> 24u;
    int k0 = children > 0u ? sort_key(nearer, farther, 0u, scale, offset, t_end, 0u) : MISSED;
    int k1 = children > 1u ? sort_key(nearer, farther, 8u, scale, offset, t_end, 1u) : MISSED;
    int k2 = children > 2u ? sort_key(nearer, farther, 16u, scale, offset, t_end, 2u) : MISSED;
    int k3 = children > 3u ? sort_key(nearer, farther, 24u, scale, offset, t_end, 3u) : MISSED;
    order(k0, k1);
    order(k2, k3);
    order(k0, k2);
    order(k1, k3);
    order(k1, k2);
    uint node = current;
    uint place = uint(k0) & 3u;
    if (k0 == MISSED) {
        if (!pop(node, place)) {
            current = TRACE_FINISHED;
            return;
        }
    } else if (k1 != MISSED) {
        push_top();
        uint left = 1u + (k2 != MISSED ? 1u : 0u) + (k3 != MISSED ? 1u : 0u);
        top = current << 8u | (uint(k3) & 3u) << 6u | (uint(k2) & 3u) << 4u | (uint(k1) & 3u) << 2u | left;
    }
    visit_child(node, place);
}

// Where `current` is a leaf: enters its instance, or tests its triangle (of the instance, or of the top level itself).
void leaf_step() {
    if (int(current) >= 0 || current == TRACE_FINISHED) return;
    uint index = current & ~TRACE_LEAF;
    if ((index & TRACE_INSTANCE) != 0u) {
        enter_instance(index & ~TRACE_INSTANCE);
        return;
    }
    WordPairs words = WordPairs(wavefront.triangles);
    uint first = 5u * index;
    uvec2 w0 = load_pair(words, first);
    uvec2 w1 = load_pair(words, first + 1u);
    uvec2 w2 = load_pair(words, first + 2u);
    uvec2 w3 = load_pair(words, first + 3u);
    uvec2 w4 = load_pair(words, first + 4u);
    vec3 v0 = uintBitsToFloat(uvec3(w0.x, w0.y, w1.x));
    vec3 v1 = uintBitsToFloat(uvec3(w1.y, w2.x, w2.y));
    vec3 v2 = uintBitsToFloat(uvec3(w3.x, w3.y, w4.x));
    TriangleHit hit;
    if (intersect_triangle(ray_frame, origin, found.t, v0, v1, v2, hit)) {
        uint owner = instance != NONE ? instance : Words32(wavefront.triangle_instances).at[index];
        bool go_on = take_hit(owner, w4.y & ~TRACE_HAS_ALPHA, (w4.y & TRACE_HAS_ALPHA) != 0u, hit.t, hit.u, hit.v, ray.alpha_key);
        if (!go_on) {
            current = TRACE_FINISHED;
            return;
        }
    }
    next_from_stack();
}

void main() {
    uvec2 items = group_items(item_count());
    uint width = gl_WorkGroupSize.x;
    stack = StackWords(wavefront.stack);
    stack_base = gl_WorkGroupID.x * wavefront.stack_entries * width + gl_LocalInvocationID.x;

    uint item = items.x + gl_LocalInvocationID.x;
    uint in_work = NONE;
    uvec2 ahead = item < items.y ? load_ray_ahead(item) : uvec2(0u);
    current = TRACE_FINISHED;
    while (true) {
        if (current == TRACE_FINISHED) {
            if (in_work != NONE) store_found(in_work);
            if (item >= items.y) break;
            in_work = item;
            item += width;
            begin_ray(load_ray(in_work, ahead));
            if (item < items.y) ahead = load_ray_ahead(item);
        }
        for (uint i = 0u; i < STEPS; ++i) {
            node_step();
            node_step();
            leaf_step();
        }
    }
}
