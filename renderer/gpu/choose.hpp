#pragma once
/// Which of a host's Vulkan devices to use, and whether it can be.
#include "renderer/device.hpp"
#include "renderer/gpu/vulkan.hpp"

#include <string_view>
#include <vector>

namespace raymill::gpu {

struct Candidate {
    VkPhysicalDevice device = VK_NULL_HANDLE;
    DeviceInfo info;                ///< `device_class` is filled when the module is known
    std::uint32_t queue_family = 0; ///< of computing
    VkPhysicalDeviceType type = VK_PHYSICAL_DEVICE_TYPE_OTHER;
    VkDriverId driver = static_cast<VkDriverId>(0);
    bool has_ray_query = false;
    bool has_int64 = false; ///< shaderInt64: traversal loads 8 bytes at once
    bool has_memory_budget = false;
    std::uint32_t texture_slots = 0; ///< textures that a kernel can index as it likes; 0: none, they are fetched by hand
    bool slots_after_bind = false;   ///< whether those are counted by the limits of descriptors that may change after they are bound
    std::array<std::uint8_t, VK_UUID_SIZE> driver_uuid{}, device_uuid{}, cache_uuid{};
    VkPhysicalDeviceLimits limits{};
    std::uint64_t most_bytes = 0; ///< of one allocation
};

/// All devices in the driver's order; the best usable one is marked as chosen.
Result<std::vector<Candidate>> find_candidates(VkInstance instance);

/// The candidate that `name` asks for: empty: the best; an index; a UUID; "software"; else a part of a name, whatever its case (of several,
/// the best). Code::no_device with what there is, where none fits or the one that fits cannot be used.
Result<std::size_t> choose(const std::vector<Candidate>& candidates, std::string_view name);

enum class TraceModule { bvh, ray_query };

/// `trace`: DeviceChoice::trace. "auto" takes ray queries where hardware has them: a software driver's are far slower than our own
/// traversal.
Result<TraceModule> choose_module(const Candidate& candidate, std::string_view trace);

/// How many textures get a slot and are read by the device's texture units. `choice`: DeviceChoice::textures and most_samplers. "auto" uses
/// them on hardware only: on llvmpipe an array of samplers indexed by each lane alone is 8 to 10 times slower than fetching by hand.
Result<std::uint32_t> choose_texture_slots(const Candidate& candidate, const DeviceChoice& choice);

} // namespace raymill::gpu
