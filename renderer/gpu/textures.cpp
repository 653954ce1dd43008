#include "renderer/gpu/textures.hpp"

#include <algorithm>
#include <cstring>

namespace raymill::gpu {
namespace {

using shading::SceneTexture;

constexpr std::uint64_t block_bytes = 128ull << 20; // of memory that images share; drivers allow only some thousands of allocations

VkFormat format_of(std::uint32_t texels) {
    switch (texels) {
    case shading::TEXEL_RGBA8_SRGB:
        return VK_FORMAT_R8G8B8A8_SRGB;
    case shading::TEXEL_RGBA8_LINEAR:
        return VK_FORMAT_R8G8B8A8_UNORM;
    default:
        return VK_FORMAT_R16G16B16A16_UNORM;
    }
}

std::uint64_t words_a_texel(std::uint32_t format) { return format == shading::TEXEL_RGBA16_LINEAR ? 2 : 1; }

VkSamplerAddressMode address_mode(std::uint32_t wrap) {
    switch (wrap) {
    case shading::WRAP_REPEAT:
        return VK_SAMPLER_ADDRESS_MODE_REPEAT;
    case shading::WRAP_MIRROR:
        return VK_SAMPLER_ADDRESS_MODE_MIRRORED_REPEAT;
    default:
        return VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE;
    }
}

VkImageCreateInfo image_info(std::uint32_t width, std::uint32_t height, VkFormat format) {
    auto info = typed<VkImageCreateInfo>(VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO);
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = format;
    info.extent = {width, height, 1};
    info.mipLevels = info.arrayLayers = 1;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.tiling = VK_IMAGE_TILING_OPTIMAL;
    info.usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    return info;
}

bool can_sample(const Context& context, const SceneTexture& texture) {
    const VkPhysicalDevice device = context.candidate().device;
    const VkFormat format = format_of(texture.format);
    constexpr VkFormatFeatureFlags needed =
        VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT | VK_FORMAT_FEATURE_SAMPLED_IMAGE_FILTER_LINEAR_BIT | VK_FORMAT_FEATURE_TRANSFER_DST_BIT;
    VkFormatProperties properties{};
    vkGetPhysicalDeviceFormatProperties(device, format, &properties);
    if ((properties.optimalTilingFeatures & needed) != needed) return false;
    const auto info = image_info(texture.width, texture.height, format);
    VkImageFormatProperties bounds{};
    if (vkGetPhysicalDeviceImageFormatProperties(device, format, info.imageType, info.tiling, info.usage, 0, &bounds) != VK_SUCCESS)
        return false;
    const std::uint64_t bytes = std::uint64_t{texture.width} * texture.height * words_a_texel(texture.format) * sizeof(std::uint32_t);
    return texture.width <= bounds.maxExtent.width && texture.height <= bounds.maxExtent.height && bytes <= bounds.maxResourceSize &&
           bytes <= context.candidate().most_bytes;
}

VkImageMemoryBarrier layout_change(VkImage image, VkImageLayout from, VkImageLayout to, VkAccessFlags before, VkAccessFlags after) {
    auto change = typed<VkImageMemoryBarrier>(VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER);
    change.srcAccessMask = before;
    change.dstAccessMask = after;
    change.oldLayout = from;
    change.newLayout = to;
    change.srcQueueFamilyIndex = change.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    change.image = image;
    change.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    return change;
}

/// Some rows of one image, and where they lie in the staging buffer.
struct Piece {
    std::size_t picture = 0;
    std::uint64_t offset = 0;
    std::uint32_t first_row = 0, rows = 0;
};

} // namespace

Result<Textures> Textures::create(Context& context, const KernelLayout& layout, const scene::FlatScene& scene) {
    Textures made;
    if (context.candidate().texture_slots == 0 || scene.textures.empty()) return made;
    RETURN_ERROR(made.give_slots(context, scene));
    if (made.slot_pictures_.empty()) return made;
    RETURN_ERROR(made.create_images(context));
    RETURN_ERROR(made.copy_texels(context, scene));
    RETURN_ERROR(made.create_samplers(context));
    RETURN_ERROR(made.fill_set(context, layout));
    return made;
}

Status Textures::give_slots(const Context& context, const scene::FlatScene& scene) {
    textures_ = scene.textures;
    std::map<Picture, std::size_t> known;
    std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> kept; // texels without a slot: first and number, to where they went
    for (SceneTexture& texture : textures_) {
        const Picture picture{texture.first_texel, texture.width, texture.height, texture.format};
        if (slot_pictures_.size() < context.candidate().texture_slots && can_sample(context, texture)) {
            const auto [at, fresh] = known.try_emplace(picture, pictures_.size());
            if (fresh) pictures_.push_back(picture);
            texture.image = static_cast<std::uint32_t>(slot_pictures_.size());
            slot_pictures_.push_back(at->second);
            slot_wrappings_.push_back({texture.wrap_s, texture.wrap_t, texture.filtering});
            continue;
        }
        texture.image = shading::NONE;
        const std::uint64_t words = std::uint64_t{texture.width} * texture.height * words_a_texel(texture.format);
        const auto [at, fresh] = kept.try_emplace({texture.first_texel, words}, static_cast<std::uint32_t>(texels_.size()));
        if (fresh) {
            const auto first = scene.texels.begin() + static_cast<std::ptrdiff_t>(texture.first_texel);
            texels_.insert(texels_.end(), first, first + static_cast<std::ptrdiff_t>(words));
        }
        texture.first_texel = at->second;
    }
    return {};
}

// Images lie one after another in blocks of memory: those that need the same kind, in the order of the pictures.
Status Textures::create_images(const Context& context) {
    std::size_t first = 0;
    VkMemoryRequirements block{};
    std::vector<VkDeviceSize> offsets;
    const std::uint64_t most = std::min(block_bytes, context.candidate().most_bytes);
    for (std::size_t i = 0; i < pictures_.size(); ++i) {
        const auto info = image_info(pictures_[i].width, pictures_[i].height, format_of(pictures_[i].format));
        VkImage image = VK_NULL_HANDLE;
        RETURN_VK(vkCreateImage(context.device(), &info, nullptr, &image), "creating a texture");
        images_.emplace_back(context.device(), image);
        VkMemoryRequirements needs{};
        vkGetImageMemoryRequirements(context.device(), image, &needs);
        const auto aligned = [&] { return (block.size + needs.alignment - 1) / needs.alignment * needs.alignment; };
        if (i > first && (aligned() + needs.size > most || needs.memoryTypeBits != block.memoryTypeBits)) {
            RETURN_ERROR(bind_block(context, first, i, block, offsets));
            first = i;
            block = {};
            offsets.clear();
        }
        block.memoryTypeBits = needs.memoryTypeBits;
        offsets.push_back(aligned());
        block.size = offsets.back() + needs.size;
    }
    return bind_block(context, first, pictures_.size(), block, offsets);
}

Status Textures::bind_block(const Context& context, std::size_t first, std::size_t end, const VkMemoryRequirements& needs,
                            const std::vector<VkDeviceSize>& offsets) {
    Result<Allocation> block = allocate(context, Place::device, needs, false, "textures");
    if (!block) return std::unexpected(block.error());
    memory_.push_back(std::move(block->memory));
    for (std::size_t i = first; i < end; ++i) {
        RETURN_VK(vkBindImageMemory(context.device(), images_[i].get(), memory_.back().get(), offsets[i - first]),
                  "binding memory of textures");
        auto info = typed<VkImageViewCreateInfo>(VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO);
        info.image = images_[i].get();
        info.viewType = VK_IMAGE_VIEW_TYPE_2D;
        info.format = format_of(pictures_[i].format);
        info.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
        VkImageView view = VK_NULL_HANDLE;
        RETURN_VK(vkCreateImageView(context.device(), &info, nullptr, &view), "creating a view of a texture");
        views_.emplace_back(context.device(), view);
    }
    return {};
}

Status Textures::copy_texels(Context& context, const scene::FlatScene& scene) const {
    std::uint64_t all = 0;
    const auto row_bytes = [](const Picture& p) { return p.width * words_a_texel(p.format) * sizeof(std::uint32_t); };
    for (const Picture& picture : pictures_) all += row_bytes(picture) * picture.height;
    const Result<Buffer> staging = Buffer::create(context, Place::upload, std::min(all, staging_bytes), "textures");
    if (!staging) return std::unexpected(staging.error());

    std::vector<Piece> pieces;
    std::uint64_t used = 0;
    const auto flush = [&] {
        used = 0;
        return context.run([&, these = std::exchange(pieces, {})](VkCommandBuffer commands) {
            std::vector<VkImageMemoryBarrier> before, after;
            for (const Piece& piece : these) {
                const VkImage image = images_[piece.picture].get();
                if (piece.first_row == 0)
                    before.push_back(layout_change(image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 0,
                                                   VK_ACCESS_TRANSFER_WRITE_BIT));
                if (piece.first_row + piece.rows == pictures_[piece.picture].height)
                    after.push_back(layout_change(image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
                                                  VK_ACCESS_TRANSFER_WRITE_BIT, VK_ACCESS_SHADER_READ_BIT));
            }
            vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr, 0, nullptr,
                                 static_cast<std::uint32_t>(before.size()), before.data());
            for (const Piece& piece : these) {
                VkBufferImageCopy copy{};
                copy.bufferOffset = piece.offset;
                copy.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
                copy.imageOffset.y = static_cast<std::int32_t>(piece.first_row);
                copy.imageExtent = {pictures_[piece.picture].width, piece.rows, 1};
                vkCmdCopyBufferToImage(commands, staging->get(), images_[piece.picture].get(), VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1,
                                       &copy);
            }
            vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 0, nullptr, 0, nullptr,
                                 static_cast<std::uint32_t>(after.size()), after.data());
        });
    };
    for (std::size_t i = 0; i < pictures_.size(); ++i) {
        const Picture& picture = pictures_[i];
        const std::uint64_t row = row_bytes(picture);
        for (std::uint32_t at = 0; at < picture.height;) {
            used = (used + 7) / 8 * 8; // a copy starts at whole texels
            const std::uint64_t fit = used < staging->size() ? (staging->size() - used) / row : 0;
            if (fit == 0) {
                RETURN_ERROR(flush());
                continue;
            }
            const auto rows = static_cast<std::uint32_t>(std::min<std::uint64_t>(fit, picture.height - at));
            const auto* from = scene.texels.data() + picture.first_texel + at * (row / sizeof(std::uint32_t));
            std::memcpy(staging->mapped() + used, from, rows * row);
            pieces.push_back({i, used, at, rows});
            used += rows * row;
            at += rows;
        }
    }
    return flush();
}

