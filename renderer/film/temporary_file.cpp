#include "renderer/film/temporary_file.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace raymill::film {

TemporaryFile::TemporaryFile(std::filesystem::path target) : target_(std::move(target)) {
    static std::atomic<unsigned> next{0};
    temporary_ = target_.parent_path() /
                 ("." + target_.filename().string() + "." + std::to_string(::getpid()) + "-" + std::to_string(next++) + ".part");
}

TemporaryFile::~TemporaryFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
}

std::unexpected<Error> TemporaryFile::wrong(const char* doing) {
    auto error = fail(Code::io, target_.string(), std::string(doing) + " failed: " + std::strerror(errno));
    if (failed_) failed_ = error;
    return error;
}

Status TemporaryFile::open() {
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) return wrong("making the file");
    return {};
}

Status TemporaryFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto count = ::write(descriptor_, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return wrong("writing");
        position_ += static_cast<std::uint64_t>(count);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Status TemporaryFile::seek(std::uint64_t position) {
    if (::lseek(descriptor_, static_cast<off_t>(position), SEEK_SET) < 0) return wrong("seeking");
    position_ = position;
    return {};
}

Status TemporaryFile::commit() {
    if (!failed_) return failed_;
    if (::fsync(descriptor_) != 0) return wrong("syncing");
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) return wrong("renaming the finished file");
    ::close(descriptor_);
    descriptor_ = -1;
    return {};
}

} // namespace raymill::film
