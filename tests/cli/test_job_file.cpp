// JOB.toml: shots, defaults, and errors that name the line.
#include "farm/cli/config_file.hpp"
#include "farm/cli/job_file.hpp"
#include "tests/cli/folder.hpp"

#include <doctest/doctest.h>

using namespace raymill;
using cli::read_job_file;

namespace {

struct Read {
    test::Folder folder;
    Result<cli::JobFile> job;
    explicit Read(const std::string& text) {
        folder.write("job.toml", text);
        job = read_job_file(folder.path / "job.toml");
    }
    /// The error without the file's name.
    [[nodiscard]] std::string error() const {
        if (job) return "no error";
        const auto text = job.error().message();
        const auto file = (folder.path / "job.toml").string();
        return text.starts_with(file) ? text.substr(file.size()) : text;
    }
};

using Words = std::map<std::string, std::string>;

} // namespace

TEST_CASE("shots take what stands at the top, and their own settings win") {
    const Read read(R"(
key = "show-1"
size = "1920x1080"
spp = 256
scene = "hall.glb"
env-hidden = true

[[shot]]
name = "day"
frames = "1-48"
exposure = -1.5
look-at = [-1, 2, 3.5, 0, 0, 0, 40]
output = "out/day.####.exr"

[[shot]]
scene = "sub/night.gltf"
spp = 16
env = "sky.hdr"
scene-index = 2
[[shot]]
name = "third"
env = [1, 0.5, 0]
)");
    REQUIRE_MESSAGE(read.job, read.error());
    const auto& folder = read.folder.path;
    CHECK(read.job->key == "show-1");
    REQUIRE(read.job->shots.size() == 3);
    const auto& day = read.job->shots[0];
    CHECK(day.name == "day");
    CHECK(day.scene == folder / "hall.glb");
    CHECK(day.output == (folder / "out/day.####.exr").string());
    CHECK(day.words == Words{{"size", "1920x1080"},
                             {"spp", "256"},
                             {"env-hidden", "true"},
                             {"frames", "1-48"},
                             {"exposure", "-1.5"},
                             {"look-at", "-1,2,3.5,0,0,0,40"}});
    const auto& night = read.job->shots[1];
    CHECK(night.name == "night");
    CHECK(night.scene == folder / "sub/night.gltf");
    CHECK(night.words.at("spp") == "16");
    CHECK(night.words.at("env") == (folder / "sky.hdr").string());
    CHECK(night.words.at("scene") == "2");
    CHECK(night.line == 15);
    CHECK(read.job->shots[2].words.at("env") == "1,0.5,0");
}

TEST_CASE("an unknown key, a wrong value and a wrong type are errors with their line") {
    CHECK(Read("[[shot]]\nscene = \"a.glb\"\nsppp = 3\n").error() == ": line 3: no such setting \"sppp\"; did you mean \"spp\"?");
    CHECK(Read("denoise = true\n[[shot]]\nscene = \"a.glb\"\n").error() == ": line 1: no such setting \"denoise\"");
    CHECK(Read("[[shot]]\nscene = \"a.glb\"\n\nspp = 0\n").error() == ": line 4: spp: \"0\" is not a whole number from 1 to 1048576");
    CHECK(Read("[[shot]]\nscene = \"a.glb\"\nspp = 1.5\n").error() == ": line 3: spp: \"1.5\" is not a whole number from 1 to 1048576");
    CHECK(Read("[[shot]]\nscene = \"a.glb\"\nspp = 1979-05-27\n").error() ==
          ": line 3: spp must be text, a number, true or false, or a list of numbers");
    CHECK(Read("[[shot]]\nscene = \"a.glb\"\nexposure = nan\n").error() == ": line 3: exposure: \"nan\" is not a number from -32 to 32");
    CHECK(Read("[[shot]]\nscene = 3\n").error() == ": line 2: scene is the scene's file; which of its scenes is written scene-index");
    CHECK(Read("[[shot]]\nscene = \"a.glb\"\nname = \"\"\n").error() == ": line 3: name must be text in quotes");
    CHECK(Read("[[shot]]\nscene = \"a.glb\"\nname = \"a\\nb\"\n").error() == ": line 3: name holds a control character");
    CHECK(Read("[extra]\n[[shot]]\nscene = \"a.glb\"\n").error().starts_with(": line 1: no such setting \"extra\""));
}

