#include "renderer/gpu/choose.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace raymill::gpu {
namespace {

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) text += digits[byte >> 4], text += digits[byte & 15];
    return text;
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

const char* type_name(VkPhysicalDeviceType type) {
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return "discrete";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return "integrated";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return "virtual";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return "software";
    default:
        return "other";
    }
}

// Higher is better. By type alone: software drivers offer as many extensions as hardware.
int rank(VkPhysicalDeviceType type) {
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return 4;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return 3;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return 2;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return 1;
    default:
        return 0;
    }
}

std::vector<VkExtensionProperties> extensions_of(VkPhysicalDevice device) {
    std::uint32_t count = 0;
    vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
    std::vector<VkExtensionProperties> extensions(count);
    vkEnumerateDeviceExtensionProperties(device, nullptr, &count, extensions.data());
    extensions.resize(count);
    return extensions;
}

bool offers(const std::vector<VkExtensionProperties>& extensions, const char* name) {
    return std::ranges::any_of(extensions, [name](const auto& e) { return std::strcmp(e.extensionName, name) == 0; });
}

// Of combined images and samplers in one kernel, next to the one uniform block.
std::uint32_t texture_slots(VkPhysicalDevice device, const VkPhysicalDeviceVulkan12Features& has, const VkPhysicalDeviceLimits& limits) {
    constexpr std::uint32_t most_slots = 1u << 16; // more than scenes have; some devices set memory aside for what a layout allows
    if (has.shaderSampledImageArrayNonUniformIndexing != VK_TRUE || has.runtimeDescriptorArray != VK_TRUE ||
        has.descriptorBindingVariableDescriptorCount != VK_TRUE)
        return 0;
    if (has.descriptorBindingSampledImageUpdateAfterBind != VK_TRUE)
        return std::min({most_slots, limits.maxPerStageDescriptorSamplers, limits.maxPerStageDescriptorSampledImages,
                         limits.maxDescriptorSetSamplers, limits.maxDescriptorSetSampledImages, limits.maxPerStageResources - 1});
    auto late = typed<VkPhysicalDeviceDescriptorIndexingProperties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_INDEXING_PROPERTIES);
    auto properties = typed<VkPhysicalDeviceProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
    properties.pNext = &late;
    vkGetPhysicalDeviceProperties2(device, &properties);
    return std::min({most_slots, late.maxPerStageDescriptorUpdateAfterBindSamplers, late.maxPerStageDescriptorUpdateAfterBindSampledImages,
                     late.maxDescriptorSetUpdateAfterBindSamplers, late.maxDescriptorSetUpdateAfterBindSampledImages,
                     late.maxPerStageUpdateAfterBindResources - 1});
}

std::string missing_features(VkPhysicalDevice device, const std::vector<VkExtensionProperties>& extensions, Candidate& candidate) {
    const bool ray_query_named = offers(extensions, VK_KHR_RAY_QUERY_EXTENSION_NAME) &&
                                 offers(extensions, VK_KHR_ACCELERATION_STRUCTURE_EXTENSION_NAME) &&
                                 offers(extensions, VK_KHR_DEFERRED_HOST_OPERATIONS_EXTENSION_NAME);
    auto ray_query = typed<VkPhysicalDeviceRayQueryFeaturesKHR>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_RAY_QUERY_FEATURES_KHR);
    auto structures =
        typed<VkPhysicalDeviceAccelerationStructureFeaturesKHR>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ACCELERATION_STRUCTURE_FEATURES_KHR);
    structures.pNext = &ray_query;
    auto features12 = typed<VkPhysicalDeviceVulkan12Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
    if (ray_query_named) features12.pNext = &structures;
    auto features = typed<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
    features.pNext = &features12;
    vkGetPhysicalDeviceFeatures2(device, &features);
    candidate.has_ray_query = ray_query_named && ray_query.rayQuery == VK_TRUE && structures.accelerationStructure == VK_TRUE;
    candidate.has_int64 = features.features.shaderInt64 == VK_TRUE;
    candidate.texture_slots = texture_slots(device, features12, candidate.limits);
    candidate.slots_after_bind = features12.descriptorBindingSampledImageUpdateAfterBind == VK_TRUE;
    std::string missing;
    const auto need = [&missing](VkBool32 has, const char* name) {
        if (has != VK_TRUE) missing += std::string(missing.empty() ? "" : ", ") + name;
    };
    need(features12.bufferDeviceAddress, "bufferDeviceAddress");
    need(features12.scalarBlockLayout, "scalarBlockLayout");
    return missing;
}

