// raymill render: the whole farm on this machine for one job, then gone.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/saving.hpp"
#include "farm/cli/shot.hpp"
#include "farm/coordinator/local_farm.hpp"
#include "renderer/device.hpp"

#include <algorithm>
#include <chrono>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace raymill::cli {
namespace {

constexpr unsigned max_workers = 256;

using Clock = std::chrono::steady_clock;

struct Options {
    Shot shot;
    std::string output, device;
    std::optional<unsigned> workers, threads;
};

/// Kilobytes of this process's and its ended children's largest one, as megabytes.
double own_peak_mb() {
    rusage self{}, children{};
    ::getrusage(RUSAGE_SELF, &self);
    ::getrusage(RUSAGE_CHILDREN, &children);
    return static_cast<double>(std::max(self.ru_maxrss, children.ru_maxrss)) / 1024;
}

/// Whether this machine can have a GPU at all, by what its kernel shows. Listing devices through Vulkan takes a tenth of a second, which a
/// machine without one is spared.
bool has_gpu_nodes() {
    std::error_code fault;
    for (const char* node : {"/dev/nvidia0", "/dev/kfd", "/dev/dxg"})
        if (std::filesystem::exists(node, fault)) return true;
    for (const auto& entry : std::filesystem::directory_iterator("/dev/dri", fault))
        if (entry.path().filename().string().starts_with("renderD")) return true;
    return false;
}

/// The GPUs that share the work when nobody names a device: all of the chosen one's class, so that their pixels are the same bits.
std::vector<std::string> gpus() {
    std::vector<std::string> uuids;
    if (!has_gpu_nodes()) return uuids;
    const auto devices = list_devices();
    const auto chosen = std::ranges::find(devices, true, &DeviceInfo::chosen);
    if (chosen == devices.end() || chosen->type != "discrete") return uuids;
    for (const auto& device : devices)
        if (device.unusable.empty() && device.device_class == chosen->device_class && !device.uuid.empty()) uuids.push_back(device.uuid);
    return uuids;
}

/// Starts the farm's processes. The threads that were asked for are all workers' together.
Result<farm::LocalFarm> start_farm(const Options& options) {
    farm::LocalFarmOptions local;
    local.device = options.device;
    if (options.device.empty()) local.devices = gpus();
    local.workers = options.workers.value_or(std::max(1u, static_cast<unsigned>(std::min<std::size_t>(local.devices.size(), max_workers))));
    const unsigned threads = options.threads.value_or(std::max(1u, std::thread::hardware_concurrency()));
    if (options.threads || local.workers > 1) local.threads = std::max(1u, threads / local.workers);
    return farm::LocalFarm::start(local);
}

/// Ends all waiting the moment that the farm cannot go on: the coordinator's end, or that of the last worker. Without this a job whose farm
/// is gone would wait for it to come back, as jobs on a real farm should.
class FarmWatch {
  public:
    FarmWatch(const std::vector<pid_t>& processes, std::stop_source& stop) {
        for (const pid_t process : processes) polls_.push_back({pidfd(process), POLLIN, 0});
        polls_.push_back({::eventfd(0, EFD_CLOEXEC), POLLIN, 0});
        thread_ = std::thread([this, &stop] {
            for (std::size_t workers = polls_.size() - 2;;) {
                if (::poll(polls_.data(), polls_.size(), -1) < 0) continue;
                if (polls_.back().revents != 0) return;
                for (auto& p : polls_) {
                    if (p.revents == 0) continue;
                    if (&p == polls_.data() || --workers == 0) return static_cast<void>(stop.request_stop());
                    ::close(p.fd);
                    p = {-1, 0, 0};
                }
            }
        });
    }
    FarmWatch(const FarmWatch&) = delete;
    FarmWatch& operator=(const FarmWatch&) = delete;
    ~FarmWatch() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto wrote = ::write(polls_.back().fd, &one, sizeof one);
        thread_.join();
        for (const auto& p : polls_)
            if (p.fd >= 0) ::close(p.fd);
    }

  private:
    static int pidfd(pid_t process) { return static_cast<int>(::syscall(SYS_pidfd_open, process, 0)); }
    std::vector<pollfd> polls_; ///< the coordinator's, the workers', our own
    std::thread thread_;
};

