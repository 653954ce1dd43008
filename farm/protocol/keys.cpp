#include "farm/protocol/keys.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/sha256.hpp"
#include "renderer/base/check.hpp"

#include <algorithm>
#include <zmq.h>

namespace raymill::farm {

KeyPair make_keys() {
    char public_key[41], secret_key[41];
    CHECK_SAME(zmq_curve_keypair(public_key, secret_key), 0);
    return {public_key, secret_key};
}

bool is_key(std::string_view text) {
    static constexpr std::string_view alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    return text.size() == 40 && std::ranges::all_of(text, [](char c) { return alphabet.find(c) != std::string_view::npos; });
}

Result<KeyPair> load_or_make_keys(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
        const auto keys = make_keys();
        if (auto ok = write_private_file(file, keys.public_key + "\n" + keys.secret_key + "\n"); !ok) return std::unexpected(ok.error());
        return keys;
    }
    const auto text = read_private_file(file, 4096);
    if (!text) return std::unexpected(text.error());
    const auto line = text->find('\n');
    KeyPair keys{text->substr(0, line), line == std::string::npos ? "" : text->substr(line + 1, 40)};
    char derived[41];
    if (!is_key(keys.public_key) || !is_key(keys.secret_key) || zmq_curve_public(derived, keys.secret_key.c_str()) != 0 ||
        keys.public_key != derived)
        return fail(Code::io, file.string(), "it is not a CURVE key pair; move it away and a new one is made");
    return keys;
}

std::string make_token() { return random_hex(32); }

Result<std::string> load_or_make_token(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
        auto token = make_token();
        if (auto ok = write_private_file(file, token + "\n"); !ok) return std::unexpected(ok.error());
        return token;
    }
    const auto text = read_private_file(file, 4096);
    if (!text) return std::unexpected(text.error());
    auto token = text->substr(0, text->find('\n'));
    if (token.size() < 32) return fail(Code::io, file.string(), "it is not a token; move it away and a new one is made");
    return token;
}

} // namespace raymill::farm
