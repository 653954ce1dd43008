// raymill bench: how fast this machine renders, device by device and scene by scene.
#include "farm/cli/commands.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/progress.hpp"
#include "farm/cli/server.hpp"
#include "farm/cli/shot.hpp"
#include "farm/protocol/files.hpp"
#include "renderer/bench.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace raymill::cli {
namespace {

namespace fs = std::filesystem;

/// The scenes of the checkout that this program was built in: "scenes" beside one of the folders that it lies in.
std::vector<fs::path> scenes_of_our_own() {
    std::vector<fs::path> scenes;
    std::error_code fault;
    auto folder = fs::read_symlink("/proc/self/exe", fault).parent_path();
    for (int up = 0; up < 5 && folder.has_relative_path(); ++up, folder = folder.parent_path()) {
        // A folder where they are not is no fault, but is_regular_file sets its code to ENOENT there.
        if (std::error_code absent; !fs::is_regular_file(folder / "scenes" / "cornell.glb", absent)) continue;
        for (const auto& entry : fs::directory_iterator(folder / "scenes", fault))
            if (entry.path().extension() == ".glb") scenes.push_back(entry.path());
        break;
    }
    std::ranges::sort(scenes);
    return scenes;
}

/// The devices to measure: the one that is named, else all Vulkan devices that can be used.
std::vector<std::string> devices_to_measure(const std::string& named, unsigned threads) {
    if (!named.empty()) return {named};
    std::vector<std::string> names;
    for (const auto& device : list_devices(threads))
        if (device.unusable.empty() && device.type != "reference") names.push_back(device.uuid.empty() ? device.name : device.uuid);
    return names;
}

void print_result(const fs::path& scene, const BenchResult& r) {
    if (manner().json) {
        print_json({{"scene", scene.string()},
                    {"device", r.device.name},
                    {"device_class", r.device.device_class},
                    {"samples_per_s", r.samples_per_s},
                    {"rays_per_s", r.rays_per_s},
                    {"primary_mrays_per_s", r.primary_mrays_per_s},
                    {"bounce_mrays_per_s", r.bounce_mrays_per_s},
                    {"shadow_mrays_per_s", r.shadow_mrays_per_s},
                    {"generate_share", r.generate_share},
                    {"primary_share", r.primary_share},
                    {"bounce_share", r.bounce_share},
                    {"shadow_share", r.shadow_share},
                    {"shade_share", r.shade_share},
                    {"accumulate_share", r.accumulate_share},
                    {"load_s", r.prepare.load_s},
                    {"build_s", r.prepare.build_s},
                    {"upload_s", r.prepare.upload_s},
                    {"compile_s", r.prepare.compile_s},
                    {"triangles", r.prepare.triangles},
                    {"instances", r.prepare.instances},
                    {"passes", r.passes},
                    {"trace_s", r.trace.seconds},
                    {"trace_cpu_s", r.trace.cpu_seconds},
                    {"samples", r.trace.samples}});
        return;
    }
    char line[256];
    std::snprintf(line, sizeof line, "%-16.16s %12s %12s %9.2f %9.2f %9.2f %9.3f %9.3f %9.3f", scene.stem().c_str(),
                  short_number(r.samples_per_s).c_str(), short_number(r.rays_per_s).c_str(), r.primary_mrays_per_s, r.bounce_mrays_per_s,
                  r.shadow_mrays_per_s, r.prepare.load_s, r.prepare.build_s, r.prepare.compile_s);
    print_line(line);
}

} // namespace

int run_bench(Arguments& arguments) {
    std::vector<std::string> inputs;
    std::map<std::string, std::string> words;
    std::optional<unsigned> seconds, threads;
    std::string device, save;
    arguments.some("SCENE", inputs, "glTF files; without any, the scenes of our own beside the program");
    arguments.number("--seconds", seconds, 1, 3600, "of rendering, each scene on each device (5)");
    arguments.number("--threads", threads, 1, 4096, "CPU threads of a software device or the reference (all)");
    arguments.text("--device", device, "NAME",
                   "one device by name, index or UUID, \"software\" or \"reference\"; all Vulkan devices that can be used");
    arguments.text("--save", save, "DIR", "leave the score in a worker's data folder, where the worker finds it");
    add_manner(arguments);
    arguments.settings(words);
    arguments.footer(
        "Rays of each kind are timed by themselves, in millions a second; samples and rays a second are of whole frames. Renders 640x360\n"
        "with 8 samples a pass unless --size and --spp say otherwise.");
    if (const auto over = arguments.parse()) return *over;
    words.try_emplace("size", "640x360");
    words.try_emplace("spp", "8");
    const auto settings = parse_settings(words);
    if (!settings) return report(settings.error());
    if (settings->frames.size() > 1) return report({Code::usage, "--frames", "one frame is measured; name one"});
    std::vector<fs::path> scenes(inputs.begin(), inputs.end());
    if (scenes.empty()) scenes = scenes_of_our_own();
    if (scenes.empty()) return report({Code::usage, "bench", "no scenes lie beside the program; name one or more glTF files"});
    const auto devices = devices_to_measure(device, threads.value_or(0));
    if (devices.empty()) return report({Code::no_device, "", "no Vulkan device can be used; --device reference measures the oracle"});
    for (const auto& name : devices) {
        bool headed = manner().json;
        double logarithms = 0;
        for (const auto& scene : scenes) {
            const auto result =
                bench({scene, *settings, {.name = name, .threads = threads.value_or(0)}, static_cast<double>(seconds.value_or(5))});
            if (!result) return report(scene_fault(result.error(), scene));
            if (!headed) {
                print_line(result->device.name + " (" + result->device.type + ", " + result->device.driver + ")");
                print_line("scene               samples/s       rays/s   primary    bounce    shadow    load s   build s compile s");
                headed = true;
            }
            print_result(scene, *result);
            logarithms += std::log(std::max(1.0, result->samples_per_s));
        }
        // A benchmark unit is a device that makes a million samples a second, in the geometric mean of the scenes.
        const auto score = std::exp(logarithms / static_cast<double>(scenes.size())) / 1e6;
        char text[32];
        std::snprintf(text, sizeof text, "%.4f", score);
        if (manner().json)
            print_json({{"event", "score"}, {"device", name}, {"score", score}});
        else
            print_line(std::string("score ") + text);
        if (save.empty()) continue;
        if (devices.size() > 1) return report({Code::usage, "--save", "a worker has one device: name it with --device"});
        if (auto ok = farm::make_private_folder(save); !ok) return report(ok.error());
        if (auto ok = farm::write_private_file(fs::path(save) / "bench_score", std::string(text) + "\n"); !ok) return report(ok.error());
    }
    return 0;
}

} // namespace raymill::cli
