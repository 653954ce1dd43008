#include "tests/gltf/checks.hpp"
#include "tests/gltf/loading.hpp"

#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <filesystem>
#include <functional>
#include <limits>
#include <random>

using namespace raymill;
using namespace raymill::tests;
using Json = nlohmann::json;

namespace {

/// A small file with something of everything that the loader reads.
const GltfWriter& everything() {
    static const GltfWriter& writer = [] -> const GltfWriter& {
        static GltfWriter w;
        const Index texture =
            w.texture_rgba8(2, 2, {255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255, 255, 255, 128}, {.mag_filter = 9728});
        Material painted = lambert({1, 1, 1});
        painted.base_color_texture = {texture, 0, TextureTransform{.offset = {0.5f, 0}, .rotation = 0.3f}};
        painted.normal_texture = {texture};
        painted.occlusion_texture = {texture};
        painted.alpha_mode = "MASK";
        painted.ior = 1.4f;
        const Index paint = w.material(painted), glow = w.material(emitter({2, 2, 2}));
        w.variants({"day", "night"});
        Geometry g = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
        g.colors.assign(4, glm::vec4(1));
        g.targets = {{.positions = std::vector<glm::vec3>(4, {0, 0, 1}), .normals = std::vector<glm::vec3>(4, {0, 0.1f, 0})}};
        const Index morphed = w.mesh({{g, paint, {{0, paint}, {1, glow}}}}, {0.25f}, "morphed");
        Geometry s = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
        s.joints = {std::vector<glm::uvec4>(4, {0, 1, 0, 0})};
        s.weights = {std::vector<glm::vec4>(4, {0.5f, 0.5f, 0, 0})};
        const Index skinned = w.mesh({{s, glow}});
        const Index root = w.node({.name = "root", .translation = glm::vec3(0, 1, 0)});
        const Index a = w.node({.name = "a", .parent = root, .rotation = glm::vec4(0, 0, 0, 1)}),
                    b = w.node({.parent = a, .matrix = glm::mat4(1)});
        w.node({.parent = root, .mesh = morphed, .weights = {0.5f}});
        w.node({.mesh = skinned, .skin = w.skin({a, b}, {glm::mat4(1), glm::mat4(1)})});
        w.node({.translation = glm::vec3(0, 0, 5), .camera = w.camera({.zfar = 100.f, .aspect = 1.5f})});
        w.node({.camera = w.camera({.orthographic = glm::vec2(1, 2)})});
        w.node({.light = w.light({.type = "spot", .intensity = 10, .range = 5.f})});
        w.animation({{a, "rotation", {0, 1}, {0, 0, 0, 1, 0, 0.70710678f, 0, 0.70710678f}},
                     {a, "translation", {0, 0.5f, 1}, {0, 0, 0, 1, 0, 0, 0, 0, 0}}},
                    "turn");
        return w;
    }();
    return writer;
}

Json everything_json() { return Json::parse(everything().json()); }
std::vector<std::byte> with(const Json& json) { return make_glb(json.dump(), everything().buffer()); }

/// What must hold however broken the file is: it loads to something consistent, or says one line.
void survives(std::span<const std::byte> bytes, const std::string& name = "test.glb") {
    const auto scene = load_bytes(bytes, name);
    if (!scene) return check_one_line(scene.error());
    const auto flat = scene::flatten(*scene, {.settings = {}, .seconds = 0.4});
    if (!flat) return check_one_line(flat.error());
    check_consistent(*flat);
}

void refuses(const Json& json, const std::string& words) {
    const auto scene = load_bytes(with(json));
    CAPTURE(words);
    REQUIRE(!scene);
    check_one_line(scene.error());
    const std::string message = scene.error().message();
    CAPTURE(message);
    CHECK(message.find(words) != std::string::npos);
}

void each_leaf(Json& json, const std::string& key, const std::function<void(Json&, const std::string&)>& visit) {
    if (json.is_object())
        for (auto& [name, value] : json.items()) each_leaf(value, name, visit);
    else if (json.is_array())
        for (auto& value : json) each_leaf(value, key, visit);
    else
        visit(json, key);
}

} // namespace

