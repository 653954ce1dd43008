#pragma once
/// A scene as the farm knows it: relative paths, hashes and sizes. Its id is the SHA-256 of the canonical text below, so the same files
/// under the same names are one scene, whoever sends them.
///
/// Canonical text, UTF-8, no final newline, files sorted by the bytes of their paths:
///   {"files":[{"path":P,"sha256":H,"size":N},...],"main":P}
/// with JSON strings where only '"' and '\' are escaped (by a '\'); control characters cannot occur in a path. tools/python writes the same
/// bytes.
#include "renderer/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace raymill::farm {

struct ManifestFile {
    std::string path;   ///< relative, '/'-separated
    std::string sha256; ///< lower-case hexadecimal
    std::uint64_t size = 0;
    friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};

struct Manifest {
    std::string main;                ///< path of the .gltf or .glb, one of `files`
    std::vector<ManifestFile> files; ///< sorted by path, unique
    friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// Whether `path` may stand in a manifest: relative, UTF-8, '/'-separated, no empty, "." or ".." part, no backslash, no control character,
/// no drive or scheme (a ':' in its first part), at most limits::path bytes. The error says which rule is broken.
Status check_path(std::string_view path);

/// All rules together: paths, hashes, sizes, order, uniqueness (no path is another's folder), counts, `main` among the files.
Status check_manifest(const Manifest& manifest);

/// Reads the JSON form (any key order and spacing; unknown keys are errors) and checks it.
Result<Manifest> parse_manifest(std::string_view json);

std::string canonical(const Manifest& manifest);
std::string scene_id(const Manifest& manifest);

} // namespace raymill::farm
