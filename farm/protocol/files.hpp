#pragma once
/// Small files that must be whole, durable or private, and the folders they lie in.
#include "renderer/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace raymill::farm {

/// Makes the folder (and its parents) where it lacks, readable by its owner alone; refuses one that is somebody else's or that others may
/// write to.
Status make_private_folder(const std::filesystem::path& folder);

/// Writes `text` whole and durable or not at all: a temporary name in the same folder, fsync, rename, fsync of the folder. Mode 0600.
Status write_private_file(const std::filesystem::path& file, std::string_view text);

/// Reads a secret; refuses a file that group or others can read, that somebody else owns, or that is larger than `limit` bytes.
Result<std::string> read_private_file(const std::filesystem::path& file, std::uint64_t limit = 1u << 20);

/// Reads any small file.
Result<std::string> read_small_file(const std::filesystem::path& file, std::uint64_t limit = 1u << 20);

/// fsync of a file or a folder that exists.
Status sync_path(const std::filesystem::path& path);

/// Takes the folder for this process alone (a lock on "lock" in it, gone with the process, however that ends). -1 in a moved-from object.
class FolderLock {
  public:
    static Result<FolderLock> take(const std::filesystem::path& folder);
    FolderLock(FolderLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    FolderLock& operator=(FolderLock&&) = delete;
    ~FolderLock();

  private:
    explicit FolderLock(int fd) : fd_(fd) {}
    int fd_;
};

/// errno's words.
std::string errno_text();

} // namespace raymill::farm