TEST_CASE("the file that the tests below break is good") {
    const auto scene = load_bytes(everything().glb());
    REQUIRE_MESSAGE(scene.has_value(), scene.error().message());
    CHECK(scene->notes.empty());
    check_consistent(flatten_good(*scene));
    Settings night;
    night.variant = "night";
    check_consistent(flatten_good(*scene, night, 0.5));
}

TEST_CASE("every prefix of a .glb is refused in one line") {
    // A length that is believed before it is compared with what is there reads past the end for some prefix.
    const auto bytes = everything().glb();
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        const auto scene = load_bytes(std::span(bytes).first(n));
        REQUIRE_FALSE_MESSAGE(scene.has_value(), n << " of " << bytes.size() << " bytes load");
        check_one_line(scene.error());
    }
}

TEST_CASE("a .glb whose binary chunk is cut, with lengths made to fit, is refused in one line") {
    // Past the container's checks: now accessors and bufferViews must notice.
    const std::string json = everything().json();
    const auto& buffer = everything().buffer();
    for (std::size_t n = 0; n < buffer.size() - 3; n += 7) {
        const auto scene = load_bytes(make_glb(json, std::span(buffer).first(n)));
        REQUIRE_FALSE(scene.has_value());
        check_one_line(scene.error());
    }
}

TEST_CASE("every value of the JSON, replaced by anything else, gives one line or a consistent scene") {
    // Types, signs, 32-bit wrap-around (4294967296 must not become 0), doubles beyond floats: one unchecked use crashes under the
    // sanitizers or leaves an index out of range in the arrays.
    const std::vector<Json> others = {-1,
                                      0,
                                      1,
                                      3,
                                      255,
                                      1000000,
                                      2147483648u,
                                      4294967295u,
                                      4294967296u,
                                      9223372036854775807,
                                      -9223372036854775807,
                                      0.5,
                                      1e30,
                                      1e300,
                                      -1e300,
                                      "x",
                                      "",
                                      true,
                                      nullptr,
                                      Json::array(),
                                      Json::object(),
                                      Json::array({1, 2, 3}),
                                      Json::array({"a"})};
    Json json = everything_json();
    std::size_t leaves = 0;
    each_leaf(json, "", [&](Json& leaf, const std::string&) {
        ++leaves;
        const Json good = leaf;
        for (const auto& other : others) {
            leaf = other;
            survives(with(json));
        }
        leaf = good;
    });
    CHECK(leaves > 200);
}

TEST_CASE("every member of the JSON, left out, gives one line or a consistent scene") {
    Json json = everything_json();
    const std::function<void(Json&)> visit = [&](Json& value) {
        if (value.is_array())
            for (auto& element : value) visit(element);
        if (!value.is_object()) return;
        std::vector<std::string> keys;
        for (const auto& [key, unused] : value.items()) keys.push_back(key);
        for (const auto& key : keys) {
            const Json kept = value[key];
            value.erase(key);
            survives(with(json));
            value[key] = kept;
            visit(value[key]);
        }
    };
    visit(json);
}

