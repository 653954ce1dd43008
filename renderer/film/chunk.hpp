#pragma once
/// A tile's pixels on their way from a worker to the frame: a valid PNG file that carries float32 RGBA without loss.
/// 16-bit RGBA, twice as wide as the tile: the left half holds the upper 16 bits of each float, the right half the lower 16 bits. Text
/// chunks in front of the pixels say the format's version, frame, rectangle, samples and device class. Pure; safe from any thread.
#include "renderer/base/error.hpp"
#include "renderer/base/tile_grid.hpp"

#include <glm/glm.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace raymill::film {

struct ChunkInfo {
    std::int32_t frame = 0;
    Rect rect;
    std::uint32_t samples = 0; ///< per pixel
    std::string device_class;  ///< DeviceInfo::device_class; at most max_device_class bytes
};

inline constexpr std::size_t max_device_class = 1024;

/// `rgba`: the rectangle's pixels row by row, as Device::render gives them. Code::failed where one is not finite: such a tile must not
/// leave its worker.
Result<std::vector<std::byte>> encode_chunk(const ChunkInfo& info, std::span<const glm::vec4> rgba);

/// An upper bound of encode_chunk's size for that rectangle, for limits on messages.
std::size_t max_chunk_bytes(Rect rect);

/// Decodes row by row from untrusted bytes, which must outlive it. Holds one row. Everything is checked against `expected` before memory is
/// spent; pixels are all finite. Errors are Code::bad_input.
class ChunkReader {
  public:
    static Result<ChunkReader> open(std::span<const std::byte> file, Rect expected);
    ChunkReader(ChunkReader&&) noexcept;
    ChunkReader& operator=(ChunkReader&&) noexcept;
    ~ChunkReader();
    [[nodiscard]] const ChunkInfo& info() const;
    /// The next row, rect.width pixels; after the last one the file's end has been checked too.
    Status read_row(std::span<glm::vec4> row);

  private:
    struct State;
    explicit ChunkReader(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

struct Chunk {
    ChunkInfo info;
    std::vector<glm::vec4> rgba; ///< rect.width * rect.height, row by row
};

/// All rows at once.
Result<Chunk> decode_chunk(std::span<const std::byte> file, Rect expected);

} // namespace raymill::film