TEST_CASE("what contradicts itself is an error at its shot") {
    CHECK(Read("time = 1\n\n[[shot]]\nscene = \"a.glb\"\nframes = \"1-2\"\n").error().starts_with(": line 3: time: is for one still"));
    CHECK(Read("[[shot]]\nname = \"x\"\n").error() == ": line 1: the shot has no scene; write scene = \"FILE.glb\"");
    CHECK(Read("[[shot]]\nscene = \"a.glb\"\n[[shot]]\nscene = \"b/a.glb\"\n").error().starts_with(": line 3: two shots are called \"a\""));
    CHECK(Read("output = \"x.png\"\n[[shot]]\nscene = \"a.glb\"\n").error() ==
          ": line 1: output belongs to one shot; put it below its line [[shot]]");
    CHECK(Read("[[shot]]\nscene=\"a.glb\"\noutput=\"x.png\"\n[[shot]]\nscene=\"b.glb\"\noutput=\"x.png\"\n").error() ==
          ": line 4: two shots have the same output");
}

TEST_CASE("a file without shots, with broken syntax, too large or not there is an error") {
    CHECK(Read("spp = 4\n").error() == ": there is no shot; each begins with a line [[shot]]");
    CHECK(Read("shot = 3\n").error() == ": line 1: there is no shot; each begins with a line [[shot]]");
    CHECK(Read("[shot]\nscene = \"a.glb\"\n").error().find("there is no shot") != std::string::npos);
    CHECK(Read("spp = 4\nspp = 5\n").error().starts_with(": line 2: "));
    CHECK(Read("[[shot]\n").error().starts_with(": line 1: "));
    CHECK(Read("a = \"\xff\"\n").error().starts_with(": line 1: "));
    CHECK(Read(std::string((4 << 20) + 1, '\n')).error() == ": is larger than 4 MiB, which no such file needs");
    CHECK(Read(std::string(100000, '[')).error().find('\n') == std::string::npos);
    const test::Folder folder;
    CHECK(read_job_file(folder.path / "none.toml").error().code == Code::bad_input);
    CHECK(read_job_file(folder.path).error().code == Code::bad_input);
}

TEST_CASE("the first fault in the file is the one that is said") {
    CHECK(Read("zzz = 1\naaa = 2\n[[shot]]\nscene = \"a.glb\"\n").error() == ": line 1: no such setting \"zzz\"");
}

TEST_CASE("serve's settings come from a file of text values, and what it does not know is an error with its line") {
    const test::Folder folder;
    std::string data, http = "as it was";
    const auto read = [&](const std::string& text) {
        folder.write("serve.toml", text);
        const auto good = cli::read_config(folder.path / "serve.toml", {{"data", &data}, {"http", &http}});
        return good ? std::string("good") : good.error().message().substr((folder.path / "serve.toml").string().size());
    };
    CHECK(read("data = \"/srv/farm\" # where\n") == "good");
    CHECK(data == "/srv/farm");
    CHECK(http == "as it was");
    CHECK(read("data = \"x\"\nhtpp = \"y\"\n") == ": line 2: no such key \"htpp\"; there are data, http");
    CHECK(read("http = 8080\n") == ": line 1: http must be text in quotes");
    CHECK(read("http = \n").starts_with(": line 1: "));
}

TEST_CASE("a file of 4096 shots is read and one of 4097 is not") {
    std::string text = "scene = \"a.glb\"\n";
    for (std::size_t i = 0; i < cli::max_shots; ++i) text += "[[shot]]\nname = \"" + std::to_string(i) + "\"\n";
    CHECK(Read(text).job.value().shots.size() == cli::max_shots);
    CHECK(Read(text + "[[shot]]\nname = \"more\"\n").error().find("more than 4096 shots") != std::string::npos);
}

TEST_CASE("names of 100 bytes and keys of 99 are taken, longer ones are not, and together they fit a job's key") {
    const auto with = [](std::size_t key, std::size_t name) {
        return Read("key = \"" + std::string(key, 'k') + "\"\n[[shot]]\nscene = \"a.glb\"\nname = \"" + std::string(name, 'n') + "\"\n")
            .error();
    };
    CHECK(with(99, 100) == "no error");
    CHECK(with(100, 100) == ": line 1: key is longer than 99 bytes");
    CHECK(with(99, 101) == ": line 4: name is longer than 100 bytes");
    CHECK(cli::key_of_shot(std::string(99, 'k'), std::string(100, 'n')).size() == 200);
}

TEST_CASE("keys depend on the shot's name alone, so shots may be moved about") {
    CHECK(cli::key_of_shot("k", "a") != cli::key_of_shot("k", "b"));
    CHECK(cli::key_of_shot("k", "a") == "k/a");
}