TEST_CASE("every index that is one too large, or wraps at 32 bits, is refused and its place is named") {
    const Json good = everything_json();
    const auto count = [&](const char* array) { return good[array].size(); };
    const std::vector<std::pair<std::string, std::size_t>> indices = {
        {"/scene", 1},
        {"/scenes/0/nodes/0", count("nodes")},
        {"/nodes/0/children/0", count("nodes")},
        {"/nodes/3/mesh", count("meshes")},
        {"/nodes/4/skin", count("skins")},
        {"/nodes/5/camera", count("cameras")},
        {"/nodes/7/extensions/KHR_lights_punctual/light", 1},
        {"/skins/0/joints/1", count("nodes")},
        {"/skins/0/inverseBindMatrices", count("accessors")},
        {"/meshes/0/primitives/0/attributes/POSITION", count("accessors")},
        {"/meshes/0/primitives/0/attributes/TEXCOORD_0", count("accessors")},
        {"/meshes/0/primitives/0/targets/0/POSITION", count("accessors")},
        {"/meshes/0/primitives/0/indices", count("accessors")},
        {"/meshes/0/primitives/0/material", count("materials")},
        {"/meshes/0/primitives/0/extensions/KHR_materials_variants/mappings/0/material", count("materials")},
        {"/meshes/0/primitives/0/extensions/KHR_materials_variants/mappings/0/variants/0", 2},
        {"/materials/0/pbrMetallicRoughness/baseColorTexture/index", count("textures")},
        {"/textures/0/source", count("images")},
        {"/textures/0/sampler", count("samplers")},
        {"/images/0/bufferView", count("bufferViews")},
        {"/accessors/0/bufferView", count("bufferViews")},
        {"/bufferViews/0/buffer", 1},
        {"/animations/0/channels/0/sampler", 2},
        {"/animations/0/channels/0/target/node", count("nodes")},
        {"/animations/0/samplers/0/input", count("accessors")},
        {"/animations/0/samplers/0/output", count("accessors")},
    };
    for (const auto& [path, size] : indices) {
        const Json::json_pointer at(path);
        REQUIRE(good.contains(at));
        for (const std::uint64_t wrong : {std::uint64_t{size}, std::uint64_t{4294967296}, std::uint64_t{1} << 63}) {
            Json json = good;
            json[at] = wrong;
            // "/nodes/3/mesh" is told as "nodes[3].mesh".
            std::string place;
            std::string_view rest = std::string_view(path).substr(1);
            while (!rest.empty()) {
                const auto part = rest.substr(0, rest.find('/'));
                place += std::isdigit(static_cast<unsigned char>(part[0])) ? "[" + std::string(part) + "]"
                                                                           : (place.empty() ? "" : ".") + std::string(part);
                rest.remove_prefix(std::min(part.size() + 1, rest.size()));
            }
            refuses(json, place + ": is " + std::to_string(wrong));
        }
        Json json = good;
        json[at] = -1;
        refuses(json, "is negative");
        json[at] = "0";
        refuses(json, "a whole number is needed");
    }
}

TEST_CASE("vertex indices, joints and sparse indices one past the end are refused and their accessor is named") {
    Json json = everything_json();
    const auto patched = [&](const Json& of, std::size_t view, std::size_t at, std::span<const std::byte> bytes) {
        auto buffer = everything().buffer();
        std::memcpy(buffer.data() + of["bufferViews"][view]["byteOffset"].get<std::size_t>() + at, bytes.data(), bytes.size());
        return make_glb(of.dump(), buffer);
    };
    const auto accessor = json["meshes"][0]["primitives"][0]["indices"].get<std::size_t>();
    const std::uint32_t four = 4;
    auto scene = load_bytes(patched(json, json["accessors"][accessor]["bufferView"], 8, std::as_bytes(std::span(&four, 1))));
    REQUIRE(!scene);
    CHECK(scene.error().message() ==
          "test.glb: accessors[" + std::to_string(accessor) + "]: element 2 is 4, but meshes[0].primitives[0] has 4 vertices");

    const std::uint16_t two = 2;
    const auto joints = json["meshes"][1]["primitives"][0]["attributes"]["JOINTS_0"].get<std::size_t>();
    scene = load_bytes(patched(json, json["accessors"][joints]["bufferView"], 2, std::as_bytes(std::span(&two, 1))));
    REQUIRE(!scene);
    CHECK(scene.error().message() == "test.glb: meshes[1]: has a vertex with joint 2, but skins[0] of nodes[4] has 2 joints");

    // Sparse indices taken from that same view of joints: 0, 1, 0, 0 ... of two elements; one more than there are.
    json["accessors"][0]["sparse"] = {{"count", 2},
                                      {"indices", {{"bufferView", json["accessors"][joints]["bufferView"]}, {"componentType", 5123}}},
                                      {"values", {{"bufferView", 1}}}};
    CHECK(load_bytes(with(json)));
    json["accessors"][0]["sparse"]["count"] = 5;
    refuses(json, "accessors[0].sparse.count: is 5, but the accessor has 4 elements");
    scene = load_bytes(patched(
        json =
            [&] {
                Json j = json;
                j["accessors"][0]["sparse"]["count"] = 2;
                return j;
            }(),
        json["accessors"][joints]["bufferView"], 2, std::as_bytes(std::span(&four, 1))));
    REQUIRE(!scene);
    CHECK(scene.error().message() == "test.glb: accessors[0].sparse.indices: element 1 is 4, but the accessor has 4 elements");
}

