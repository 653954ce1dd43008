#pragma once
/// PNG (libpng) and JPEG (libjpeg-turbo) into scene::Image. Bounded before anything is allocated. Private to renderer/gltf.
#include "renderer/gltf/load.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace raymill::gltf {

/// Decodes by what the bytes are, whatever their MIME type says. PNG: grey, palette, alpha, 1 to 16 bits a channel, interlaced; gamma and
/// colour profile chunks are ignored (glTF 2.0, 3.8.4). JPEG: grey and colour, baseline and progressive. `where` names the image in faults.
scene::Image decode_image(std::span<const std::byte> file, const std::string& where, const LoadLimits& limits);

} // namespace raymill::gltf
