#pragma once
/// The seam between the renderer and what computes: a Vulkan device (renderer/gpu) or the reference (renderer/reference).
/// Promise: a pixel's value depends on scene, settings, frame, pixel and sample index only; never on the rectangle, the batch or the order.
/// One Device is used by one thread at a time. Errors are values; after Code::device_lost the Device is dead and its process should end.
#include "renderer/accel/bvh.hpp"
#include "renderer/base/error.hpp"
#include "renderer/base/tile_grid.hpp"
#include "renderer/scene/flat_scene.hpp"
#include "shaders/shared/frame_params.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace raymill {

struct DeviceInfo {
    std::string name;         ///< "llvmpipe (LLVM 15.0.6, 256 bits)", or "reference"
    std::string uuid;         ///< hexadecimal; empty for the reference
    std::string type;         ///< discrete, integrated, virtual, software, reference
    std::string driver;       ///< driver name and version
    std::string device_class; ///< pixels are bit-identical within one class: type, name, driver version, trace module and texture slots
    std::uint64_t memory = 0; ///< bytes, of the largest device-local heap
    std::string unusable;     ///< why it cannot be used; empty where it can
    bool chosen = false;      ///< would be taken when nobody names one
    std::string reason;       ///< why chosen, or why not
};

struct TraceStats {
    std::uint64_t samples = 0; ///< camera paths
    std::uint64_t closest_rays = 0, shadow_rays = 0;
    double seconds = 0;            ///< wall, tracing alone
    double cpu_seconds = 0;        ///< of this process, tracing alone
    std::uint64_t bad_samples = 0; ///< samples that were NaN or infinite and were dropped; 0 in a healthy renderer
    TraceStats& operator+=(const TraceStats& other) {
        samples += other.samples, closest_rays += other.closest_rays, shadow_rays += other.shadow_rays;
        seconds += other.seconds, cpu_seconds += other.cpu_seconds, bad_samples += other.bad_samples;
        return *this;
    }
};

/// Wall seconds of each kernel, submitted alone, and what they did: slower together than a render, which submits many at once.
struct KernelProfile {
    double generate_s = 0, primary_s = 0, bounce_s = 0, shadow_s = 0, shade_s = 0, accumulate_s = 0;
    std::uint64_t samples = 0, primary_rays = 0, bounce_rays = 0, shadow_rays = 0;
};

class Device {
  public:
    virtual ~Device() = default;
    [[nodiscard]] virtual const DeviceInfo& info() const = 0;
    /// Takes the scene of one frame; both arguments may go afterwards. Replaces what was loaded before.
    virtual Status load(const scene::FlatScene& scene, const accel::Hierarchy& hierarchy) = 0;
    /// Wall seconds of the last load() that went into compiling kernels; 0 where there are none or they were compiled before.
    [[nodiscard]] virtual double compile_seconds() const { return 0; }
    /// Renders samples 0 .. params.spp - 1 of each pixel of `rect` into `rgba` (rect.width * rect.height, row by row): the mean of linear
    /// scene radiance, premultiplied by alpha, and alpha (1 but where a hidden environment was seen).
    virtual Result<TraceStats> render(const shading::FrameParams& params, Rect rect, std::span<glm::vec4> rgba) = 0;
    /// Renders `rect` once, with a few samples a pixel, and measures each kernel. All 0 where there are no kernels.
    /// kernels.
    virtual Result<KernelProfile> profile(const shading::FrameParams&, Rect) { return KernelProfile{}; }
};

struct DeviceChoice {
    std::string name;                          ///< empty: best; else name part, index, UUID, "software" or "reference"
    unsigned threads = 0;                      ///< CPU threads of a software device or of the reference; 0: all
    bool validation = false;                   ///< Vulkan validation layers; a message from them is an error
    std::string trace = "auto";                ///< "auto", "bvh", "ray_query": which module traverses
    std::string textures = "auto";             ///< "auto", "fetch" (by hand, from memory), "samplers" (the device's texture units)
    std::uint32_t most_samplers = 0xffffffffu; ///< textures that they read, at most, as if that were the device's limit; the rest by hand
};

Result<std::unique_ptr<Device>> open_device(const DeviceChoice& choice);
/// `threads`: as DeviceChoice has it; a process's first listing or opening decides it for software devices.
std::vector<DeviceInfo> list_devices(unsigned threads = 0);

} // namespace raymill
