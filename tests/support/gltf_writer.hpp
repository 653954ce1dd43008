#pragma once
/// Small glTF files made in tests: geometry makers, and a builder that writes .glb or .gltf with embedded (data:) buffers. Used by every
/// area whose tests need a scene with a closed form. What the test says is written as it is, also where it is wrong: no checks, no defaults
/// made up.
///
///     GltfWriter writer;
///     const auto white = writer.material(lambert({0.5f, 0.5f, 0.5f}));
///     writer.node({.mesh = writer.mesh({{quad({0, 0, 0}, {1, 0, 0}, {0, 0, -1}), white}})});     // a floor of 2 x 2 m, facing +y
///     writer.node({.translation = {0, 1, 4}, .camera = writer.camera({.yfov = 0.7f})});
///     writer.write(folder / "floor.glb");
///
/// Units and axes are glTF's (metres, radians, y up; rotations are quaternions x, y, z, w). Indices returned are glTF's indices. One
/// thread.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <glm/glm.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace raymill::tests {

using Index = int; ///< glTF's index; -1: none

// ---- geometry ------------------------------------------------------------------------------------------------------------------------
struct MorphDeltas {
    std::vector<glm::vec3> positions{}, normals{}, tangents{};
};

/// One primitive's streams; empty ones are not written. `mode` is glTF's: 4 triangles, 5 strip, 6 fan, 0 points, 1 lines ...
struct Geometry {
    std::vector<glm::vec3> positions{}, normals{};
    std::vector<glm::vec4> tangents{}; ///< w: handedness
    std::vector<glm::vec4> colors{};
    std::vector<std::vector<glm::vec2>> uvs{};     ///< TEXCOORD_0, _1 ...
    std::vector<std::vector<glm::uvec4>> joints{}; ///< JOINTS_0, _1; written as unsigned shorts
    std::vector<std::vector<glm::vec4>> weights{};
    std::vector<std::uint32_t> indices{}; ///< empty: not indexed
    std::vector<MorphDeltas> targets{};
    int mode = 4;
};

/// Counter-clockwise seen from its front; without normals.
Geometry triangle(glm::vec3 a, glm::vec3 b, glm::vec3 c);
/// Parallelogram center +- u +- v with front face, normal and uv: the normal is normalize(u x v), uv (0,0) lies at center - u + v (top left
/// of an image seen from the front), u grows along u, v against v.
Geometry quad(glm::vec3 center, glm::vec3 u, glm::vec3 v);
/// Axis-aligned box of edge lengths `size` about `center`: 12 triangles, flat normals, uvs 0..1 a face. `inward`: faces look inside (a
/// room).
Geometry box(glm::vec3 center, glm::vec3 size, bool inward = false);
/// Icosahedron split `levels` times (20 x 4^levels triangles), vertices on the sphere, smooth normals. `inward`: seen from inside.
Geometry icosphere(glm::vec3 center, float radius, int levels, bool inward = false);
/// A regular polygon of `sides` corners about `center` in the plane of u and v (both of the disk's radius), facing u x v: a fan of
/// triangles.
Geometry disk(glm::vec3 center, glm::vec3 u, glm::vec3 v, int sides);
/// Appends `b` to `a` (both indexed triangles with the same streams).
Geometry joined(Geometry a, const Geometry& b);

// ---- materials -----------------------------------------------------------------------------------------------------------------------
struct TextureTransform {
    glm::vec2 offset{0, 0}, scale{1, 1};
    float rotation = 0;
    std::optional<int> uv_set{}; ///< KHR_texture_transform's own texCoord
};
struct TextureSlot {
    Index texture = -1;
    int uv_set = 0;
    std::optional<TextureTransform> transform{};
};

/// glTF's defaults. An optional that is set writes its extension (KHR_materials_emissive_strength, _ior, _specular, _unlit).
struct Material {
    std::string name{};
    glm::vec4 base_color{1, 1, 1, 1};
    float metallic = 1, roughness = 1;
    glm::vec3 emissive{0, 0, 0};
    std::optional<float> emissive_strength{}, ior{}, specular{};
    std::optional<glm::vec3> specular_color{};
    bool unlit = false, double_sided = false;
    std::string alpha_mode = "OPAQUE";
    std::optional<float> alpha_cutoff{};
    float normal_scale = 1, occlusion_strength = 1;
    TextureSlot base_color_texture{}, metallic_roughness_texture{}, normal_texture{}, occlusion_texture{}, emissive_texture{},
        specular_texture{}, specular_color_texture{};
};
/// Pure Lambert: KHR_materials_specular with specularFactor 0 makes f0 = f90 = 0, so radiance reflected is albedo / pi x irradiance.
Material lambert(glm::vec3 albedo);
/// Black Lambert that emits `radiance`: emissiveFactor is radiance / its largest component, KHR_materials_emissive_strength the rest.
Material emitter(glm::vec3 radiance, glm::vec3 albedo = {0, 0, 0});

