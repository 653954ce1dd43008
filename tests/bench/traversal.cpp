// Rays a second through our hierarchy on a Vulkan device and through Embree's rtcIntersect1 and rtcOccluded1, on the same rays: what a path
// tracer sends from this camera, by kind. Run by tools/bench/traversal, whose --help is below.
#include "renderer/reference/traversal.hpp"
#include "renderer/film/environment.hpp"
#include "renderer/gltf/load.hpp"
#include "renderer/gpu/gpu.hpp"
#include "renderer/scene/flatten.hpp"
#include "tests/support/embree.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace raymill;

namespace {

constexpr const char* help =
    "tools/bench/traversal SCENE... [--size WxH] [--threads N] [--seconds S] [--repeat N] [--bounces N] [--SETTING VALUE...]\n"
    "Millions of rays a second: a device's trace kernels beside Embree 3's rtcIntersect1 and rtcOccluded1 (not robust, trees of high "
    "quality,\n"
    "one thread), on the same rays: one path a pixel, its camera rays, its bounces and its shadow rays. Each is run for S seconds (0.5), "
    "in\n"
    "turn, N times (5); printed are the best of each and the median of the ratios with the least and the greatest. Also: how many hits "
    "differ\n"
    "(|dt| > 1e-4 max(1, t), or hit and miss; alpha counts as opaque for Embree, so scenes with alpha differ), and how long the trees "
    "took.\n"
    "SETTING: camera, look-at, env, frames ... as for raymill render.\n";

struct Options {
    std::vector<std::filesystem::path> scenes;
    std::map<std::string, std::string> words{{"size", "512x512"}, {"max-bounces", "4"}};
    unsigned threads = 1;
    double seconds = 0.5;
    int repeat = 5;
};

volatile std::uint32_t sink; // what is found goes here, so that nothing is left out as unused

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Rays {
    std::vector<shading::PathState> primary, bounce;
    std::vector<shading::ShadowRay> shadow;
};

// In the order in which the wavefront has them: vertex by vertex, pixels in rows.
Rays collect(const shading::SceneData& head, const accel::Hierarchy& hierarchy, const Settings& settings) {
    shading::FrameParams params{};
    params.width = settings.width, params.height = settings.height;
    params.max_bounces = settings.max_bounces, params.spp = 1, params.seed = 1;
    params.pixel_filter = shading::FILTER_BOX, params.strategy = shading::STRATEGY_MIS;
    reference::Traversal traversal(head, hierarchy);
    Rays rays;
    std::vector<shading::PathState> active;
    for (std::uint32_t y = 0; y < params.height; ++y)
        for (std::uint32_t x = 0; x < params.width; ++x) active.push_back(shading::generate(head, params, x, y, 0));
    rays.primary = active;
    while (!active.empty()) {
        std::vector<shading::PathState> next;
        for (shading::PathState& path : active) {
            const auto hit = traversal.closest(path.origin, path.direction, path.t_max, shading::path_alpha_key(path));
            shading::ShadowRay shadow;
            shading::PathResult gathered = shading::nothing_gathered();
            const auto outcome = shading::shade(head, params, hit, path, gathered, shadow);
            if ((outcome & shading::PATH_HAS_SHADOW) != 0) rays.shadow.push_back(shadow);
            if ((outcome & shading::PATH_CONTINUES) != 0) next.push_back(path);
        }
        rays.bounce.insert(rays.bounce.end(), next.begin(), next.end());
        active = std::move(next);
    }
    return rays;
}

/// Rays a second of `run`, which traces `count` rays and gives its seconds.
template<class Run> double rate(std::size_t count, double longest, Run run) {
    double seconds = 0;
    std::uint64_t done = 0;
    do {
        seconds += run();
        done += count;
    } while (seconds < longest);
    return static_cast<double>(done) / seconds;
}

template<class Ours, class Theirs>
void compare(const char* kind, std::size_t count, std::size_t different, const Options& options, Ours ours, Theirs theirs) {
    if (count == 0) return;
    std::vector<double> ratios;
    double best = 0, their_best = 0;
    for (int i = 0; i < options.repeat; ++i) {
        const double a = rate(count, options.seconds, ours), b = rate(count, options.seconds, theirs);
        best = std::max(best, a), their_best = std::max(their_best, b);
        ratios.push_back(a / b);
    }
    std::ranges::sort(ratios);
    std::printf("  %-8s %9zu  %8.2f  %8.2f  %6.2f (%.2f to %.2f)  %zu\n", kind, count, best / 1e6, their_best / 1e6,
                ratios[ratios.size() / 2], ratios.front(), ratios.back(), different);
    std::fflush(stdout);
}

bool apart(const shading::RayHit& a, const shading::RayHit& b) {
    const bool hit = a.instance != shading::NONE;
    return hit != (b.instance != shading::NONE) || (hit && std::abs(a.t - b.t) > 1e-4f * std::max(1.f, b.t));
}

Status measure(const std::filesystem::path& file, const Options& options) {
    const auto settings = parse_settings(options.words);
    if (!settings) return std::unexpected(settings.error());
    const auto loaded = gltf::load(file);
    if (!loaded) return std::unexpected(loaded.error());
    scene::EnvironmentImage environment;
    scene::FlattenRequest request;
    request.settings = *settings;
    if (!settings->env.empty() && !scene::is_constant_environment(settings->env)) {
        auto read = film::read_environment(settings->env);
        if (!read) return std::unexpected(read.error());
        environment = {read->width, read->height, std::move(read->texels)};
        request.environment = &environment;
    }
    const auto flat = scene::flatten(*loaded, request);
    if (!flat) return std::unexpected(flat.error());
    const accel::Hierarchy hierarchy = accel::build(*flat, options.threads);
    const double before = now();
    const tests::Embree embree(*flat, false);
    const double embree_build = now() - before;
    DeviceChoice choice;
    choice.threads = options.threads;
    choice.trace = "bvh";
    auto device = gpu::make_vulkan_device(choice);
    if (!device) return std::unexpected(device.error());
    if (auto status = (*device)->load(*flat, hierarchy); !status) return status;
    const shading::SceneData head = scene::referring(*flat);
    const Rays rays = collect(head, hierarchy, *settings);

    std::printf("%s: %zu triangles, %zu instances; %s, %u thread%s\n", file.filename().c_str(), flat->triangles.size(),
                flat->instances.size(), (*device)->info().name.c_str(), options.threads, options.threads == 1 ? "" : "s");
    std::printf("  trees: ours %.3f s, Embree %.3f s (%.2f x)\n", hierarchy.build_seconds, embree_build,
                hierarchy.build_seconds / embree_build);
    std::printf("  kind          rays  Mrays/s    Embree   ratio                  different\n");
    for (const auto& [kind, paths] : {std::pair("primary", &rays.primary), std::pair("bounce", &rays.bounce)}) {
        const auto hits = (*device)->closest_hits(*paths);
        if (!hits) return std::unexpected(hits.error());
        std::size_t different = 0;
        for (std::size_t i = 0; i < paths->size(); ++i)
            different += apart((*hits)[i], embree.closest((*paths)[i].origin, (*paths)[i].direction, (*paths)[i].t_max)) ? 1 : 0;
        Status failed;
        compare(
            kind, paths->size(), different, options,
            [&, rays_of = paths] {
                double seconds = 0;
                if (const auto again = (*device)->closest_hits(*rays_of, &seconds); !again) failed = std::unexpected(again.error());
                return failed ? seconds : options.seconds;
            },
            [&, rays_of = paths] {
                const double start = now();
                std::uint32_t sum = 0;
                for (const auto& path : *rays_of) sum += embree.closest(path.origin, path.direction, path.t_max).triangle;
                sink = sum;
                return now() - start;
            });
        if (!failed) return failed;
    }
    const auto light = (*device)->transmittances(rays.shadow);
    if (!light) return std::unexpected(light.error());
    std::size_t different = 0;
    for (std::size_t i = 0; i < rays.shadow.size(); ++i) {
        const auto& ray = rays.shadow[i];
        different += embree.occluded(ray.origin, ray.direction, ray.t_max) != ((*light)[i] <= 0) ? 1 : 0;
    }
    Status failed;
    compare(
        "shadow", rays.shadow.size(), different, options,
        [&] {
            double seconds = 0;
            if (const auto again = (*device)->transmittances(rays.shadow, &seconds); !again) failed = std::unexpected(again.error());
            return failed ? seconds : options.seconds;
        },
        [&] {
            const double start = now();
            std::uint32_t sum = 0;
            for (const auto& ray : rays.shadow) sum += embree.occluded(ray.origin, ray.direction, ray.t_max) ? 1 : 0;
            sink = sum;
            return now() - start;
        });
    return failed;
}

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (!word.starts_with("--")) {
            options.scenes.emplace_back(word);
            continue;
        }
        if (i + 1 == argc) return false;
        const std::string value = argv[++i];
        if (word == "--threads")
            options.threads = static_cast<unsigned>(std::clamp(std::atoi(value.c_str()), 1, 1024));
        else if (word == "--seconds")
            options.seconds = std::clamp(std::atof(value.c_str()), 0.001, 600.0);
        else if (word == "--repeat")
            options.repeat = std::clamp(std::atoi(value.c_str()), 1, 99);
        else
            options.words[word == "--bounces" ? "max-bounces" : word.substr(2)] = value;
    }
    return !options.scenes.empty();
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::fputs(help, stderr);
        return 2;
    }
    for (const auto& scene : options.scenes)
        if (const auto status = measure(scene, options); !status) {
            const bool lacking = status.error().code == Code::no_device;
            std::fprintf(stderr, "%s%s\n", lacking ? "SKIPPED: traversal: " : "traversal: ", status.error().message().c_str());
            return lacking ? 77 : 1;
        }
    return 0;
}
