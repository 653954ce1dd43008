#include "tests/support/gltf_writer.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <png.h>
#include <unistd.h>

namespace raymill::tests {
namespace {

using Json = nlohmann::ordered_json;

template<int N> Json array_of(const glm::vec<N, float>& v) {
    Json out = Json::array();
    for (int i = 0; i < N; ++i) out.push_back(v[i]);
    return out;
}

Json array_of(const glm::mat4& m) {
    Json out = Json::array();
    for (int column = 0; column < 4; ++column)
        for (int row = 0; row < 4; ++row) out.push_back(m[column][row]);
    return out;
}

[[noreturn]] void give_up(const std::string& what) {
    std::fprintf(stderr, "gltf_writer: %s\n", what.c_str());
    std::abort();
}

void append_u32(std::vector<std::byte>& out, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

template<class T> std::span<const std::byte> raw(const std::vector<T>& values) { return std::as_bytes(std::span(values)); }

} // namespace

struct GltfWriter::Parts {
    Json root;
    std::vector<std::byte> buffer;

    Index add(const char* array, Json value) {
        root[array].push_back(std::move(value));
        return static_cast<Index>(root[array].size()) - 1;
    }
    void use(std::string_view extension) {
        auto& used = root["extensionsUsed"];
        if (std::find(used.begin(), used.end(), extension) == used.end()) used.push_back(extension);
    }
};

GltfWriter::GltfWriter() : parts_(std::make_unique<Parts>()) {
    parts_->root["asset"] = {{"version", "2.0"}, {"generator", "raymill tests"}};
    parts_->root["scene"] = 0;
    parts_->root["scenes"] = Json::array({{{"nodes", Json::array()}}});
}
GltfWriter::~GltfWriter() = default;

Index GltfWriter::buffer_view(std::span<const std::byte> bytes, std::optional<int> stride) {
    auto& buffer = parts_->buffer;
    while (buffer.size() % 4 != 0) buffer.push_back(std::byte{0});
    Json view = {{"buffer", 0}, {"byteOffset", buffer.size()}, {"byteLength", bytes.size()}};
    if (stride) view["byteStride"] = *stride;
    buffer.insert(buffer.end(), bytes.begin(), bytes.end());
    return parts_->add("bufferViews", std::move(view));
}

Index GltfWriter::accessor(Index view, int component_type, std::size_t count, std::string_view type, bool normalized,
                           std::size_t byte_offset) {
    Json accessor = {{"componentType", component_type}, {"count", count}, {"type", type}};
    if (view >= 0) accessor["bufferView"] = view;
    if (normalized) accessor["normalized"] = true;
    if (byte_offset != 0) accessor["byteOffset"] = byte_offset;
    return parts_->add("accessors", std::move(accessor));
}

Index GltfWriter::material(const Material& m) {
    auto& parts = *parts_;
    const auto slot = [&parts](const TextureSlot& s) {
        Json info = {{"index", s.texture}};
        if (s.uv_set != 0) info["texCoord"] = s.uv_set;
        if (s.transform) {
            parts.use("KHR_texture_transform");
            Json t = {
                {"offset", array_of(s.transform->offset)}, {"rotation", s.transform->rotation}, {"scale", array_of(s.transform->scale)}};
            if (s.transform->uv_set) t["texCoord"] = *s.transform->uv_set;
            info["extensions"]["KHR_texture_transform"] = std::move(t);
        }
        return info;
    };
    Json out;
    if (!m.name.empty()) out["name"] = m.name;
    Json& pbr = out["pbrMetallicRoughness"];
    pbr = {{"baseColorFactor", array_of(m.base_color)}, {"metallicFactor", m.metallic}, {"roughnessFactor", m.roughness}};
    if (m.base_color_texture.texture >= 0) pbr["baseColorTexture"] = slot(m.base_color_texture);
    if (m.metallic_roughness_texture.texture >= 0) pbr["metallicRoughnessTexture"] = slot(m.metallic_roughness_texture);
    if (m.normal_texture.texture >= 0) {
        out["normalTexture"] = slot(m.normal_texture);
        out["normalTexture"]["scale"] = m.normal_scale;
    }
    if (m.occlusion_texture.texture >= 0) {
        out["occlusionTexture"] = slot(m.occlusion_texture);
        out["occlusionTexture"]["strength"] = m.occlusion_strength;
    }
    if (m.emissive_texture.texture >= 0) out["emissiveTexture"] = slot(m.emissive_texture);
    if (m.emissive != glm::vec3(0)) out["emissiveFactor"] = array_of(m.emissive);
    if (m.alpha_mode != "OPAQUE") out["alphaMode"] = m.alpha_mode;
    if (m.alpha_cutoff) out["alphaCutoff"] = *m.alpha_cutoff;
    if (m.double_sided) out["doubleSided"] = true;
    if (m.emissive_strength) {
        parts.use("KHR_materials_emissive_strength");
        out["extensions"]["KHR_materials_emissive_strength"]["emissiveStrength"] = *m.emissive_strength;
    }
    if (m.ior) {
        parts.use("KHR_materials_ior");
        out["extensions"]["KHR_materials_ior"]["ior"] = *m.ior;
    }
    if (m.unlit) {
        parts.use("KHR_materials_unlit");
        out["extensions"]["KHR_materials_unlit"] = Json::object();
    }
    if (m.specular || m.specular_color || m.specular_texture.texture >= 0 || m.specular_color_texture.texture >= 0) {
        parts.use("KHR_materials_specular");
        Json& specular = out["extensions"]["KHR_materials_specular"];
        specular = Json::object();
        if (m.specular) specular["specularFactor"] = *m.specular;
        if (m.specular_color) specular["specularColorFactor"] = array_of(*m.specular_color);
        if (m.specular_texture.texture >= 0) specular["specularTexture"] = slot(m.specular_texture);
        if (m.specular_color_texture.texture >= 0) specular["specularColorTexture"] = slot(m.specular_color_texture);
    }
    return parts.add("materials", std::move(out));
}

Index GltfWriter::mesh(const std::vector<Primitive>& primitives, const std::vector<float>& weights, std::string_view name) {
    auto& parts = *parts_;
    constexpr int float_type = 5126, uint_type = 5125, ushort_type = 5123;
    const auto stream = [this]<class T>(const std::vector<T>& values, std::string_view type) {
        return accessor(buffer_view(raw(values)), float_type, values.size(), type);
    };
    const auto positions = [&](const std::vector<glm::vec3>& values) {
        const Index at = stream(values, "VEC3");
        glm::vec3 lower = values.at(0), upper = values.at(0);
        for (const auto& p : values) lower = glm::min(lower, p), upper = glm::max(upper, p);
        parts.root["accessors"][static_cast<std::size_t>(at)]["min"] = array_of(lower);
        parts.root["accessors"][static_cast<std::size_t>(at)]["max"] = array_of(upper);
        return at;
    };
    Json out;
    if (!name.empty()) out["name"] = name;
    out["primitives"] = Json::array();
    for (const auto& [g, material, variants] : primitives) {
        Json primitive;
        Json& attributes = primitive["attributes"];
        attributes["POSITION"] = positions(g.positions);
        if (!g.normals.empty()) attributes["NORMAL"] = stream(g.normals, "VEC3");
        if (!g.tangents.empty()) attributes["TANGENT"] = stream(g.tangents, "VEC4");
        if (!g.colors.empty()) attributes["COLOR_0"] = stream(g.colors, "VEC4");
        for (std::size_t set = 0; set < g.uvs.size(); ++set) attributes["TEXCOORD_" + std::to_string(set)] = stream(g.uvs[set], "VEC2");
        for (std::size_t set = 0; set < g.joints.size(); ++set) {
            std::vector<std::uint16_t> shorts;
            for (const auto& j : g.joints[set])
                for (int i = 0; i < 4; ++i) shorts.push_back(static_cast<std::uint16_t>(j[i]));
            attributes["JOINTS_" + std::to_string(set)] = accessor(buffer_view(raw(shorts)), ushort_type, g.joints[set].size(), "VEC4");
        }
        for (std::size_t set = 0; set < g.weights.size(); ++set)
            attributes["WEIGHTS_" + std::to_string(set)] = stream(g.weights[set], "VEC4");
        if (!g.indices.empty()) primitive["indices"] = accessor(buffer_view(raw(g.indices)), uint_type, g.indices.size(), "SCALAR");
        if (material >= 0) primitive["material"] = material;
        if (g.mode != 4) primitive["mode"] = g.mode;
        for (const auto& target : g.targets) {
            Json deltas = Json::object();
            if (!target.positions.empty()) deltas["POSITION"] = positions(target.positions);
            if (!target.normals.empty()) deltas["NORMAL"] = stream(target.normals, "VEC3");
            if (!target.tangents.empty()) deltas["TANGENT"] = stream(target.tangents, "VEC3");
            primitive["targets"].push_back(std::move(deltas));
        }
        for (const auto& [variant, chosen] : variants)
            primitive["extensions"]["KHR_materials_variants"]["mappings"].push_back(
                {{"material", chosen}, {"variants", Json::array({variant})}});
        out["primitives"].push_back(std::move(primitive));
    }
    if (!weights.empty()) out["weights"] = weights;
    return parts.add("meshes", std::move(out));
}

Index GltfWriter::node(const Node& n) {
    auto& parts = *parts_;
    Json out = Json::object();
    if (!n.name.empty()) out["name"] = n.name;
    if (n.translation) out["translation"] = array_of(*n.translation);
    if (n.rotation) out["rotation"] = array_of(*n.rotation);
    if (n.scale) out["scale"] = array_of(*n.scale);
    if (n.matrix) out["matrix"] = array_of(*n.matrix);
    if (n.mesh >= 0) out["mesh"] = n.mesh;
    if (n.camera >= 0) out["camera"] = n.camera;
    if (n.skin >= 0) out["skin"] = n.skin;
    if (n.light >= 0) out["extensions"]["KHR_lights_punctual"]["light"] = n.light;
    if (!n.weights.empty()) out["weights"] = n.weights;
    const Index at = parts.add("nodes", std::move(out));
    if (n.parent >= 0)
        parts.root["nodes"][static_cast<std::size_t>(n.parent)]["children"].push_back(at);
    else
        parts.root["scenes"][0]["nodes"].push_back(at);
    return at;
}

Index GltfWriter::camera(const Camera& c) {
    Json out;
    if (!c.name.empty()) out["name"] = c.name;
    if (c.orthographic) {
        out["type"] = "orthographic";
        out["orthographic"] = {
            {"xmag", c.orthographic->x}, {"ymag", c.orthographic->y}, {"znear", c.znear}, {"zfar", c.zfar.value_or(100.f)}};
    } else {
        out["type"] = "perspective";
        out["perspective"] = {{"yfov", c.yfov}, {"znear", c.znear}};
        if (c.zfar) out["perspective"]["zfar"] = *c.zfar;
        if (c.aspect) out["perspective"]["aspectRatio"] = *c.aspect;
    }
    return parts_->add("cameras", std::move(out));
}

Index GltfWriter::light(const Light& l) {
    parts_->use("KHR_lights_punctual");
    Json out = {{"type", l.type}, {"color", array_of(l.color)}, {"intensity", l.intensity}};
    if (!l.name.empty()) out["name"] = l.name;
    if (l.range) out["range"] = *l.range;
    if (l.type == "spot") out["spot"] = {{"innerConeAngle", l.inner_cone}, {"outerConeAngle", l.outer_cone}};
    Json& lights = parts_->root["extensions"]["KHR_lights_punctual"]["lights"];
    lights.push_back(std::move(out));
    return static_cast<Index>(lights.size()) - 1;
}

Index GltfWriter::skin(const std::vector<Index>& joints, const std::vector<glm::mat4>& inverse_bind_matrices) {
    Json out = {{"joints", joints}};
    if (!inverse_bind_matrices.empty())
        out["inverseBindMatrices"] = accessor(buffer_view(raw(inverse_bind_matrices)), 5126, inverse_bind_matrices.size(), "MAT4");
    return parts_->add("skins", std::move(out));
}

Index GltfWriter::animation(const std::vector<Channel>& channels, std::string_view name) {
    auto& parts = *parts_;
    Json out;
    if (!name.empty()) out["name"] = name;
    out["channels"] = Json::array();
    out["samplers"] = Json::array();
    for (const auto& c : channels) {
        const Index input = accessor(buffer_view(raw(c.times)), 5126, c.times.size(), "SCALAR");
        if (!c.times.empty()) {
            Json& a = parts.root["accessors"][static_cast<std::size_t>(input)];
            a["min"] = Json::array({*std::min_element(c.times.begin(), c.times.end())});
            a["max"] = Json::array({*std::max_element(c.times.begin(), c.times.end())});
        }
        const bool scalar = c.path == "weights";
        const std::size_t width = scalar ? 1 : c.path == "rotation" ? 4 : 3;
        const Index output = accessor(buffer_view(raw(c.values)), 5126, c.values.size() / width,
                                      scalar       ? "SCALAR"
                                      : width == 4 ? "VEC4"
                                                   : "VEC3");
        out["channels"].push_back({{"sampler", out["samplers"].size()}, {"target", {{"node", c.node}, {"path", c.path}}}});
        out["samplers"].push_back({{"input", input}, {"output", output}, {"interpolation", c.interpolation}});
    }
    return parts.add("animations", std::move(out));
}

Index GltfWriter::texture(std::span<const std::byte> file, const Sampler& sampler, std::string_view mime) {
    const Index image = parts_->add("images", {{"bufferView", buffer_view(file)}, {"mimeType", mime}});
    Json out = {{"wrapS", sampler.wrap_s}, {"wrapT", sampler.wrap_t}};
    if (sampler.mag_filter) out["magFilter"] = *sampler.mag_filter;
    if (sampler.min_filter) out["minFilter"] = *sampler.min_filter;
    const Index at = parts_->add("samplers", std::move(out));
    return parts_->add("textures", {{"source", image}, {"sampler", at}});
}

Index GltfWriter::texture_rgba8(int width, int height, const std::vector<std::uint8_t>& rgba, const Sampler& sampler) {
    return texture(encode_png(width, height, 4, 8, std::vector<std::uint16_t>(rgba.begin(), rgba.end())), sampler);
}

void GltfWriter::variants(const std::vector<std::string>& names) {
    parts_->use("KHR_materials_variants");
    for (const auto& name : names) parts_->root["extensions"]["KHR_materials_variants"]["variants"].push_back({{"name", name}});
}

void GltfWriter::require_extension(std::string_view name) {
    parts_->use(name);
    parts_->root["extensionsRequired"].push_back(name);
}

std::string GltfWriter::json() const {
    Json root = parts_->root;
    if (!parts_->buffer.empty()) root["buffers"] = Json::array({{{"byteLength", parts_->buffer.size()}}});
    return root.dump();
}

const std::vector<std::byte>& GltfWriter::buffer() const { return parts_->buffer; }

std::vector<std::byte> GltfWriter::glb() const { return make_glb(json(), parts_->buffer); }

void GltfWriter::write(const std::filesystem::path& file) const {
    if (file.extension() == ".glb") return write_file(file, glb());
    Json root = Json::parse(json());
    if (!parts_->buffer.empty()) root["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64(parts_->buffer);
    write_file(file, bytes_of(root.dump(1)));
}

std::vector<std::byte> make_glb(std::string_view json, std::span<const std::byte> buffer) {
    std::vector<std::byte> text = bytes_of(json);
    while (text.size() % 4 != 0) text.push_back(static_cast<std::byte>(' '));
    std::vector<std::byte> binary(buffer.begin(), buffer.end());
    while (binary.size() % 4 != 0) binary.push_back(std::byte{0});
    std::vector<std::byte> out;
    append_u32(out, 0x46546C67); // "glTF"
    append_u32(out, 2);
    append_u32(out, static_cast<std::uint32_t>(12 + 8 + text.size() + (binary.empty() ? 0 : 8 + binary.size())));
    append_u32(out, static_cast<std::uint32_t>(text.size()));
    append_u32(out, 0x4E4F534A); // "JSON"
    out.insert(out.end(), text.begin(), text.end());
    if (!binary.empty()) {
        append_u32(out, static_cast<std::uint32_t>(binary.size()));
        append_u32(out, 0x004E4942); // "BIN"
        out.insert(out.end(), binary.begin(), binary.end());
    }
    return out;
}

std::string base64(std::span<const std::byte> bytes) {
    static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t word = 0;
        for (std::size_t k = 0; k < 3; ++k) word = word << 8 | (k < left ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k) out.push_back(k <= left ? letters[word >> (18 - 6 * k) & 63] : '=');
    }
    return out;
}

std::vector<std::byte> encode_png(int width, int height, int channels, int bits, const std::vector<std::uint16_t>& samples) {
    static constexpr int color_types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    const std::size_t row_samples = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
    if (samples.size() != row_samples * static_cast<std::size_t>(height)) give_up("encode_png: wrong number of samples");
    std::vector<std::byte> out, row;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    if (setjmp(png_jmpbuf(png))) give_up("encode_png: libpng failed");
    png_set_write_fn(
        png, &out,
        [](png_structp p, png_bytep data, png_size_t size) {
            auto& to = *static_cast<std::vector<std::byte>*>(png_get_io_ptr(p));
            const auto* from = reinterpret_cast<const std::byte*>(data);
            to.insert(to.end(), from, from + size);
        },
        nullptr);
    png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), bits, color_types[channels - 1],
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
        row.clear();
        for (std::size_t i = 0; i < row_samples; ++i) {
            const std::uint16_t sample = samples[y * row_samples + i];
            if (bits == 16) row.push_back(static_cast<std::byte>(sample >> 8)); // PNG is big-endian
            row.push_back(static_cast<std::byte>(sample));
        }
        png_write_row(png, reinterpret_cast<png_const_bytep>(row.data()));
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return out;
}

void write_file(const std::filesystem::path& file, std::span<const std::byte> bytes) {
    std::ofstream out(file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) give_up("cannot write " + file.string());
}

std::vector<std::byte> bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

Material lambert(glm::vec3 albedo) {
    Material m;
    m.base_color = glm::vec4(albedo, 1);
    m.metallic = 0;
    m.specular = 0.f;
    return m;
}

Material emitter(glm::vec3 radiance, glm::vec3 albedo) {
    Material m = lambert(albedo);
    const float strength = std::max({radiance.x, radiance.y, radiance.z});
    m.emissive = radiance / strength;
    m.emissive_strength = strength;
    return m;
}

TemporaryFolder::TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "raymill-test-XXXXXX").string();
    if (!::mkdtemp(name.data())) give_up("cannot make a temporary folder");
    path_ = name;
}
TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

} // namespace raymill::tests
