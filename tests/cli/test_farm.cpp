// The real binary with real processes: one-command renders, and clients of a coordinator with a worker. The reference device at tiny sizes.
#include "tests/cli/folder.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/scenes.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

using namespace raymill;
using nlohmann::json;
using test::Folder;
using test::lines_of;
using test::Program;
using test::Said;

namespace {

const std::vector<std::string> tiny = {"--size", "24x16", "--spp", "2", "--tile", "8", "--env", "1,1,1"};

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

json last_line(const Said& said) {
    const auto lines = lines_of(said.out);
    return lines.empty() ? json() : json::parse(lines.back(), nullptr, false);
}

/// Width and height as a PNG's header has them (PNG specification, 11.2.2).
std::pair<unsigned, unsigned> size_of_png(const std::string& bytes) {
    if (bytes.size() < 24 || bytes.substr(1, 3) != "PNG") return {0, 0};
    const auto number = [&](std::size_t at) {
        unsigned value = 0;
        for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
        return value;
    };
    return {number(16), number(20)};
}

/// A user with a home of their own: scenes in `work`, everything that raymill keeps or makes for a while below `home`.
struct User {
    Folder home;
    std::map<std::string, std::string> environment;
    std::filesystem::path work = home.path / "work", temporary = home.path / "tmp";

    User() {
        std::filesystem::create_directories(temporary);
        home.write("work/t.gltf", test::triangle);
        environment = {{"TMPDIR", temporary.string()}, {"RAYMILL_HOME", (home.path / "state").string()}};
    }
    [[nodiscard]] std::string at(const std::string& name) const { return (work / name).string(); }
    [[nodiscard]] Said run(const std::vector<std::string>& words) const { return test::raymill(words, home.path.string(), environment); }
    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> found;
        for (const auto& e : std::filesystem::directory_iterator(work)) found.push_back(e.path().filename().string());
        std::ranges::sort(found);
        return found;
    }
    /// Nothing of this user's farm runs or lies about. Processes end a moment after their parent: they get ten seconds.
    void check_nothing_is_left() const {
        const auto mark = home.path.filename().string();
        for (int i = 0; i < 100 && !test::processes_with(mark).empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
        CHECK(test::processes_with(mark).empty());
        CHECK(std::filesystem::is_empty(temporary));
    }
};

/// A coordinator and a worker of that user.
struct Farm {
    User& user;
    std::string url, workers;
    Program coordinator, worker;

    explicit Farm(User& u)
        : user(u), coordinator({"serve", "--data", (u.home.path / "serve").string(), "--http", "127.0.0.1:0", "--workers-at",
                                "tcp://127.0.0.1:0", "--json"},
                               u.home.path.string(), u.environment),
          worker({"worker", "--connect", workers_address(), "--data", (u.home.path / "worker").string(), "--device", "reference",
                  "--threads", "1"},
                 u.home.path.string(), u.environment) {
        user.environment["RAYMILL_SERVER"] = url;
    }
    std::string workers_address() {
        REQUIRE(coordinator.wait_for("\"ready\""));
        const auto ready = json::parse(coordinator.said().out, nullptr, false);
        REQUIRE(ready.is_object());
        url = ready["http"].get<std::string>();
        return workers = ready["workers_at"].get<std::string>();
    }
};

} // namespace

TEST_CASE("render makes the picture, says where it lies and how it was, and leaves nothing else") {
    const User user;
    const auto said =
        user.run(std::vector<std::string>{"render", user.at("t.gltf"), "-o", user.at("out.png"), "--device", "reference", "--json"} + tiny);
    REQUIRE_MESSAGE(said.status == 0, said.err);
    CHECK(user.files() == std::vector<std::string>{"out.png", "t.gltf"});
    CHECK(size_of_png(user.home.read("work/out.png")) == std::pair(24u, 16u));
    for (const auto& line : lines_of(said.out)) CHECK_MESSAGE(json::parse(line, nullptr, false).is_object(), line);
    const auto done = last_line(said);
    CHECK(done["event"] == "done");
    CHECK(done["output"] == user.at("out.png"));
    CHECK(done["samples"] == 24 * 16 * 2);
    CHECK(done["rays"].get<double>() >= 24 * 16 * 2);
    for (const char* seconds : {"total_s", "prepare_s", "trace_s", "trace_cpu_s", "peak_rss_mb"})
        CHECK_MESSAGE(done[seconds].get<double>() > 0, seconds);
    CHECK(done["total_s"].get<double>() >= done["trace_s"].get<double>());
    CHECK(done["device"] == "reference");
    // Not a terminal: plain lines, the last of them all of it.
    CHECK(said.err.find("100 %") != std::string::npos);
    CHECK(said.err.find('\033') == std::string::npos);
    user.check_nothing_is_left();
}

