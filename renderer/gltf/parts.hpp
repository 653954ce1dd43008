#pragma once
/// The steps of load(), each in a file of its own. Private to renderer/gltf.
#include "renderer/gltf/accessors.hpp"
#include "renderer/gltf/document.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace raymill::gltf {

/// What the steps share.
struct Loading {
    Loading(Document& document_, Accessors& accessors_, scene::Scene& scene_) : document(document_), accessors(accessors_), scene(scene_) {}

    Document& document;
    Accessors& accessors;
    scene::Scene& scene;
    std::uint64_t triangles = 0;

    [[nodiscard]] const LoadLimits& limits() const { return document.limits(); }

    /// One sentence for the notes; things of the same kind are counted: "text (3 times, first at meshes[0])".
    void note(const std::string& text, const std::string& where);
    /// Writes what note() gathered to the scene, in the order of first appearance.
    void finish_notes();

  private:
    struct Noted {
        std::string text, first;
        std::uint64_t times;
    };
    std::vector<Noted> noted_;
    std::map<std::string, std::size_t> known_;
};

/// Textures (images not decoded yet: see read_images) and materials.
void read_materials(Loading& loading);
/// Decodes the images that materials of primitives use; the others stay empty and no texture slot in use refers to them.
void read_images(Loading& loading);
void read_meshes(Loading& loading);
/// Cameras, lights, nodes, scenes, skins; checks the forest, and skins and weights against meshes.
void read_nodes(Loading& loading);
void read_animations(Loading& loading);
/// extensionsUsed and extensionsRequired: faults for what is required and unknown, notes for what is used and unknown.
void read_extensions(Loading& loading);

/// Tangents for normal maps where the file has none: after Mikkelsen, "Simulation of Wrinkled Surfaces Revisited" (2008), appendix A:
/// per-corner tangents of the triangles, weighted by the corner's angle, summed over corners with the same position, normal, uv and
/// handedness, made orthogonal to the normal. Vertices whose triangles differ in handedness are split. `uv`: the coordinates that the
/// normal texture is read with, one a vertex. Needs unit normals; all other streams follow the splits.
void derive_tangents(scene::Primitive& primitive, const std::vector<glm::vec2>& uv);

/// The vertex streams of `primitive` re-ordered: new vertex i is old vertex `from[i]`.
void reorder(scene::Primitive& primitive, const std::vector<std::uint32_t>& from);

} // namespace raymill::gltf
