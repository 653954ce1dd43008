#pragma once
/// Messages over a stream socket between a supervisor and its render process: four bytes of length (little-endian), then the message.
#include "renderer/base/error.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace raymill::farm {

inline constexpr std::size_t longest_frame = 4u << 20; ///< bytes of one message

/// Writes one message; blocks until the socket took it. Code::io when the other end is gone; SIGPIPE is never raised.
Status write_frame(int fd, std::string_view message);
/// Reads one message; blocks. None at the end of the stream.
Result<std::optional<std::string>> read_frame(int fd);

/// For a reader that must not block: bytes in, whole messages out.
class FrameReader {
  public:
    /// Reads what is there (non-blocking). False at the end of the stream; an error where a length is out of bounds or reading failed.
    Result<bool> pump(int fd);
    std::optional<std::string> next();

  private:
    std::string buffer_;
};

} // namespace raymill::farm
