#include "renderer/gpu/memory.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>

namespace raymill::gpu {
namespace {

std::string size_text(std::uint64_t bytes) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
    return text;
}

// The first type that has all of one of these sets of flags, best first (the specification lists types best first within a set).
std::optional<std::uint32_t> find_type(const Context& context, std::uint32_t allowed, std::span<const VkMemoryPropertyFlags> wishes) {
    for (const VkMemoryPropertyFlags wish : wishes)
        for (std::uint32_t i = 0; i < context.memory().memoryTypeCount; ++i)
            if ((allowed & (1u << i)) != 0 && (context.memory().memoryTypes[i].propertyFlags & wish) == wish) return i;
    return std::nullopt;
}

std::span<const VkMemoryPropertyFlags> wishes_of(Place place) {
    static constexpr VkMemoryPropertyFlags seen = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    static constexpr VkMemoryPropertyFlags device[] = {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0};
    static constexpr VkMemoryPropertyFlags to_device[] = {seen};
    static constexpr VkMemoryPropertyFlags to_host[] = {seen | VK_MEMORY_PROPERTY_HOST_CACHED_BIT, seen};
    switch (place) {
    case Place::upload:
        return to_device;
    case Place::readback:
        return to_host;
    default:
        return device;
    }
}

Error too_large(const Context& context, const std::string& where, std::uint64_t bytes, const std::string& bound) {
    return {Code::unsupported, where,
            "they take " + size_text(bytes) + ", but " + context.candidate().info.name + " " + bound +
                "; make the scene smaller or use another device"};
}

} // namespace

Result<Allocation> allocate(const Context& context, Place place, const VkMemoryRequirements& needs, bool with_address,
                            const std::string& where) {
    const auto type = find_type(context, needs.memoryTypeBits, wishes_of(place));
    if (!type) return fail(Code::no_device, context.candidate().info.name, "it has no memory that the host can see");
    const VkMemoryType& memory_type = context.memory().memoryTypes[*type];
    const std::uint64_t left = context.bytes_left(memory_type.heapIndex);
    if (needs.size > left) return std::unexpected(too_large(context, where, needs.size, "has " + size_text(left) + " of memory left"));
    auto flags = typed<VkMemoryAllocateFlagsInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO);
    flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
    auto info = typed<VkMemoryAllocateInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO);
    if (with_address) info.pNext = &flags;
    info.allocationSize = needs.size;
    info.memoryTypeIndex = *type;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    RETURN_VK(vkAllocateMemory(context.device(), &info, nullptr, &memory), "allocating " + size_text(needs.size) + " for " + where);
    return Allocation{MemoryHandle(context.device(), memory), memory_type.propertyFlags};
}

Result<Buffer> Buffer::create(const Context& context, Place place, std::uint64_t size, std::string_view what,
                              VkBufferUsageFlags more_usage) {
    Buffer result;
    result.size_ = (std::max<std::uint64_t>(size, 16) + 7) / 8 * 8; // kernels read whole pairs of words
    auto info = typed<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
    info.size = result.size_;
    info.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT | more_usage;
    if (place == Place::device) info.usage |= VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
    const std::string where(what);
    if (result.size_ > context.candidate().most_bytes)
        return std::unexpected(
            too_large(context, where, size, "allocates at most " + size_text(context.candidate().most_bytes) + " at once"));
    VkBuffer buffer = VK_NULL_HANDLE;
    RETURN_VK(vkCreateBuffer(context.device(), &info, nullptr, &buffer), "creating a buffer for " + where);
    result.buffer_ = BufferHandle(context.device(), buffer);

    VkMemoryRequirements needs{};
    vkGetBufferMemoryRequirements(context.device(), buffer, &needs);
    Result<Allocation> allocation = allocate(context, place, needs, place == Place::device, where);
    if (!allocation) return std::unexpected(allocation.error());
    result.memory_ = std::move(allocation->memory);
    const VkDeviceMemory memory = result.memory_.get();
    RETURN_VK(vkBindBufferMemory(context.device(), buffer, memory, 0), "binding memory of " + where);
    constexpr VkMemoryPropertyFlags seen = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    if ((allocation->properties & seen) == seen) {
        void* at = nullptr;
        RETURN_VK(vkMapMemory(context.device(), memory, 0, VK_WHOLE_SIZE, 0, &at), "mapping memory of " + where);
        result.mapped_ = static_cast<std::byte*>(at);
    }
    if (place == Place::device) {
        auto address = typed<VkBufferDeviceAddressInfo>(VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO);
        address.buffer = buffer;
        result.address_ = vkGetBufferDeviceAddress(context.device(), &address);
    }
    return result;
}

Result<Buffer> upload(Context& context, std::span<const std::byte> bytes, std::string_view what, VkBufferUsageFlags more_usage) {
    Result<Buffer> buffer = Buffer::create(context, Place::device, bytes.size(), what, more_usage);
    if (!buffer || bytes.empty()) return buffer;
    if (buffer->mapped() != nullptr) {
        std::memcpy(buffer->mapped(), bytes.data(), bytes.size());
        return buffer;
    }
    const Result<Buffer> staging = Buffer::create(context, Place::upload, std::min<std::uint64_t>(bytes.size(), staging_bytes), what);
    if (!staging) return std::unexpected(staging.error());
    for (std::uint64_t at = 0; at < bytes.size(); at += staging_bytes) {
        const VkBufferCopy piece{0, at, std::min<std::uint64_t>(bytes.size() - at, staging_bytes)};
        std::memcpy(staging->mapped(), bytes.data() + at, piece.size);
        RETURN_ERROR(context.run([&](VkCommandBuffer commands) {
            vkCmdCopyBuffer(commands, staging->get(), buffer->get(), 1, &piece);
            barrier(commands);
        }));
    }
    return buffer;
}

} // namespace raymill::gpu
