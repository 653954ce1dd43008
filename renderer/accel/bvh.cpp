#include "renderer/accel/bvh.hpp"

#include "renderer/base/check.hpp"
#include "shaders/shared/surface.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>

namespace raymill::accel {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr unsigned bin_count = 32;
constexpr std::size_t sweep_below = 24;  // items; below, sorting and trying each split costs little and finds better trees
constexpr std::size_t task_above = 8192; // items; a smaller subtree is not worth handing to another thread

// A box on its way into a tree. Moved about instead of looked up through an index: the builder is bound by memory.
struct Reference {
    glm::vec3 lower;
    std::uint32_t item;
    glm::vec3 upper;
    std::uint32_t unused;

    [[nodiscard]] float twice_center(int axis) const { return lower[axis] + upper[axis]; }
};

struct Bounds {
    glm::vec3 lower{infinity}, upper{-infinity};

    void grow(const glm::vec3& l, const glm::vec3& u) { lower = glm::min(lower, l), upper = glm::max(upper, u); }
    void grow(const Bounds& other) { grow(other.lower, other.upper); }
    [[nodiscard]] float half_area() const {
        const glm::vec3 size = upper - lower;
        return size.x < 0 ? 0.f : size.x * size.y + size.y * size.z + size.z * size.x;
    }
};

// A subtree to build: references [begin, end) below nodes[node], whose 2 * (end - begin) - 2 descendants fill nodes[descendants ...]. One
// item a leaf makes that number exact, so every node's place is known before it is built: no counters, and the same bytes for any number of
// threads.
struct Subtree {
    std::uint32_t tree;
    std::uint32_t begin, end;
    std::uint32_t node, descendants;
    unsigned depth;
};

struct Work {
    Tree* tree;
    std::vector<Reference> references;
};

unsigned depth_of_halving(std::size_t count) { return static_cast<unsigned>(std::bit_width(count - 1)); }

bool before(const Reference& a, const Reference& b, int axis) {
    const float ca = a.twice_center(axis), cb = b.twice_center(axis);
    return ca < cb || (ca == cb && a.item < b.item);
}

// The middle of the items in order along the widest axis of their centres. Always makes two halves, also of equal centres.
std::size_t split_in_half(std::span<Reference> references, const Bounds& centers) {
    const glm::vec3 size = centers.upper - centers.lower;
    const int axis = size.x >= size.y && size.x >= size.z ? 0 : size.y >= size.z ? 1 : 2;
    const std::size_t middle = references.size() / 2;
    std::nth_element(references.begin(), references.begin() + static_cast<std::ptrdiff_t>(middle), references.end(),
                     [axis](const Reference& a, const Reference& b) { return before(a, b, axis); });
    return middle;
}

std::size_t split_by_sweep(std::span<Reference> references) {
    const std::size_t count = references.size();
    std::array<std::array<Reference, sweep_below>, 3> sorted;
    std::array<float, sweep_below> right_cost;
    float best = infinity;
    int best_axis = 0;
    std::size_t best_split = count / 2;
    for (int axis = 0; axis < 3; ++axis) {
        auto& order = sorted[static_cast<std::size_t>(axis)];
        std::copy(references.begin(), references.end(), order.begin());
        std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count),
                  [axis](const Reference& a, const Reference& b) { return before(a, b, axis); });
        Bounds bounds;
        for (std::size_t i = count; i-- > 1;) {
            bounds.grow(order[i].lower, order[i].upper);
            right_cost[i] = bounds.half_area() * static_cast<float>(count - i);
        }
        bounds = {};
        for (std::size_t i = 1; i < count; ++i) {
            bounds.grow(order[i - 1].lower, order[i - 1].upper);
            const float cost = bounds.half_area() * static_cast<float>(i) + right_cost[i];
            if (cost < best) best = cost, best_axis = axis, best_split = i;
        }
    }
    const auto& order = sorted[static_cast<std::size_t>(best_axis)];
    std::copy_n(order.begin(), count, references.begin());
    return best_split;
}

struct Binning {
    glm::vec3 lower, scale; // bin = (twice_center - lower) * scale

