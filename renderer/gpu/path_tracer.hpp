#pragma once
/// The Device on Vulkan: a scene's buffers, the kernels over queues (shaders/), and the loop that cuts a rectangle into batches.
///
/// A batch is some pixels x some samples of each; every path owns a slot. A submission runs, vertex by vertex: trace the queue of paths,
/// shade (which fills the other queue and the shadow queue), trace the shadow rays. Dispatches are indirect: a kernel of one lane between
/// them turns the length of a queue into their size, so that a submission holds many vertices and the host is asked once in a batch (30 us
/// on llvmpipe and more on GPUs each time). After many vertices the host does look, and stops when all paths have ended. Time: a submission
/// aims at target_seconds; the size of batches follows what was measured. Memory: slots, whatever rectangle and samples.
#include "renderer/gpu/acceleration.hpp"
#include "renderer/gpu/gpu.hpp"
#include "renderer/gpu/memory.hpp"
#include "renderer/gpu/pipeline.hpp"
#include "renderer/gpu/textures.hpp"
#include "shaders/shared/wavefront.h"

#include <array>
#include <functional>
#include <optional>
#include <utility>

namespace raymill::gpu {

/// Samples of one pixel in one batch: neighbours in a group see the same things.
inline constexpr std::uint32_t samples_at_once = 16;

class PathTracer final : public VulkanDevice {
  public:
    static Result<std::unique_ptr<PathTracer>> create(std::unique_ptr<Context> context, DeviceInfo info, const Tuning& tuning);

    [[nodiscard]] const DeviceInfo& info() const override { return info_; }
    Status load(const scene::FlatScene& scene, const accel::Hierarchy& hierarchy) override;
    [[nodiscard]] double compile_seconds() const override { return compile_seconds_; }
    Result<TraceStats> render(const shading::FrameParams& params, Rect rect, std::span<glm::vec4> rgba) override;
    using VulkanDevice::closest_hits, VulkanDevice::transmittances;
    Result<std::vector<shading::RayHit>> closest_hits(std::span<const shading::PathState> paths, double* seconds) override;
    Result<std::vector<float>> transmittances(std::span<const shading::ShadowRay> rays, double* seconds) override;
    Result<KernelProfile> profile(const shading::FrameParams& params, Rect rect) override;

  private:
    PathTracer(std::unique_ptr<Context> context, DeviceInfo info, const Tuning& tuning)
        : context_(std::move(context)), info_(std::move(info)), tuning_(tuning) {}

    Status create_fixed();
    Status allocate_slots();
    Status compile(std::uint32_t flags);
    Status upload_scene(const scene::FlatScene& scene, const accel::Hierarchy& hierarchy);
    void set_frame(const shading::FrameParams& params, Rect rect);
    [[nodiscard]] shading::Batch empty_batch() const;
    Status run_batch(const shading::Batch& batch, std::uint32_t vertices, bool first_of_pixels, TraceStats& stats);
    void record_vertices(VkCommandBuffer commands, shading::Batch& batch, std::uint32_t vertices);
    Result<shading::WavefrontCounters> read_counters();
    Status run_timed(std::function<void(VkCommandBuffer)> record, double* seconds);
    Status profile_batch(shading::Batch batch, std::uint32_t vertices, KernelProfile& profile);
    Result<std::vector<std::byte>> read_back(const Buffer& buffer, std::uint64_t size);
    Status write(const Buffer& buffer, std::span<const std::byte> bytes);
    Status set_queue_lengths(std::uint32_t active, std::uint32_t shadows);
    void dispatch(VkCommandBuffer commands, Kernel kernel, const shading::Batch& batch, std::uint32_t groups);
    void dispatch_indirect(VkCommandBuffer commands, Kernel kernel, const shading::Batch& batch, std::size_t offset);
    void bind(VkCommandBuffer commands, Kernel kernel, const shading::Batch& batch);
    [[nodiscard]] std::uint32_t groups_for(std::uint32_t items) const;
    void adapt(std::uint32_t paths, double seconds);

    std::unique_ptr<Context> context_; // outlives all below
    DeviceInfo info_;
    Tuning tuning_;
    KernelLayout layout_;
    PipelineCache cache_;
    DescriptorPool descriptor_pool_;
    VkDescriptorSet descriptor_set_ = VK_NULL_HANDLE;
    std::array<Pipeline, kernel_count> pipelines_;
    std::optional<std::pair<std::uint32_t, bool>> compiled_; // for which flags of a scene, with samplers
    double compile_seconds_ = 0;

    std::vector<Buffer> scene_; // arrays of the scene and of the hierarchy
    SceneStructures structures_;
    Textures textures_;
    bool loaded_ = false;
    shading::Wavefront wavefront_{};
    Buffer uniform_, counters_, counters_read_, hits_, shadows_, results_, sums_, sums_read_, stack_;
    std::array<Buffer, 2> paths_;   // the two queues
    std::uint32_t slots_ = 0;       // paths that fit
    std::uint32_t batch_paths_ = 0; // paths in the next batch: what time allows
    std::uint32_t group_lanes_ = 0, rays_per_lane_ = 0, least_groups_ = 0, most_groups_ = 0;
};

} // namespace raymill::gpu
