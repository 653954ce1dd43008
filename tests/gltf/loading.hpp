#pragma once
/// Loading from memory, for the tests of this area: files are written to a folder of the test's own and read from there.
#include "renderer/gltf/load.hpp"
#include "renderer/scene/flatten.hpp"
#include "tests/support/gltf_writer.hpp"

#include <nlohmann/json.hpp>
#include <span>
#include <string>

namespace raymill::tests {

/// Loads a .glb (or .gltf, by `name`) of these bytes.
Result<scene::Scene> load_bytes(std::span<const std::byte> bytes, const std::string& name = "test.glb",
                                const gltf::LoadLimits& limits = {});
/// The same of the writer's file, which must load.
scene::Scene load_good(const GltfWriter& writer);
/// Flattens with default settings at `seconds`; must succeed.
scene::FlatScene flatten_good(const scene::Scene& scene, const Settings& settings = {}, double seconds = 0);
/// One line, printable, naming the file, not endless.
void check_one_line(const Error& error);

} // namespace raymill::tests