Candidate inspect(VkPhysicalDevice device) {
    Candidate candidate;
    candidate.device = device;
    VkPhysicalDeviceProperties plain{};
    vkGetPhysicalDeviceProperties(device, &plain);
    candidate.type = plain.deviceType;
    candidate.limits = plain.limits;
    candidate.info.name = plain.deviceName;
    candidate.info.type = type_name(plain.deviceType);
    if (plain.apiVersion < VK_API_VERSION_1_2) {
        candidate.info.unusable = "its driver speaks Vulkan " + std::to_string(VK_API_VERSION_MAJOR(plain.apiVersion)) + "." +
                                  std::to_string(VK_API_VERSION_MINOR(plain.apiVersion)) + ", 1.2 is needed";
        return candidate;
    }
    auto maintenance = typed<VkPhysicalDeviceMaintenance3Properties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES);
    auto id = typed<VkPhysicalDeviceIDProperties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES);
    id.pNext = &maintenance;
    auto driver = typed<VkPhysicalDeviceDriverProperties>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
    driver.pNext = &id;
    auto properties = typed<VkPhysicalDeviceProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
    properties.pNext = &driver;
    vkGetPhysicalDeviceProperties2(device, &properties);
    candidate.driver = driver.driverID;
    candidate.most_bytes = maintenance.maxMemoryAllocationSize;
    std::ranges::copy(id.deviceUUID, candidate.device_uuid.begin());
    std::ranges::copy(id.driverUUID, candidate.driver_uuid.begin());
    std::ranges::copy(plain.pipelineCacheUUID, candidate.cache_uuid.begin());
    candidate.info.uuid = hexadecimal(candidate.device_uuid);
    candidate.info.driver = std::string(driver.driverName) + " " + driver.driverInfo;

    VkPhysicalDeviceMemoryProperties memory{};
    vkGetPhysicalDeviceMemoryProperties(device, &memory);
    for (std::uint32_t i = 0; i < memory.memoryHeapCount; ++i)
        if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0)
            candidate.info.memory = std::max<std::uint64_t>(candidate.info.memory, memory.memoryHeaps[i].size);

    std::uint32_t family_count = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(device, &family_count, nullptr);
    std::vector<VkQueueFamilyProperties> families(family_count);
    vkGetPhysicalDeviceQueueFamilyProperties(device, &family_count, families.data());
    const auto family = std::ranges::find_if(families, [](const auto& f) { return (f.queueFlags & VK_QUEUE_COMPUTE_BIT) != 0; });
    if (family == families.end()) {
        candidate.info.unusable = "it has no queue that computes";
        return candidate;
    }
    candidate.queue_family = static_cast<std::uint32_t>(family - families.begin());

    const auto extensions = extensions_of(device);
    candidate.has_memory_budget = offers(extensions, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    const std::string missing = missing_features(device, extensions, candidate);
    if (!missing.empty()) candidate.info.unusable = "its driver lacks " + missing + "; install a newer driver";
    return candidate;
}

std::size_t best_of(const std::vector<Candidate>& candidates, auto fits) {
    std::size_t best = candidates.size();
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (!candidates[i].info.unusable.empty() || !fits(candidates[i])) continue;
        if (best == candidates.size() || rank(candidates[i].type) > rank(candidates[best].type)) best = i;
    }
    return best;
}

std::string listing(const std::vector<Candidate>& candidates) {
    if (candidates.empty()) return "there is no Vulkan device here";
    std::string text = "there are";
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const DeviceInfo& info = candidates[i].info;
        text += (i == 0 ? " " : "; ") + std::to_string(i) + ": " + info.name;
        if (!info.unusable.empty()) text += " (cannot be used: " + info.unusable + ")";
    }
    return text;
}

} // namespace

