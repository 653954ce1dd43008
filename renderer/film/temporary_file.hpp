#pragma once
/// A file that appears under its name complete or not at all. For this room only.
#include "renderer/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace raymill::film {

/// Writes to ".NAME.PID-N.part" beside `target`; commit() syncs and renames; the destructor takes away what was not committed. Errors are
/// Code::io with the target's name. A failed write or seek stays failed: commit() returns it too.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::filesystem::path target);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    Status open();
    Status write(std::span<const std::byte> bytes);
    /// EXR writes its table of lines at the end, further up in the file.
    Status seek(std::uint64_t position);
    [[nodiscard]] std::uint64_t position() const { return position_; }
    Status commit();

  private:
    std::unexpected<Error> wrong(const char* doing);

    std::filesystem::path target_, temporary_;
    int descriptor_ = -1;
    std::uint64_t position_ = 0;
    Status failed_;
};

} // namespace raymill::film