TEST_CASE("an accessor that goes past its bufferView is refused with both sizes") {
    Json json = everything_json();
    json["accessors"][0]["count"] = 40;
    refuses(json, "accessors[0]: 40 elements of 12 bytes go past bufferViews[");
    json["accessors"][0]["count"] = 4;
    json["accessors"][0]["byteOffset"] = 4;
    refuses(json, "accessors[0]: 4 elements of 12 bytes from 4 go past bufferViews[");
    json = everything_json();
    json["bufferViews"][1]["byteLength"] = 1u << 30;
    refuses(json, "bufferViews[1]: 1073741824 bytes from");
    json = everything_json();
    json["buffers"][0]["byteLength"] = 1ull << 40;
    refuses(json, "buffers[0]: byteLength is 1099511627776, but only");
}

TEST_CASE("counts and strides whose product overflows 64 bits are refused") {
    for (const std::uint64_t count : {std::uint64_t{1} << 31, (std::uint64_t{1} << 31) + 1, std::uint64_t{1} << 61, ~std::uint64_t{0}})
        for (const std::uint64_t stride : {std::uint64_t{12}, std::uint64_t{1} << 30, std::uint64_t{1} << 33, std::uint64_t{1} << 63}) {
            Json json = everything_json();
            json["accessors"][0]["count"] = count;
            json["bufferViews"][json["accessors"][0]["bufferView"].get<std::size_t>()]["byteStride"] = stride;
            const auto scene = load_bytes(with(json));
            REQUIRE(!scene);
            check_one_line(scene.error());
        }
}

TEST_CASE("an endless accessor without bufferView is refused before memory is taken") {
    Json json = everything_json();
    json["accessors"][0].erase("bufferView");
    json["accessors"][0]["count"] = 2'000'000'000u;
    json["meshes"][0]["primitives"][0].erase("indices");
    refuses(json, "past the bound on triangles");
}

TEST_CASE("nodes that are their own ancestors, or have two parents, are refused") {
    Json json = everything_json();
    json["nodes"][2]["children"] = {1}; // 1 -> 2 -> 1, and 0 has 1 too
    refuses(json, "a node has one parent");
    json = everything_json();
    json["nodes"].push_back({{"children", {json["nodes"].size()}}});
    refuses(json, "is its own ancestor");
    json = everything_json();
    const std::size_t n = json["nodes"].size();
    json["nodes"].push_back({{"children", {n + 1}}});
    json["nodes"].push_back({{"children", {n}}});
    refuses(json, "nodes[" + std::to_string(n) + "]: is its own ancestor");
    json = everything_json();
    json["scenes"][0]["nodes"].push_back(1);
    refuses(json, "a scene names roots only");
    json = everything_json();
    json["scenes"][0]["nodes"].push_back(0);
    refuses(json, "twice");
}

TEST_CASE("a chain of a hundred thousand nodes loads and flattens without recursion") {
    // A recursive walk takes about 100 bytes of stack a level or more: under the sanitizers' 8 MiB it would end the program.
    Json json = everything_json();
    const std::size_t first = json["nodes"].size(), length = 100'000;
    for (std::size_t i = 0; i < length; ++i) json["nodes"].push_back({{"translation", {0, 0, 0.001}}, {"children", {first + i + 1}}});
    json["nodes"].push_back({{"mesh", 0}});
    json["scenes"][0]["nodes"].push_back(first);
    const auto scene = load_bytes(with(json));
    REQUIRE(scene);
    const auto flat = flatten_good(*scene);
    CHECK(flat.instances.back().object_to_world[3].z == doctest::Approx(100));
}

