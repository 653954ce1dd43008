#pragma once
/// A tone-mapped PNG of a tile or a frame in memory, for looking at while a job runs. Pure; safe from any thread.
#include "renderer/base/error.hpp"
#include "renderer/base/tile_grid.hpp"
#include "renderer/film/tone_map.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace raymill::film {

/// `rgba`: the rectangle's pixels row by row, premultiplied. An RGBA PNG of `display.bits`; fast rather than small. The rectangle's place
/// decides the dither alone, so previews of tiles put together are the preview of the frame.
Result<std::vector<std::byte>> encode_preview(Rect rect, std::span<const glm::vec4> rgba, const Display& display);

} // namespace raymill::film