    explicit Binning(const Bounds& centers) : lower(centers.lower) {
        for (int axis = 0; axis < 3; ++axis) {
            const float size = centers.upper[axis] - centers.lower[axis];
            const float per_unit = static_cast<float>(bin_count) * 0.9999f / size;
            scale[axis] = size > 0 && std::isfinite(per_unit) ? per_unit : 0.f;
        }
    }
    [[nodiscard]] unsigned bin(const Reference& r, int axis) const {
        return std::min(static_cast<unsigned>((r.twice_center(axis) - lower[axis]) * scale[axis]), bin_count - 1);
    }
};

// 0 where no plane between bins separates anything at a finite cost.
std::size_t split_by_bins(std::span<Reference> references, const Bounds& centers) {
    const Binning binning(centers);
    struct Bin {
        Bounds bounds;
        std::uint32_t count = 0;
    };
    std::array<std::array<Bin, bin_count>, 3> bins;
    for (const Reference& r : references) {
        for (int axis = 0; axis < 3; ++axis) {
            Bin& bin = bins[static_cast<std::size_t>(axis)][binning.bin(r, axis)];
            bin.bounds.grow(r.lower, r.upper);
            ++bin.count;
        }
    }
    float best = infinity;
    int best_axis = -1;
    unsigned best_bin = 0;
    for (int axis = 0; axis < 3; ++axis) {
        if (binning.scale[axis] == 0) continue;
        const auto& along = bins[static_cast<std::size_t>(axis)];
        std::array<float, bin_count> right_cost;
        Bounds bounds;
        std::uint32_t count = 0;
        for (unsigned i = bin_count; i-- > 1;) {
            bounds.grow(along[i].bounds);
            count += along[i].count;
            right_cost[i] = count == 0 ? infinity : bounds.half_area() * static_cast<float>(count);
        }
        bounds = {};
        count = 0;
        for (unsigned i = 1; i < bin_count; ++i) {
            bounds.grow(along[i - 1].bounds);
            count += along[i - 1].count;
            if (count == 0) continue;
            const float cost = bounds.half_area() * static_cast<float>(count) + right_cost[i];
            if (cost < best) best = cost, best_axis = axis, best_bin = i;
        }
    }
    if (best_axis < 0) return 0;
    const auto middle =
        std::partition(references.begin(), references.end(), [&](const Reference& r) { return binning.bin(r, best_axis) < best_bin; });
    return static_cast<std::size_t>(middle - references.begin());
}

std::size_t split(std::span<Reference> references, const Bounds& centers, unsigned depth) {
    const std::size_t count = references.size();
    if (count == 2) return 1;
    // One step of anything still leaves room for halving the rest (all but one item may go to one side).
    const bool room = depth + 1 + depth_of_halving(count - 1) <= max_depth;
    if (!room || centers.lower == centers.upper) return split_in_half(references, centers);
    if (count <= sweep_below) return split_by_sweep(references);
    const std::size_t at = split_by_bins(references, centers);
    return at == 0 || at == count ? split_in_half(references, centers) : at;
}

// Subtrees waiting to be built, for any number of threads that call run().
class Builder {
  public:
    explicit Builder(std::vector<Work> work) : work_(std::move(work)) {
        for (std::uint32_t i = 0; i < work_.size(); ++i) {
            const auto count = static_cast<std::uint32_t>(work_[i].references.size());
            if (count > 0) waiting_.push_back({i, 0, count, 0, 1, 0});
        }
        unfinished_ = waiting_.size();
    }

    void run() {
        std::unique_lock lock(mutex_);
        while (unfinished_ > 0) {
            if (waiting_.empty()) {
                changed_.wait(lock);
                continue;
            }
            const Subtree subtree = waiting_.back();
            waiting_.pop_back();
            lock.unlock();
            build(subtree);
            lock.lock();
            if (--unfinished_ == 0) changed_.notify_all();
        }
    }

  private:
    void hand_out(const Subtree& subtree) {
        {
            const std::scoped_lock lock(mutex_);
            waiting_.push_back(subtree);
            ++unfinished_;
        }
        changed_.notify_one();
    }

