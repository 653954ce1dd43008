#include "renderer/gpu/context.hpp"

namespace raymill::gpu {
namespace {

// A submission that takes this long is hung: batches are sized for a fraction of a second (path_tracer.cpp).
constexpr std::uint64_t patience_ns = 300ull * 1'000'000'000;

} // namespace

Result<std::unique_ptr<Context>> Context::create(std::unique_ptr<Instance> instance, const Candidate& candidate, TraceModule module) {
    std::unique_ptr<Context> context(new Context);
    context->instance_ = std::move(instance);
    context->candidate_ = candidate;
    context->module_ = module;
    vkGetPhysicalDeviceMemoryProperties(candidate.device, &context->memory_);

    std::vector<const char*> extensions;
    if (candidate.has_memory_budget) extensions.push_back(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    auto ray_query = typed<VkPhysicalDeviceRayQueryFeaturesKHR>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_RAY_QUERY_FEATURES_KHR);
    ray_query.rayQuery = VK_TRUE;
    auto structures =
        typed<VkPhysicalDeviceAccelerationStructureFeaturesKHR>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ACCELERATION_STRUCTURE_FEATURES_KHR);
    structures.accelerationStructure = VK_TRUE;
    structures.pNext = &ray_query;
    auto features12 = typed<VkPhysicalDeviceVulkan12Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
    features12.bufferDeviceAddress = VK_TRUE;
    features12.scalarBlockLayout = VK_TRUE;
    if (candidate.texture_slots > 0) {
        features12.shaderSampledImageArrayNonUniformIndexing = VK_TRUE;
        features12.runtimeDescriptorArray = VK_TRUE;
        features12.descriptorBindingVariableDescriptorCount = VK_TRUE;
        features12.descriptorBindingSampledImageUpdateAfterBind = candidate.slots_after_bind ? VK_TRUE : VK_FALSE;
    }
    if (module == TraceModule::ray_query) {
        extensions.insert(extensions.end(), {VK_KHR_RAY_QUERY_EXTENSION_NAME, VK_KHR_ACCELERATION_STRUCTURE_EXTENSION_NAME,
                                             VK_KHR_DEFERRED_HOST_OPERATIONS_EXTENSION_NAME});
        features12.pNext = &structures;
    }
    auto features = typed<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
    features.features.shaderInt64 = candidate.has_int64 ? VK_TRUE : VK_FALSE;
    features.pNext = &features12;

    const float priority = 1;
    auto queue = typed<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
    queue.queueFamilyIndex = candidate.queue_family;
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    auto info = typed<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
    info.pNext = &features;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    info.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
    info.ppEnabledExtensionNames = extensions.data();
    RETURN_VK(vkCreateDevice(candidate.device, &info, nullptr, &context->device_), "opening " + candidate.info.name);
    vkGetDeviceQueue(context->device_, candidate.queue_family, 0, &context->queue_);

    auto pool_info = typed<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
    pool_info.flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT;
    pool_info.queueFamilyIndex = candidate.queue_family;
    VkCommandPool pool = VK_NULL_HANDLE;
    RETURN_VK(vkCreateCommandPool(context->device_, &pool_info, nullptr, &pool), "creating a command pool");
    context->pool_ = CommandPool(context->device_, pool);
    auto commands_info = typed<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
    commands_info.commandPool = pool;
    commands_info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    commands_info.commandBufferCount = 1;
    RETURN_VK(vkAllocateCommandBuffers(context->device_, &commands_info, &context->commands_), "allocating a command buffer");
    auto fence_info = typed<VkFenceCreateInfo>(VK_STRUCTURE_TYPE_FENCE_CREATE_INFO);
    VkFence fence = VK_NULL_HANDLE;
    RETURN_VK(vkCreateFence(context->device_, &fence_info, nullptr, &fence), "creating a fence");
    context->fence_ = Fence(context->device_, fence);
    return context;
}

Context::~Context() {
    if (device_ == VK_NULL_HANDLE) return;
    vkDeviceWaitIdle(device_);
    fence_ = {};
    pool_ = {};
    vkDestroyDevice(device_, nullptr);
}

std::uint64_t Context::bytes_left(std::uint32_t heap) const {
    if (!candidate_.has_memory_budget) return memory_.memoryHeaps[heap].size;
    auto budget = typed<VkPhysicalDeviceMemoryBudgetPropertiesEXT>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
    auto properties = typed<VkPhysicalDeviceMemoryProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2);
    properties.pNext = &budget;
    vkGetPhysicalDeviceMemoryProperties2(candidate_.device, &properties);
    return budget.heapBudget[heap] > budget.heapUsage[heap] ? budget.heapBudget[heap] - budget.heapUsage[heap] : 0;
}

Result<VkCommandBuffer> Context::begin() {
    RETURN_VK(vkResetCommandPool(device_, pool_.get(), 0), "resetting commands");
    auto info = typed<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
    info.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    RETURN_VK(vkBeginCommandBuffer(commands_, &info), "beginning commands");
    return commands_;
}

Status Context::finish(VkCommandBuffer commands) {
    RETURN_VK(vkEndCommandBuffer(commands), "ending commands");
    auto info = typed<VkSubmitInfo>(VK_STRUCTURE_TYPE_SUBMIT_INFO);
    info.commandBufferCount = 1;
    info.pCommandBuffers = &commands;
    RETURN_VK(vkQueueSubmit(queue_, 1, &info, fence_.get()), "submitting work");
    const VkFence fence = fence_.get();
    const VkResult waited = vkWaitForFences(device_, 1, &fence, VK_TRUE, patience_ns);
    if (waited == VK_TIMEOUT)
        return fail(Code::device_lost, "Vulkan device", "it has not answered for " + std::to_string(patience_ns / 1'000'000'000) + " s");
    RETURN_VK(waited, "waiting for the device");
    RETURN_VK(vkResetFences(device_, 1, &fence), "resetting a fence");
    return {};
}

void barrier(VkCommandBuffer commands) {
    auto memory = typed<VkMemoryBarrier>(VK_STRUCTURE_TYPE_MEMORY_BARRIER);
    memory.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
    memory.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1, &memory, 0, nullptr, 0,
                         nullptr);
}

void barrier_to_host(VkCommandBuffer commands) {
    auto memory = typed<VkMemoryBarrier>(VK_STRUCTURE_TYPE_MEMORY_BARRIER);
    memory.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
    memory.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &memory, 0, nullptr, 0, nullptr);
}

} // namespace raymill::gpu
