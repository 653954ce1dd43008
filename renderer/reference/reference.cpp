#include "renderer/reference/reference.hpp"

#include "renderer/base/check.hpp"
#include "renderer/reference/traversal.hpp"
#include "shaders/shared/path.h"

#include <atomic>
#include <chrono>
#include <ctime>
#include <optional>
#include <thread>

namespace raymill::reference {
namespace {

double process_cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class ReferenceDevice final : public Device {
  public:
    explicit ReferenceDevice(unsigned threads) : threads_(threads != 0 ? threads : std::max(1u, std::thread::hardware_concurrency())) {
        info_.name = info_.type = "reference";
        info_.driver = RAYMILL_VERSION;
        info_.device_class = "reference " RAYMILL_VERSION;
        info_.reason = "the oracle: only when named";
    }

    [[nodiscard]] const DeviceInfo& info() const override { return info_; }

    Status load(const scene::FlatScene& scene, const accel::Hierarchy& hierarchy) override {
        flat_ = scene;
        hierarchy_ = hierarchy;
        scene_ = scene::referring(flat_);
        loaded_ = true;
        return {};
    }

    Result<TraceStats> render(const shading::FrameParams& params, Rect rect, std::span<glm::vec4> rgba) override {
        CHECK_TRUE(loaded_);
        CHECK_SAME(rgba.size(), std::size_t{rect.width} * rect.height);
        CHECK_AT_MOST(std::uint64_t{rect.x} + rect.width, params.width);
        CHECK_AT_MOST(std::uint64_t{rect.y} + rect.height, params.height);
        const auto begin = std::chrono::steady_clock::now();
        const double cpu_begin = process_cpu_seconds();
        const unsigned workers = std::min(threads_, std::max(1u, rect.height));
        std::vector<TraceStats> stats(workers);
        std::atomic<std::uint32_t> next_row = 0;
        {
            std::vector<std::jthread> pool;
            for (unsigned worker = 0; worker < workers; ++worker)
                pool.emplace_back([&, worker] {
                    Traversal traversal(scene_, hierarchy_);
                    for (std::uint32_t row = next_row++; row < rect.height; row = next_row++)
                        for (std::uint32_t column = 0; column < rect.width; ++column)
                            rgba[std::size_t{row} * rect.width + column] =
                                render_pixel(params, rect.x + column, rect.y + row, traversal, stats[worker]);
                });
        }
        TraceStats total;
        for (const TraceStats& part : stats) total += part;
        total.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        total.cpu_seconds = process_cpu_seconds() - cpu_begin;
        return total;
    }

  private:
    /// The mean of the pixel's good samples, in order of their index.
    [[nodiscard]] glm::vec4 render_pixel(const shading::FrameParams& params, std::uint32_t x, std::uint32_t y, Traversal& traversal,
                                         TraceStats& stats) const {
        glm::dvec4 sum(0);
        std::uint32_t good = 0;
        for (std::uint32_t sample = 0; sample < params.spp; ++sample) {
            bool bad = false;
            const glm::vec4 value = shading::finish(trace_path(params, x, y, sample, traversal, stats), bad);
            if (bad) {
                ++stats.bad_samples;
                continue;
            }
            ++good;
            sum += glm::dvec4(value);
        }
        stats.samples += params.spp;
        return good > 0 ? glm::vec4(sum / static_cast<double>(good)) : glm::vec4(0);
    }

    [[nodiscard]] shading::PathResult trace_path(const shading::FrameParams& params, std::uint32_t x, std::uint32_t y, std::uint32_t sample,
                                                 Traversal& traversal, TraceStats& stats) const {
        shading::PathState path = shading::generate(scene_, params, x, y, sample);
        shading::PathResult gathered = shading::nothing_gathered();
        for (std::uint32_t next = shading::PATH_CONTINUES; (next & shading::PATH_CONTINUES) != 0;) {
            const shading::RayHit hit = traversal.closest(path.origin, path.direction, path.t_max, shading::path_alpha_key(path));
            ++stats.closest_rays;
            shading::ShadowRay shadow;
            next = shading::shade(scene_, params, hit, path, gathered, shadow);
            if ((next & shading::PATH_HAS_SHADOW) != 0) {
                shading::connect(gathered, shadow, traversal.transmittance(shadow.origin, shadow.direction, shadow.t_max));
                ++stats.shadow_rays;
            }
        }
        return gathered;
    }

    unsigned threads_;
    DeviceInfo info_;
    scene::FlatScene flat_;
    accel::Hierarchy hierarchy_;
    shading::SceneData scene_{};
    bool loaded_ = false;
};

} // namespace

std::unique_ptr<Device> make_reference_device(unsigned threads) { return std::make_unique<ReferenceDevice>(threads); }

} // namespace raymill::reference
