#include "renderer/scene/flatten_parts.hpp"
#include "renderer/scene/light_table.hpp"

#include <array>
#include <cmath>
#include <map>
#include <utility>

namespace raymill::scene {
namespace {

/// IEC 61966-2-1, the sRGB curve to linear.
double linear_of_srgb(double c) { return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); }

/// Textures are added once for each way they are used: the same image may hold colour here and numbers there.
class TextureTable {
  public:
    explicit TextureTable(Flattening& f) : f_(f) {}

    Result<std::uint32_t> add(std::uint32_t texture, bool srgb) {
        const auto [at, fresh] = known_.try_emplace({texture, srgb}, static_cast<std::uint32_t>(f_.flat.textures.size()));
        if (!fresh) return at->second;
        const Texture& source = f_.scene.textures[texture];
        const Image& image = f_.scene.images[source.image];
        shading::SceneTexture out{};
        const auto first = texels_of(source.image, srgb && image.sixteen_bit);
        if (!first) return std::unexpected(first.error());
        out.first_texel = *first;
        out.width = image.width;
        out.height = image.height;
        out.format = image.sixteen_bit ? shading::TEXEL_RGBA16_LINEAR : srgb ? shading::TEXEL_RGBA8_SRGB : shading::TEXEL_RGBA8_LINEAR;
        out.wrap_s = source.wrap_s;
        out.wrap_t = source.wrap_t;
        out.filtering = source.filtering;
        out.image = NONE;
        f_.flat.textures.push_back(out);
        return at->second;
    }

    /// Mean of the linear colour over the whole texture.
    glm::vec3 mean(std::uint32_t texture) {
        const std::uint32_t index = f_.scene.textures[texture].image;
        const auto [at, fresh] = means_.try_emplace(index);
        if (!fresh) return at->second;
        const Image& image = f_.scene.images[index];
        const std::size_t count = static_cast<std::size_t>(image.width) * image.height;
        glm::dvec3 sum(0);
        if (image.sixteen_bit) {
            for (std::size_t i = 0; i < count; ++i)
                for (int c = 0; c < 3; ++c) sum[c] += linear_of_srgb(image.rgba16[4 * i + static_cast<std::size_t>(c)] / 65535.0);
        } else {
            std::array<double, 256> curve{};
            for (std::size_t v = 0; v < curve.size(); ++v) curve[v] = linear_of_srgb(static_cast<double>(v) / 255.0);
            for (std::size_t i = 0; i < count; ++i)
                for (unsigned c = 0; c < 3; ++c) sum[static_cast<int>(c)] += curve[image.rgba8[i] >> (8 * c) & 255u];
        }
        return at->second = glm::vec3(sum / static_cast<double>(count));
    }

  private:
    Result<std::uint32_t> texels_of(std::uint32_t index, bool linearise) {
        const auto [at, fresh] = images_.try_emplace({index, linearise}, static_cast<std::uint32_t>(f_.flat.texels.size()));
        if (!fresh) return at->second;
        const Image& image = f_.scene.images[index];
        auto& texels = f_.flat.texels;
        if (texels.size() + image.rgba8.size() + image.rgba16.size() / 2 > f_.request.limits.max_texel_words)
            return fail(Code::bad_input, image.name,
                        "the textures take more than " + std::to_string(f_.request.limits.max_texel_words) + " words of 4 bytes together");
        if (!image.sixteen_bit) {
            texels.insert(texels.end(), image.rgba8.begin(), image.rgba8.end());
            return at->second;
        }
        texels.reserve(texels.size() + image.rgba16.size() / 2);
        for (std::size_t i = 0; i < image.rgba16.size(); i += 4) {
            std::array<std::uint32_t, 4> v{};
            for (std::size_t c = 0; c < 4; ++c) {
                const std::uint16_t raw = image.rgba16[i + c];
                v[c] = linearise && c < 3 ? static_cast<std::uint32_t>(std::lround(linear_of_srgb(raw / 65535.0) * 65535.0)) : raw;
            }
            texels.push_back(v[0] | v[1] << 16);
            texels.push_back(v[2] | v[3] << 16);
        }
        return at->second;
    }

