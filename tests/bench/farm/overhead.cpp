// The one figure for which something is rendered: the farm's time over that of the renderer alone.
#include "farm/client/client.hpp"
#include "farm/client/fetch.hpp"
#include "farm/client/upload.hpp"
#include "farm/coordinator/local_farm.hpp"
#include "renderer/base/settings.hpp"
#include "renderer/film/image_writer.hpp"
#include "renderer/renderer.hpp"
#include "tests/bench/farm/measures.hpp"
#include "tests/bench/farm/swarm.hpp"

#include <algorithm>
#include <cstdio>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace raymill::farm::bench {
namespace {

/// Seconds that the renderer alone takes from the scene's file to a picture's, in a process of its own: open, prepare, trace, write.
Result<double> alone(const Options& options, const Settings& settings) {
    int ends[2];
    if (::pipe(ends) != 0) return fail(Code::io, "overhead", "no pipe");
    const auto began = now_s();
    const auto pid = ::fork();
    if (pid == 0) {
        const auto render = [&]() -> Status {
            auto renderer = Renderer::open(options.scene, settings, {.name = options.device, .threads = 0});
            if (!renderer) return std::unexpected(renderer.error());
            if (auto ok = (*renderer)->prepare(0); !ok) return std::unexpected(ok.error());
            std::vector<glm::vec4> pixels;
            if (auto ok = (*renderer)->render(0, {0, 0, settings.width, settings.height}, pixels); !ok) return std::unexpected(ok.error());
            auto writer = film::ImageWriter::open(options.folder / "alone.png",
                                                  film::image_spec(settings, "", (*renderer)->device().device_class, 0));
            if (!writer) return std::unexpected(writer.error());
            if (auto ok = (*writer)->write_rows(pixels); !ok) return ok;
            return (*writer)->finish();
        }();
        if (!render) std::fprintf(stderr, "overhead: %s\n", render.error().message().c_str());
        ::_exit(render ? 0 : 1);
    }
    int status = 0;
    ::close(ends[0]);
    ::close(ends[1]);
    ::waitpid(pid, &status, 0);
    if (status != 0) return fail(Code::failed, "overhead", "the renderer alone failed");
    return now_s() - began;
}

} // namespace

Result<Figures> overhead(const Options& options) {
    if (options.scene.empty()) return fail(Code::usage, "overhead", "name a scene with --scene");
    const std::map<std::string, std::string> words{{"size", options.tiny ? "64x48" : "960x540"}, {"spp", options.tiny ? "1" : "96"}};
    const auto settings = parse_settings(words);
    if (!settings) return std::unexpected(settings.error());

    // The worker is there before the clock starts, as on a farm; its render process is not.
    auto farm = LocalFarm::start(
        {.workers = 1, .device = options.device, .threads = 0, .command = {options.raymill.string()}, .temporary = options.folder});
    if (!farm) return std::unexpected(farm.error());
    const auto address = client::parse_server(farm->url());
    if (!address) return std::unexpected(address.error());
    const auto connect = [&] { return client::Http(*address, {farm->token(), {}}, {}, {}); };
    client::Client client(connect());
    const auto here = [&] {
        const auto workers = client.workers();
        return workers && !workers->empty();
    };
    for (const auto end = now_s() + 20; !here() && now_s() < end;) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (!here()) return fail(Code::failed, "overhead", "the worker did not come");

    const auto by_farm = [&]() -> Result<double> {
        const auto began = now_s();
        // Another name each time: nothing of an earlier run is used again.
        const auto local = client::make_manifest(
            {.main = options.scene.filename().string(), .files = {{options.scene.filename().string(), options.scene}}}, {});
        if (!local) return std::unexpected(local.error());
        const auto sent = client::upload(client, *local, {.connect = connect, .on_progress = {}});
        if (!sent) return std::unexpected(sent.error());
        const auto job = client.submit({.scene = sent->scene, .settings = words, .name = "overhead", .key = ""});
        if (!job) return std::unexpected(job.error());
        const auto info = client.follow(job->job, 0, [](const client::Event&) { return Status{}; });
        if (!info) return std::unexpected(info.error());
        if (const auto fault = info->fault()) return std::unexpected(*fault);
        std::string image;
        const auto got = client.http().download_once("/v1/jobs/" + job->job + "/frames/0/image", 0, [&](std::string_view piece) {
            image += piece;
            return true;
        });
        if (!got || got->status != 200) return fail(Code::failed, "overhead", "the frame could not be fetched");
        return now_s() - began;
    };
    // In turn, so that what else this machine does hits both. The median of the ratios of neighbours.
    std::vector<double> ratios, farms, renderers;
    for (int i = 0; i < (options.tiny ? 1 : 3); ++i) {
        const auto direct = alone(options, *settings);
        if (!direct) return std::unexpected(direct.error());
        const auto farmed = by_farm();
        if (!farmed) return std::unexpected(farmed.error());
        ratios.push_back(*farmed / *direct);
        farms.push_back(*farmed);
        renderers.push_back(*direct);
    }
    for (auto* list : {&ratios, &farms, &renderers}) std::ranges::sort(*list);
    const auto middle = ratios.size() / 2;
    char text[300];
    std::snprintf(text, sizeof text,
                  "%s at %s, %s spp: %.2f s from upload to the fetched frame with one worker, %.2f s for the renderer alone; median of %zu "
                  "pairs, %.3f to %.3f",
                  options.scene.filename().c_str(), words.at("size").c_str(), words.at("spp").c_str(), farms[middle], renderers[middle],
                  ratios.size(), ratios.front(), ratios.back());
    return Figures{{"overhead_ratio", ratios[middle], "", text, 1.05, false}};
}

} // namespace raymill::farm::bench
