#include "tests/gpu/opened.hpp"

#include <cstdlib>

namespace raymill::tests {

Opened open_gpu(const char* trace, bool validation, std::uint32_t batch_paths) {
    DeviceChoice choice;
    choice.trace = trace;
    choice.validation = validation;
    return open_gpu(choice, batch_paths);
}

Opened open_gpu(DeviceChoice choice, std::uint32_t batch_paths) {
    if (const char* driver = std::getenv("RAYMILL_TEST_ICD")) setenv("VK_DRIVER_FILES", driver, 1), setenv("VK_ICD_FILENAMES", driver, 1);
    if (const char* name = std::getenv("RAYMILL_TEST_DEVICE")) choice.name = name;
    choice.threads = 2;
    auto device = gpu::make_vulkan_device(choice, {.batch_paths = batch_paths});
    if (device) return {std::move(*device), ""};
    // What the machine lacks is a reason to skip; anything else is a fault.
    if (device.error().code != Code::no_device) FAIL(device.error().message());
    return {nullptr, device.error().message()};
}

void load(Device& device, const scene::FlatScene& scene) {
    const Status loaded = device.load(scene, accel::build(scene, 1));
    REQUIRE_MESSAGE(loaded.has_value(), (loaded ? std::string() : loaded.error().message()));
}

std::vector<glm::vec4> pixels(Device& device, const shading::FrameParams& params, Rect rect) {
    std::vector<glm::vec4> rgba(std::size_t{rect.width} * rect.height);
    const auto stats = device.render(params, rect, rgba);
    REQUIRE_MESSAGE(stats.has_value(), (stats ? std::string() : stats.error().message()));
    REQUIRE(stats->bad_samples == 0);
    REQUIRE(stats->samples == rgba.size() * params.spp);
    return rgba;
}

shading::FrameParams frame(std::uint32_t width, std::uint32_t height, std::uint32_t spp, std::uint32_t seed) {
    shading::FrameParams params{};
    params.width = width, params.height = height;
    params.max_bounces = 4;
    params.spp = spp;
    params.seed = seed;
    params.pixel_filter = shading::FILTER_BOX;
    params.strategy = shading::STRATEGY_MIS;
    return params;
}

} // namespace raymill::tests
