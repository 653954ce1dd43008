// Pixels: that they depend on nothing but what they may, and that they are the reference's in the mean.
#include "renderer/reference/reference.hpp"
#include "tests/gpu/opened.hpp"
#include "tests/support/closed_form.hpp"
#include "tests/support/flat_scenes.hpp"
#include "tests/support/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace {

using namespace raymill;

bool same_bits(const std::vector<glm::vec4>& a, const std::vector<glm::vec4>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0;
}

// Renders the tiles in this order into one picture.
std::vector<glm::vec4> render_tiles(Device& device, const shading::FrameParams& params, const std::vector<Rect>& tiles) {
    std::vector<glm::vec4> picture(std::size_t{params.width} * params.height, glm::vec4(-1));
    for (const Rect& tile : tiles) {
        const auto part = tests::pixels(device, params, tile);
        for (std::uint32_t y = 0; y < tile.height; ++y)
            for (std::uint32_t x = 0; x < tile.width; ++x)
                picture[std::size_t{tile.y + y} * params.width + tile.x + x] = part[std::size_t{y} * tile.width + x];
    }
    return picture;
}

std::vector<Rect> cut(std::uint32_t width, std::uint32_t height, std::uint32_t tile_width, std::uint32_t tile_height) {
    std::vector<Rect> tiles;
    for (std::uint32_t y = 0; y < height; y += tile_height)
        for (std::uint32_t x = 0; x < width; x += tile_width)
            tiles.push_back({x, y, std::min(tile_width, width - x), std::min(tile_height, height - y)});
    return tiles;
}

} // namespace

TEST_CASE("pixels are the same bits for every shape, order and size of tiles and batches") {
    // Order of queues, cut of batches, places of slots and groups all differ; the sum of a pixel's 19 samples must not. Odd sizes, so that
    // bands and groups end in the middle.
    const auto scene = tests::random_instances(31, 200);
    const auto params = tests::frame(45, 37, 19);
    const Rect all{0, 0, params.width, params.height};
    std::vector<glm::vec4> whole;
    for (const std::uint32_t batch : {0u, 1u, 7u, 64u, 1000u}) {
        OPEN_GPU(device, "auto", false, batch);
        tests::load(device, scene);
        if (batch == 1 || batch == 7) { // a submission each few paths: few pixels
            const auto part = tests::pixels(device, params, {20, 15, 3, 2});
            for (std::uint32_t i = 0; i < 6; ++i) CHECK(part[i] == whole[(15 + i / 3) * std::size_t{params.width} + 20 + i % 3]);
            continue;
        }
        if (whole.empty()) whole = tests::pixels(device, params, all);
        CHECK(same_bits(whole, tests::pixels(device, params, all)));
        for (const auto& [width, height] : {std::pair{45u, 1u}, {1u, 37u}, {16u, 16u}, {11u, 5u}}) {
            auto tiles = cut(params.width, params.height, width, height);
            std::ranges::reverse(tiles);
            CHECK(same_bits(whole, render_tiles(device, params, tiles)));
        }
    }
}

TEST_CASE("a sum of many samples keeps its last bits") {
    // 20,000 samples of a constant sky of 0.1: plain single precision would be off by 1e-4 of it.
    OPEN_GPU(device, "auto");
    tests::FlatSceneBuilder build;
    tests::load(device, build.finish(glm::vec3(0, 0, 5), glm::vec3(0), 40, 1, glm::vec3(0.1f, 1 / 3.f, 1000.1f)));
    const auto rgba = tests::pixels(device, tests::frame(2, 2, 20000), {0, 0, 2, 2});
    for (const glm::vec4& pixel : rgba) {
        CHECK(pixel.x == 0.1f);
        CHECK(pixel.y == 1 / 3.f);
        CHECK(pixel.z == 1000.1f);
        CHECK(pixel.w == 1);
    }
}

