// What tests and benchmarks ask of a path tracer: single rays, single kernels.
#include "renderer/base/check.hpp"
#include "renderer/gpu/path_tracer.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>

namespace raymill::gpu {

using shading::Batch;
using shading::WavefrontCounters;

namespace {

constexpr std::size_t pair_bytes = 2 * sizeof(std::uint32_t);

/// Record i of `records` at i * `pairs` of words, slot i behind it, as kernels keep them (shared/wavefront.h).
template<class T> std::vector<std::byte> padded(std::span<const T> records, std::uint32_t pairs) {
    const std::size_t stride = pairs * pair_bytes;
    std::vector<std::byte> bytes(records.size() * stride);
    for (std::size_t i = 0; i < records.size(); ++i) {
        const auto slot = static_cast<std::uint32_t>(i);
        std::memcpy(bytes.data() + i * stride, &records[i], sizeof(T));
        std::memcpy(bytes.data() + i * stride + sizeof(T), &slot, sizeof slot);
    }
    return bytes;
}

} // namespace

Result<std::vector<std::byte>> PathTracer::read_back(const Buffer& buffer, std::uint64_t size) {
    const Result<Buffer> seen = Buffer::create(*context_, Place::readback, size, "results");
    if (!seen) return std::unexpected(seen.error());
    RETURN_ERROR(context_->run([&](VkCommandBuffer commands) {
        const VkBufferCopy all{0, 0, size};
        vkCmdCopyBuffer(commands, buffer.get(), seen->get(), 1, &all);
        barrier_to_host(commands);
    }));
    return std::vector<std::byte>(seen->mapped(), seen->mapped() + size);
}

Status PathTracer::write(const Buffer& buffer, std::span<const std::byte> bytes) {
    const Result<Buffer> staging = Buffer::create(*context_, Place::upload, bytes.size(), "rays");
    if (!staging) return std::unexpected(staging.error());
    std::memcpy(staging->mapped(), bytes.data(), bytes.size());
    return context_->run([&](VkCommandBuffer commands) {
        const VkBufferCopy all{0, 0, bytes.size()};
        vkCmdCopyBuffer(commands, staging->get(), buffer.get(), 1, &all);
        barrier(commands);
    });
}

Status PathTracer::set_queue_lengths(std::uint32_t active, std::uint32_t shadows) {
    WavefrontCounters counters{};
    counters.active_0 = active;
    counters.shadows = shadows;
    return write(counters_, std::as_bytes(std::span(&counters, 1)));
}

Result<WavefrontCounters> PathTracer::read_counters() {
    const auto bytes = read_back(counters_, sizeof(WavefrontCounters));
    if (!bytes) return std::unexpected(bytes.error());
    WavefrontCounters counters{};
    std::memcpy(static_cast<void*>(&counters), bytes->data(), sizeof counters);
    return counters;
}

Status PathTracer::run_timed(std::function<void(VkCommandBuffer)> record, double* seconds) {
    const auto start = std::chrono::steady_clock::now();
    RETURN_ERROR(context_->run(std::move(record)));
    if (seconds != nullptr) *seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return {};
}

Result<std::vector<shading::RayHit>> PathTracer::closest_hits(std::span<const shading::PathState> paths, double* seconds) {
    CHECK_TRUE(loaded_);
    set_frame(wavefront_.params, Rect{});
    std::vector<shading::RayHit> hits(paths.size());
    for (std::size_t at = 0; at < paths.size(); at += slots_) {
        const std::size_t count = std::min<std::size_t>(slots_, paths.size() - at);
        RETURN_ERROR(write(paths_[0], padded(paths.subspan(at, count), shading::PATH_PAIRS)));
        RETURN_ERROR(set_queue_lengths(static_cast<std::uint32_t>(count), 0));
        const auto trace = [this](VkCommandBuffer commands) {
            dispatch(commands, Kernel::prepare, empty_batch(), 1);
            dispatch_indirect(commands, Kernel::trace_closest, empty_batch(), offsetof(WavefrontCounters, closest_groups));
        };
        RETURN_ERROR(run_timed(trace, seconds));
        const auto bytes = read_back(hits_, count * shading::HIT_PAIRS * pair_bytes);
        if (!bytes) return std::unexpected(bytes.error());
        for (std::size_t i = 0; i < count; ++i)
            std::memcpy(static_cast<void*>(&hits[at + i]), bytes->data() + i * shading::HIT_PAIRS * pair_bytes, sizeof(shading::RayHit));
    }
    RETURN_ERROR(context_->messages().take());
    return hits;
}

Result<std::vector<float>> PathTracer::transmittances(std::span<const shading::ShadowRay> rays, double* seconds) {
    CHECK_TRUE(loaded_);
    set_frame(wavefront_.params, Rect{});
    std::vector<float> result(rays.size());
    for (std::size_t at = 0; at < rays.size(); at += slots_) {
        const std::size_t count = std::min<std::size_t>(slots_, rays.size() - at);
        std::vector<shading::ShadowRay> unit(rays.begin() + static_cast<std::ptrdiff_t>(at),
                                             rays.begin() + static_cast<std::ptrdiff_t>(at + count));
        for (shading::ShadowRay& ray : unit) ray.contribution = glm::vec3(1);
        const std::vector<shading::PathResult> dark(count); // connect() adds to their radiance
        RETURN_ERROR(write(shadows_, padded(std::span<const shading::ShadowRay>(unit), shading::SHADOW_PAIRS)));
        RETURN_ERROR(write(results_, std::as_bytes(std::span(dark))));
        RETURN_ERROR(set_queue_lengths(0, static_cast<std::uint32_t>(count)));
        const auto trace = [this](VkCommandBuffer commands) {
            dispatch(commands, Kernel::prepare_shadows, empty_batch(), 1);
            dispatch_indirect(commands, Kernel::trace_shadow, empty_batch(), offsetof(WavefrontCounters, shadow_groups));
        };
        RETURN_ERROR(run_timed(trace, seconds));
        const auto bytes = read_back(results_, count * sizeof(shading::PathResult));
        if (!bytes) return std::unexpected(bytes.error());
        for (std::size_t i = 0; i < count; ++i)
            std::memcpy(&result[at + i], bytes->data() + i * sizeof(shading::PathResult), sizeof(float)); // its red
    }
    RETURN_ERROR(context_->messages().take());
    return result;
}

Result<KernelProfile> PathTracer::profile(const shading::FrameParams& params, Rect rect) {
    CHECK_TRUE(loaded_);
    CHECK_AT_MOST(std::uint64_t{rect.x} + rect.width, std::uint64_t{params.width});
    CHECK_AT_MOST(std::uint64_t{rect.y} + rect.height, std::uint64_t{params.height});
    set_frame(params, rect);
    KernelProfile profile;
    Batch batch = empty_batch();
    batch.samples = std::max(1u, std::min({params.spp, samples_at_once, slots_}));
    const std::uint64_t all = std::uint64_t{rect.width} * rect.height;
    for (std::uint64_t first = 0; first < all; first += batch.pixels) {
        batch.first_pixel = static_cast<std::uint32_t>(first);
        batch.pixels = static_cast<std::uint32_t>(std::min<std::uint64_t>(all - first, slots_ / batch.samples));
        batch.queue = 0;
        RETURN_ERROR(profile_batch(batch, params.max_bounces + 2, profile));
    }
    RETURN_ERROR(context_->messages().take());
    return profile;
}

// One batch, each kernel in a submission of its own.
Status PathTracer::profile_batch(Batch batch, std::uint32_t vertices, KernelProfile& profile) {
    const auto timed = [&](double& seconds, auto record) { return run_timed(record, &seconds); };
    RETURN_ERROR(context_->run([&](VkCommandBuffer commands) {
        vkCmdFillBuffer(commands, sums_.get(), 0, batch.pixels * sizeof(shading::PixelSum), 0);
        vkCmdFillBuffer(commands, counters_.get(), 0, sizeof(WavefrontCounters), 0);
        barrier(commands);
    }));
    const std::uint32_t samples = batch.pixels * batch.samples;
    RETURN_ERROR(
        timed(profile.generate_s, [&](VkCommandBuffer commands) { dispatch(commands, Kernel::generate, batch, groups_for(samples)); }));
    WavefrontCounters counters{};
    for (std::uint32_t vertex = 0; vertex < vertices; ++vertex) {
        RETURN_ERROR(context_->run([&](VkCommandBuffer commands) { dispatch(commands, Kernel::prepare, batch, 1); }));
        RETURN_ERROR(timed(vertex == 0 ? profile.primary_s : profile.bounce_s, [&](VkCommandBuffer commands) {
            dispatch_indirect(commands, Kernel::trace_closest, batch, offsetof(WavefrontCounters, closest_groups));
        }));
        RETURN_ERROR(timed(profile.shade_s, [&](VkCommandBuffer commands) {
            dispatch_indirect(commands, Kernel::shade, batch, offsetof(WavefrontCounters, shade_groups));
        }));
        RETURN_ERROR(context_->run([&](VkCommandBuffer commands) { dispatch(commands, Kernel::prepare_shadows, batch, 1); }));
        RETURN_ERROR(timed(profile.shadow_s, [&](VkCommandBuffer commands) {
            dispatch_indirect(commands, Kernel::trace_shadow, batch, offsetof(WavefrontCounters, shadow_groups));
        }));
        const auto read = read_counters();
        if (!read) return std::unexpected(read.error());
        counters = *read;
        batch.queue ^= 1;
        if ((batch.queue == 0 ? counters.active_0 : counters.active_1) == 0) break;
    }
    RETURN_ERROR(timed(profile.accumulate_s,
                       [&](VkCommandBuffer commands) { dispatch(commands, Kernel::accumulate, batch, groups_for(batch.pixels)); }));
    profile.samples += samples;
    profile.primary_rays += samples;
    profile.bounce_rays += counters.closest_rays - samples;
    profile.shadow_rays += counters.shadow_rays;
    return {};
}

} // namespace raymill::gpu
