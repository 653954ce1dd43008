// What people see of raymill before anything is rendered: help, wrong usage, exit statuses, one-line errors.
#include "farm/cli/commands.hpp"
#include "renderer/base/settings.hpp"
#include "tests/cli/folder.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/scenes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace raymill;
using test::lines_of;
using test::triangle;

namespace {

/// Wrong in one line, on stderr alone, with this status.
std::string fault(const std::vector<std::string>& words, int status, const std::map<std::string, std::string>& environment = {}) {
    const auto said = test::raymill(words, "/nonexistent", environment);
    CHECK_MESSAGE(said.status == status, said.err);
    CHECK(said.out.empty());
    CHECK_MESSAGE(lines_of(said.err).size() == 1, said.err);
    CHECK_MESSAGE(said.err.starts_with("raymill: "), said.err);
    return said.err.substr(0, said.err.find_last_not_of('\n') + 1);
}

} // namespace

TEST_CASE("the help lists each command that there is, and each command has help of its own") {
    const auto said = test::raymill({"--help"});
    CHECK(said.status == 0);
    CHECK(said.err.empty());
    for (const auto& command : cli::commands()) {
        CHECK(said.out.find("\n  " + std::string(command.name) + " ") != std::string::npos);
        const auto own = test::raymill({std::string(command.name), "--help"});
        CHECK(own.status == 0);
        CHECK(own.err.empty());
        CHECK(own.out.find(command.help) != std::string::npos);
        CHECK(own.out.find("--json") != std::string::npos);
    }
    // What is not built is not there: neither listed nor taken.
    for (const char* later : {"estimate", "logs", "why", "pause", "resume", "retry", "set"}) {
        CHECK(said.out.find("\n  " + std::string(later) + " ") == std::string::npos);
        fault({later}, 2);
    }
}

TEST_CASE("render and submit take every render setting, and say so in their help") {
    for (const char* command : {"render", "submit"}) {
        const auto help = test::raymill({command, "--help"}).out;
        for (const auto& info : setting_infos()) CHECK_MESSAGE(help.find("--" + std::string(info.name)) != std::string::npos, info.name);
        CHECK(help.find("--denoise") == std::string::npos);
    }
}

TEST_CASE("the version is printed") {
    const auto said = test::raymill({"--version"});
    CHECK(said.status == 0);
    CHECK(said.out == "raymill " RAYMILL_VERSION "\n");
}

TEST_CASE("wrong usage is status 2 and one line that names the thing") {
    fault({}, 2);
    CHECK(fault({"rendr"}, 2) == "raymill: rendr: is not a command; did you mean \"raymill render\"?");
    CHECK(fault({"render"}, 2).find("SCENE") != std::string::npos);
    CHECK(fault({"render", "a.glb"}, 2).find("-o") != std::string::npos);
    CHECK(fault({"render", "a.glb", "-o", "x.png", "--sppp", "3"}, 2).starts_with("raymill: --sppp: is not an option of raymill render"));
    CHECK(fault({"render", "a.glb", "-o", "x.png", "--denoise"}, 2).starts_with("raymill: --denoise: is not an option of raymill render"));
    CHECK(fault({"render", "a.glb", "b.glb", "-o", "x.png"}, 2).starts_with("raymill: b.glb: is one word too many"));
    CHECK(fault({"render", "a.glb", "-o", "x.png", "--spp", "0"}, 2) == "raymill: --spp: \"0\" is not a whole number from 1 to 1048576");
    CHECK(fault({"render", "a.glb", "-o", "x.png", "--spp", "1", "--spp", "2"}, 2).find("--spp") != std::string::npos);
    CHECK(fault({"render", "a.glb", "-o", "x.png", "--workers", "0"}, 2).starts_with("raymill: --workers: \"0\" is not a whole number"));
    CHECK(fault({"render", "a.glb", "-o", "x.jpg"}, 2).find(".png or .exr") != std::string::npos);
    CHECK(fault({"render", "a.glb", "-o", "x.png", "--format", "exr"}, 2).find("--format exr") != std::string::npos);
    CHECK(fault({"render", "a.glb", "-o", "x.png", "--time", "1", "--frames", "1-2"}, 2).find("one still") != std::string::npos);
    CHECK(fault({"status"}, 2).find("JOB") != std::string::npos);
    CHECK(fault({"status", "../x"}, 2).find("is not a job's id") != std::string::npos);
    CHECK(fault({"fetch", "ab12"}, 2).find("-o") != std::string::npos);
    CHECK(fault({"jobs", "--server", "ftp://x"}, 2).find("--server") != std::string::npos);
    CHECK(fault({"jobs", "--limit"}, 2).find("--limit") != std::string::npos);
}

