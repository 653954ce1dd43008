#include "renderer/film/environment.hpp"

#include "renderer/film/exr_reader.hpp"
#include "renderer/film/read_file.hpp"
#include "renderer/film/rgbe_reader.hpp"

#include <cmath>

namespace raymill::film {
namespace {

constexpr float brightest = 65504;

/// False where something had to be mended.
bool mend(glm::vec3& texel) {
    bool fine = true;
    for (int i = 0; i < 3; ++i) {
        const float value = texel[i];
        if (std::isfinite(value) && value >= 0) continue;
        texel[i] = std::isinf(value) && value > 0 ? brightest : 0;
        fine = false;
    }
    return fine;
}

} // namespace

Result<EnvironmentFile> read_environment(const std::filesystem::path& file) {
    using Limits = EnvironmentLimits;
    auto head = read_file(file, Limits::max_file_bytes, 4);
    if (!head) return std::unexpected(head.error());
    EnvironmentFile environment;
    if (head->size() == 4 && (*head)[0] == 0x76 && (*head)[1] == 0x2f && (*head)[2] == 0x31 && (*head)[3] == 0x01) {
        auto pixels = read_exr(file, Limits::max_width, Limits::max_height);
        if (!pixels) return std::unexpected(pixels.error());
        environment.width = pixels->width;
        environment.height = pixels->height;
        environment.texels.reserve(pixels->rgba.size());
        for (const auto& pixel : pixels->rgba) environment.texels.emplace_back(pixel.x, pixel.y, pixel.z);
    } else if (head->size() >= 2 && (*head)[0] == '#' && (*head)[1] == '?') {
        const auto bytes = read_file(file, Limits::max_file_bytes);
        if (!bytes) return std::unexpected(bytes.error());
        auto pixels = decode_rgbe(*bytes, Limits::max_width, Limits::max_height);
        if (!pixels) return std::unexpected(pixels.error().within(file.string()));
        environment.width = pixels->width;
        environment.height = pixels->height;
        environment.texels = std::move(pixels->rgb);
    } else {
        return fail(Code::bad_input, file.string(), "neither a Radiance picture (.hdr) nor an OpenEXR file by its first bytes");
    }
    for (auto& texel : environment.texels) environment.mended += mend(texel) ? 0 : 1;
    return environment;
}

} // namespace raymill::film
