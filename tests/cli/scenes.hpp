#pragma once
// Scenes as small as they come, as text.
#include <string>

namespace raymill::test {

/// One triangle before a grey nothing, its buffer in the file.
inline const std::string triangle =
    R"({"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
 "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}], "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3",
 "min": [0, 0, 0], "max": [1, 1, 0]}], "bufferViews": [{"buffer": 0, "byteLength": 36}],
 "buffers": [{"byteLength": 36, "uri": "data:application/octet-stream;base64,AAAAAAAAAAAAAAAAAACAPwAAAAAAAAAAAAAAAAAAgD8AAAAA"}]})";

/// The same, but its buffer is a file of 36 bytes beside it; the JSON alone shows no fault where that file is shorter.
inline std::string triangle_with_buffer(const std::string& uri) {
    auto text = triangle;
    const auto from = text.find("data:");
    return text.replace(from, text.find('"', from) - from, uri);
}

/// Its three corners as that buffer has them.
inline std::string triangle_bytes() {
    const float corners[9] = {0, 0, 0, 1, 0, 0, 0, 1, 0};
    return {reinterpret_cast<const char*>(corners), sizeof corners};
}

} // namespace raymill::test