TEST_CASE("a value may begin with a minus sign, but the next option is not taken for one") {
    // The place where option parsers go wrong: "-1,2,3" looks like a bundle of flags. Reaching the missing scene shows that the value was
    // taken.
    for (const std::string option : {"--look-at", "--exposure", "--frames", "--env-rotation", "--time"}) {
        const std::string value = option == "--look-at" ? "-1,2,3,0,0,0,40" : option == "--frames" ? "-3--1" : "-1.5";
        CAPTURE(option);
        CHECK(fault({"render", "/nonexistent/a.glb", "-o", "/tmp/x.png", option, value}, 3).find("/nonexistent/a.glb") !=
              std::string::npos);
        CHECK(fault({"render", "/nonexistent/a.glb", "-o", "/tmp/x.png", option + "=" + value}, 3).find("/nonexistent/a.glb") !=
              std::string::npos);
        CHECK(fault({"render", option, value, "-o", "/tmp/x.png", "/nonexistent/a.glb"}, 3).find("/nonexistent/a.glb") !=
              std::string::npos);
    }
    CHECK(fault({"render", "a.glb", "-o", "--quiet"}, 2) == "raymill: --output: needs a value; \"--quiet\" is an option itself");
}

TEST_CASE("a scene that is bad is status 3, before anything is started, and nothing is written") {
    const test::Folder folder;
    const auto at = [&](const char* name) { return (folder.path / name).string(); };
    folder.write("text.glb", "this is not a scene");
    folder.write("cut.gltf", triangle.substr(0, triangle.size() / 2));
    folder.write("escape.gltf", R"({"asset": {"version": "2.0"}, "buffers": [{"byteLength": 4, "uri": "../x.bin"}]})");
    folder.write("lacks.gltf", R"({"asset": {"version": "2.0"}, "buffers": [{"byteLength": 4, "uri": "gone.bin"}]})");
    folder.write("good.gltf", triangle);
    for (const char* name : {"text.glb", "cut.gltf", "escape.gltf", "lacks.gltf", "not-there.glb"}) {
        CAPTURE(name);
        CHECK(fault({"render", at(name), "-o", at("x.png")}, 3).find(name) != std::string::npos);
        CHECK(fault({"submit", at(name), "--server", "http://127.0.0.1:1"}, 3).find(name) != std::string::npos);
        CHECK(fault({"upload", at(name), "--server", "http://127.0.0.1:1"}, 3).find(name) != std::string::npos);
        CHECK(fault({"inspect", at(name)}, 3).find(name) != std::string::npos);
    }
    CHECK(fault({"render", at("good.gltf"), "-o", at("x.png"), "--env", at("gone.hdr")}, 3).find("gone.hdr") != std::string::npos);
    CHECK(folder.names().size() == 5);
}

TEST_CASE("a folder that is not there is known before rendering: status 1") {
    const test::Folder folder;
    folder.write("good.gltf", triangle);
    CHECK(fault({"render", (folder.path / "good.gltf").string(), "-o", (folder.path / "no/x.png").string()}, 1)
              .find("there is no such folder") != std::string::npos);
}

TEST_CASE("a server that cannot be reached is status 4, and the line says how to name another") {
    const std::map<std::string, std::string> environment = {{"RAYMILL_SERVER", "http://127.0.0.1:1"}};
    const test::Folder folder;
    folder.write("good.gltf", triangle);
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"jobs"}, {"status", "ab12"}, {"submit", (folder.path / "good.gltf").string()}, {"cancel", "ab12"}}) {
        const auto line = fault(words, 4, environment);
        CHECK(line.find("http://127.0.0.1:1") != std::string::npos);
        CHECK(line.find("RAYMILL_SERVER") != std::string::npos);
    }
    // --server is stronger than the environment.
    CHECK(fault({"jobs", "--server", "http://127.0.0.1:2"}, 4, environment).find(":2") != std::string::npos);
}

TEST_CASE("a token that others can read is refused, and so is one that is none") {
    const test::Folder folder;
    folder.write("token", "secret\n");
    std::filesystem::permissions(folder.path / "token", std::filesystem::perms(0644));
    const auto line = fault({"jobs", "--server", "http://127.0.0.1:1", "--token-file", (folder.path / "token").string()}, 4);
    CHECK(line.find((folder.path / "token").string()) != std::string::npos);
    CHECK(fault({"jobs", "--server", "http://127.0.0.1:1", "--token", "two words"}, 2).find("--token") != std::string::npos);
    CHECK(fault({"jobs", "--server", "http://127.0.0.1:1"}, 2, {{"RAYMILL_TOKEN", "\x01"}}).find("RAYMILL_TOKEN") != std::string::npos);
}

