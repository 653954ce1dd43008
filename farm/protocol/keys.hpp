#pragma once
/// CURVE key pairs (libzmq's; 40 characters of Z85) and bearer tokens, in files that only their owner can read.
#include "renderer/base/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace raymill::farm {

struct KeyPair {
    std::string public_key; ///< 40 characters of Z85
    std::string secret_key; ///< likewise
};

KeyPair make_keys();
/// Reads the pair from `file`, or makes one and writes it there (mode 0600).
Result<KeyPair> load_or_make_keys(const std::filesystem::path& file);
/// Whether `text` can be a key: 40 characters of the Z85 alphabet (ZeroMQ RFC 32).
bool is_key(std::string_view text);
/// A fresh bearer token: 256 random bits, hexadecimal.
std::string make_token();
/// Reads the token from `file`, or makes one and writes it there (mode 0600).
Result<std::string> load_or_make_token(const std::filesystem::path& file);

} // namespace raymill::farm
