#include "renderer/gpu/acceleration.hpp"

#include <algorithm>
#include <cmath>

namespace raymill::gpu {
namespace {

// The extension's matrix is row by row.
VkTransformMatrixKHR transform_of(const glm::mat4x3& m) {
    VkTransformMatrixKHR result{};
    for (int row = 0; row < 3; ++row)
        for (int column = 0; column < 4; ++column) result.matrix[row][column] = m[column][row];
    return result;
}

bool finite(const glm::mat4x3& m) {
    for (int column = 0; column < 4; ++column)
        for (int row = 0; row < 3; ++row)
            if (!std::isfinite(m[column][row])) return false;
    return true;
}

std::uint64_t scratch_alignment(const Context& context) {
    auto structures =
        typed<VkPhysicalDeviceAccelerationStructurePropertiesKHR>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ACCELERATION_STRUCTURE_PROPERTIES_KHR);
    auto properties = typed<VkPhysicalDeviceProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
    properties.pNext = &structures;
    vkGetPhysicalDeviceProperties2(context.candidate().device, &properties);
    return std::max<std::uint64_t>(structures.minAccelerationStructureScratchOffsetAlignment, 1);
}

} // namespace

Result<SceneStructures::Level> SceneStructures::build_level(Context& context, VkAccelerationStructureTypeKHR type,
                                                            const VkAccelerationStructureGeometryKHR& geometry, std::uint32_t primitives,
                                                            std::string_view what) {
    auto info = typed<VkAccelerationStructureBuildGeometryInfoKHR>(VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_BUILD_GEOMETRY_INFO_KHR);
    info.type = type;
    info.flags = VK_BUILD_ACCELERATION_STRUCTURE_PREFER_FAST_TRACE_BIT_KHR;
    info.mode = VK_BUILD_ACCELERATION_STRUCTURE_MODE_BUILD_KHR;
    info.geometryCount = 1;
    info.pGeometries = &geometry;
    auto sizes = typed<VkAccelerationStructureBuildSizesInfoKHR>(VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_BUILD_SIZES_INFO_KHR);
    vkGetAccelerationStructureBuildSizesKHR(context.device(), VK_ACCELERATION_STRUCTURE_BUILD_TYPE_DEVICE_KHR, &info, &primitives, &sizes);

    Level level;
    Result<Buffer> buffer = Buffer::create(context, Place::device, sizes.accelerationStructureSize, what,
                                           VK_BUFFER_USAGE_ACCELERATION_STRUCTURE_STORAGE_BIT_KHR);
    if (!buffer) return std::unexpected(buffer.error());
    level.buffer = std::move(*buffer);
    auto create = typed<VkAccelerationStructureCreateInfoKHR>(VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_CREATE_INFO_KHR);
    create.buffer = level.buffer.get();
    create.size = sizes.accelerationStructureSize;
    create.type = type;
    VkAccelerationStructureKHR structure = VK_NULL_HANDLE;
    RETURN_VK(vkCreateAccelerationStructureKHR(context.device(), &create, nullptr, &structure), "creating an acceleration structure");
    level.structure = AccelerationStructure(context.device(), structure);

    const std::uint64_t alignment = scratch_alignment(context);
    const Result<Buffer> scratch = Buffer::create(context, Place::device, sizes.buildScratchSize + alignment, what);
    if (!scratch) return std::unexpected(scratch.error());
    info.dstAccelerationStructure = structure;
    info.scratchData.deviceAddress = (scratch->address() + alignment - 1) / alignment * alignment;
    const VkAccelerationStructureBuildRangeInfoKHR range{primitives, 0, 0, 0};
    const VkAccelerationStructureBuildRangeInfoKHR* ranges = &range;
    RETURN_ERROR(context.run([&](VkCommandBuffer commands) {
        vkCmdBuildAccelerationStructuresKHR(commands, 1, &info, &ranges);
        barrier(commands);
    }));
    auto address = typed<VkAccelerationStructureDeviceAddressInfoKHR>(VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_DEVICE_ADDRESS_INFO_KHR);
    address.accelerationStructure = structure;
    level.address = vkGetAccelerationStructureDeviceAddressKHR(context.device(), &address);
    return level;
}