TEST_CASE("a range of frames goes to numbered files, each said as it is there") {
    const User user;
    const auto said = user.run(
        std::vector<std::string>{"render", user.at("t.gltf"), "-o", user.at("f.png"), "--device", "reference", "--frames", "-1-1"} + tiny);
    REQUIRE_MESSAGE(said.status == 0, said.err);
    CHECK(user.files() == std::vector<std::string>{"f.-001.png", "f.0000.png", "f.0001.png", "t.gltf"});
    auto lines = lines_of(said.out);
    std::ranges::sort(lines);
    CHECK(lines == std::vector<std::string>{user.at("f.-001.png"), user.at("f.0000.png"), user.at("f.0001.png")});
}

TEST_CASE("the picture is the same whatever the tiles and the workers") {
    const User user;
    const std::vector<std::string> common = {"render", user.at("t.gltf"), "--device", "reference", "--size", "25x17", "--spp",
                                             "3",      "--env",           "1,1,1",    "--quiet"};
    const auto one = user.run(common + std::vector<std::string>{"-o", user.at("a.exr"), "--tile", "25", "--workers", "1"});
    const auto two = user.run(common + std::vector<std::string>{"-o", user.at("b.exr"), "--tile", "5", "--workers", "2"});
    REQUIRE_MESSAGE(one.status == 0, one.err);
    REQUIRE_MESSAGE(two.status == 0, two.err);
    CHECK(one.err.empty()); // quiet is quiet
    CHECK(one.out.empty());
    CHECK(user.home.read("work/a.exr") == user.home.read("work/b.exr"));
}

TEST_CASE("an interrupted render leaves no process, no file, and no temporary folder") {
    for (const int number : {SIGINT, SIGTERM}) {
        const User user;
        Program program({"render", user.at("t.gltf"), "-o", user.at("out.png"), "--device", "reference", "--size", "400x400", "--spp",
                         "4096", "--tile", "16", "--env", "1,1,1"},
                        user.home.path.string(), user.environment);
        REQUIRE(program.wait_for("render ")); // the first progress of tiles
        program.signal(number);
        const auto said = program.wait();
        CHECK(said.status == 128 + number);
        CHECK(said.err.find("raymill: interrupted") != std::string::npos);
        CHECK(user.files() == std::vector<std::string>{"t.gltf"});
        user.check_nothing_is_left();
    }
}

