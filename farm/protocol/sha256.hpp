#pragma once
/// SHA-256 (FIPS 180-4), by OpenSSL; digests are written as 64 lower-case hexadecimal digits.
#include "renderer/base/error.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace raymill::farm {

/// One running hash. Not shared between threads.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(std::span<const std::byte> bytes);
    void update(std::string_view text);
    /// The digest of all bytes so far; the hash starts afresh.
    std::string finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string sha256_of(std::string_view bytes);
/// Of a whole file, read in pieces.
Result<std::string> sha256_of_file(const std::filesystem::path& file);
/// Whether `text` can be a digest: exactly 64 of 0-9a-f.
bool is_sha256(std::string_view text);
/// `bytes` bytes from the system's random source as lower-case hexadecimal.
std::string random_hex(std::size_t bytes);

} // namespace raymill::farm
