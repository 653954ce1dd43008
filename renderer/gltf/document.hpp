#pragma once
/// The file as bytes and JSON: containers, URIs, buffers, bufferViews. Private to renderer/gltf.
#include "renderer/gltf/json.hpp"
#include "renderer/gltf/load.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace raymill::gltf {

/// A whole file; `where` names it in faults. Refuses what is not a regular file, and more than `limit` bytes.
std::vector<std::byte> read_file(const std::filesystem::path& file, const std::string& where, std::uint64_t limit);

bool is_data_uri(std::string_view uri);
/// The bytes of a data: URI (base64 or percent-encoded).
std::vector<std::byte> decode_data_uri(std::string_view uri, const std::string& where);
/// A relative URI reference as a path below `folder`, which must exist; refusals as load.hpp says. `relative` gets it with '/' between
/// parts.
std::filesystem::path resolve(const std::filesystem::path& folder, const std::string& uri, const std::string& where,
                              std::string* relative = nullptr);

class Document {
  public:
    /// Reads the container and parses the JSON; buffers and images come when they are asked for.
    Document(const std::filesystem::path& file, const LoadLimits& limits);
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;

    [[nodiscard]] Object root() const { return {json_, ""}; }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    [[nodiscard]] const LoadLimits& limits() const { return limits_; }

    /// The bytes of bufferViews[index], inside their buffer.
    [[nodiscard]] std::span<const std::byte> view(std::uint32_t index);
    /// byteStride of bufferViews[index]; 0 where it has none.
    [[nodiscard]] std::uint64_t stride(std::uint32_t index) const;

  private:
    [[nodiscard]] std::span<const std::byte> buffer(std::uint32_t index);
    void parse(std::string_view text);

    LoadLimits limits_;
    std::filesystem::path folder_;
    std::vector<std::byte> file_;
    std::optional<std::span<const std::byte>> binary_chunk_;
    Json json_;
    struct Buffer {
        bool loaded = false;
        std::vector<std::byte> own;
        std::span<const std::byte> bytes;
    };
    std::vector<Buffer> buffers_;
};

} // namespace raymill::gltf
