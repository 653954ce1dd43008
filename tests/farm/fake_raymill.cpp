// The farm's three processes with a renderer that needs no device: for tests only, never installed. `fake_raymill
// serve|worker|render-process OPTIONS` takes the options of `raymill` that the tests use. What the renderer does is written in the scene
// file, as words NAME=VALUE:
//   tile_ms=N      each tile takes so long
//   bad=1          the scene cannot be opened (Code::bad_input)
//   fail_pixel=X   the tile with pixel (X, 0) always fails, in frame fail_frame=F (0)
//   crash_once=F   the first process that renders a tile aborts; F is a file that remembers it
//   hang_once=F    likewise, but it sleeps for ever
//   eat_once=F     likewise, but it takes memory until it is stopped
//   lost_once=F    likewise, but it says that its device is lost
//   escape=F       it tries to get out of its sandbox (tests/security/escapes.hpp; F is a secret, port=N a port of loopback); what came of
//   it
//                  stands in the job's notes
//   began_once=F   F is made when the first tile begins, and nothing else happens
#include "farm/coordinator/local_farm.hpp"
#include "farm/coordinator/serve.hpp"
#include "farm/worker/render_process.hpp"
#include "farm/worker/worker.hpp"
#include "tests/security/escapes.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <thread>

using namespace raymill;
using namespace raymill::farm;

namespace {

class FakeRenderer final : public Renderer {
  public:
    FakeRenderer(std::map<std::string, std::string> words, const Settings& settings)
        : words_(std::move(words)), seed_(settings.seed), spp_(settings.spp) {
        info_.name = "fake";
        info_.type = "reference";
        info_.device_class = "fake device";
        if (const auto secret = words_.find("escape"); secret != words_.end()) notes_ = try_escapes(secret->second, number("port", 1));
    }
    const DeviceInfo& device() const override { return info_; }
    const std::vector<std::string>& notes() const override { return notes_; }
    Result<PrepareStats> prepare(std::int32_t) override { return PrepareStats{}; }
    Result<TraceStats> render(std::int32_t frame, Rect rect, std::vector<glm::vec4>& rgba) override {
        static_cast<void>(once("began_once"));
        if (once("crash_once")) std::abort();
        if (once("hang_once")) std::this_thread::sleep_for(std::chrono::hours(1));
        if (once("eat_once"))
            for (std::vector<std::vector<char>> eaten;;) {
                eaten.emplace_back(8 << 20, 'x');
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
            }
        if (once("lost_once")) return fail(Code::device_lost, "fake", "the device is lost");
        std::this_thread::sleep_for(std::chrono::milliseconds(number("tile_ms", 0)));
        const auto pixel = static_cast<std::uint32_t>(number("fail_pixel", -1));
        if (words_.contains("fail_pixel") && frame == number("fail_frame", 0) && rect.y == 0 && pixel >= rect.x &&
            pixel < rect.x + rect.width)
            return fail(Code::failed, "fake", "this pixel is poison");
        rgba.clear();
        for (auto y = rect.y; y < rect.y + rect.height; ++y)
            for (auto x = rect.x; x < rect.x + rect.width; ++x) {
                std::uint32_t bits = x * 73856093u ^ y * 19349663u ^ static_cast<std::uint32_t>(frame) * 83492791u ^ seed_;
                bits ^= bits >> 15, bits *= 0x2c1b3c6d, bits ^= bits >> 12;
                rgba.emplace_back(static_cast<float>(bits & 255) / 255, static_cast<float>((bits >> 8) & 255) / 255,
                                  static_cast<float>((bits >> 16) & 255) / 255, 1.f);
            }
        return TraceStats{.samples = std::uint64_t{rect.width} * rect.height * spp_,
                          .closest_rays = 2,
                          .shadow_rays = 1,
                          .seconds = 0.001,
                          .cpu_seconds = 0.001,
                          .bad_samples = 0};
    }

  private:
    int number(const char* name, int otherwise) const {
        const auto found = words_.find(name);
        return found == words_.end() ? otherwise : std::atoi(found->second.c_str());
    }
    bool once(const char* name) const {
        const auto found = words_.find(name);
        if (found == words_.end()) return false;
        std::FILE* made = std::fopen(found->second.c_str(), "wx");
        return made != nullptr && std::fclose(made) == 0;
    }
    std::map<std::string, std::string> words_;
    std::uint32_t seed_, spp_;
    DeviceInfo info_;
    std::vector<std::string> notes_{"the fake renderer draws no scene"};
};

Result<std::unique_ptr<Renderer>> open_fake(const std::filesystem::path& scene_file, const Settings& settings, const DeviceChoice& choice) {
    if (scene_file.extension() == ".glb") return Renderer::open(scene_file, settings, choice); // the real one
    std::ifstream in(scene_file);
    if (!in) return fail(Code::bad_input, scene_file.string(), "there is no such file");
    std::map<std::string, std::string> words;
    for (std::string word; in >> word;)
        if (const auto equals = word.find('='); equals != std::string::npos) words[word.substr(0, equals)] = word.substr(equals + 1);
    if (words.contains("bad")) return fail(Code::bad_input, scene_file.string(), "this scene is bad");
    return std::make_unique<FakeRenderer>(std::move(words), settings);
}

} // namespace

int main(int argc, char** argv) {
    const std::string command = argc > 1 ? argv[1] : "";
    if (command == "render-process") return render_process(3, open_fake);
    std::map<std::string, std::string> options;
    for (int i = 2; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
    const auto number = [&](const char* name, int otherwise) {
        return options.contains(name) ? std::atoi(options.at(name).c_str()) : otherwise;
    };
    Status outcome = fail(Code::usage, "", "serve, worker or render-process");
    if (command == "serve")
        outcome = serve({.data = options["--data"],
                         .http = options["--http"],
                         .workers_at = options["--workers-at"],
                         .tls_certificate = options["--tls-cert"],
                         .tls_key = options["--tls-key"],
                         .plain_http = options["--plain-http"] == "yes",
                         .lease_ms = static_cast<std::uint32_t>(number("--lease-ms", 15000)),
                         .on_ready = {}});
    if (command == "worker") {
        WorkerOptions worker;
        worker.connect = options["--connect"];
        worker.data = options["--data"];
        worker.cache_bytes = static_cast<std::uint64_t>(number("--cache-mb", 1024)) << 20;
        worker.memory_bytes = static_cast<std::uint64_t>(number("--memory-mb", 0)) << 20;
        worker.stall_s = static_cast<unsigned>(number("--stall-s", 600));
        worker.device = options["--device"];
        if (options["--sandbox"] == "off") worker.sandbox = WorkerOptions::Sandbox::off;
        // Scenes' marker files lie in the test's folder, beside the worker's.
        if (options["--strict"] != "yes") worker.render_may_write = {worker.data.parent_path()};
        worker.render_command = {argv[0], "render-process"};
        outcome = work(worker);
    }
    if (command == "local") { // a local farm of two workers, its processes' ids on one line, until it is killed
        auto farm = LocalFarm::start({.workers = 2, .device = "", .threads = 0, .command = {argv[0]}, .temporary = options["--data"]});
        if (farm) {
            for (const auto pid : farm->processes()) std::printf("%d ", pid);
            std::printf("\n");
            std::fflush(stdout);
            for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
        }
        outcome = std::unexpected(farm.error());
    }
    if (!outcome) std::fprintf(stderr, "fake_raymill: %s\n", outcome.error().message().c_str());
    return outcome ? 0 : 1;
}