// Run by the next test in a process of its own: drivers read their number of threads once.
TEST_CASE("pixels of one process" * doctest::skip()) {
    OPEN_GPU(device, "auto");
    tests::load(device, tests::random_instances(31, 200));
    const auto params = tests::frame(45, 37, 5);
    const auto rgba = tests::pixels(device, params, {0, 0, params.width, params.height});
    std::uint64_t hash = 0xcbf29ce484222325;
    for (std::size_t i = 0; i < rgba.size() * sizeof rgba[0]; ++i)
        hash = (hash ^ reinterpret_cast<const unsigned char*>(rgba.data())[i]) * 0x100000001b3;
    std::printf("hash %016llx\n", static_cast<unsigned long long>(hash));
}

TEST_CASE("pixels are the same bits for any number of threads of a software device") {
    OPEN_GPU(device, "auto");
    char self[4096] = {};
    REQUIRE(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    std::vector<std::string> hashes;
    for (const char* threads : {"1", "2", "5"}) {
        const std::string command =
            std::string("LP_NUM_THREADS=") + threads + " " + self + " --no-skip --test-case='pixels of one process'";
        FILE* pipe = popen(command.c_str(), "r");
        REQUIRE(pipe != nullptr);
        std::array<char, 256> line{};
        while (std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr)
            if (std::strncmp(line.data(), "hash ", 5) == 0) hashes.emplace_back(line.data());
        CHECK(pclose(pipe) == 0);
    }
    REQUIRE(hashes.size() == 3);
    CHECK(hashes[0] == hashes[1]);
    CHECK(hashes[0] == hashes[2]);
}

TEST_CASE("the device's picture is the reference's in the mean") {
    // The same random numbers: most paths are the same to rounding, so pictures are nearer than chance; what rounding sends another way
    // makes differences without a bias. z over all pixels of the mean difference, its error taken from 24 pictures of other seeds: a bias
    // of 0.3 % fails.
    const auto scene = tests::random_instances(32, 200);
    const auto reference = reference::make_reference_device(2);
    REQUIRE(reference->load(scene, accel::build(scene, 1)).has_value());
    for (const char* trace : {"bvh", "ray_query"}) {
        INFO(trace);
        OPEN_GPU(device, trace);
        tests::load(device, scene);
        std::vector<double> differences;
        double total = 0;
        for (std::uint32_t seed = 0; seed < 24; ++seed) {
            const auto params = tests::frame(16, 16, 4, seed);
            const auto ours = tests::pixels(device, params, {0, 0, 16, 16});
            std::vector<glm::vec4> theirs(ours.size());
            REQUIRE(reference->render(params, {0, 0, 16, 16}, theirs).has_value());
            double difference = 0;
            for (std::size_t i = 0; i < ours.size(); ++i) {
                difference +=
                    (ours[i].x - theirs[i].x + ours[i].y - theirs[i].y + ours[i].z - theirs[i].z) / 3.0 / static_cast<double>(ours.size());
                total += theirs[i].y / static_cast<double>(24 * ours.size());
            }
            differences.push_back(difference);
        }
        const tests::Mean mean = tests::mean_of(differences);
        CHECK(total > 0.1);
        CHECK(mean.standard_error < 0.001 * total); // the power that is claimed
        CHECK(std::abs(mean.value) < 4 * mean.standard_error + 1e-5);
    }
}

TEST_CASE("the device gives the closed forms' answers, whichever way light is sampled") {
    OPEN_GPU(device, "auto");
    for (const auto& scene : tests::closed_forms()) tests::check_closed_form(device, scene);
}

TEST_CASE("the device shows known vertices in the pixels where they belong") {
    OPEN_GPU(device, "auto");
    tests::check_pixels(device);
}

TEST_CASE("the device's picture of lights twice as bright is exactly twice as bright") {
    OPEN_GPU(device, "auto");
    tests::check_scaling(device);
}

TEST_CASE("the device shows a scene the same, however a file tells it") {
    OPEN_GPU(device, "auto");
    tests::check_equal_encodings(device);
}
