#include "renderer/gltf/document.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace raymill::gltf {
namespace {

constexpr std::string_view data_scheme = "data:";

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// RFC 3986, 2.1.
std::string percent_decoded(std::string_view uri, const std::string& where) {
    std::string out;
    for (std::size_t i = 0; i < uri.size(); ++i) {
        if (uri[i] != '%') {
            out.push_back(uri[i]);
            continue;
        }
        const int high = i + 2 < uri.size() ? hex_digit(uri[i + 1]) : -1;
        const int low = i + 2 < uri.size() ? hex_digit(uri[i + 2]) : -1;
        if (high < 0 || low < 0) bad(where, "'" + printable(uri) + "' has a % that is not followed by two hexadecimal digits");
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return out;
}

/// RFC 3986, 3.1: a letter, then letters, digits, +, - and ., then a colon. "C:" is one too.
std::string_view scheme_of(std::string_view uri) {
    if (uri.empty() || !std::isalpha(static_cast<unsigned char>(uri[0]))) return {};
    for (std::size_t i = 1; i < uri.size(); ++i) {
        const auto c = static_cast<unsigned char>(uri[i]);
        if (c == ':') return uri.substr(0, i + 1);
        if (!std::isalnum(c) && c != '+' && c != '-' && c != '.') return {};
    }
    return {};
}

/// RFC 4648, 4; also its URL-safe letters and without padding, as some exporters write.
std::vector<std::byte> base64_decoded(std::string_view text, const std::string& where) {
    static const auto values = [] {
        std::array<int, 256> table;
        table.fill(-1);
        constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for (std::size_t i = 0; i < letters.size(); ++i) table[static_cast<unsigned char>(letters[i])] = static_cast<int>(i);
        table[static_cast<unsigned char>('-')] = 62;
        table[static_cast<unsigned char>('_')] = 63;
        return table;
    }();
    while (!text.empty() && text.back() == '=') text.remove_suffix(1);
    std::vector<std::byte> out;
    out.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t word = 0;
    int bits = 0;
    for (const char c : text) {
        const int value = values[static_cast<unsigned char>(c)];
        if (value < 0) bad(where, "its data: URI is not base64");
        word = (word << 6 | static_cast<std::uint32_t>(value)) & 0xffffffu;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<std::byte>(word >> bits & 0xffu));
        }
    }
    return out;
}

} // namespace

bool is_data_uri(std::string_view uri) {
    return uri.size() >= data_scheme.size() && std::equal(data_scheme.begin(), data_scheme.end(), uri.begin(), [](char a, char b) {
               return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
           });
}

std::vector<std::byte> decode_data_uri(std::string_view uri, const std::string& where) {
    const std::size_t comma = uri.find(',');
    if (comma == std::string_view::npos) bad(where, "its data: URI has no comma");
    const std::string_view head = uri.substr(0, comma), body = uri.substr(comma + 1);
    constexpr std::string_view mark = ";base64";
    if (head.size() >= mark.size() && head.substr(head.size() - mark.size()) == mark) return base64_decoded(body, where);
    const std::string plain = percent_decoded(body, where);
    const auto bytes = std::as_bytes(std::span(plain));
    return {bytes.begin(), bytes.end()};
}

std::filesystem::path resolve(const std::filesystem::path& folder, const std::string& uri, const std::string& where,
                              std::string* relative) {
    const std::string shown = "'" + printable(uri) + "'";
    if (!scheme_of(uri).empty()) bad(where, shown + " is refused: only relative paths and data: URIs are read");
    const std::string decoded = percent_decoded(uri, where);
    if (decoded.empty()) bad(where, "is empty");
    if (decoded.size() > 4096) bad(where, shown + " is refused: it is longer than 4096 bytes");
    if (std::any_of(decoded.begin(), decoded.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
        bad(where, shown + " is refused: it has a control character in it");
    if (decoded.front() == '/' || decoded.front() == '\\' || !scheme_of(decoded).empty())
        bad(where, shown + " is refused: paths are relative to the scene's folder");
    std::filesystem::path path;
    for (std::size_t from = 0; from <= decoded.size();) {
        const std::size_t to = std::min(decoded.find('/', from), decoded.size());
        const std::string part = decoded.substr(from, to - from);
        if (part == "..") bad(where, shown + " is refused: '..' leads out of the scene's folder");
        if (!part.empty() && part != ".") path /= part;
        from = to + 1;
    }
    if (path.empty()) bad(where, shown + " names no file");
    const std::filesystem::path full = folder / path;
    std::error_code error;
    const auto status = std::filesystem::status(full, error);
    if (status.type() == std::filesystem::file_type::not_found) bad(where, shown + " is missing");
    if (status.type() != std::filesystem::file_type::regular) bad(where, shown + " cannot be read: it is not a regular file");
    const auto real = std::filesystem::canonical(full, error);
    const auto real_folder = error ? std::filesystem::path() : std::filesystem::canonical(folder, error);
    if (error) bad(where, shown + " cannot be read: " + error.message());
    if (std::mismatch(real_folder.begin(), real_folder.end(), real.begin(), real.end()).first != real_folder.end())
        bad(where, shown + " is refused: it is a link that leads out of the scene's folder");
    if (relative) *relative = path.generic_string();
    return real;
}

} // namespace raymill::gltf
