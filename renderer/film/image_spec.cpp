#include "renderer/film/image_writer.hpp"

namespace raymill::film {

ImageSpec image_spec(const Settings& settings, const std::string& scene_id, const std::string& device_class, std::int32_t frame) {
    ImageSpec spec{.width = settings.width,
                   .height = settings.height,
                   .format = settings.format == "exr" ? ImageFormat::exr : ImageFormat::png,
                   .display = {.curve = settings.tonemap, .exposure = settings.exposure, .bits = settings.bits},
                   .alpha = settings.env_hidden,
                   .metadata = {}};
    std::string typed;
    for (const auto& [name, value] : to_words(settings)) typed += (typed.empty() ? "--" : " --") + name + " " + value;
    spec.metadata = {{"raymill", RAYMILL_VERSION},     {"scene", scene_id},
                     {"device-class", device_class},   {"samples", std::to_string(settings.spp)},
                     {"frame", std::to_string(frame)}, {"settings", typed}};
    return spec;
}

} // namespace raymill::film
