#include "tests/gltf/loading.hpp"

#include <algorithm>
#include <doctest/doctest.h>

namespace raymill::tests {

Result<scene::Scene> load_bytes(std::span<const std::byte> bytes, const std::string& name, const gltf::LoadLimits& limits) {
    static const TemporaryFolder folder;
    write_file(folder / name, bytes);
    return gltf::load(folder / name, limits);
}

scene::Scene load_good(const GltfWriter& writer) {
    auto scene = load_bytes(writer.glb());
    REQUIRE_MESSAGE(scene.has_value(), scene.error().message());
    return *std::move(scene);
}

scene::FlatScene flatten_good(const scene::Scene& scene, const Settings& settings, double seconds) {
    auto flat = scene::flatten(scene, {.settings = settings, .seconds = seconds});
    REQUIRE_MESSAGE(flat.has_value(), flat.error().message());
    return *std::move(flat);
}

void check_one_line(const Error& error) {
    const std::string message = error.message();
    CAPTURE(message);
    CHECK(message.size() > 10);
    CHECK(message.size() < 600);
    CHECK(std::none_of(message.begin(), message.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
    CHECK(message.starts_with("test.gl"));
    CHECK((message.back() != '.' || message.ends_with("...")));
}

} // namespace raymill::tests
