#pragma once
/// A logical device with its one queue and one command buffer: record, submit, wait.
#include "renderer/gpu/choose.hpp"
#include "renderer/gpu/instance.hpp"

#include <concepts>

namespace raymill::gpu {

class Context {
  public:
    static Result<std::unique_ptr<Context>> create(std::unique_ptr<Instance> instance, const Candidate& candidate, TraceModule module);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    [[nodiscard]] VkDevice device() const { return device_; }
    [[nodiscard]] const Candidate& candidate() const { return candidate_; }
    [[nodiscard]] TraceModule module() const { return module_; }
    [[nodiscard]] Messages& messages() const { return instance_->messages(); }
    [[nodiscard]] const VkPhysicalDeviceMemoryProperties& memory() const { return memory_; }
    /// Bytes that can still be allocated from a heap: what the driver says where it says so (VK_EXT_memory_budget), else the heap's size.
    [[nodiscard]] std::uint64_t bytes_left(std::uint32_t heap) const;

    /// Records with `record(VkCommandBuffer)`, submits and waits until the device is done: whatever it wrote can be read.
    template<std::invocable<VkCommandBuffer> Record> Status run(Record record) {
        Result<VkCommandBuffer> commands = begin();
        if (!commands) return std::unexpected(commands.error());
        record(*commands);
        return finish(*commands);
    }

  private:
    Context() = default;
    Result<VkCommandBuffer> begin();
    Status finish(VkCommandBuffer commands);

    std::unique_ptr<Instance> instance_;
    Candidate candidate_;
    TraceModule module_ = TraceModule::bvh;
    VkDevice device_ = VK_NULL_HANDLE;
    VkQueue queue_ = VK_NULL_HANDLE;
    VkPhysicalDeviceMemoryProperties memory_{};
    CommandPool pool_;
    VkCommandBuffer commands_ = VK_NULL_HANDLE;
    Fence fence_;
};

/// Everything that commands before it wrote can be read and overwritten by commands after it (compute, indirect arguments, copies, builds).
void barrier(VkCommandBuffer commands);
/// Everything that commands before it wrote can be read by the host once they are done.
void barrier_to_host(VkCommandBuffer commands);

} // namespace raymill::gpu
