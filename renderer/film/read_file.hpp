#pragma once
/// Bytes of a file, for this room only.
#include "renderer/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace raymill::film {

/// The first `at_most` bytes of a regular file that is not larger than `limit`. Code::bad_input with the file's name where it cannot be
/// read.
Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& file, std::uint64_t limit, std::uint64_t at_most = UINT64_MAX);

} // namespace raymill::film
