#include "renderer/base/settings.hpp"
#include "renderer/film/chunk.hpp"
#include "renderer/film/environment.hpp"
#include "renderer/film/image_writer.hpp"
#include "renderer/film/read_image.hpp"
#include "renderer/gltf/fault.hpp"
#include "renderer/gltf/images.hpp"
#include "renderer/gltf/load.hpp"
#include "renderer/gltf/summary.hpp"
#include "renderer/scene/flatten.hpp"
#include "tests/fuzz/targets.hpp"

#include <cmath>
#include <fstream>
#include <tuple>

namespace raymill::fuzz {
namespace {

/// Small, so that a run is quick and what is allocated is told from a leak.
gltf::LoadLimits limits() {
    gltf::LoadLimits small;
    small.max_nodes = 100'000;
    small.max_triangles = 200'000;
    small.max_elements = 2'000'000;
    small.max_image_edge = 4096;
    small.max_image_pixels = 1u << 20;
    small.max_total_pixels = 1u << 22;
    return small;
}

void load(const std::filesystem::path& file) {
    const auto listed = gltf::files_of(file, limits());
    if (listed)
        for (const auto& path : *listed)
            promise(!path.empty() && path.front() != '/' && path.find("..") == std::string::npos, "a scene's file leads out of its folder");
    const auto scene = gltf::load(file, limits());
    if (!scene) return promise(!scene.error().what.empty(), "an error without words");
    static_cast<void>(gltf::summarize(*scene));
    for (const double seconds : {0.0, 0.7})
        std::ignore = scene::flatten(*scene, {.settings = {}, .seconds = seconds, .environment = nullptr});
}

std::vector<std::string> glb_seeds() { return {scene_file("cornell.glb"), scene_file("materials.glb"), scene_file("animated.glb")}; }
void run_glb(Bytes input) { load(file_of(input, "scene.glb")); }

std::vector<std::string> gltf_seeds() {
    // A triangle with all sorts of things about it; the buffer is 3 positions and 3 shorts.
    return {
        R"({"asset":{"version":"2.0"},"scene":0,"scenes":[{"nodes":[0,1]}],"nodes":[{"mesh":0,"translation":[0,1,2],"children":[2]},{"camera":0},)"
        R"({"extensions":{"KHR_lights_punctual":{"light":0}},"rotation":[0,0,0,1]}],"cameras":[{"type":"perspective","perspective":{"yfov":0.7,)"
        R"("znear":0.1}}],"extensionsUsed":["KHR_lights_punctual","KHR_materials_emissive_strength","KHR_texture_transform"],"extensions":)"
        R"({"KHR_lights_punctual":{"lights":[{"type":"spot","intensity":5,"spot":{"outerConeAngle":0.6}}]}},"materials":[{"pbrMetallicRoughness":)"
        R"({"baseColorFactor":[1,0.5,0.2,1],"metallicFactor":0.2},"emissiveFactor":[1,1,1],"alphaMode":"MASK","extensions":)"
        R"({"KHR_materials_emissive_strength":{"emissiveStrength":3}}}],"meshes":[{"primitives":[{"attributes":{"POSITION":0},"indices":1,)"
        R"("material":0}]}],"accessors":[{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3","min":[0,0,0],"max":[1,1,0]},)"
        R"({"bufferView":1,"componentType":5123,"count":3,"type":"SCALAR"}],"bufferViews":[{"buffer":0,"byteLength":36},{"buffer":0,)"
        R"("byteOffset":36,"byteLength":6}],"buffers":[{"byteLength":42,"uri":"data:application/octet-stream;base64,)"
        R"(AAAAAAAAAAAAAAAAAACAPwAAAAAAAAAAAAAAAAAAgD8AAAAAAAABAAIA"}],"animations":[{"channels":[{"sampler":0,"target":{"node":0,"path":)"
        R"("translation"}}],"samplers":[{"input":0,"output":0}]}]})"};
}
void run_gltf(Bytes input) { load(file_of(input, "scene.gltf")); }

std::string read(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
std::string picture(const char* name, film::ImageFormat format, std::uint32_t bits) {
    const auto file = file_of({}, name);
    film::ImageSpec spec;
    spec.width = 9, spec.height = 5, spec.format = format, spec.alpha = true, spec.metadata = {{"frame", "3"}};
    spec.display.bits = bits;
    auto writer = film::ImageWriter::open(file, spec);
    if (!writer) return {};
    const std::vector<glm::vec4> pixels(45, glm::vec4(0.3F, 0.6F, 2.0F, 1.0F));
    if (!(*writer)->write_rows(pixels) || !(*writer)->finish()) return {};
    return read(file);
}

std::vector<std::string> image_seeds() {
    // The smallest grey JPEG that libjpeg reads would be 125 bytes of tables; PNG's own kinds stand for what is decoded by row.
    return {picture("a.png", film::ImageFormat::png, 8), picture("b.png", film::ImageFormat::png, 16),
            std::string("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", 20)};
}
void run_image(Bytes input) {
    const auto bytes = std::as_bytes(input);
    try {
        const auto image = gltf::decode_image(bytes, "image", limits());
        static_cast<void>(image);
    } catch (const gltf::Fault&) { // the room's own way of saying a fault, caught by load()
    }
    std::ignore = film::decode_png(bytes);
}

std::vector<std::string> environment_seeds() {
    const std::string rows = std::string("\x80\x40\x20\x81", 4) + std::string("\x80\x40\x20\x81", 4);
    return {"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\nEXPOSURE=2\n\n-Y 1 +X 2\n" + rows,
            "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 8\n" + std::string("\2\2\0\x08\x88\x40\x88\x40\x88\x40\x88\x81", 12),
            picture("c.exr", film::ImageFormat::exr, 8)};
}
void run_environment(Bytes input) {
    const auto environment = film::read_environment(file_of(input, "env"));
    if (!environment) return;
    for (const auto& texel : environment->texels)
        promise(std::isfinite(texel.x) && std::isfinite(texel.y) && std::isfinite(texel.z) && texel.x >= 0 && texel.y >= 0 && texel.z >= 0,
                "an environment's texel is not a radiance");
}

constexpr Rect tile{16, 32, 16, 8};
std::vector<std::string> chunk_seeds() {
    std::vector<glm::vec4> pixels;
    for (int i = 0; i < 128; ++i) pixels.emplace_back(static_cast<float>(i) * 0.1F, 1.0F, 0.01F * static_cast<float>(i % 7), 1.0F);
    const auto chunk = film::encode_chunk({.frame = 7, .rect = tile, .samples = 16, .device_class = "fuzz"}, pixels);
    return {chunk ? std::string(reinterpret_cast<const char*>(chunk->data()), chunk->size()) : std::string()};
}
void run_chunk(Bytes input) {
    const auto chunk = film::decode_chunk(std::as_bytes(input), tile);
    if (!chunk) return;
    promise(chunk->rgba.size() == 128 && chunk->info.device_class.size() <= film::max_device_class, "a chunk of another size came through");
    for (const auto& pixel : chunk->rgba)
        promise(std::isfinite(pixel.x + pixel.y + pixel.z + pixel.w), "a pixel that is not finite came through");
}

std::vector<std::string> settings_seeds() {
    return {"size=640x480\nspp=16\ncamera=Hero\nlook-at=0,1,2,3,4,5,40\nenv=1,1,1\nframes=1-48x2\nfps=24\ntonemap=aces\nnoise=0.01\nclamp="
            "3\nseed=9",
            "frames=1,2,3\nanimation=all\ntime=1.5\nfilter=box\nexposure=-1.5\naperture=2.8\nfocus=3\nbits=16\ntile=64\nmax-bounces=0\nenv-"
            "hidden=true"};
}
void run_settings(Bytes input) {
    std::map<std::string, std::string> words;
    auto text = text_of(input);
    for (std::size_t from = 0; from < text.size();) {
        const auto end = std::min(text.find('\n', from), text.size());
        const auto line = text.substr(from, end - from);
        const auto equals = line.find('=');
        if (equals != std::string::npos) words[line.substr(0, equals)] = line.substr(equals + 1);
        from = end + 1;
    }
    const auto settings = parse_settings(words);
    if (!settings) return;
    const auto again = parse_settings(to_words(*settings));
    promise(again.has_value() && to_words(*again) == to_words(*settings), "settings do not survive being written and read");
}

constexpr Target targets[] = {
    {"glb", glb_seeds, run_glb, 3000},        {"gltf", gltf_seeds, run_gltf, 4000},
    {"image", image_seeds, run_image, 1000},  {"environment", environment_seeds, run_environment, 500},
    {"chunk", chunk_seeds, run_chunk, 40000}, {"settings", settings_seeds, run_settings, 8000},
};

} // namespace

std::span<const Target> scene_targets() { return targets; }

} // namespace raymill::fuzz
