#include "renderer/bench.hpp"

namespace raymill {
namespace {

double millions_per_s(std::uint64_t count, double seconds) { return seconds > 0 ? 1e-6 * static_cast<double>(count) / seconds : 0; }

void add_profile(BenchResult& result, const KernelProfile& kernels) {
    result.primary_mrays_per_s = millions_per_s(kernels.primary_rays, kernels.primary_s);
    result.bounce_mrays_per_s = millions_per_s(kernels.bounce_rays, kernels.bounce_s);
    result.shadow_mrays_per_s = millions_per_s(kernels.shadow_rays, kernels.shadow_s);
    const double all =
        kernels.generate_s + kernels.primary_s + kernels.bounce_s + kernels.shadow_s + kernels.shade_s + kernels.accumulate_s;
    if (all <= 0) return;
    result.generate_share = kernels.generate_s / all;
    result.primary_share = kernels.primary_s / all;
    result.bounce_share = kernels.bounce_s / all;
    result.shadow_share = kernels.shadow_s / all;
    result.shade_share = kernels.shade_s / all;
    result.accumulate_share = kernels.accumulate_s / all;
}

} // namespace

Result<BenchResult> bench(const BenchRequest& request) {
    if (!(request.seconds > 0 && request.seconds <= 3600)) return fail(Code::usage, "seconds", "give more than 0 and at most 3600");
    const auto renderer = Renderer::open(request.scene, request.settings, request.device);
    if (!renderer) return std::unexpected(renderer.error());
    const std::int32_t frame = request.settings.frames.empty() ? 0 : request.settings.frames.front();
    BenchResult result;
    const auto prepared = (*renderer)->prepare(frame);
    if (!prepared) return std::unexpected(prepared.error());
    result.device = (*renderer)->device();
    result.prepare = *prepared;
    const Rect all{0, 0, request.settings.width, request.settings.height};
    std::vector<glm::vec4> rgba;
    // The first pass finds the batch size and brings clocks and caches to work.
    if (const auto warm = (*renderer)->render(frame, all, rgba); !warm) return std::unexpected(warm.error());
    do {
        const auto pass = (*renderer)->render(frame, all, rgba);
        if (!pass) return std::unexpected(pass.error());
        result.trace += *pass;
        ++result.passes;
    } while (result.trace.seconds < request.seconds);
    result.samples_per_s = static_cast<double>(result.trace.samples) / result.trace.seconds;
    result.rays_per_s = static_cast<double>(result.trace.closest_rays + result.trace.shadow_rays) / result.trace.seconds;
    const auto kernels = (*renderer)->profile(frame);
    if (!kernels) return std::unexpected(kernels.error());
    add_profile(result, *kernels);
    return result;
}

} // namespace raymill