    void build(Subtree at) {
        std::vector<Subtree> later;
        for (;;) {
            Work& work = work_[at.tree];
            const std::span<Reference> references(work.references.data() + at.begin, at.end - at.begin);
            Bounds bounds, centers;
            for (const Reference& r : references) {
                bounds.grow(r.lower, r.upper);
                const glm::vec3 center = r.lower + r.upper;
                centers.grow(center, center);
            }
            Node2& node = work.tree->nodes[at.node];
            node.lower = bounds.lower, node.upper = bounds.upper;
            if (references.size() == 1) {
                node.first = at.begin, node.count = 1;
                work.tree->items[at.begin] = references[0].item;
                if (later.empty()) return;
                at = later.back();
                later.pop_back();
                continue;
            }
            const auto left_count = static_cast<std::uint32_t>(split(references, centers, at.depth));
            node.first = at.descendants, node.count = 0;
            const std::uint32_t children = at.descendants, middle = at.begin + left_count;
            const Subtree left{at.tree, at.begin, middle, children, children + 2, at.depth + 1};
            const Subtree right{at.tree, middle, at.end, children + 1, children + 2 * left_count, at.depth + 1};
            if (at.end - middle > task_above)
                hand_out(right);
            else
                later.push_back(right);
            at = left;
        }
    }

    std::vector<Work> work_;
    std::vector<Subtree> waiting_;
    std::size_t unfinished_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
};

bool finite(const glm::vec3& v) { return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z); }

unsigned thread_count(unsigned asked) { return asked > 0 ? asked : std::max(1u, std::thread::hardware_concurrency()); }

void run_builder(std::vector<Work> work, unsigned threads) {
    for (Work& w : work) {
        const std::size_t count = w.references.size();
        CHECK_AT_MOST(count, std::size_t{1} << 31);
        for (Reference& r : w.references)
            if (!finite(r.lower) || !finite(r.upper)) r.lower = r.upper = glm::vec3(0);
        w.tree->nodes.resize(count == 0 ? 0 : 2 * count - 1);
        w.tree->items.resize(count);
    }
    Builder builder(std::move(work));
    std::vector<std::jthread> others;
    for (unsigned i = 1; i < threads; ++i) others.emplace_back([&builder] { builder.run(); });
    builder.run();
}

Reference triangle_reference(const std::array<glm::vec3, 3>& corners, std::uint32_t item) {
    const auto& [a, b, c] = corners;
    const bool good = finite(a) && finite(b) && finite(c); // min and max would lose a NaN
    return {good ? glm::min(a, glm::min(b, c)) : glm::vec3(NAN), item, good ? glm::max(a, glm::max(b, c)) : glm::vec3(NAN), 0};
}

std::vector<Reference> triangle_references(const scene::FlatScene& scene, const shading::SceneMesh& mesh) {
    std::vector<Reference> references(mesh.triangle_count);
    for (std::uint32_t i = 0; i < mesh.triangle_count; ++i) {
        const std::uint32_t index = mesh.first_triangle + i;
        const shading::SceneTriangle& t = scene.triangles[index];
        references[i] = triangle_reference({scene.positions[t.v0], scene.positions[t.v1], scene.positions[t.v2]}, index);
    }
    return references;
}

// The world box of a placed mesh: of the corners of some 64 boxes of its hierarchy, which is far tighter than those of its one root box
// when turned. Widened by what rounding can move: the walk tests the world box with the world ray, but triangles with a ray turned to
// object space.
Bounds instance_bounds(const Tree& tree, const glm::mat4x3& m) {
    std::vector<std::uint32_t> level{0};
    bool deeper = true;
    while (deeper && level.size() < 64) {
        deeper = false;
        std::vector<std::uint32_t> next;
        for (const std::uint32_t n : level) {
            const Node2& node = tree.nodes[n];
            if (node.count > 0) {
                next.push_back(n);
            } else {
                next.push_back(node.first), next.push_back(node.first + 1);
                deeper = true;
            }
        }
        level = std::move(next);
    }
    glm::dvec3 lower(std::numeric_limits<double>::infinity()), upper = -lower;
    double magnitude = 0;
    for (const std::uint32_t n : level) {
        const Node2& node = tree.nodes[n];
        for (unsigned corner = 0; corner < 8; ++corner) {
            const glm::dvec3 p((corner & 1) != 0 ? node.upper.x : node.lower.x, (corner & 2) != 0 ? node.upper.y : node.lower.y,
                               (corner & 4) != 0 ? node.upper.z : node.lower.z);
            glm::dvec3 world(m[3]);
            glm::dvec3 size = glm::abs(world);
            for (int axis = 0; axis < 3; ++axis) {
                const glm::dvec3 part = glm::dvec3(m[axis]) * p[axis];
                world += part;
                size += glm::abs(part);
            }
            lower = glm::min(lower, world), upper = glm::max(upper, world);
            magnitude = std::max({magnitude, size.x, size.y, size.z});
        }
    }
    const double slack = magnitude * 4 * static_cast<double>(std::numeric_limits<float>::epsilon());
    return {glm::vec3(lower - slack), glm::vec3(upper + slack)};
}

