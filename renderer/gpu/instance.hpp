#pragma once
/// A Vulkan instance: what a process says to drivers before there is a device, and what validation layers say back.
#include "renderer/gpu/vulkan.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace raymill::gpu {

/// What validation layers found wrong. Layers may call from any thread.
class Messages {
  public:
    void add(std::string text);
    /// Takes what is there; Code::failed with the first message and the number of others, if any.
    Status take();

  private:
    static constexpr std::size_t most_kept = 64;
    std::mutex mutex_;
    std::vector<std::string> texts_;
    std::size_t count_ = 0;
};

struct InstanceOptions {
    unsigned threads = 0;    ///< of software drivers; 0: all
    bool validation = false; ///< Khronos' layer with synchronisation checks; Code::no_device where it is not installed
};

class Instance {
  public:
    /// Code::no_device without a Vulkan loader or driver. Sets environment variables that software drivers read (see environment.hpp); so
    /// the first call belongs before other threads read or write the environment.
    static Result<std::unique_ptr<Instance>> create(const InstanceOptions& options);
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    [[nodiscard]] VkInstance get() const { return instance_; }
    [[nodiscard]] Messages& messages() { return messages_; }

  private:
    Instance() = default;
    VkInstance instance_ = VK_NULL_HANDLE;
    VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
    PFN_vkDestroyDebugUtilsMessengerEXT destroy_messenger_ = nullptr; // volk's pointer is null again once another instance has no layers
    Messages messages_;
};

} // namespace raymill::gpu