Result<std::vector<Candidate>> find_candidates(VkInstance instance) {
    std::uint32_t count = 0;
    RETURN_VK(vkEnumeratePhysicalDevices(instance, &count, nullptr), "looking for devices");
    std::vector<VkPhysicalDevice> devices(count);
    RETURN_VK(vkEnumeratePhysicalDevices(instance, &count, devices.data()), "looking for devices");
    devices.resize(count);
    std::vector<Candidate> candidates;
    for (VkPhysicalDevice device : devices) candidates.push_back(inspect(device));
    const std::size_t best = best_of(candidates, [](const Candidate&) { return true; });
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        DeviceInfo& info = candidates[i].info;
        info.chosen = i == best;
        if (!info.unusable.empty())
            info.reason = info.unusable;
        else if (i == best)
            info.reason = "the best there is: discrete before integrated, virtual and software";
        else
            info.reason = rank(candidates[i].type) < rank(candidates[best].type) ? "a better type of device is there"
                                                                                 : "same type, but not the first";
    }
    return candidates;
}

Result<std::size_t> choose(const std::vector<Candidate>& candidates, std::string_view name) {
    const auto refuse = [&](const std::string& why) {
        return fail(Code::no_device, "--device " + std::string(name), why + "; " + listing(candidates));
    };
    const auto usable = [&](std::size_t i) -> Result<std::size_t> {
        if (!candidates[i].info.unusable.empty()) return refuse("that device cannot be used");
        return i;
    };
    if (name.empty()) {
        const std::size_t best = best_of(candidates, [](const Candidate&) { return true; });
        if (best == candidates.size())
            return fail(Code::no_device, "Vulkan", "no device can be used: " + listing(candidates) + "; or use --device reference");
        return best;
    }
    if (name == "software") {
        const std::size_t best = best_of(candidates, [](const Candidate& c) { return c.type == VK_PHYSICAL_DEVICE_TYPE_CPU; });
        if (best == candidates.size()) return refuse("no software driver can be used (Debian: mesa-vulkan-drivers)");
        return best;
    }
    const std::string asked = lower(name);
    if (asked.size() <= 4 && std::ranges::all_of(asked, [](unsigned char c) { return std::isdigit(c) != 0; })) {
        const auto index = static_cast<std::size_t>(std::stoul(asked));
        if (index >= candidates.size()) return refuse("no device has that index");
        return usable(index);
    }
    std::string bare = asked;
    std::erase(bare, '-');
    for (std::size_t i = 0; i < candidates.size(); ++i)
        if (!candidates[i].info.uuid.empty() && bare == candidates[i].info.uuid) return usable(i);
    const auto named = [&asked](const Candidate& c) { return lower(c.info.name).find(asked) != std::string::npos; };
    const std::size_t best = best_of(candidates, named);
    if (best < candidates.size()) return best;
    if (std::ranges::any_of(candidates, named)) return refuse("that device cannot be used");
    return refuse("no device is called that");
}

Result<TraceModule> choose_module(const Candidate& candidate, std::string_view trace) {
    if (trace == "bvh") return TraceModule::bvh;
    if (trace == "ray_query") {
        if (!candidate.has_ray_query) return fail(Code::no_device, candidate.info.name, "it has no ray queries (VK_KHR_ray_query)");
        return TraceModule::ray_query;
    }
    if (trace != "auto") return fail(Code::usage, "trace module", "\"" + std::string(trace) + "\" is none of auto, bvh, ray_query");
    return candidate.has_ray_query && candidate.type != VK_PHYSICAL_DEVICE_TYPE_CPU ? TraceModule::ray_query : TraceModule::bvh;
}

Result<std::uint32_t> choose_texture_slots(const Candidate& candidate, const DeviceChoice& choice) {
    const auto within = std::min(candidate.texture_slots, choice.most_samplers);
    if (choice.textures == "fetch") return 0;
    if (choice.textures == "samplers") {
        if (candidate.texture_slots == 0)
            return fail(Code::no_device, candidate.info.name, "it has no arrays of textures (descriptor indexing)");
        return within;
    }
    if (choice.textures != "auto") return fail(Code::usage, "textures", "\"" + choice.textures + "\" is none of auto, fetch, samplers");
    return candidate.type == VK_PHYSICAL_DEVICE_TYPE_CPU ? 0 : within;
}

} // namespace raymill::gpu
