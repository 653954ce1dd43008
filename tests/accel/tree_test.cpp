// The shape of trees: what they contain, how deep they go, that threads do not show. What rays find in them: hits_test.cpp.
#include "renderer/accel/bvh.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <limits>
#include <numeric>
#include <random>

namespace {

using namespace raymill;
using accel::Box;
using accel::Node2;
using accel::Tree;

struct Shape {
    unsigned depth = 0;
    std::vector<std::uint32_t> items;
    bool contained = true;
};

void walk(const Tree& tree, std::span<const Box> boxes, std::uint32_t index, unsigned depth, Shape& shape) {
    const Node2& node = tree.nodes[index];
    shape.depth = std::max(shape.depth, depth);
    const auto inside = [&node](const glm::vec3& lower, const glm::vec3& upper) {
        return lower.x >= node.lower.x && lower.y >= node.lower.y && lower.z >= node.lower.z && upper.x <= node.upper.x &&
               upper.y <= node.upper.y && upper.z <= node.upper.z;
    };
    for (std::uint32_t i = 0; i < node.count; ++i) {
        const std::uint32_t item = tree.items[node.first + i];
        shape.items.push_back(item);
        shape.contained = shape.contained && inside(boxes[item].lower, boxes[item].upper);
    }
    if (node.count > 0) return;
    for (std::uint32_t child = node.first; child < node.first + 2; ++child) {
        shape.contained = shape.contained && inside(tree.nodes[child].lower, tree.nodes[child].upper);
        walk(tree, boxes, child, depth + 1, shape);
    }
}

// Checks what holds for every tree and returns its depth.
unsigned check_tree(const Tree& tree, std::span<const Box> boxes) {
    Shape shape;
    if (boxes.empty()) {
        CHECK(tree.nodes.empty());
        CHECK(tree.items.empty());
        return 0;
    }
    REQUIRE(tree.nodes.size() == 2 * boxes.size() - 1);
    walk(tree, boxes, 0, 0, shape);
    CHECK(shape.contained);
    std::ranges::sort(shape.items);
    std::vector<std::uint32_t> all(boxes.size());
    std::iota(all.begin(), all.end(), 0u);
    CHECK(shape.items == all);
    CHECK(shape.depth <= accel::max_depth);
    return shape.depth;
}

std::vector<Box> random_boxes(std::size_t count, unsigned seed, float size) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> unit(0, 1);
    std::vector<Box> boxes(count);
    for (Box& box : boxes) {
        box.lower = glm::vec3(unit(random), unit(random), unit(random));
        box.upper = box.lower + size * glm::vec3(unit(random), unit(random), unit(random));
    }
    return boxes;
}

bool same(const Tree& a, const Tree& b) {
    return a.nodes.size() == b.nodes.size() && a.items == b.items &&
           std::memcmp(a.nodes.data(), b.nodes.data(), a.nodes.size() * sizeof(Node2)) == 0;
}

} // namespace

TEST_CASE("each item lies in exactly one leaf and each box inside its parent's") {
    // A partition that loses or doubles an item, or a box taken before its contents moved, shows here. Counts sit round the change from
    // sweeping to binning (24) and the change from one task to several (8192).
    for (const std::size_t count : {0u, 1u, 2u, 3u, 23u, 24u, 25u, 26u, 1000u, 8191u, 8193u, 40000u}) {
        const auto boxes = random_boxes(count, 7, 0.05f);
        check_tree(accel::build_tree(boxes, 2), boxes);
    }
}

TEST_CASE("the number of threads does not change a byte of the tree") {
    // 200,000 boxes make some forty tasks; an order taken from who finishes first would differ between 1 and 7 threads, and from run to
    // run.
    const auto boxes = random_boxes(200000, 8, 0.01f);
    const Tree one = accel::build_tree(boxes, 1);
    for (const unsigned threads : {2u, 7u, 7u}) CHECK(same(one, accel::build_tree(boxes, threads)));
}

TEST_CASE("boxes that lie all in one place make a tree as shallow as any") {
    const std::vector<Box> boxes(5000, Box{glm::vec3(1, 2, 3), glm::vec3(1, 2, 3)});
    CHECK(check_tree(accel::build_tree(boxes, 1), boxes) <= 13);
}

TEST_CASE("the depth is bounded where the surface area heuristic alone would make a list") {
    // Each box is 4 times as large and as far off as the one before: splitting off the largest is always cheapest. Without the bound, 61
    // boxes make 60 levels; ten copies of each make it harder.
    std::vector<Box> boxes;
    for (int i = 0; i < 61; ++i) {
        const auto size = static_cast<float>(std::ldexp(1.0, 2 * i - 60));
        for (int copy = 0; copy < 10; ++copy) boxes.push_back({glm::vec3(size), glm::vec3(2 * size)});
    }
    CHECK(check_tree(accel::build_tree(boxes, 1), boxes) > 20); // it is a hard one
}

TEST_CASE("flat, endless and not finite boxes build") {
    auto boxes = random_boxes(3000, 9, 0.f);
    for (std::size_t i = 0; i < boxes.size(); i += 3) boxes[i].lower.y = boxes[i].upper.y = 0;
    for (std::size_t i = 0; i < 50; ++i) boxes[i].lower = glm::vec3(-3e38f), boxes[i].upper = glm::vec3(3e38f);
    check_tree(accel::build_tree(boxes, 1), boxes);
    auto bad = boxes;
    bad[100].lower.x = std::numeric_limits<float>::quiet_NaN();
    bad[101].upper.z = std::numeric_limits<float>::infinity();
    const Tree tree = accel::build_tree(bad, 1);
    for (const Node2& node : tree.nodes) CHECK((std::isfinite(node.lower.x) && std::isfinite(node.lower.y) && std::isfinite(node.upper.z)));
}