Result<SceneStructures> SceneStructures::build(Context& context, const scene::FlatScene& scene, const Buffer& positions) {
    if (scene.instances.size() > (1u << 24))
        return fail(Code::unsupported, "scene",
                    std::to_string(scene.instances.size()) + " instances are more than the 2^24 of ray queries");
    SceneStructures result;
    result.bottom_.resize(scene.meshes.size());
    std::vector<bool> has_alpha(scene.meshes.size(), false);
    for (const shading::SceneInstance& instance : scene.instances)
        if ((instance.flags & shading::INSTANCE_HAS_ALPHA) != 0) has_alpha[instance.mesh] = true;

    for (std::size_t i = 0; i < scene.meshes.size(); ++i) {
        const shading::SceneMesh& mesh = scene.meshes[i];
        if (mesh.triangle_count == 0) continue;
        std::vector<std::uint32_t> corners;
        corners.reserve(std::size_t{3} * mesh.triangle_count);
        for (std::uint32_t t = 0; t < mesh.triangle_count; ++t) {
            const shading::SceneTriangle& triangle = scene.triangles[mesh.first_triangle + t];
            corners.insert(corners.end(), {triangle.v0, triangle.v1, triangle.v2});
        }
        const Result<Buffer> indices =
            upload(context, corners, "triangles", VK_BUFFER_USAGE_ACCELERATION_STRUCTURE_BUILD_INPUT_READ_ONLY_BIT_KHR);
        if (!indices) return std::unexpected(indices.error());
        auto geometry = typed<VkAccelerationStructureGeometryKHR>(VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_GEOMETRY_KHR);
        geometry.geometryType = VK_GEOMETRY_TYPE_TRIANGLES_KHR;
        geometry.flags = has_alpha[i] ? VK_GEOMETRY_NO_DUPLICATE_ANY_HIT_INVOCATION_BIT_KHR : VK_GEOMETRY_OPAQUE_BIT_KHR;
        VkAccelerationStructureGeometryTrianglesDataKHR& triangles = geometry.geometry.triangles;
        triangles.sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_GEOMETRY_TRIANGLES_DATA_KHR;
        triangles.vertexFormat = VK_FORMAT_R32G32B32_SFLOAT;
        triangles.vertexData.deviceAddress = positions.address();
        triangles.vertexStride = sizeof(glm::vec3);
        triangles.maxVertex = static_cast<std::uint32_t>(scene.positions.size() - 1);
        triangles.indexType = VK_INDEX_TYPE_UINT32;
        triangles.indexData.deviceAddress = indices->address();
        Result<Level> level = build_level(context, VK_ACCELERATION_STRUCTURE_TYPE_BOTTOM_LEVEL_KHR, geometry, mesh.triangle_count,
                                          "acceleration structures of meshes");
        if (!level) return std::unexpected(level.error());
        result.bottom_[i] = std::move(*level);
    }

    std::vector<VkAccelerationStructureInstanceKHR> instances;
    for (std::uint32_t i = 0; i < scene.instances.size(); ++i) {
        const shading::SceneInstance& placed = scene.instances[i];
        // The same that accel::build leaves out.
        if (result.bottom_[placed.mesh].address == 0 || !finite(placed.object_to_world) || !finite(placed.world_to_object)) continue;
        VkAccelerationStructureInstanceKHR instance{};
        instance.transform = transform_of(placed.object_to_world);
        instance.instanceCustomIndex = i & 0xffffffu;
        instance.mask = 0xff;
        instance.accelerationStructureReference = result.bottom_[placed.mesh].address;
        instances.push_back(instance);
    }
    const Result<Buffer> buffer =
        upload(context, instances, "instances", VK_BUFFER_USAGE_ACCELERATION_STRUCTURE_BUILD_INPUT_READ_ONLY_BIT_KHR);
    if (!buffer) return std::unexpected(buffer.error());
    auto geometry = typed<VkAccelerationStructureGeometryKHR>(VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_GEOMETRY_KHR);
    geometry.geometryType = VK_GEOMETRY_TYPE_INSTANCES_KHR;
    geometry.geometry.instances.sType = VK_STRUCTURE_TYPE_ACCELERATION_STRUCTURE_GEOMETRY_INSTANCES_DATA_KHR;
    geometry.geometry.instances.data.deviceAddress = buffer->address();
    Result<Level> top = build_level(context, VK_ACCELERATION_STRUCTURE_TYPE_TOP_LEVEL_KHR, geometry,
                                    static_cast<std::uint32_t>(instances.size()), "acceleration structure of the scene");
    if (!top) return std::unexpected(top.error());
    result.top_ = std::move(*top);
    result.address_ = result.top_.address;
    return result;
}

} // namespace raymill::gpu
