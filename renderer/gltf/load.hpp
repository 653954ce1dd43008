#pragma once
/// renderer/gltf: glTF 2.0 files (.gltf, .glb) into scene::Scene. Everything in a file is untrusted: each index, offset, size, count,
/// stride and float is checked before use, and what is wrong is one error that names its place in the file. The JSON library is seen only
/// in this room; it is read directly, not through tinygltf, which cuts indices to 32 bits unchecked, takes wrong types as absent, and loads
/// buffers before anyone looks. May include renderer/base and renderer/scene/scene.hpp. Called by the facade, the CLI's inspect and clients
/// that upload. Thread: any.
#include "renderer/base/error.hpp"
#include "renderer/scene/scene.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace raymill::gltf {

/// Bounds of what one file may ask for. Past one, the error says which.
struct LoadLimits {
    std::uint64_t max_json_bytes = 512ull << 20; ///< base64 buffers included
    std::uint64_t max_json_values = 50'000'000;  ///< objects, arrays, strings, numbers
    std::uint64_t max_file_bytes = 16ull << 30;  ///< of a .glb, a buffer or an image file
    std::uint64_t max_nodes = 10'000'000;
    std::uint64_t max_triangles = 100'000'000;   ///< of all meshes, each counted once
    std::uint64_t max_elements = 1'000'000'000;  ///< read from accessors, all together (an accessor counts each time it is read)
    std::uint32_t max_image_edge = 32768;        ///< pixels
    std::uint64_t max_image_pixels = 1ull << 28; ///< of one image: 16384 x 16384
    std::uint64_t max_total_pixels = 1ull << 31; ///< of all images that are decoded
};
inline constexpr int max_json_depth = 128; ///< arrays and objects within each other

/// Extensions that are drawn as they mean it.
const std::vector<std::string>& supported_extensions();

/// Reads `file` and all that its scene refers to, below its folder. Images that no material of a primitive uses are not read.
/// Code::bad_input for what is wrong in the file, Code::unsupported for what it requires and we lack, Code::io where the main file cannot
/// be read.
Result<scene::Scene> load(const std::filesystem::path& file, const LoadLimits& limits = {});

/// What `file` consists of, for upload: paths relative to its folder ('/' between parts), itself first, each once, all of them there. Reads
/// the JSON alone. Refuses what load() refuses: absolute paths, "..", links that lead out, other schemes than data:.
Result<std::vector<std::string>> files_of(const std::filesystem::path& file, const LoadLimits& limits = {});

} // namespace raymill::gltf