TEST_CASE("a render that is killed outright takes its farm with it") {
    const User user;
    Program program({"render", user.at("t.gltf"), "-o", user.at("out.png"), "--device", "reference", "--size", "400x400", "--spp", "4096",
                     "--tile", "16", "--env", "1,1,1"},
                    user.home.path.string(), user.environment);
    REQUIRE(program.wait_for("render "));
    program.signal(SIGKILL);
    program.wait();
    const auto mark = user.home.path.filename().string();
    for (int i = 0; i < 100 && !test::processes_with(mark).empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    CHECK(test::processes_with(mark).empty());
    CHECK(user.files() == std::vector<std::string>{"t.gltf"});
}

TEST_CASE("a scene whose fault only a worker finds is status 3, in one line, and leaves nothing") {
    const User user;
    user.home.write("work/short.gltf", test::triangle_with_buffer("short.bin"));
    user.home.write("work/short.bin", "twelve bytes");
    const auto said = user.run(
        std::vector<std::string>{"render", user.at("short.gltf"), "-o", user.at("out.png"), "--device", "reference", "--quiet"} + tiny);
    CHECK(said.status == 3);
    CHECK(lines_of(said.err).size() == 1);
    CHECK(said.err.find("short") != std::string::npos);
    CHECK(user.files() == std::vector<std::string>{"short.bin", "short.gltf", "t.gltf"});
    user.check_nothing_is_left();
}

TEST_CASE("a camera that the scene does not have is wrong usage") {
    const User user;
    const auto said = user.run(std::vector<std::string>{"render", user.at("t.gltf"), "-o", user.at("out.png"), "--device", "reference",
                                                        "--camera", "nave", "--quiet"} +
                               tiny);
    CHECK_MESSAGE(said.status == 2, said.err);
    CHECK(said.err.find("nave") != std::string::npos);
}

TEST_CASE("a device that is not there is status 5") {
    const User user;
    const auto said = user.run(
        std::vector<std::string>{"render", user.at("t.gltf"), "-o", user.at("out.png"), "--device", "no-such-device", "--quiet"} + tiny);
    CHECK_MESSAGE(said.status == 5, said.err);
    CHECK(lines_of(said.err).size() == 1);
    user.check_nothing_is_left();
}

TEST_CASE("a job goes through submit, status, wait, fetch and jobs, and its picture is the one that render makes") {
    User user;
    const auto rendered =
        user.run(std::vector<std::string>{"render", user.at("t.gltf"), "-o", user.at("a.png"), "--device", "reference", "--quiet"} + tiny);
    REQUIRE_MESSAGE(rendered.status == 0, rendered.err);
    const Farm farm(user);
    const auto submitted = user.run(std::vector<std::string>{"submit", user.at("t.gltf"), "--key", "k1", "--quiet"} + tiny);
    REQUIRE_MESSAGE(submitted.status == 0, submitted.err);
    REQUIRE(lines_of(submitted.out).size() == 1);
    const auto id = lines_of(submitted.out)[0];

    const auto waited = user.run({"wait", id, "--json"});
    CHECK_MESSAGE(waited.status == 0, waited.err);
    CHECK(last_line(waited)["state"] == "done");
    const auto status = last_line(user.run({"status", id, "--json"}));
    CHECK(status["job"] == id);
    CHECK(status["name"] == "t");
    CHECK(status["frames"] == json{{"total", 1}, {"done", 1}, {"failed", 0}});
    CHECK(user.run({"status", id}).out.find("done") != std::string::npos);
    const auto fetched = user.run({"fetch", id, "-o", user.at("b.png"), "--json"});
    CHECK_MESSAGE(fetched.status == 0, fetched.err);
    CHECK(last_line(fetched) == json{{"event", "done"}, {"job", id}, {"saved", 1}, {"frames", 1}});
    CHECK(user.home.read("work/a.png") == user.home.read("work/b.png"));

    // The same key again: the same job, and no byte of the scene sent.
    const auto again = last_line(user.run(std::vector<std::string>{"submit", user.at("t.gltf"), "--key", "k1", "--json"} + tiny));
    CHECK(again["job"] == id);
    CHECK(again["created"] == false);
    CHECK(again["bytes_sent"] == 0);
    const auto jobs = lines_of(user.run({"jobs", "--json"}).out);
    REQUIRE(jobs.size() == 1);
    CHECK(json::parse(jobs[0])["job"] == id);
    const auto workers = lines_of(user.run({"workers", "--json"}).out);
    REQUIRE(workers.size() == 1);
    CHECK(json::parse(workers[0])["state"].is_string());

    // A job's frames are of its own format, and a frame that is not there is not fetched.
    CHECK(user.run({"fetch", id, "-o", user.at("c.exr")}).status == 2);
    CHECK(user.run({"status", "abcdef"}).status == 4);
}

TEST_CASE("a job's watcher sees its frames end, and follow fetches them as they do") {
    User user;
    const Farm farm(user);
    const auto said =
        user.run(std::vector<std::string>{"submit", user.at("t.gltf"), "--frames", "1-3", "-o", user.at("f.##.png"), "--json"} + tiny);
    REQUIRE_MESSAGE(said.status == 0, said.err);
    const auto id = json::parse(lines_of(said.out)[0])["job"].get<std::string>();
    CHECK(user.files() == std::vector<std::string>{"f.01.png", "f.02.png", "f.03.png", "t.gltf"});
    CHECK(last_line(said)["event"] == "done");
    const auto watched = user.run({"watch", id});
    CHECK_MESSAGE(watched.status == 0, watched.err);
    CHECK(lines_of(watched.out).size() == 3);
    const auto followed = user.run({"fetch", id, "-o", user.at("g.png"), "--follow", "--quiet"});
    CHECK_MESSAGE(followed.status == 0, followed.err);
    CHECK(user.home.read("work/g.0002.png") == user.home.read("work/f.02.png"));
}

TEST_CASE("a cancelled job is over: waiting for it is status 1") {
    User user;
    const Farm farm(user);
    const auto id =
        lines_of(user.run({"submit", user.at("t.gltf"), "--size", "512x512", "--spp", "65536", "--tile", "16", "--env", "1,1,1"}).out)
            .at(0);
    CHECK(user.run({"fetch", id, "-o", user.at("x.png")}).status == 4); // nothing is done yet
    CHECK(user.run({"cancel", id}).status == 0);
    const auto waited = user.run({"wait", id});
    CHECK(waited.status == 1);
    CHECK(waited.err == "raymill: job " + id + ": was cancelled\n");
    CHECK(user.run({"cancel", id}).status == 0); // twice is no fault
}

TEST_CASE("waiting for a job rides over the coordinator's death and return, whether it began before or between") {
    User user;
    const auto data = (user.home.path / "serve").string();
    std::optional<Farm> farm(std::in_place, user);
    const auto id = lines_of(user.run(std::vector<std::string>{"submit", user.at("t.gltf"), "--frames", "1-40"} + tiny).out).at(0);
    Program before({"wait", id, "--json"}, user.home.path.string(), user.environment);
    Program watching({"watch", id, "--json"}, user.home.path.string(), user.environment);
    REQUIRE(watching.wait_for("\"tile\""));
    farm->coordinator.signal(SIGKILL);
    farm->coordinator.wait();
    Program between({"wait", id, "--json"}, user.home.path.string(), user.environment);
    const Program again({"serve", "--data", data, "--http", farm->url.substr(7), "--workers-at", farm->workers}, user.home.path.string(),
                        user.environment);
    for (Program* program : {&before, &watching, &between}) {
        const auto said = program->wait();
        CHECK_MESSAGE(said.status == 0, said.err);
    }
    CHECK(last_line(between.wait())["frames"] == json{{"total", 40}, {"done", 40}, {"failed", 0}});
}

TEST_CASE("a job file's shots become jobs with outputs of their own, and with the same key no second ones") {
    User user;
    user.home.write("work/batch.toml", R"(key = "batch"
scene = "t.gltf"
size = "16x16"
spp = 1
env = [1, 1, 1]
[[shot]]
name = "front"
output = "front.png"
[[shot]]
name = "side"
look-at = [-1, 0.5, 3, 0, 0, 0, 40]
frames = "1-2"
output = "side.#.exr"
)");
    const Farm farm(user);
    const auto said = user.run({"submit", user.at("batch.toml"), "--wait", "--quiet"});
    REQUIRE_MESSAGE(said.status == 0, said.err);
    CHECK(user.files() == std::vector<std::string>{"batch.toml", "front.png", "side.1.exr", "side.2.exr", "t.gltf"});
    const auto again = user.run({"submit", user.at("batch.toml")});
    CHECK(lines_of(again.out) == lines_of(said.out));
    CHECK(lines_of(user.run({"jobs", "--json"}).out).size() == 2);
    CHECK(lines_of(user.run({"submit", user.at("batch.toml"), "--key", "other"}).out) != lines_of(said.out));
}

TEST_CASE("an environment from another folder travels with the scene") {
    User user;
    // A Radiance file of one pixel (Ward, Real Pixels, 1991): RGBE 128 128 128 128 is radiance 0.25.
    user.home.write("elsewhere/sky.hdr", std::string("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n") + std::string(4, '\x80'));
    const auto said = user.run({"render", user.at("t.gltf"), "-o", user.at("sky.png"), "--device", "reference", "--size", "8x8", "--spp",
                                "1", "--env", (user.home.path / "elsewhere/sky.hdr").string(), "--quiet"});
    CHECK_MESSAGE(said.status == 0, said.err);
    CHECK(size_of_png(user.home.read("work/sky.png")) == std::pair(8u, 8u));
}

TEST_CASE("a scene is uploaded once, and its id is the same each time") {
    User user;
    const Farm farm(user);
    const auto first = last_line(user.run({"upload", user.at("t.gltf"), "--json"}));
    CHECK(first["blobs_sent"] == 1);
    CHECK(first["scene"].get<std::string>().size() == 64);
    const auto second = user.run({"upload", user.at("t.gltf")});
    CHECK(second.out == first["scene"].get<std::string>() + "\n");
}
