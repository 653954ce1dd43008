#pragma once
/// Finished frames to disk, row by row: PNG (tone-mapped) and EXR (linear). A frame is never held whole: a PNG holds one row, an EXR 16
/// rows. The file appears under its name complete or not at all: rows go to a temporary name beside it, finish() renames.
#include "renderer/base/error.hpp"
#include "renderer/base/settings.hpp"
#include "renderer/film/tone_map.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace raymill::film {

enum class ImageFormat { png, exr };

struct ImageSpec {
    std::uint32_t width = 0, height = 0;
    ImageFormat format = ImageFormat::png;
    Display display;    ///< PNG only; EXR is linear scene radiance before exposure and tone mapping, float32, Rec. 709, alpha premultiplied
    bool alpha = false; ///< a fourth channel; without it what is not opaque stands over black
    /// Words about the picture, as PNG tEXt (iTXt where they are not ASCII) or EXR string attributes "raymill:KEY". Keys: 1 to 60 of a-z
    /// 0-9 - _ .
    std::map<std::string, std::string> metadata;
};

/// What `settings` ask for: size, format, tone mapper, bits; alpha where the environment is hidden. Metadata is what identifies the
/// picture: "raymill" (version), "scene" (its id), "device-class", "samples" (per pixel), "frame", and "settings" (the words, as they would
/// be typed).
ImageSpec image_spec(const Settings& settings, const std::string& scene_id, const std::string& device_class, std::int32_t frame);

/// One thread at a time.
class ImageWriter {
  public:
    /// Makes the temporary file in the folder of `file`, which must exist. Errors are Code::io with the file's name.
    static Result<std::unique_ptr<ImageWriter>> open(const std::filesystem::path& file, const ImageSpec& spec);
    /// Takes the temporary file away unless finish() succeeded.
    virtual ~ImageWriter() = default;
    [[nodiscard]] virtual const ImageSpec& spec() const = 0;
    /// The next rows, top to bottom: a multiple of `width` pixels, premultiplied by alpha.
    virtual Status write_rows(std::span<const glm::vec4> pixels) = 0;
    /// After exactly `height` rows: the file is synced to disk and takes its name, replacing what was there.
    virtual Status finish() = 0;
};

} // namespace raymill::film
