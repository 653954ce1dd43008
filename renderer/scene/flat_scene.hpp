#pragma once
/// The scene at one moment, flattened to the arrays that devices read (shaders/shared/scene_data.h). Owned by whoever made it; plain data;
/// thread: any.
#include "shaders/shared/scene_data.h"

#include <cstdint>
#include <string>
#include <vector>

namespace raymill::scene {

struct FlatScene {
    std::vector<glm::vec3> positions; ///< object space of each mesh
    std::vector<glm::vec3> normals;
    std::vector<glm::vec4> tangents;
    std::vector<glm::vec4> colors;
    std::vector<glm::vec2> uvs; ///< all sets of all meshes; SceneMesh::first_uv* index it
    std::vector<shading::SceneTriangle> triangles;
    std::vector<shading::SceneMesh> meshes;
    std::vector<shading::SceneInstance> instances;
    std::vector<shading::SceneMaterial> materials;
    std::vector<shading::SceneTexture> textures;
    std::vector<std::uint32_t> texels;
    std::vector<shading::SceneLight> lights;
    std::vector<shading::LightNode> light_nodes;
    std::vector<std::uint32_t> triangle_light;
    std::vector<shading::EnvironmentTexel> environment;
    /// Counts, flags, camera and constants are filled; the buffer references are not: `referring` below, or the device, sets them.
    shading::SceneData head{};
    std::vector<std::string> notes; ///< what is not drawn as the file means it, one sentence each
};

/// `flat.head` with its references pointing at `flat`'s own vectors, for code on the CPU. Valid while `flat` lives and is not changed.
shading::SceneData referring(const FlatScene& flat);

} // namespace raymill::scene
