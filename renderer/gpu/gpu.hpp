#pragma once
/// renderer/gpu: the path tracer as Vulkan compute, on whatever device a host has. vulkan.h is seen in this folder only (vulkan.hpp); who
/// calls it: renderer/device.cpp. May include: base, scene, accel, shaders/shared.
#include "renderer/device.hpp"
#include "shaders/shared/path.h"

namespace raymill::gpu {

/// Vulkan devices of this host in the order of their index, with what keeps them from being used, if anything does; empty without a Vulkan
/// loader. Starts and ends an instance. `error`, where given, says why there are none.
std::vector<DeviceInfo> list_vulkan_devices(unsigned threads = 0, std::string* error = nullptr);

/// How work is cut. For tests and measurements: no value changes a pixel.
struct Tuning {
    std::uint32_t batch_paths = 0; ///< paths in flight; 0: as many as the time of a submission allows, from what is measured
};

/// A Device that also answers what tests ask.
class VulkanDevice : public Device {
  public:
    /// Closest hits of these paths' rays, in their order, through the loaded scene. What a path does not use for tracing does not matter.
    /// `seconds`, where given, gains the wall time of the tracing alone, each submission with its two kernels.
    virtual Result<std::vector<shading::RayHit>> closest_hits(std::span<const shading::PathState> paths, double* seconds) = 0;
    Result<std::vector<shading::RayHit>> closest_hits(std::span<const shading::PathState> paths) { return closest_hits(paths, nullptr); }
    /// What these shadow rays let through; their contribution does not matter.
    virtual Result<std::vector<float>> transmittances(std::span<const shading::ShadowRay> rays, double* seconds) = 0;
    Result<std::vector<float>> transmittances(std::span<const shading::ShadowRay> rays) { return transmittances(rays, nullptr); }
};

/// Opens the device that `choice` names. Code::no_device where there is none such, or none that can be used; its text says what there is.
/// Software devices: the number of threads and the vector width are decided by the first open of a process (drivers read them once).
Result<std::unique_ptr<VulkanDevice>> make_vulkan_device(const DeviceChoice& choice, const Tuning& tuning = {});

} // namespace raymill::gpu
