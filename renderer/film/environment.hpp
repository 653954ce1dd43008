#pragma once
/// Lat-long environments from .hdr (Radiance RGBE) and .exr files. Untrusted input: each failure is Code::bad_input with the file's name,
/// and memory is spent only on what the header says and the limits allow. Safe from any thread.
#include "renderer/base/error.hpp"

#include <glm/glm.hpp>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace raymill::film {

struct EnvironmentFile {
    std::uint32_t width = 0, height = 0;
    std::vector<glm::vec3> texels; ///< linear Rec. 709 radiance, finite and >= 0, row by row; row 0 is the top (+y)
    std::uint64_t mended = 0; ///< texels that were not so: NaN and negative components became 0, infinite ones 65504 (the largest half)
};

struct EnvironmentLimits {
    static constexpr std::uint32_t max_width = 16384, max_height = 8192;
    static constexpr std::uint64_t max_file_bytes = 2ull << 30;
};

/// By the file's first bytes, not its name.
/// - RGBE: value = mantissa x 2^(exponent - 136), as Radiance's files are read by OpenImageIO (no half step is added), divided by what
/// EXPOSURE= lines
///   multiply to. FORMAT 32-bit_rle_rgbe only; flat, old and new run-length rows; +Y or -Y, +X or -X, rows along x.
/// - EXR: channels R, G, B, or Y (grey), of the first part, any pixel type, scan lines or the finest level of tiles; the data window is the
/// image.
Result<EnvironmentFile> read_environment(const std::filesystem::path& file);

} // namespace raymill::film
