#pragma once
/// Reading and writing open files whole, interrupted calls taken up again. Private to farm/store. Any thread; errors are Code::io and name
/// `path`.
#include "renderer/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace raymill::farm {

/// Bytes [offset, offset + size) of a file, fewer at its end.
Result<std::string> read_at(int fd, const std::filesystem::path& path, std::uint64_t offset, std::size_t size);
Status write_all(int fd, const std::filesystem::path& path, std::string_view bytes);

} // namespace raymill::farm