bool finite(const glm::mat4x3& m) { return finite(m[0]) && finite(m[1]) && finite(m[2]) && finite(m[3]); }

} // namespace

Tree build_tree(std::span<const Box> boxes, unsigned threads) {
    Tree tree;
    std::vector<Work> work(1);
    work[0].tree = &tree;
    work[0].references.reserve(boxes.size());
    for (std::uint32_t i = 0; i < boxes.size(); ++i) work[0].references.push_back({boxes[i].lower, i, boxes[i].upper, 0});
    run_builder(std::move(work), thread_count(threads));
    return tree;
}

std::array<glm::vec3, 3> world_corners(const scene::FlatScene& scene, const OpenedTriangle& opened) {
    const shading::SceneTriangle& t = scene.triangles[opened.triangle];
    const glm::mat4x3& m = scene.instances[opened.instance].object_to_world;
    return {shading::transform_point(m, scene.positions[t.v0]), shading::transform_point(m, scene.positions[t.v1]),
            shading::transform_point(m, scene.positions[t.v2])};
}

Hierarchy build(const scene::FlatScene& scene, unsigned threads, const Opening& opening) {
    const auto start = std::chrono::steady_clock::now();
    Hierarchy hierarchy;
    std::vector<std::uint64_t> uses(scene.meshes.size());
    const auto placed = [&](const shading::SceneInstance& instance) {
        return scene.meshes[instance.mesh].triangle_count > 0 && finite(instance.object_to_world) && finite(instance.world_to_object);
    };
    for (const shading::SceneInstance& instance : scene.instances) uses[instance.mesh] += placed(instance) ? 1 : 0;
    const auto is_opened = [&](std::size_t mesh) {
        return (opening.single && uses[mesh] == 1) || uses[mesh] * scene.meshes[mesh].triangle_count <= opening.most_triangles;
    };
    hierarchy.bottom.resize(scene.meshes.size());
    std::vector<Work> work;
    for (std::size_t i = 0; i < scene.meshes.size(); ++i)
        if (uses[i] > 0 && !is_opened(i)) work.push_back({&hierarchy.bottom[i], triangle_references(scene, scene.meshes[i])});
    run_builder(std::move(work), thread_count(threads));

    std::vector<Work> top(1);
    top[0].tree = &hierarchy.top;
    const auto first_opened = static_cast<std::uint32_t>(scene.instances.size());
    for (std::uint32_t i = 0; i < scene.instances.size(); ++i) {
        const shading::SceneInstance& instance = scene.instances[i];
        if (!placed(instance)) continue;
        if (!is_opened(instance.mesh)) {
            const Bounds bounds = instance_bounds(hierarchy.bottom[instance.mesh], instance.object_to_world);
            top[0].references.push_back({bounds.lower, i, bounds.upper, 0});
            continue;
        }
        const shading::SceneMesh& mesh = scene.meshes[instance.mesh];
        for (std::uint32_t t = mesh.first_triangle; t < mesh.first_triangle + mesh.triangle_count; ++t) {
            const auto item = first_opened + static_cast<std::uint32_t>(hierarchy.opened.size());
            hierarchy.opened.push_back({i, t});
            top[0].references.push_back(triangle_reference(world_corners(scene, hierarchy.opened.back()), item));
        }
    }
    run_builder(std::move(top), thread_count(threads));
    hierarchy.build_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return hierarchy;
}

} // namespace raymill::accel
