#pragma once
/// Memory of a device, and buffers: few and large, each with memory of its own, read by kernels through their addresses.
#include "renderer/gpu/context.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace raymill::gpu {

inline constexpr std::uint64_t staging_bytes = 64ull << 20; ///< the most that uploads hold in host memory at once

enum class Place {
    device,   ///< where the device reads fastest
    upload,   ///< written by the host, mapped
    readback, ///< read by the host, mapped
};

struct Allocation {
    MemoryHandle memory;
    VkMemoryPropertyFlags properties = 0; ///< of the type of memory that it is
};

/// Memory for what `needs` it; Code::unsupported, naming `where`, where there is not enough.
Result<Allocation> allocate(const Context& context, Place place, const VkMemoryRequirements& needs, bool with_address,
                            const std::string& where);

class Buffer {
  public:
    Buffer() = default;
    /// `what` names it in errors: "triangles". Code::unsupported where it cannot fit. Size 0 makes a small buffer, so that there is an
    /// address.
    static Result<Buffer> create(const Context& context, Place place, std::uint64_t size, std::string_view what,
                                 VkBufferUsageFlags more_usage = 0);

    [[nodiscard]] VkBuffer get() const { return buffer_.get(); }
    [[nodiscard]] VkDeviceAddress address() const { return address_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }
    /// Null where the host cannot see it. Coherent.
    [[nodiscard]] std::byte* mapped() const { return mapped_; }

  private:
    MemoryHandle memory_; // outlives the buffer
    BufferHandle buffer_;
    VkDeviceAddress address_ = 0;
    std::uint64_t size_ = 0;
    std::byte* mapped_ = nullptr;
};

/// A buffer on the device with these bytes: written directly where the host sees the device's memory, else copied in pieces of bounded
/// size.
Result<Buffer> upload(Context& context, std::span<const std::byte> bytes, std::string_view what, VkBufferUsageFlags more_usage = 0);

template<class T>
Result<Buffer> upload(Context& context, const std::vector<T>& values, std::string_view what, VkBufferUsageFlags more_usage = 0) {
    return upload(context, std::as_bytes(std::span(values)), what, more_usage);
}

} // namespace raymill::gpu