struct Sampler {
    std::optional<int> mag_filter{}, min_filter{}; ///< 9728 nearest, 9729 linear
    int wrap_s = 10497, wrap_t = 10497;            ///< 10497 repeat, 33071 clamp, 33648 mirror
};

// ---- the rest ------------------------------------------------------------------------------------------------------------------------
struct Primitive {
    Geometry geometry{};
    Index material = -1;
    std::vector<std::pair<int, Index>> variants{}; ///< KHR_materials_variants: (variant, material)
};

struct Camera {
    std::string name{};
    float yfov = 0.7f;
    float znear = 0.01f;
    std::optional<float> zfar{};
    std::optional<float> aspect{};
    std::optional<glm::vec2> orthographic{}; ///< (xmag, ymag): makes it orthographic; zfar is then written as 100 unless set
};

struct Light {
    std::string name{};
    std::string type = "point"; ///< "point", "spot", "directional"; it shines along the node's -z
    glm::vec3 color{1, 1, 1};
    float intensity = 1;
    std::optional<float> range{};
    float inner_cone = 0, outer_cone = 0.7853982f;
};

struct Node {
    std::string name{};
    Index parent = -1; ///< -1: a root of the scene
    std::optional<glm::vec3> translation{}, scale{};
    std::optional<glm::vec4> rotation{}; ///< x, y, z, w
    std::optional<glm::mat4> matrix{};
    Index mesh = -1, camera = -1, light = -1, skin = -1;
    std::vector<float> weights{};
};

struct Channel {
    Index node = -1;
    std::string path{}; ///< "translation", "rotation", "scale", "weights"
    std::vector<float> times{};
    std::vector<float> values{}; ///< flat; CUBICSPLINE: in-tangent, value, out-tangent for each time
    std::string interpolation = "LINEAR";
};

class GltfWriter {
  public:
    GltfWriter();
    ~GltfWriter();
    GltfWriter(const GltfWriter&) = delete;
    GltfWriter& operator=(const GltfWriter&) = delete;

    Index material(const Material& material);
    Index mesh(const std::vector<Primitive>& primitives, const std::vector<float>& weights = {}, std::string_view name = {});
    Index node(const Node& node);
    Index camera(const Camera& camera);
    Index light(const Light& light);
    /// `inverse_bind_matrices` may be empty (identity).
    Index skin(const std::vector<Index>& joints, const std::vector<glm::mat4>& inverse_bind_matrices = {});
    Index animation(const std::vector<Channel>& channels, std::string_view name = {});
    /// An image from the bytes of a PNG or JPEG file, embedded through a bufferView. Returns a texture that uses it.
    Index texture(std::span<const std::byte> file, const Sampler& sampler = {}, std::string_view mime = "image/png");
    /// The same from 8-bit RGBA texels, row by row from the top (width x height x 4 bytes).
    Index texture_rgba8(int width, int height, const std::vector<std::uint8_t>& rgba, const Sampler& sampler = {});
    /// Names the variants (KHR_materials_variants), in order.
    void variants(const std::vector<std::string>& names);
    void require_extension(std::string_view name);

    /// Raw parts, for encodings that the builder has no words for: an aligned bufferView of these bytes; an accessor over one.
    Index buffer_view(std::span<const std::byte> bytes, std::optional<int> stride = {});
    Index accessor(Index buffer_view, int component_type, std::size_t count, std::string_view type, bool normalized = false,
                   std::size_t byte_offset = 0);

    /// The glTF JSON as text, its one buffer's bytes, and the whole of a .glb made of them.
    [[nodiscard]] std::string json() const;
    [[nodiscard]] const std::vector<std::byte>& buffer() const;
    [[nodiscard]] std::vector<std::byte> glb() const;
    /// By extension: .glb, or .gltf with its buffer as a data: URI. Ends the test program where the file cannot be written.
    void write(const std::filesystem::path& file) const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// A .glb of any JSON text and buffer (also broken ones): chunks padded and lengths right.
std::vector<std::byte> make_glb(std::string_view json, std::span<const std::byte> buffer);
/// RFC 4648 base64, for data: URIs.
std::string base64(std::span<const std::byte> bytes);
/// A PNG file. `samples`: row by row from the top, `channels` (1 grey, 2 grey + alpha, 3 RGB, 4 RGBA) values a pixel, of `bits` 8 or 16
/// each.
std::vector<std::byte> encode_png(int width, int height, int channels, int bits, const std::vector<std::uint16_t>& samples);
void write_file(const std::filesystem::path& file, std::span<const std::byte> bytes);
std::vector<std::byte> bytes_of(std::string_view text);

/// A folder of its own under the system's temporary folder, removed with what is in it at the end of scope.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

} // namespace raymill::tests
