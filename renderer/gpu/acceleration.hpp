#pragma once
/// The scene as the device's own acceleration structures, for the ray-query module: a bottom level for each mesh, one top level.
#include "renderer/gpu/memory.hpp"
#include "renderer/scene/flat_scene.hpp"

namespace raymill::gpu {

class SceneStructures {
  public:
    /// `positions`: the device's copy of the scene's, with VK_BUFFER_USAGE_ACCELERATION_STRUCTURE_BUILD_INPUT_READ_ONLY_BIT_KHR.
    /// Meshes with INSTANCE_HAS_ALPHA report candidates, others are opaque.
    static Result<SceneStructures> build(Context& context, const scene::FlatScene& scene, const Buffer& positions);

    /// Of the top level, for kernels.
    [[nodiscard]] VkDeviceAddress address() const { return address_; }

  private:
    struct Level {
        Buffer buffer;
        AccelerationStructure structure;
        VkDeviceAddress address = 0;
    };
    static Result<Level> build_level(Context& context, VkAccelerationStructureTypeKHR type,
                                     const VkAccelerationStructureGeometryKHR& geometry, std::uint32_t primitives, std::string_view what);

    std::vector<Level> bottom_;
    Level top_;
    VkDeviceAddress address_ = 0;
};

} // namespace raymill::gpu
