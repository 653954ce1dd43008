#include "farm/protocol/manifest.hpp"

#include "farm/protocol/limits.hpp"
#include "farm/protocol/sha256.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace raymill::farm {
namespace {

/// Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t more = lead < 0x80 ? 0 : (lead >> 5) == 6 ? 1 : (lead >> 4) == 14 ? 2 : (lead >> 3) == 30 ? 3 : 4;
        if (more == 4 || i + more >= text.size()) return false;
        std::uint32_t point = more == 0 ? lead : lead & (0x3fu >> more);
        for (std::size_t k = 1; k <= more; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80) return false;
            point = (point << 6) | (next & 0x3f);
        }
        static constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
        i += more + 1;
    }
    return true;
}

std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "\"";
}

/// The path as it may be shown in an error: bounded, printable.
std::string shown(std::string_view path) {
    std::string out(path.substr(0, 200));
    for (auto& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
    return out;
}

} // namespace

Status check_path(std::string_view path) {
    const auto bad = [&](const char* why) { return fail(Code::bad_input, "manifest: " + shown(path), why); };
    if (path.empty()) return bad("a path is empty");
    if (path.size() > limits::path) return bad("the path is longer than 1024 bytes");
    if (path.front() == '/') return bad("the path is absolute; paths in a scene are relative to its main file's folder");
    if (!is_utf8(path)) return bad("the path is not UTF-8");
    if (path.substr(0, path.find('/')).find(':') != std::string_view::npos)
        return bad("the path names a drive or a scheme; only files next to the scene can be sent");
    for (const char c : path) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return bad("the path has a control character");
        if (c == '\\') return bad("the path has a backslash; parts are separated by '/'");
    }
    for (std::size_t from = 0; from <= path.size();) {
        const auto end = std::min(path.find('/', from), path.size());
        const auto part = path.substr(from, end - from);
        if (part.empty()) return bad("the path has an empty part");
        if (part == "." || part == "..") return bad("the path has a '.' or '..' part; a scene cannot reach out of its folder");
        if (part.size() > 255) return bad("a part of the path is longer than 255 bytes");
        from = end + 1;
    }
    return {};
}

Status check_manifest(const Manifest& manifest) {
    if (manifest.files.empty()) return fail(Code::bad_input, "manifest", "it has no files");
    if (manifest.files.size() > limits::manifest_files) return fail(Code::bad_input, "manifest", "it has more than 65536 files");
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < manifest.files.size(); ++i) {
        const auto& file = manifest.files[i];
        if (auto ok = check_path(file.path); !ok) return ok;
        if (!is_sha256(file.sha256))
            return fail(Code::bad_input, "manifest: " + file.path, "sha256 is not 64 lower-case hexadecimal digits");
        if (file.size > limits::blob) return fail(Code::bad_input, "manifest: " + file.path, "the file is larger than 64 GiB");
        total += file.size;
        if (total > limits::scene) return fail(Code::bad_input, "manifest", "the files are larger than 256 GiB together");
        if (i > 0 && !(manifest.files[i - 1].path < file.path))
            return fail(Code::bad_input, "manifest: " + file.path, "the files are not sorted by path, or a path stands twice");
    }
    // "a" and "a/b" cannot both be files. Between them may stand others ("a.x"), so each parent folder is looked up by itself.
    const auto has = [&](std::string_view path) {
        const auto at = std::ranges::lower_bound(manifest.files, path, {}, [](const ManifestFile& f) { return std::string_view(f.path); });
        return at != manifest.files.end() && at->path == path;
    };
    for (const auto& file : manifest.files)
        for (auto slash = file.path.find('/'); slash != std::string::npos; slash = file.path.find('/', slash + 1))
            if (has(std::string_view(file.path).substr(0, slash)))
                return fail(Code::bad_input, "manifest: " + file.path, "another file's path is its folder");
    if (!has(manifest.main)) return fail(Code::bad_input, "manifest: " + shown(manifest.main), "main is not one of the files");
    return {};
}

Result<Manifest> parse_manifest(std::string_view json) {
    if (json.size() > limits::json_body) return fail(Code::bad_input, "manifest", "it is larger than 32 MiB");
    const auto root = nlohmann::json::parse(json, nullptr, false);
    const auto bad = [](const char* why) { return fail(Code::bad_input, "manifest", why); };
    if (root.is_discarded() || !root.is_object()) return bad("it is not a JSON object");
    for (const auto& [key, value] : root.items())
        if (key != "main" && key != "files") return bad("it has a key that is neither main nor files");
    if (!root.contains("main") || !root["main"].is_string()) return bad("main is not a string");
    if (!root.contains("files") || !root["files"].is_array()) return bad("files is not an array");
    if (root["files"].size() > limits::manifest_files) return bad("it has more than 65536 files");
    Manifest manifest{.main = root["main"].get<std::string>(), .files = {}};
    manifest.files.reserve(root["files"].size());
    for (const auto& entry : root["files"]) {
        if (!entry.is_object() || entry.size() != 3 || !entry.contains("path") || !entry.contains("sha256") || !entry.contains("size"))
            return bad("a file is not {\"path\", \"sha256\", \"size\"}");
        if (!entry["path"].is_string() || !entry["sha256"].is_string() || !entry["size"].is_number_unsigned())
            return bad("a file's path or sha256 is not a string, or its size is not a whole number from 0 on");
        manifest.files.push_back(
            {entry["path"].get<std::string>(), entry["sha256"].get<std::string>(), entry["size"].get<std::uint64_t>()});
    }
    if (auto ok = check_manifest(manifest); !ok) return std::unexpected(ok.error());
    return manifest;
}

std::string canonical(const Manifest& manifest) {
    std::string out = "{\"files\":[";
    for (std::size_t i = 0; i < manifest.files.size(); ++i) {
        const auto& file = manifest.files[i];
        out += (i == 0 ? "{\"path\":" : ",{\"path\":") + json_string(file.path) + ",\"sha256\":" + json_string(file.sha256) +
               ",\"size\":" + std::to_string(file.size) + "}";
    }
    return out + "],\"main\":" + json_string(manifest.main) + "}";
}

std::string scene_id(const Manifest& manifest) { return sha256_of(canonical(manifest)); }

} // namespace raymill::farm
