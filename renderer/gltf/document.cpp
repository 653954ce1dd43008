#include "renderer/gltf/document.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>

namespace raymill::gltf {
namespace {

constexpr std::uint32_t magic_gltf = 0x46546C67, chunk_json = 0x4E4F534A, chunk_bin = 0x004E4942;

std::uint32_t little_endian(std::span<const std::byte> bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value |= std::to_integer<std::uint32_t>(bytes[at + i]) << (8 * i);
    return value;
}

std::string_view text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

struct Chunks {
    std::string_view json;
    std::optional<std::span<const std::byte>> binary;
};

/// glTF 2.0, 4.4: a header of 12 bytes, then chunks of length, type and data.
Chunks chunks_of(std::span<const std::byte> file) {
    Chunks out;
    if (file.size() < 20) bad("", "is cut short: " + std::to_string(file.size()) + " bytes are no .glb");
    const std::uint32_t version = little_endian(file, 4), length = little_endian(file, 8);
    if (version != 2) bad("", "is a .glb of version " + std::to_string(version) + "; version 2 is read");
    if (length > file.size())
        bad("", "is cut short: its header says " + std::to_string(length) + " bytes, " + std::to_string(file.size()) + " are there");
    file = file.first(std::max<std::size_t>(length, 12));
    bool first = true;
    for (std::size_t at = 12; at < file.size(); first = false) {
        if (file.size() - at < 8) bad("", "is cut short within a chunk's header at byte " + std::to_string(at));
        const std::uint64_t size = little_endian(file, at);
        const std::uint32_t type = little_endian(file, at + 4);
        at += 8;
        if (size > file.size() - at)
            bad("", "a chunk of " + std::to_string(size) + " bytes at byte " + std::to_string(at) + " goes past the end (" +
                        std::to_string(file.size()) + ")");
        const auto data = file.subspan(at, size);
        if (first != (type == chunk_json)) bad("", first ? "its first chunk is not JSON" : "it has a second JSON chunk");
        if (first) out.json = text_of(data);
        if (type == chunk_bin && !out.binary) out.binary = data;
        at += size;
    }
    if (first) bad("", "has no JSON chunk");
    return out;
}

/// Bounds depth and number of values before anything is built. Not by the parser's callback: that looks through an array's elements again
/// after each of them, so a million nodes would take hours.
void check_extent(std::string_view json, const LoadLimits& limits) {
    std::uint64_t values = 1;
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_string) {
            if (c == '\\')
                ++i; // whatever follows it is no end
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            ++values;
            if (++depth > max_json_depth) bad("", "its JSON is nested deeper than " + std::to_string(max_json_depth) + " levels");
        } else if (c == ']' || c == '}') {
            --depth;
        } else if (c == ',') {
            ++values;
        }
    }
    if (values > limits.max_json_values) bad("", "its JSON has more than " + std::to_string(limits.max_json_values) + " values");
}

} // namespace

std::vector<std::byte> read_file(const std::filesystem::path& file, const std::string& where, std::uint64_t limit) {
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (status.type() == std::filesystem::file_type::not_found) throw Fault{{Code::bad_input, where, "there is no such file"}};
    if (status.type() != std::filesystem::file_type::regular) throw Fault{{Code::bad_input, where, "is not a regular file"}};
    const std::uint64_t size = std::filesystem::file_size(file, error);
    if (error) throw Fault{{Code::io, where, "cannot be read: " + error.message()}};
    if (size > limit) bad(where, "has " + std::to_string(size) + " bytes; at most " + std::to_string(limit) + " are read");
    std::ifstream in(file, std::ios::binary);
    std::vector<std::byte> bytes(size);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    if (!in) throw Fault{{Code::io, where, "cannot be read"}};
    return bytes;
}

Document::Document(const std::filesystem::path& file, const LoadLimits& limits) : limits_(limits), folder_(file.parent_path()) {
    if (folder_.empty()) folder_ = ".";
    file_ = read_file(file, "", limits.max_file_bytes);
    std::string_view text = text_of(file_);
    if (file_.size() >= 4 && little_endian(file_, 0) == magic_gltf) {
        const Chunks chunks = chunks_of(file_);
        text = chunks.json;
        binary_chunk_ = chunks.binary;
    }
    parse(text);
    buffers_.resize(root().size("buffers"));
}

void Document::parse(std::string_view text) {
    if (text.size() > limits_.max_json_bytes)
        bad("", "its JSON has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(limits_.max_json_bytes) + " are read");
    check_extent(text, limits_);
    try {
        json_ = Json::parse(text);
    } catch (const Json::exception& fault) {
        // "[json.exception.parse_error.101] parse error at line 1, column 2: ..." without its first word.
        std::string_view what = fault.what();
        if (const auto end = what.find("] "); end != std::string_view::npos) what.remove_prefix(end + 2);
        bad("", "is not glTF JSON: " + printable(what));
    }
    if (!json_.is_object()) bad("", "is not glTF JSON: its root is no object");
    const auto asset = root().object("asset");
    const std::string version = asset ? asset->text("version") : "";
    if (version.empty()) bad("asset.version", "is missing: this is no glTF 2.0 file");
    if (!version.starts_with("2.")) bad("asset.version", "is '" + printable(version) + "'; glTF 2.0 is read");
    const std::string needed = asset->text("minVersion");
    if (!needed.empty() && needed != "2.0") unsupported("asset.minVersion", "is '" + printable(needed) + "'; glTF 2.0 is read");
}

std::span<const std::byte> Document::buffer(std::uint32_t index) {
    Buffer& buffer = buffers_[index];
    if (buffer.loaded) return buffer.bytes;
    const Object object = root().at("buffers", index);
    const std::uint64_t size = object.whole("byteLength");
    std::span<const std::byte> bytes;
    if (!object.has("uri")) {
        if (index != 0 || !binary_chunk_) bad(object.path(), "has no uri, and there is no binary chunk for it");
        bytes = *binary_chunk_;
    } else {
        const std::string uri = object.text("uri"), where = object.path("uri");
        buffer.own =
            is_data_uri(uri) ? decode_data_uri(uri, where) : read_file(resolve(folder_, uri, where), where, limits_.max_file_bytes);
        bytes = buffer.own;
    }
    if (size > bytes.size())
        bad(object.path(), "byteLength is " + std::to_string(size) + ", but only " + std::to_string(bytes.size()) + " bytes are there");
    buffer.bytes = bytes.first(size);
    buffer.loaded = true;
    return buffer.bytes;
}

std::span<const std::byte> Document::view(std::uint32_t index) {
    const Object object = root().at("bufferViews", index);
    const std::uint32_t from = object.index("buffer", buffers_.size(), "buffers");
    const std::uint64_t offset = object.whole("byteOffset", 0), size = object.whole("byteLength");
    const auto bytes = buffer(from);
    if (offset > bytes.size() || size > bytes.size() - offset)
        bad(object.path(), std::to_string(size) + " bytes from " + std::to_string(offset) + " go past " + place("buffers", from) + " (" +
                               std::to_string(bytes.size()) + " bytes)");
    return bytes.subspan(offset, size);
}

std::uint64_t Document::stride(std::uint32_t index) const {
    const Object object = root().at("bufferViews", index);
    const std::uint64_t stride = object.whole("byteStride", 0);
    if (stride > (1u << 30)) bad(object.path("byteStride"), "is " + std::to_string(stride) + "; at most 252 makes sense");
    return stride;
}

} // namespace raymill::gltf