TEST_CASE("NaN and infinity in a buffer are refused and the accessor and element are named") {
    const Json json = everything_json();
    // No material of meshes[1] reads a texture, so nobody reads its coordinates.
    const std::size_t unread = json["meshes"][1]["primitives"][0]["attributes"]["TEXCOORD_0"];
    for (const float poison :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()})
        for (std::size_t a = 0; a < json["accessors"].size(); ++a) {
            if (json["accessors"][a]["componentType"] != 5126 || a == unread) continue;
            auto buffer = everything().buffer();
            const std::size_t width = json["accessors"][a]["type"] == "SCALAR" ? 1
                                      : json["accessors"][a]["type"] == "VEC2" ? 2
                                      : json["accessors"][a]["type"] == "VEC3" ? 3
                                      : json["accessors"][a]["type"] == "VEC4" ? 4
                                                                               : 16;
            const std::size_t offset = json["bufferViews"][json["accessors"][a]["bufferView"].get<std::size_t>()]["byteOffset"];
            std::memcpy(buffer.data() + offset + width * 4, &poison, 4); // the first component of element 1
            const auto scene = load_bytes(make_glb(json.dump(), buffer));
            REQUIRE(!scene);
            CHECK(scene.error().message() == "test.glb: accessors[" + std::to_string(a) + "]: element 1 is not finite");
        }
}

TEST_CASE("finite numbers that grow beyond all bounds in transforms are refused, not drawn as NaN") {
    Json json = everything_json();
    json["nodes"][0]["scale"] = {1e30, 1e30, 1e30};
    json["nodes"][3]["scale"] = {1e30, 1e30, 1e30};
    const auto scene = load_bytes(with(json));
    REQUIRE(scene);
    const auto flat = scene::flatten(*scene, {.settings = {}});
    REQUIRE(!flat);
    check_one_line(flat.error());
    CHECK(flat.error().message().find("nodes[3]") != std::string::npos);
}

TEST_CASE("deep JSON is refused, and the deepest that is allowed is read") {
    const auto nested = [](int depth) {
        // The root object and "extras" stand round the arrays.
        std::string text = R"({"asset":{"version":"2.0"},"extras":)";
        for (int i = 0; i < depth - 1; ++i) text += '[';
        text += '1';
        for (int i = 0; i < depth - 1; ++i) text += ']';
        return bytes_of(text + '}');
    };
    CHECK(load_bytes(nested(gltf::max_json_depth), "test.gltf"));
    const auto past = load_bytes(nested(gltf::max_json_depth + 1), "test.gltf");
    REQUIRE(!past);
    CHECK(past.error().message() == "test.gltf: its JSON is nested deeper than 128 levels");
    const auto abyss = load_bytes(bytes_of(R"({"asset":{"version":"2.0"},"extensions":)" + std::string(1'000'000, '[')), "test.gltf");
    REQUIRE(!abyss);
    check_one_line(abyss.error());
}

TEST_CASE("what is no glTF is refused in one line") {
    for (const std::string text : {"", "x", "[]", "null", "{", "{}", "{\"asset\":1}", "{\"asset\":{\"version\":\"1.0\"}}",
                                   "{\"asset\":{\"version\":2}}", "\xff\xfe", "{\"asset\":{\"version\":\"2.0\"},\"a\":1e999}",
                                   "{\"asset\":{\"version\":\"2.0\"},\"nodes\":{}}", "{\"asset\":{\"version\":\"2.0\"},\"nodes\":[1]}"}) {
        CAPTURE(text);
        const auto scene = load_bytes(bytes_of(text), "test.gltf");
        REQUIRE(!scene);
        check_one_line(scene.error());
    }
    CHECK(load_bytes(bytes_of(R"({"asset":{"version":"2.0"}})"), "test.gltf"));
}

TEST_CASE("names from the file cannot break the one line") {
    Json json = everything_json();
    json["extensionsRequired"] = {"EVIL\nsecond line\x1b[31m" + std::string(1000, 'x')};
    const auto scene = load_bytes(with(json));
    REQUIRE(!scene);
    check_one_line(scene.error());
}