Status Textures::create_samplers(const Context& context) {
    for (const Wrapping& wrapping : slot_wrappings_) {
        if (samplers_.contains(wrapping)) continue;
        auto info = typed<VkSamplerCreateInfo>(VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO);
        info.magFilter = info.minFilter = wrapping[2] == shading::FILTER_NEAREST ? VK_FILTER_NEAREST : VK_FILTER_LINEAR;
        info.addressModeU = address_mode(wrapping[0]);
        info.addressModeV = address_mode(wrapping[1]);
        info.addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE;
        VkSampler sampler = VK_NULL_HANDLE;
        RETURN_VK(vkCreateSampler(context.device(), &info, nullptr, &sampler), "creating a sampler");
        samplers_.emplace(wrapping, Sampler(context.device(), sampler));
    }
    return {};
}

Status Textures::fill_set(const Context& context, const KernelLayout& layout) {
    const auto count = static_cast<std::uint32_t>(slot_pictures_.size());
    const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, count};
    auto pool_info = typed<VkDescriptorPoolCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO);
    pool_info.flags = context.candidate().slots_after_bind ? VK_DESCRIPTOR_POOL_CREATE_UPDATE_AFTER_BIND_BIT : 0;
    pool_info.maxSets = 1;
    pool_info.poolSizeCount = 1;
    pool_info.pPoolSizes = &size;
    VkDescriptorPool pool = VK_NULL_HANDLE;
    RETURN_VK(vkCreateDescriptorPool(context.device(), &pool_info, nullptr, &pool), "creating a descriptor pool for textures");
    pool_ = DescriptorPool(context.device(), pool);
    auto counts =
        typed<VkDescriptorSetVariableDescriptorCountAllocateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_VARIABLE_DESCRIPTOR_COUNT_ALLOCATE_INFO);
    counts.descriptorSetCount = 1;
    counts.pDescriptorCounts = &count;
    const VkDescriptorSetLayout set_layout = layout.slots.get();
    auto set_info = typed<VkDescriptorSetAllocateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO);
    set_info.pNext = &counts;
    set_info.descriptorPool = pool;
    set_info.descriptorSetCount = 1;
    set_info.pSetLayouts = &set_layout;
    RETURN_VK(vkAllocateDescriptorSets(context.device(), &set_info, &set_), "allocating a descriptor set for textures");
    std::vector<VkDescriptorImageInfo> images;
    for (std::size_t slot = 0; slot < count; ++slot)
        images.push_back(
            {samplers_.at(slot_wrappings_[slot]).get(), views_[slot_pictures_[slot]].get(), VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL});
    auto write = typed<VkWriteDescriptorSet>(VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET);
    write.dstSet = set_;
    write.descriptorCount = count;
    write.descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
    write.pImageInfo = images.data();
    vkUpdateDescriptorSets(context.device(), 1, &write, 0, nullptr);
    return {};
}

} // namespace raymill::gpu
