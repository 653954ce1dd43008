#include "farm/store/file_io.hpp"

#include "farm/protocol/files.hpp"

#include <cerrno>
#include <unistd.h>

namespace raymill::farm {

Result<std::string> read_at(int fd, const std::filesystem::path& path, std::uint64_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const auto got = ::pread(fd, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(Code::io, path.string(), "reading failed: " + errno_text());
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
}

Status write_all(int fd, const std::filesystem::path& path, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto wrote = ::write(fd, bytes.data(), bytes.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return fail(Code::io, path.string(), "writing failed: " + errno_text());
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return {};
}

} // namespace raymill::farm
