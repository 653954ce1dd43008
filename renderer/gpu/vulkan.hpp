#pragma once
/// The only door to vulkan.h: function pointers by volk, results as errors, handles that destroy themselves.
#include "renderer/base/error.hpp"

#include <string_view>
#include <utility>
#include <volk.h>

namespace raymill::gpu {

std::string_view result_name(VkResult result);

/// Success and warnings are fine; VK_ERROR_DEVICE_LOST becomes Code::device_lost, out of memory says so. `doing`: "creating a buffer".
Status check(VkResult result, std::string_view doing);

/// Returns from the calling function with the error where `call` (a VkResult) is one.
#define RETURN_VK(call, doing)                                                                                                             \
    if (auto checked_ = ::raymill::gpu::check(call, doing); !checked_) return std::unexpected(std::move(checked_).error())
/// The same for a Status.
#define RETURN_ERROR(call)                                                                                                                 \
    if (auto checked_ = (call); !checked_) return std::unexpected(std::move(checked_).error())

/// A structure of Vulkan's, all zero but for its type.
template<class T> T typed(VkStructureType type) {
    T value{};
    value.sType = type;
    return value;
}

/// A device's child object, destroyed with its owner. `Destroy` points at volk's pointer to the function.
template<class Handle, auto* Destroy> class Owned {
  public:
    Owned() = default;
    Owned(VkDevice device, Handle handle) : device_(device), handle_(handle) {}
    Owned(Owned&& other) noexcept : device_(other.device_), handle_(std::exchange(other.handle_, VK_NULL_HANDLE)) {}
    Owned& operator=(Owned&& other) noexcept {
        if (this != &other) {
            reset();
            device_ = other.device_;
            handle_ = std::exchange(other.handle_, VK_NULL_HANDLE);
        }
        return *this;
    }
    ~Owned() { reset(); }

    [[nodiscard]] Handle get() const { return handle_; }
    explicit operator bool() const { return handle_ != VK_NULL_HANDLE; }

  private:
    void reset() {
        if (handle_ != VK_NULL_HANDLE) (*Destroy)(device_, std::exchange(handle_, VK_NULL_HANDLE), nullptr);
    }
    VkDevice device_ = VK_NULL_HANDLE;
    Handle handle_ = VK_NULL_HANDLE;
};

using BufferHandle = Owned<VkBuffer, &vkDestroyBuffer>;
using ImageHandle = Owned<VkImage, &vkDestroyImage>;
using ImageView = Owned<VkImageView, &vkDestroyImageView>;
using Sampler = Owned<VkSampler, &vkDestroySampler>;
using MemoryHandle = Owned<VkDeviceMemory, &vkFreeMemory>;
using ShaderModule = Owned<VkShaderModule, &vkDestroyShaderModule>;
using Pipeline = Owned<VkPipeline, &vkDestroyPipeline>;
using PipelineLayout = Owned<VkPipelineLayout, &vkDestroyPipelineLayout>;
using PipelineCacheHandle = Owned<VkPipelineCache, &vkDestroyPipelineCache>;
using SetLayout = Owned<VkDescriptorSetLayout, &vkDestroyDescriptorSetLayout>;
using DescriptorPool = Owned<VkDescriptorPool, &vkDestroyDescriptorPool>;
using CommandPool = Owned<VkCommandPool, &vkDestroyCommandPool>;
using Fence = Owned<VkFence, &vkDestroyFence>;
using AccelerationStructure = Owned<VkAccelerationStructureKHR, &vkDestroyAccelerationStructureKHR>;

} // namespace raymill::gpu
