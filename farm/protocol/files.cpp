#include "farm/protocol/files.hpp"

#include "farm/protocol/sha256.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace raymill::farm {
namespace {

Result<std::string> read_all(int fd, const std::filesystem::path& file, std::uint64_t limit) {
    std::string text;
    char buffer[65536];
    for (;;) {
        const auto got = ::read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(Code::io, file.string(), "reading failed: " + errno_text());
        if (got == 0) return text;
        if (text.size() + static_cast<std::size_t>(got) > limit)
            return fail(Code::io, file.string(), "the file is larger than " + std::to_string(limit) + " bytes");
        text.append(buffer, static_cast<std::size_t>(got));
    }
}

struct Closer {
    int fd;
    ~Closer() {
        if (fd >= 0) ::close(fd);
    }
};

} // namespace

std::string errno_text() {
    char buffer[128];
    return ::strerror_r(errno, buffer, sizeof buffer);
}

Status make_private_folder(const std::filesystem::path& folder) {
    std::error_code error;
    if (folder.has_parent_path() && !std::filesystem::exists(folder.parent_path(), error))
        std::filesystem::create_directories(folder.parent_path(), error);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return fail(Code::io, folder.string(), "the folder cannot be made: " + errno_text());
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return fail(Code::io, folder.string(), "it is not a folder");
    if (info.st_uid != ::geteuid()) return fail(Code::refused, folder.string(), "the folder belongs to another user");
    if ((info.st_mode & 022) != 0) return fail(Code::refused, folder.string(), "others may write to the folder; mend it with chmod go-w");
    return {};
}

Status sync_path(const std::filesystem::path& path) {
    const Closer file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0 || ::fsync(file.fd) != 0) return fail(Code::io, path.string(), "fsync failed: " + errno_text());
    return {};
}

Status write_private_file(const std::filesystem::path& file, std::string_view text) {
    const auto temporary = file.string() + "." + random_hex(4) + ".tmp";
    {
        const Closer out{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
        if (out.fd < 0) return fail(Code::io, temporary, "cannot be written: " + errno_text());
        for (std::size_t done = 0; done < text.size();) {
            const auto wrote = ::write(out.fd, text.data() + done, text.size() - done);
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote < 0) {
                const auto why = errno_text();
                ::unlink(temporary.c_str());
                return fail(Code::io, temporary, "writing failed: " + why);
            }
            done += static_cast<std::size_t>(wrote);
        }
        if (::fsync(out.fd) != 0) {
            const auto why = errno_text();
            ::unlink(temporary.c_str());
            return fail(Code::io, temporary, "fsync failed: " + why);
        }
    }
    if (::rename(temporary.c_str(), file.c_str()) != 0) {
        const auto why = errno_text();
        ::unlink(temporary.c_str());
        return fail(Code::io, file.string(), "cannot be put in place: " + why);
    }
    return sync_path(file.has_parent_path() ? file.parent_path() : std::filesystem::path("."));
}

Result<std::string> read_private_file(const std::filesystem::path& path, std::uint64_t limit) {
    const Closer file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (file.fd < 0) return fail(Code::io, path.string(), "cannot be opened: " + errno_text());
    struct stat info {};
    if (::fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) return fail(Code::io, path.string(), "it is not a file");
    if (info.st_uid != ::geteuid()) return fail(Code::refused, path.string(), "the file belongs to another user");
    if ((info.st_mode & 077) != 0) return fail(Code::refused, path.string(), "others can read this secret; mend it with chmod 600");
    return read_all(file.fd, path, limit);
}

Result<std::string> read_small_file(const std::filesystem::path& path, std::uint64_t limit) {
    const Closer file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0) return fail(Code::io, path.string(), "cannot be opened: " + errno_text());
    return read_all(file.fd, path, limit);
}

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
    const auto path = folder / "lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return fail(Code::io, path.string(), "cannot be opened: " + errno_text());
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ::close(fd);
        return fail(Code::refused, folder.string(), "another process uses this folder; give each its own with --data");
    }
    return FolderLock(fd);
}

FolderLock::~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
}

} // namespace raymill::farm