/// All of it. Leaving this function ends the farm.
int render(const Options& options, const OutputName& output, const ShotFiles& files, Clock::time_point began) {
    const Interrupt interrupt;
    auto farm = start_farm(options);
    if (!farm) return report(farm.error());
    std::stop_source stop;
    const std::stop_callback on_interrupt(interrupt.token(), [&] { stop.request_stop(); });
    const FarmWatch watch(farm->processes(), stop);
    // Whatever failed because the farm is gone: the farm's own last words say more.
    const auto fault = [&](const Error& error) {
        if (!interrupt.token().stop_requested())
            if (const auto alive = farm->check(); !alive) return report(alive.error());
        return report(error);
    };

    const auto address = farm::client::parse_server(farm->url());
    if (!address) return report(address.error());
    const Server server(*address, {farm->token(), {}}, stop.get_token());
    auto client = server.client();
    Progress progress;
    Notes notes;
    const auto scene = farm::client::make_manifest(files.files, stop.get_token());
    if (!scene) return fault(scene.error());
    const auto sent = farm::client::upload(client, *scene, {[&server] { return server.connect(); }, {}, 0, 4});
    if (!sent) return fault(sent.error());
    const auto submitted = client.submit({sent->scene, files.words, options.shot.name, ""});
    if (!submitted) return fault(submitted.error());
    const auto job = client.job(submitted->job);
    if (!job) return fault(job.error());
    const auto saved = save_frames(client, *job, output, true, progress, notes);
    if (!saved) return fault(saved.error());
    const auto& done = saved->job;
    if (const auto failed = done.fault()) return report({failed->code, options.shot.scene.string(), failed->what});

    const double total_s = std::chrono::duration<double>(Clock::now() - began).count();
    const auto first = files.settings.frames.empty() ? 0 : files.settings.frames.front();
    if (manner().json)
        print_json({{"event", "done"},
                    {"job", done.id},
                    {"output", output.pattern(first, done.frames > 1)},
                    {"frames", done.frames},
                    {"total_s", total_s},
                    {"prepare_s", done.prepare_s},
                    {"trace_s", done.trace_s},
                    {"trace_cpu_s", done.trace_cpu_s},
                    {"samples", done.samples},
                    {"rays", done.rays},
                    {"peak_rss_mb", std::max(done.peak_rss_mb, own_peak_mb())},
                    {"device", done.device},
                    {"scene", sent->scene}});
    else
        say(short_time(total_s) + ", " + short_number(static_cast<double>(done.samples)) + " samples on " + done.device);
    return 0;
}

} // namespace

int run_render(Arguments& arguments) {
    const auto began = Clock::now();
    Options options;
    std::string scene, out;
    arguments.positional("SCENE", scene, "a glTF file (.gltf, .glb)");
    arguments.text("-o,--output", out, "OUT",
                   "x.png or x.exr, with #### or %04d for a frame's number; several frames into a plain name become x.0001.png");
    arguments.number("--workers", options.workers, 1, max_workers, "render processes; one for each GPU of the best kind, else 1");
    arguments.number("--threads", options.threads, 1, 4096,
                     "CPU threads of software devices and the reference, all workers together (all)");
    arguments.text("--device", options.device, "NAME", "a device by name, index or UUID, \"software\" or \"reference\"; the best");
    add_manner(arguments);
    arguments.settings(options.shot.words);
    if (const auto over = arguments.parse()) return *over;
    if (out.empty()) return report({Code::usage, "render", "-o is missing; say where the picture goes, as in -o out.png"});
    options.shot.scene = scene;
    options.shot.name = options.shot.scene.stem().string().substr(0, max_name);
    const auto format = options.shot.words.find("format");
    const auto output = OutputName::parse(out, options.shot.name, format == options.shot.words.end() ? "png" : format->second);
    if (!output) return report(output.error());
    if (const auto good = agree_on_format(options.shot.words, output->format(), out); !good) return report(good.error());
    // Everything that can be known without the farm, so that a wrong word or a bad scene is said at once.
    const auto files = find_files(options.shot);
    if (!files) return report(files.error());
    const auto& frames = files->settings.frames;
    if (const auto good = output->check(frames.empty() ? 0 : frames.front(), frames.size() > 1); !good) return report(good.error());
    return render(options, *output, *files, began);
}

} // namespace raymill::cli
