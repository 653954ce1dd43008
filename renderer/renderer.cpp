#include "renderer/renderer.hpp"

#include "renderer/film/environment.hpp"
#include "renderer/gltf/load.hpp"
#include "renderer/scene/flatten.hpp"

#include <chrono>
#include <optional>

namespace raymill {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class SceneRenderer final : public Renderer {
  public:
    SceneRenderer(scene::Scene scene, Settings settings, scene::EnvironmentImage environment, std::unique_ptr<Device> device, double load_s,
                  unsigned threads)
        : scene_(std::move(scene)), settings_(std::move(settings)), environment_(std::move(environment)), device_(std::move(device)),
          load_s_(load_s), threads_(threads) {}

    [[nodiscard]] const DeviceInfo& device() const override { return device_->info(); }
    [[nodiscard]] const std::vector<std::string>& notes() const override { return flat_.notes; }

    /// Flattens the scene for a frame; so it also says which settings the scene cannot follow.
    Status flatten(std::int32_t frame) {
        const double seconds = time_of(frame);
        if (flat_seconds_ == seconds) return {};
        flat_seconds_.reset();
        loaded_seconds_.reset();
        scene::FlattenRequest request;
        request.settings = settings_;
        request.seconds = seconds;
        request.environment = environment_.texels.empty() ? nullptr : &environment_;
        Result<scene::FlatScene> flat = scene::flatten(scene_, request);
        if (!flat) return std::unexpected(flat.error());
        flat_ = std::move(*flat);
        flat_seconds_ = seconds;
        return {};
    }

    Result<PrepareStats> prepare(std::int32_t frame) override {
        PrepareStats stats;
        stats.load_s = std::exchange(load_s_, 0);
        const auto start = std::chrono::steady_clock::now();
        if (Status flattened = flatten(frame); !flattened) return std::unexpected(flattened.error());
        stats.load_s += seconds_since(start);
        stats.triangles = triangles_;
        stats.instances = instances_, stats.lights = lights_, stats.textures = textures_;
        if (loaded_seconds_ == flat_seconds_) return stats;
        const accel::Hierarchy hierarchy = accel::build(flat_, threads_);
        stats.build_s = hierarchy.build_seconds;
        const auto upload = std::chrono::steady_clock::now();
        if (Status loaded = device_->load(flat_, hierarchy); !loaded) return std::unexpected(loaded.error());
        stats.compile_s = device_->compile_seconds();
        stats.upload_s = seconds_since(upload) - stats.compile_s;
        loaded_seconds_ = flat_seconds_;
        count(stats);
        drop_arrays();
        return stats;
    }

    Result<TraceStats> render(std::int32_t frame, Rect rect, std::vector<glm::vec4>& rgba) override {
        if (rect.width == 0 || rect.height == 0 || std::uint64_t{rect.x} + rect.width > settings_.width ||
            std::uint64_t{rect.y} + rect.height > settings_.height)
            return fail(Code::usage, "tile", "it is empty or reaches out of the frame");
        if (const auto prepared = prepare(frame); !prepared) return std::unexpected(prepared.error());
        rgba.resize(std::size_t{rect.width} * rect.height);
        return device_->render(params_of(frame), rect, rgba);
    }

    Result<KernelProfile> profile(std::int32_t frame) override {
        if (const auto prepared = prepare(frame); !prepared) return std::unexpected(prepared.error());
        return device_->profile(params_of(frame), {0, 0, settings_.width, settings_.height});
    }

  private:
    [[nodiscard]] shading::FrameParams params_of(std::int32_t frame) const {
        shading::FrameParams params{};
        params.width = settings_.width, params.height = settings_.height;
        params.max_bounces = settings_.max_bounces;
        params.clamp_indirect = settings_.clamp;
        params.pixel_filter = settings_.filter == Filter::box ? shading::FILTER_BOX : shading::FILTER_BLACKMAN_HARRIS;
        // Frames of an animation must not share their noise: it would stand still on the screen like dirt on a lens.
        params.seed = settings_.seed + 0x9e3779b9u * static_cast<std::uint32_t>(frame);
        params.strategy = shading::STRATEGY_MIS;
        params.spp = settings_.spp;
        return params;
    }

    /// A scene in which nothing moves is the same at all times: it is flattened, built and uploaded once.
    [[nodiscard]] double time_of(std::int32_t frame) const { return scene_.animations.empty() ? 0.0 : settings_.time_of(frame); }

    void count(PrepareStats& stats) {
        stats.triangles = triangles_ = flat_.triangles.size();
        stats.instances = instances_ = flat_.instances.size();
        stats.lights = lights_ = flat_.lights.size();
        stats.textures = textures_ = flat_.textures.size();
    }

    /// The device has its own copy by now; only the notes are still asked for.
    void drop_arrays() {
        std::vector<std::string> notes = std::move(flat_.notes);
        flat_ = {};
        flat_.notes = std::move(notes);
    }

    scene::Scene scene_;
    Settings settings_;
    scene::EnvironmentImage environment_;
    std::unique_ptr<Device> device_;
    double load_s_; // not yet told
    unsigned threads_;
    scene::FlatScene flat_;
    std::optional<double> flat_seconds_, loaded_seconds_; // scene time of flat_ and of what the device has
    std::uint64_t triangles_ = 0, instances_ = 0, lights_ = 0, textures_ = 0;
};

Result<scene::EnvironmentImage> load_environment(const std::filesystem::path& scene_file, const Settings& settings) {
    scene::EnvironmentImage image;
    if (settings.env.empty() || scene::is_constant_environment(settings.env)) return image;
    const std::filesystem::path named(settings.env);
    Result<film::EnvironmentFile> file = film::read_environment(named.is_absolute() ? named : scene_file.parent_path() / named);
    if (!file) return std::unexpected(file.error().within("--env"));
    image.width = file->width, image.height = file->height;
    image.texels = std::move(file->texels);
    return image;
}

} // namespace

Result<std::unique_ptr<Renderer>> Renderer::open(const std::filesystem::path& scene_file, const Settings& settings,
                                                 const DeviceChoice& choice) {
    const auto start = std::chrono::steady_clock::now();
    Result<scene::Scene> scene = gltf::load(scene_file);
    if (!scene) return std::unexpected(scene.error());
    Result<scene::EnvironmentImage> environment = load_environment(scene_file, settings);
    if (!environment) return std::unexpected(environment.error());
    const double load_s = seconds_since(start);
    Result<std::unique_ptr<Device>> device = open_device(choice);
    if (!device) return std::unexpected(device.error());
    auto renderer =
        std::make_unique<SceneRenderer>(std::move(*scene), settings, std::move(*environment), std::move(*device), load_s, choice.threads);
    if (Status fits = renderer->flatten(settings.frames.empty() ? 0 : settings.frames.front()); !fits) return std::unexpected(fits.error());
    return renderer;
}

} // namespace raymill
