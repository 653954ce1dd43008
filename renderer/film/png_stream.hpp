#pragma once
/// Rows of a PNG in and out, over libpng, for this room only. libpng's longjmp never crosses a frame that has something to destroy.
/// One object is used by one thread at a time.
#include "renderer/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace raymill::film {

/// Text chunks: keyword (1 to 79 bytes of ASCII) and value (UTF-8), in the order of the file.
using PngText = std::vector<std::pair<std::string, std::string>>;

enum class PngPacking {
    noise,   ///< for a tile's floats: zlib level 1, runs and Huffman coding alone: see chunk.cpp
    picture, ///< for people's files: zlib level 6, filtered
    fast,    ///< for previews: zlib level 1, filtered
};

struct PngHeader {
    std::uint32_t width = 0, height = 0; ///< pixels, at least 1
    std::uint32_t bits = 8;              ///< 8 or 16
    std::uint32_t channels = 3;          ///< 1 grey, 3 RGB or 4 RGBA
    bool srgb = false;                   ///< says so in an sRGB chunk
    PngText text = {};                   ///< before the pixels when written
};

/// Takes the file's next bytes; false when they could not be kept.
using PngSink = std::function<bool(std::span<const std::byte>)>;

class PngWriter {
  public:
    static Result<std::unique_ptr<PngWriter>> open(const PngHeader& header, PngPacking packing, PngSink sink);
    virtual ~PngWriter() = default;
    /// One row, top to bottom: width x channels samples; 16-bit ones big-endian.
    virtual Status write_row(std::span<const std::uint8_t> row) = 0;
    /// After exactly `height` rows.
    virtual Status finish() = 0;
};

/// What a reader is ready to take; anything beyond is an error before memory is spent on it.
struct PngLimits {
    std::uint32_t max_width = 0, max_height = 0;
    std::size_t max_text = 1U << 20; ///< bytes of one text chunk
};

/// Reads untrusted bytes, which must outlive it. Non-interlaced, 8 or 16 bits, grey, RGB or RGBA; other kinds are errors.
class PngReader {
  public:
    static Result<std::unique_ptr<PngReader>> open(std::span<const std::byte> file, const PngLimits& limits);
    virtual ~PngReader() = default;
    [[nodiscard]] virtual const PngHeader& header() const = 0;
    /// The next row, packed as PngWriter takes it.
    virtual Status read_row(std::span<std::uint8_t> row) = 0;
    /// After the last row: checks that the file ends as a PNG must. (That nothing stands behind it, open() has checked.)
    virtual Status finish() = 0;
};

} // namespace raymill::film
