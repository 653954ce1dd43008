#pragma once
/// A scene's textures as images with samplers, in the slots of an array that kernels index (set 1 of shaders/kernel.h). The first ones that
/// the device's limits allow get a slot (Candidate::texture_slots); those after them, and those that the device cannot sample, keep their
/// texels in a buffer and are fetched by hand. Which is which depends on the scene and the device's limits only, never on free memory, so
/// that pixels do not. One level each, no mipmaps.
#include "renderer/gpu/memory.hpp"
#include "renderer/gpu/pipeline.hpp"
#include "renderer/scene/flat_scene.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <vector>

namespace raymill::gpu {

class Textures {
  public:
    /// Takes what the device samples; copied when it returns. Without slots (or textures) an empty one.
    static Result<Textures> create(Context& context, const KernelLayout& layout, const scene::FlatScene& scene);

    /// Whether any texture stands in a slot; else there is no set and no rest, and the scene's own arrays are what kernels need.
    [[nodiscard]] bool any() const { return set_ != VK_NULL_HANDLE; }
    [[nodiscard]] VkDescriptorSet set() const { return set_; }
    /// The scene's textures with their slots, and the texels of those without one. Given away once.
    [[nodiscard]] std::vector<shading::SceneTexture> take_textures() { return std::move(textures_); }
    [[nodiscard]] std::vector<std::uint32_t> take_texels() { return std::move(texels_); }

  private:
    struct Picture {
        std::uint32_t first_texel = 0, width = 0, height = 0, format = 0;
        friend auto operator<=>(const Picture&, const Picture&) = default;
    };
    using Wrapping = std::array<std::uint32_t, 3>; // wrap_s, wrap_t, filtering

    Status give_slots(const Context& context, const scene::FlatScene& scene);
    Status create_images(const Context& context);
    Status bind_block(const Context& context, std::size_t first, std::size_t end, const VkMemoryRequirements& needs,
                      const std::vector<VkDeviceSize>& offsets);
    Status copy_texels(Context& context, const scene::FlatScene& scene) const;
    Status create_samplers(const Context& context);
    Status fill_set(const Context& context, const KernelLayout& layout);

    std::vector<shading::SceneTexture> textures_;
    std::vector<std::uint32_t> texels_;
    std::vector<Picture> pictures_;          // each image once, whatever the samplers it is read with
    std::vector<std::size_t> slot_pictures_; // by slot
    std::vector<Wrapping> slot_wrappings_;   // likewise
    std::vector<MemoryHandle> memory_;       // outlives the images
    std::vector<ImageHandle> images_;        // by picture, as the views
    std::vector<ImageView> views_;
    std::map<Wrapping, Sampler> samplers_;
    DescriptorPool pool_;
    VkDescriptorSet set_ = VK_NULL_HANDLE;
};

} // namespace raymill::gpu