    Flattening& f_;
    std::map<std::pair<std::uint32_t, bool>, std::uint32_t> known_, images_;
    std::map<std::uint32_t, glm::vec3> means_;
};

/// Whether BLEND or MASK can let anything through: many exporters ask for it where every alpha is 1.
bool has_alpha(const Flattening& f, const Material& m, bool colors_have_alpha) {
    if (m.alpha_mode == shading::ALPHA_OPAQUE) return false;
    if (m.alpha_mode == shading::ALPHA_MASK && m.alpha_cutoff > 1) return true;
    if (m.base_color.w < 1 || colors_have_alpha) return true;
    return m.base_color_texture.texture != NONE && !f.scene.images[f.scene.textures[m.base_color_texture.texture].image].opaque;
}

} // namespace

Status flatten_materials(Flattening& f) {
    TextureTable textures(f);
    bool colors_have_alpha = false;
    for (const auto& c : f.flat.colors) colors_have_alpha = colors_have_alpha || c.w < 1;
    f.emitted.assign(f.used.size(), glm::vec3(0));
    for (std::uint32_t i = 0; i < f.used.size(); ++i) {
        if (!f.used[i] && i == f.scene.materials.size()) break; // the default material stands only where it is needed
        const Material& m = f.material(i);
        shading::SceneMaterial out{};
        out.base_color = m.base_color;
        out.emission = m.unlit ? glm::vec3(0) : m.emission;
        out.metallic = m.metallic;
        out.roughness = m.roughness;
        out.ior = m.ior;
        out.specular = m.specular;
        out.specular_color = m.specular_color;
        out.normal_scale = m.normal_scale;
        out.alpha_cutoff = m.alpha_cutoff;
        out.alpha_mode = f.used[i] && has_alpha(f, m, colors_have_alpha) ? m.alpha_mode : shading::ALPHA_OPAQUE;
        out.flags = (m.double_sided ? shading::MATERIAL_DOUBLE_SIDED : 0) | (m.unlit ? shading::MATERIAL_UNLIT : 0);
        const struct {
            const TextureSlot& from;
            shading::TextureUse& to;
            bool srgb, lit_only;
        } slots[] = {{m.base_color_texture, out.base_color_texture, true, false},
                     {m.metallic_roughness_texture, out.metallic_roughness_texture, false, true},
                     {m.normal_texture, out.normal_texture, false, true},
                     {m.emission_texture, out.emission_texture, true, true},
                     {m.specular_texture, out.specular_texture, false, true},
                     {m.specular_color_texture, out.specular_color_texture, true, true}};
        for (const auto& slot : slots) {
            slot.to = {NONE, 0, 1, 0, 0, 0, 1, 0};
            // An unused material keeps its place, but its textures stay out; an unlit one reads its base colour alone.
            if (slot.from.texture == NONE || !f.used[i] || (m.unlit && slot.lit_only)) continue;
            const auto texture = textures.add(slot.from.texture, slot.srgb);
            if (!texture) return std::unexpected(texture.error());
            const auto& t = slot.from.transform;
            slot.to = {*texture, slot.from.uv_set, t[0], t[1], t[2], t[3], t[4], t[5]};
        }
        if (f.used[i] && out.emission != glm::vec3(0)) {
            f.emitted[i] = out.emission * (m.emission_texture.texture == NONE ? glm::vec3(1) : textures.mean(m.emission_texture.texture));
        }
        f.flat.materials.push_back(out);
    }
    // Instances whose hits must be asked for their alpha.
    std::vector<bool> mesh_has_alpha(f.flat.meshes.size(), false);
    for (std::size_t m = 0; m < f.flat.meshes.size(); ++m) {
        const auto& mesh = f.flat.meshes[m];
        for (std::uint32_t t = 0; t < mesh.triangle_count && !mesh_has_alpha[m]; ++t)
            mesh_has_alpha[m] = f.flat.materials[f.flat.triangles[mesh.first_triangle + t].material].alpha_mode != shading::ALPHA_OPAQUE;
    }
    for (auto& instance : f.flat.instances)
        if (mesh_has_alpha[instance.mesh]) {
            instance.flags |= shading::INSTANCE_HAS_ALPHA;
            f.flat.head.flags |= shading::SCENE_HAS_ALPHA;
        }
    return {};
}

} // namespace raymill::scene