TEST_CASE("files outside the scene's folder are refused by name, however they are spelled") {
    const TemporaryFolder outer;
    std::filesystem::create_directories(outer / "scene/sub");
    write_file(outer / "secret.bin", std::vector<std::byte>(64));
    std::filesystem::create_symlink(outer / "secret.bin", outer / "scene/link.bin");
    std::filesystem::create_directory_symlink(outer.path(), outer / "scene/up");
    const auto file = outer / "scene/test.gltf";
    for (const std::string uri : {"../secret.bin",
                                  "sub/../../secret.bin",
                                  "%2e%2e/secret.bin",
                                  "..%2fsecret.bin",
                                  "./../secret.bin",
                                  "/etc/passwd",
                                  "%2fetc/passwd",
                                  "//host/secret.bin",
                                  "file:///etc/passwd",
                                  "http://example.com/a.bin",
                                  "HTTPS://example.com/a.bin",
                                  "C:/secret.bin",
                                  "C%3a/secret.bin",
                                  "\\\\host\\secret.bin",
                                  "link.bin",
                                  "up/secret.bin",
                                  "sub/..",
                                  ".",
                                  "",
                                  "sub",
                                  "%",
                                  "%2",
                                  "%zz",
                                  "a%00b",
                                  "missing.bin",
                                  "sub/missing.bin"}) {
        CAPTURE(uri);
        const Json json = {{"asset", {{"version", "2.0"}}},
                           {"buffers", {{{"uri", uri}, {"byteLength", 36}}}},
                           {"bufferViews", {{{"buffer", 0}, {"byteLength", 36}}}},
                           {"accessors", {{{"bufferView", 0}, {"componentType", 5126}, {"count", 3}, {"type", "VEC3"}}}},
                           {"meshes", {{{"primitives", {{{"attributes", {{"POSITION", 0}}}}}}}}}};
        write_file(file, bytes_of(json.dump()));
        for (const auto& error : {gltf::load(file).error(), gltf::files_of(file).error()}) {
            check_one_line(error);
            CHECK(error.where.find("buffers[0].uri") != std::string::npos);
            if (!uri.empty()) CHECK(error.message().find(uri.substr(0, uri.find('%'))) != std::string::npos);
        }
        // The same as an image, which files_of must refuse although nothing uses it.
        const Json image = {{"asset", {{"version", "2.0"}}}, {"images", {{{"uri", uri}}}}};
        write_file(file, bytes_of(image.dump()));
        const auto files = gltf::files_of(file);
        REQUIRE(!files);
        CHECK(files.error().where.find("images[0].uri") != std::string::npos);
    }
    CHECK(gltf::load(outer / "none.gltf").error().code == Code::bad_input);
    CHECK(gltf::load(outer.path()).error().code == Code::bad_input);
}

TEST_CASE("files below the folder are found through percent-encoding and links that stay inside, and listed once") {
    const TemporaryFolder folder;
    std::filesystem::create_directories(folder / "my data");
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}})});
    write_file(folder / "my data/b#\xc3\xa4.bin", writer.buffer());
    std::filesystem::create_symlink("my data", folder / "inside");
    Json json = Json::parse(writer.json());
    for (const std::string uri : {"my%20data/b%23%C3%A4.bin", "./my data//b#\xc3\xa4.bin", "inside/b%23%c3%a4.bin"}) {
        json["buffers"][0]["uri"] = uri;
        json["buffers"][1] = json["buffers"][0];
        write_file(folder / "test.gltf", bytes_of(json.dump()));
        const auto scene = gltf::load(folder / "test.gltf");
        REQUIRE_MESSAGE(scene.has_value(), scene.error().message());
        CHECK(scene->meshes[0].primitives[0].indices.size() == 3);
        const auto files = gltf::files_of(folder / "test.gltf");
        REQUIRE(files);
        CHECK(*files == std::vector<std::string>{"test.gltf", (uri[0] == 'i' ? "inside/b#\xc3\xa4.bin" : "my data/b#\xc3\xa4.bin")});
    }
    // And .gltf with a data: URI is one file.
    writer.write(folder / "one.gltf");
    CHECK(gltf::files_of(folder / "one.gltf").value() == std::vector<std::string>{"one.gltf"});
    CHECK(gltf::load(folder / "one.gltf"));
}

