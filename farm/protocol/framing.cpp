#include "farm/protocol/framing.hpp"

#include "farm/protocol/files.hpp"
#include "renderer/base/check.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <sys/socket.h>

namespace raymill::farm {
namespace {

std::uint32_t length_of(const char* bytes) {
    std::uint32_t length = 0;
    for (int i = 3; i >= 0; --i) length = (length << 8) | static_cast<unsigned char>(bytes[i]);
    return length;
}

Status too_long() { return fail(Code::io, "render process", "a message is longer than 4 MiB"); }

/// False at the end of the stream before the first byte.
Result<bool> read_exactly(int fd, char* into, std::size_t size) {
    for (std::size_t done = 0; done < size;) {
        const auto got = ::recv(fd, into + done, size - done, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(Code::io, "render process", "reading failed: " + errno_text());
        if (got == 0 && done == 0) return false;
        if (got == 0) return fail(Code::io, "render process", "the stream ended within a message");
        done += static_cast<std::size_t>(got);
    }
    return true;
}

} // namespace

Status write_frame(int fd, std::string_view message) {
    CHECK_AT_MOST(message.size(), longest_frame);
    std::string bytes(4, '\0');
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>((message.size() >> (8 * i)) & 0xff);
    bytes += message;
    for (std::size_t done = 0; done < bytes.size();) {
        const auto sent = ::send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return fail(Code::io, "render process", "writing failed: " + errno_text());
        done += static_cast<std::size_t>(sent);
    }
    return {};
}

Result<std::optional<std::string>> read_frame(int fd) {
    char head[4];
    const auto began = read_exactly(fd, head, sizeof head);
    if (!began) return std::unexpected(began.error());
    if (!*began) return std::nullopt;
    const auto length = length_of(head);
    if (length > longest_frame) return std::unexpected(too_long().error());
    std::string message(length, '\0');
    if (length == 0) return message;
    const auto whole = read_exactly(fd, message.data(), length);
    if (!whole) return std::unexpected(whole.error());
    if (!*whole) return fail(Code::io, "render process", "the stream ended within a message");
    return message;
}

Result<bool> FrameReader::pump(int fd) {
    char bytes[65536];
    for (;;) {
        const auto got = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
        if (got < 0) return fail(Code::io, "render process", "reading failed: " + errno_text());
        if (got == 0) return false;
        buffer_.append(bytes, static_cast<std::size_t>(got));
        if (buffer_.size() >= 4 && length_of(buffer_.data()) > longest_frame) return std::unexpected(too_long().error());
        if (buffer_.size() > longest_frame + 4) return true; // the caller takes messages out before more is read
    }
}

std::optional<std::string> FrameReader::next() {
    if (buffer_.size() < 4) return {};
    const std::size_t length = length_of(buffer_.data());
    if (length > longest_frame || buffer_.size() < 4 + length) return {};
    auto message = buffer_.substr(4, length);
    buffer_.erase(0, 4 + length);
    return message;
}

} // namespace raymill::farm
