#include "renderer/gltf/images.hpp"
#include "renderer/gltf/parts.hpp"

#include <algorithm>
#include <cmath>

namespace raymill::gltf {
namespace {

// glTF 2.0, 5.26 (sampler): OpenGL's numbers.
constexpr std::uint64_t filter_nearest = 9728, filter_linear = 9729, wrap_repeat = 10497, wrap_clamp = 33071, wrap_mirror = 33648;

std::uint32_t wrap_of(const Object& sampler, std::string_view key) {
    const std::uint64_t mode = sampler.whole(key, wrap_repeat);
    if (mode == wrap_repeat) return shading::WRAP_REPEAT;
    if (mode == wrap_clamp) return shading::WRAP_CLAMP;
    if (mode == wrap_mirror) return shading::WRAP_MIRROR;
    bad(sampler.path(key), "is " + std::to_string(mode) + ", which is no wrap mode");
}

void read_textures(Loading& loading) {
    const Object root = loading.document.root();
    const std::size_t images = root.size("images"), samplers = root.size("samplers");
    loading.scene.images.resize(images);
    for (std::size_t i = 0; i < images; ++i) {
        const Object object = root.at("images", i);
        const std::string name = object.text("name"), uri = object.text("uri");
        // One of the two, so that files_of and load agree on what an image is.
        if (object.has("uri") == object.has("bufferView")) bad(object.path(), "needs either a uri or a bufferView");
        loading.scene.images[i].name = object.path();
        if (!name.empty())
            loading.scene.images[i].name += " '" + printable(name) + "'";
        else if (!uri.empty() && !is_data_uri(uri))
            loading.scene.images[i].name += " '" + printable(uri) + "'";
    }
    for (std::size_t i = 0; i < root.size("textures"); ++i) {
        const Object object = root.at("textures", i);
        scene::Texture texture;
        texture.image = object.optional_index("source", images, "images");
        const std::uint32_t at = object.optional_index("sampler", samplers, "samplers");
        if (at != scene::NONE) {
            const Object sampler = root.at("samplers", at);
            texture.wrap_s = wrap_of(sampler, "wrapS");
            texture.wrap_t = wrap_of(sampler, "wrapT");
            const std::uint64_t filter = sampler.whole("magFilter", filter_linear);
            if (filter != filter_nearest && filter != filter_linear)
                bad(sampler.path("magFilter"), "is " + std::to_string(filter) + ", which is no filter");
            texture.filtering = filter == filter_nearest ? shading::FILTER_NEAREST : shading::FILTER_LINEAR;
        }
        loading.scene.textures.push_back(texture);
    }
}

/// A factor that the specification bounds: outside it is pulled in, and said so.
float factor(Loading& loading, const Object& object, std::string_view key, float absent, float upper) {
    const float value = object.number(key, absent);
    if (value >= 0 && value <= upper) return value;
    loading.note("factors outside their range are pulled into it", object.path(key));
    return std::clamp(value, 0.f, upper);
}

template<std::size_t N>
std::array<float, N> factors(Loading& loading, const Object& object, std::string_view key, std::array<float, N> absent, float upper) {
    std::array<float, N> values = object.numbers<N>(key).value_or(absent);
    for (float& value : values) {
        if (value >= 0 && value <= upper) continue;
        loading.note("factors outside their range are pulled into it", object.path(key));
        value = std::clamp(value, 0.f, upper);
    }
    return values;
}

glm::vec3 vec3_of(const std::array<float, 3>& v) { return {v[0], v[1], v[2]}; }

scene::TextureSlot slot(Loading& loading, const Object& parent, std::string_view key) {
    scene::TextureSlot out;
    const auto object = parent.object(key);
    if (!object) return out;
    out.texture = object->index("index", loading.scene.textures.size(), "textures");
    std::uint64_t set = object->whole("texCoord", 0);
    if (const auto transform = object->extension("KHR_texture_transform")) {
        const auto offset = transform->numbers<2>("offset").value_or(std::array{0.f, 0.f});
        const auto scale = transform->numbers<2>("scale").value_or(std::array{1.f, 1.f});
        const float rotation = transform->number("rotation", 0);
        set = transform->whole("texCoord", set);
        // KHR_texture_transform: uv' = T x R x S uv, R counter-clockwise with v downwards: (c u + s v, -s u + c v).
        const float c = std::cos(rotation), s = std::sin(rotation);
        out.transform = {c * scale[0], s * scale[1], offset[0], -s * scale[0], c * scale[1], offset[1]};
    }
    if (set >= scene::MAX_UV_SETS) {
        loading.note("textures on TEXCOORD_" + std::to_string(scene::MAX_UV_SETS) + " and later sets are left out", object->path());
        return {};
    }
    out.uv_set = static_cast<std::uint32_t>(set);
    return out;
}

scene::Material material(Loading& loading, const Object& object) {
    constexpr float unbounded = 3.4e38f;
    scene::Material out;
    out.name = object.text("name");
    if (const auto pbr = object.object("pbrMetallicRoughness")) {
        const auto color = factors<4>(loading, *pbr, "baseColorFactor", {1, 1, 1, 1}, 1);
        out.base_color = {color[0], color[1], color[2], color[3]};
        out.metallic = factor(loading, *pbr, "metallicFactor", 1, 1);
        out.roughness = factor(loading, *pbr, "roughnessFactor", 1, 1);
        out.base_color_texture = slot(loading, *pbr, "baseColorTexture");
        out.metallic_roughness_texture = slot(loading, *pbr, "metallicRoughnessTexture");
    }
    out.normal_texture = slot(loading, object, "normalTexture");
    if (const auto normal = object.object("normalTexture")) out.normal_scale = normal->number("scale", 1);
    out.occlusion_texture = slot(loading, object, "occlusionTexture");
    out.emission_texture = slot(loading, object, "emissiveTexture");
    // Files older than KHR_materials_emissive_strength have factors above 1, and mean them.
    out.emission = vec3_of(factors<3>(loading, object, "emissiveFactor", {0, 0, 0}, unbounded));
    const std::string mode = object.has("alphaMode") ? object.text("alphaMode") : "OPAQUE";
    if (mode == "MASK")
        out.alpha_mode = shading::ALPHA_MASK;
    else if (mode == "BLEND")
        out.alpha_mode = shading::ALPHA_BLEND;
    else if (mode != "OPAQUE")
        bad(object.path("alphaMode"), "is '" + printable(mode) + "'; OPAQUE, MASK and BLEND are known");
    out.alpha_cutoff = factor(loading, object, "alphaCutoff", 0.5f, unbounded);
    out.double_sided = object.flag("doubleSided");
    out.unlit = object.extension("KHR_materials_unlit").has_value();
    if (const auto strength = object.extension("KHR_materials_emissive_strength")) {
        out.emission *= factor(loading, *strength, "emissiveStrength", 1, unbounded);
        if (!std::isfinite(out.emission.x + out.emission.y + out.emission.z)) bad(strength->path("emissiveStrength"), "is too large");
    }
    if (const auto ior = object.extension("KHR_materials_ior")) {
        out.ior = ior->number("ior", 1.5f);
        if (out.ior != 0 && !(out.ior >= 1)) bad(ior->path("ior"), "is " + std::to_string(out.ior) + "; it is 0, or 1 or more");
    }
    if (const auto specular = object.extension("KHR_materials_specular")) {
        out.specular = factor(loading, *specular, "specularFactor", 1, 1);
        out.specular_color = vec3_of(factors<3>(loading, *specular, "specularColorFactor", {1, 1, 1}, unbounded));
        out.specular_texture = slot(loading, *specular, "specularTexture");
        out.specular_color_texture = slot(loading, *specular, "specularColorTexture");
    }
    return out;
}

} // namespace

void read_materials(Loading& loading) {
    read_textures(loading);
    const Object root = loading.document.root();
    for (std::size_t i = 0; i < root.size("materials"); ++i) loading.scene.materials.push_back(material(loading, root.at("materials", i)));
}

void read_images(Loading& loading) {
    scene::Scene& scene = loading.scene;
    std::vector<bool> used(scene.materials.size(), false);
    for (const auto& mesh : scene.meshes)
        for (const auto& primitive : mesh.primitives) {
            if (primitive.material != scene::NONE) used[primitive.material] = true;
            for (const auto m : primitive.variant_materials)
                if (m != scene::NONE) used[m] = true;
        }
    const Object root = loading.document.root();
    std::uint64_t pixels = 0;
    for (std::size_t m = 0; m < scene.materials.size(); ++m) {
        scene::Material& material = scene.materials[m];
        // Occlusion is not applied, so its image is not read.
        for (const auto* const slot : {&material.base_color_texture, &material.metallic_roughness_texture, &material.normal_texture,
                                       &material.emission_texture, &material.specular_texture, &material.specular_color_texture}) {
            if (!used[m] || slot->texture == scene::NONE) continue;
            const Object texture = root.at("textures", slot->texture);
            const std::uint32_t at = scene.textures[slot->texture].image;
            if (at == scene::NONE) {
                const auto extensions = texture.object("extensions");
                const std::string name =
                    extensions && !extensions->json().empty() ? " (only " + printable(extensions->json().begin().key()) + ")" : "";
                unsupported(texture.path(), "has no PNG or JPEG source" + name);
            }
            scene::Image& image = scene.images[at];
            if (image.width != 0) continue;
            const Object object = root.at("images", at);
            const std::string where = image.name;
            if (object.has("uri")) {
                const std::string uri = object.text("uri");
                const auto bytes = is_data_uri(uri)
                                       ? decode_data_uri(uri, where)
                                       : read_file(resolve(loading.document.folder(), uri, where), where, loading.limits().max_file_bytes);
                image = decode_image(bytes, where, loading.limits());
            } else {
                image = decode_image(loading.document.view(object.index("bufferView", root.size("bufferViews"), "bufferViews")), where,
                                     loading.limits());
            }
            image.name = where;
            pixels += std::uint64_t{image.width} * image.height;
            if (pixels > loading.limits().max_total_pixels)
                bad(where, "with it the images have more than " + std::to_string(loading.limits().max_total_pixels) + " pixels together");
        }
    }
}

} // namespace raymill::gltf
