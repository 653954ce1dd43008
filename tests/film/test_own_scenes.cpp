// The scenes that stand in scenes/: what the README and the benchmarks show must be read without reserve.
#include "renderer/gltf/load.hpp"
#include "renderer/scene/flatten.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

using namespace raymill;

namespace {

const std::map<std::string, std::vector<std::string>> cameras = {{"cornell", {"front", "inside"}},
                                                                 {"atrium", {"court", "gallery", "fountain", "aisle"}},
                                                                 {"materials", {"grid", "close"}},
                                                                 {"instances", {"meadow", "ridge"}},
                                                                 {"animated", {"dolly", "fixed"}}};

} // namespace

TEST_CASE("each scene of our own loads without a note, has its named cameras and a light, and is finite at any time") {
    // A material that uses what we do not draw, a camera renamed, an accessor out of step with its mesh would show.
    for (const auto& [name, views] : cameras) {
        CAPTURE(name);
        const auto scene = gltf::load("scenes/" + name + ".glb");
        REQUIRE_MESSAGE(scene.has_value(), scene.error().message());
        for (const auto& view : views) {
            for (const double seconds : {0.0, 0.73, 2.0}) {
                scene::FlattenRequest request;
                request.settings.camera = view;
                request.seconds = seconds;
                const auto flat = scene::flatten(*scene, request);
                REQUIRE_MESSAGE(flat.has_value(), flat.error().message());
                CHECK_MESSAGE(flat->notes.empty(), (flat->notes.empty() ? "" : flat->notes.front()));
                CHECK(!flat->lights.empty());
                bool finite = true;
                for (const auto& p : flat->positions) finite = finite && std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.z);
                CHECK(finite);
            }
        }
    }
}

TEST_CASE("the forest draws a million triangles out of fewer than fifty thousand") {
    const auto scene = gltf::load("scenes/instances.glb");
    REQUIRE(scene.has_value());
    const auto flat = scene::flatten(*scene, {});
    REQUIRE(flat.has_value());
    std::uint64_t drawn = 0;
    for (const auto& instance : flat->instances) drawn += flat->meshes[instance.mesh].triangle_count;
    CHECK(drawn >= 1'000'000);
    CHECK(flat->triangles.size() < 50'000);
}

TEST_CASE("the animated scene moves its skin, its morph and its camera, and ends as it began") {
    const auto scene = gltf::load("scenes/animated.glb");
    REQUIRE(scene.has_value());
    const auto at = [&](double seconds) {
        auto flat = scene::flatten(*scene, {.settings = {}, .seconds = seconds});
        REQUIRE(flat.has_value());
        return *flat;
    };
    const auto start = at(0), middle = at(0.6), end = at(2);
    REQUIRE(start.positions.size() == middle.positions.size());
    // Each mesh by its own range: those of the reed and of the bud have to differ, the floor must not.
    std::size_t moved = 0, still = 0;
    double drift = 0;
    for (const auto& mesh : start.meshes) {
        double most = 0;
        for (std::uint32_t v = mesh.first_vertex; v < mesh.first_vertex + mesh.vertex_count; ++v) {
            most = std::max(most, static_cast<double>(glm::distance(start.positions[v], middle.positions[v])));
            drift = std::max(drift, static_cast<double>(glm::distance(start.positions[v], end.positions[v])));
        }
        ++(most > 0.02 ? moved : still);
    }
    CHECK(moved == 2);
    CHECK(still >= 6);
    CHECK(drift < 1e-4);
    CHECK(start.head.camera.camera_to_world[3].x != middle.head.camera.camera_to_world[3].x);
    CHECK(glm::distance(glm::vec3(start.head.camera.camera_to_world[3]), glm::vec3(end.head.camera.camera_to_world[3])) < 1e-4F);
}

TEST_CASE("the scenes are smaller than five megabytes together") {
    std::uintmax_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator("scenes"))
        if (entry.path().extension() == ".glb") bytes += std::filesystem::file_size(entry.path());
    CHECK(bytes > 0);
    CHECK(bytes < 5'000'000);
}
