#include "tests/support/gltf_writer.hpp"

#include <cmath>
#include <cstring>
#include <doctest/doctest.h>

using namespace raymill::tests;

namespace {

/// Volume enclosed by a mesh, by the divergence theorem: positive where faces look outwards.
double signed_volume(const Geometry& g) {
    double volume = 0;
    for (std::size_t i = 0; i < g.indices.size(); i += 3) {
        const glm::dvec3 a = g.positions[g.indices[i]], b = g.positions[g.indices[i + 1]], c = g.positions[g.indices[i + 2]];
        volume += glm::dot(a, glm::cross(b, c)) / 6;
    }
    return volume;
}

/// The smallest cosine between a triangle's geometric normal and its vertices' normals.
float worst_normal(const Geometry& g) {
    float worst = 1;
    for (std::size_t i = 0; i < g.indices.size(); i += 3) {
        const glm::vec3 a = g.positions[g.indices[i]], b = g.positions[g.indices[i + 1]], c = g.positions[g.indices[i + 2]];
        for (int k = 0; k < 3; ++k)
            worst =
                std::min(worst, glm::dot(glm::normalize(glm::cross(b - a, c - a)), g.normals[g.indices[i + static_cast<std::size_t>(k)]]));
    }
    return worst;
}

} // namespace

TEST_CASE("test geometry is closed, faces the side it says, and its normals agree") {
    // A face turned round changes the volume by a third of its contribution or more; a wrong normal gives a negative cosine.
    CHECK(signed_volume(box({1, 2, 3}, {2, 3, 4})) == doctest::Approx(24));
    CHECK(signed_volume(box({1, 2, 3}, {2, 3, 4}, true)) == doctest::Approx(-24));
    CHECK(signed_volume(icosphere({0, 0, 0}, 1, 4)) == doctest::Approx(4.0 / 3 * 3.14159265).epsilon(0.01));
    CHECK(signed_volume(icosphere({5, 0, 0}, 1, 1, true)) < 0);
    CHECK(worst_normal(box({0, 0, 0}, {1, 1, 1})) > 0.999f);
    CHECK(worst_normal(box({0, 0, 0}, {1, 1, 1}, true)) > 0.999f);
    CHECK(worst_normal(icosphere({0, 0, 0}, 2, 2)) > 0.9f);
    CHECK(worst_normal(icosphere({0, 0, 0}, 2, 2, true)) > 0.9f);
    CHECK(worst_normal(quad({0, 0, 0}, {1, 0, 0}, {0, 0, -1})) > 0.999f);
    CHECK(worst_normal(disk({0, 0, 0}, {1, 0, 0}, {0, 1, 0}, 7)) > 0.999f);
    CHECK(quad({0, 0, 0}, {1, 0, 0}, {0, 0, -1}).normals[0] == glm::vec3(0, 1, 0));
}

TEST_CASE("base64 gives RFC 4648's test vectors") {
    const auto encode = [](const char* text) { return base64(bytes_of(text)); };
    CHECK(encode("") == "");
    CHECK(encode("f") == "Zg==");
    CHECK(encode("fo") == "Zm8=");
    CHECK(encode("foobar") == "Zm9vYmFy");
}

TEST_CASE("a .glb's header, chunks and padding are as the specification has them") {
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), writer.material(lambert({1, 1, 1}))}})});
    const auto file = writer.glb();
    const auto word = [&file](std::size_t at) {
        std::uint32_t value = 0;
        std::memcpy(&value, file.data() + at, 4);
        return value;
    };
    REQUIRE(file.size() > 20);
    CHECK(word(0) == 0x46546C67);
    CHECK(word(4) == 2);
    CHECK(word(8) == file.size());
    CHECK(word(12) % 4 == 0);
    CHECK(word(16) == 0x4E4F534A);
    CHECK(word(20 + word(12)) + 28 + word(12) == file.size());
}
