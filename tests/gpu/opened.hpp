#pragma once
/// Opens the Vulkan device that tests run on: the best there is, or what RAYMILL_TEST_DEVICE names (as --device does). Another driver:
/// RAYMILL_TEST_ICD=its JSON file (set before the first open as VK_DRIVER_FILES).
#include "renderer/gpu/gpu.hpp"
#include "tests/skip.hpp"

#include <memory>
#include <string>

namespace raymill::tests {

struct Opened {
    std::unique_ptr<gpu::VulkanDevice> device;
    std::string why_not;
};

/// `choice` but for the name and the threads, which are the tests'.
Opened open_gpu(DeviceChoice choice, std::uint32_t batch_paths = 0);
Opened open_gpu(const char* trace = "auto", bool validation = false, std::uint32_t batch_paths = 0);

/// A scene with its hierarchy, loaded; ends the test where that fails.
void load(Device& device, const scene::FlatScene& scene);

/// All pixels of `rect`; ends the test where that fails.
std::vector<glm::vec4> pixels(Device& device, const shading::FrameParams& params, Rect rect);

/// Box filter, MIS, 4 bounces.
shading::FrameParams frame(std::uint32_t width, std::uint32_t height, std::uint32_t spp, std::uint32_t seed = 1);

} // namespace raymill::tests

/// The test's device as `name`, or the end of the test case with the reason.
#define OPEN_GPU(name, ...)                                                                                                                \
    auto name##_opened = ::raymill::tests::open_gpu(__VA_ARGS__);                                                                          \
    if (!name##_opened.device) RAYMILL_SKIP(name##_opened.why_not.c_str());                                                                \
    [[maybe_unused]] ::raymill::gpu::VulkanDevice& name = *name##_opened.device