TEST_CASE("an external buffer that is shorter than it says is refused") {
    const TemporaryFolder folder;
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}})});
    Json json = Json::parse(writer.json());
    json["buffers"][0]["uri"] = "short.bin";
    write_file(folder / "test.gltf", bytes_of(json.dump()));
    write_file(folder / "short.bin", std::span(writer.buffer()).first(writer.buffer().size() - 1));
    const auto scene = gltf::load(folder / "test.gltf");
    REQUIRE(!scene);
    CHECK(scene.error().message() == "test.gltf: buffers[0]: byteLength is 48, but only 47 bytes are there");
}

TEST_CASE("random damage gives one line or a consistent scene") {
    // 3000 files with up to eight bytes changed, half of them within the JSON; run under the sanitizers this looks for anything unchecked.
    const auto good = everything().glb();
    const std::uint32_t seed = 20261124;
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::size_t json_end = everything().json().size() + 20;
    for (int round = 0; round < 3000; ++round) {
        auto bytes = good;
        const std::size_t from = round % 2 == 0 ? 20 : json_end, to = round % 2 == 0 ? json_end : bytes.size();
        for (std::uint32_t n = 1 + random() % 8; n > 0; --n)
            bytes[from + random() % (to - from)] = static_cast<std::byte>(round % 4 < 2 ? '0' + random() % 75 : random());
        survives(bytes);
    }
}

TEST_CASE("what the file requires and we lack is refused by name; what it only uses is noted") {
    Json json = everything_json();
    json["materials"][0]["extensions"]["KHR_materials_transmission"] = {{"transmissionFactor", 1}};
    json["materials"][1]["extensions"]["KHR_materials_transmission"] = {{"transmissionFactor", 1}};
    json["extensionsUsed"].push_back("KHR_materials_transmission");
    const auto scene = load_bytes(with(json));
    REQUIRE(scene);
    REQUIRE(scene->notes.size() == 1);
    CHECK(scene->notes[0] == "drawn without KHR_materials_transmission (used 2 times, first at materials[0])");
    json["extensionsRequired"] = {"KHR_materials_ior", "KHR_materials_transmission"};
    const auto refused = load_bytes(with(json));
    REQUIRE(!refused);
    CHECK(refused.error().code == Code::unsupported);
    CHECK(refused.error().message() == "test.glb: extensionsRequired[1]: needs KHR_materials_transmission, which is not supported");
}

TEST_CASE("limits hold: at each bound the file loads, one past it the bound is named") {
    const auto bytes = everything().glb();
    const auto good = load_bytes(bytes);
    REQUIRE(good);
    const std::size_t nodes = good->nodes.size();
    const auto try_limit = [&](auto member, std::uint64_t bound, const std::string& words) {
        gltf::LoadLimits limits;
        limits.*member = static_cast<std::remove_reference_t<decltype(limits.*member)>>(bound);
        CHECK(load_bytes(bytes, "test.glb", limits));
        limits.*member = static_cast<std::remove_reference_t<decltype(limits.*member)>>(bound - 1);
        const auto past = load_bytes(bytes, "test.glb", limits);
        REQUIRE(!past);
        check_one_line(past.error());
        CAPTURE(words);
        CHECK(past.error().message().find(words) != std::string::npos);
    };
    try_limit(&gltf::LoadLimits::max_nodes, nodes, "nodes: 8 are there; at most 7");
    try_limit(&gltf::LoadLimits::max_triangles, 4, "more than 3 triangles");
    try_limit(&gltf::LoadLimits::max_file_bytes, bytes.size(), "bytes; at most");
    std::size_t padded = everything().json().size();
    padded += (4 - padded % 4) % 4;
    try_limit(&gltf::LoadLimits::max_json_bytes, padded, "its JSON has");
    try_limit(&gltf::LoadLimits::max_image_edge, 2, "2 x 2 pixels");
    try_limit(&gltf::LoadLimits::max_image_pixels, 4, "2 x 2 pixels");
    try_limit(&gltf::LoadLimits::max_total_pixels, 4, "more than 3 pixels together");
    gltf::LoadLimits tight;
    tight.max_json_values = 10;
    CHECK(load_bytes(bytes, "test.glb", tight).error().message().find("more than 10 values") != std::string::npos);
    tight = {};
    tight.max_elements = 10;
    CHECK(load_bytes(bytes, "test.glb", tight).error().message().find("more than 10 elements") != std::string::npos);
}