TEST_CASE("a job file's faults are status 2 with file and line") {
    const test::Folder folder;
    folder.write("good.gltf", triangle);
    folder.write("job.toml", "[[shot]]\nscene = \"good.gltf\"\nspp = \"many\"\n");
    CHECK(fault({"submit", (folder.path / "job.toml").string()}, 2) ==
          "raymill: " + (folder.path / "job.toml").string() + ": line 3: spp: \"many\" is not a whole number from 1 to 1048576");
    CHECK(fault({"submit", (folder.path / "none.toml").string()}, 3).find("none.toml") != std::string::npos);
    folder.write("two.toml", "scene = \"good.gltf\"\n[[shot]]\nname = \"a\"\n[[shot]]\nname = \"b\"\n");
    CHECK(fault({"submit", (folder.path / "two.toml").string(), "-o", (folder.path / "x.png").string()}, 2).find("2 jobs") !=
          std::string::npos);
    CHECK(fault({"submit", (folder.path / "two.toml").string(), "--name", "x"}, 2).find("--name") != std::string::npos);
}

TEST_CASE("inspect says in words and in JSON what is in a scene") {
    const test::Folder folder;
    folder.write("good.gltf", triangle);
    const auto path = (folder.path / "good.gltf").string();
    const auto words = test::raymill({"inspect", path});
    CHECK(words.status == 0);
    CHECK(words.out.find("triangles   1 of its own") != std::string::npos);
    const auto said = test::raymill({"inspect", path, "--json"});
    CHECK(said.status == 0);
    const auto json = nlohmann::json::parse(said.out, nullptr, false);
    REQUIRE(json.is_object());
    CHECK(json["unique_triangles"] == 1);
    CHECK(json["meshes"] == 1);
    CHECK(json["files"] == nlohmann::json::array({"good.gltf"}));
    CHECK(json["cameras"].empty());
}

TEST_CASE("bench measures a scene on a device, and its parts fit together") {
    const test::Folder folder;
    folder.write("t.gltf", triangle);
    const auto said = test::raymill(
        {"bench", (folder.path / "t.gltf").string(), "--device", "reference", "--size", "8x8", "--spp", "2", "--seconds", "1", "--json"});
    REQUIRE_MESSAGE(said.status == 0, said.err);
    const auto second = said.out.find('\n') + 1; // one line a scene, then the device's score
    const auto json = nlohmann::json::parse(said.out.substr(0, second), nullptr, false);
    REQUIRE(json.is_object());
    const auto score = nlohmann::json::parse(said.out.substr(second), nullptr, false);
    REQUIRE(score.is_object());
    CHECK(score["event"] == "score");
    CHECK(score["score"].get<double>() == doctest::Approx(json["samples_per_s"].get<double>() / 1e6));
    CHECK(json["device"] == "reference");
    CHECK(json["triangles"] == 1);
    CHECK(json["samples"] == json["passes"].get<int>() * 8 * 8 * 2);
    CHECK(json["trace_s"].get<double>() >= 1);
    CHECK(json["samples_per_s"].get<double>() == doctest::Approx(json["samples"].get<double>() / json["trace_s"].get<double>()));
    CHECK(json["rays_per_s"].get<double>() >= json["samples_per_s"].get<double>()); // each path has a ray at least
    fault({"bench", "/nonexistent/a.glb", "--device", "reference"}, 3);
    fault({"bench", (folder.path / "t.gltf").string(), "--seconds", "0"}, 2);
}

TEST_CASE("bench without a scene measures the scenes of the checkout that the program was built in") {
    const auto said = test::raymill({"bench", "--device", "reference", "--size", "8x8", "--spp", "1", "--seconds", "1", "--json"});
    REQUIRE_MESSAGE(said.status == 0, said.err);
    std::vector<std::string> names;
    for (const auto& line : lines_of(said.out)) {
        const auto json = nlohmann::json::parse(line, nullptr, false);
        REQUIRE(json.is_object());
        if (json.contains("scene")) names.push_back(std::filesystem::path(json["scene"].get<std::string>()).filename());
    }
    CHECK(names == std::vector<std::string>{"animated.glb", "atrium.glb", "cornell.glb", "instances.glb", "materials.glb"});
}

TEST_CASE("an error under --json is an object too") {
    const auto said = test::raymill({"inspect", "/nonexistent/a.glb", "--json"});
    CHECK(said.status == 3);
    CHECK(lines_of(said.err).size() == 1);
    const auto json = nlohmann::json::parse(said.out, nullptr, false);
    REQUIRE(json.is_object());
    CHECK(json["event"] == "error");
    CHECK(json["error"]["message"].get<std::string>().find("a.glb") != std::string::npos);
}

TEST_CASE("output that cannot be written is status 1, and a reader that leaves is none of our faults") {
    const test::Folder folder;
    const auto full = test::raymill({"inspect", "--help"});
    CHECK(full.status == 0);
    const int status = std::system((std::string(RAYMILL_BINARY) + " --help > /dev/full 2>/dev/null").c_str());
    CHECK(WEXITSTATUS(status) == 1);
}
