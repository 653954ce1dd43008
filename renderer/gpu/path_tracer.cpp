#include "renderer/gpu/path_tracer.hpp"

#include "renderer/accel/quantise.hpp"
#include "renderer/base/check.hpp"
#include "renderer/gpu/environment.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <ctime>

namespace raymill::gpu {
namespace {

using shading::Batch;
using shading::Wavefront;
using shading::WavefrontCounters;

// Sizes of work. Software drivers: small batches stay in the processor's caches, and a lane takes many rays, so that it is never idle
// beside a long one (anchored in measurements on llvmpipe: the kernels' header comments). GPUs hide latency with many lanes in flight
// instead.
constexpr std::uint32_t software_group = 16, hardware_group = 64; // 16: one AVX-512 register of floats
constexpr std::uint32_t software_rays_per_lane = 32, hardware_rays_per_lane = 1;
constexpr std::uint32_t software_slots = 1u << 17, hardware_slots = 1u << 20;
constexpr std::uint32_t software_first_batch = 1u << 14, hardware_first_batch = 1u << 16;
constexpr std::uint32_t least_batch = 256;
constexpr std::uint64_t stack_bytes = 64ull << 20; // of all lanes in flight
constexpr double target_seconds = 0.15;            // of one submission; drivers may kill those of seconds
constexpr std::uint32_t vertices_at_once = 16;     // in one submission

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double wall_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

glm::uvec2 words_of(VkDeviceAddress address) { return {static_cast<std::uint32_t>(address), static_cast<std::uint32_t>(address >> 32)}; }

// A device address in a member that is a pointer for C++; only kernels follow it.
template<class Reference> Reference reference(VkDeviceAddress address) {
    static_assert(sizeof(Reference) == sizeof address);
    Reference result;
    std::memcpy(&result, &address, sizeof address);
    return result;
}

template<class T> T read(const std::byte* at) {
    T value;
    std::memcpy(static_cast<void*>(&value), at, sizeof value);
    return value;
}

} // namespace

Result<std::unique_ptr<PathTracer>> PathTracer::create(std::unique_ptr<Context> context, DeviceInfo info, const Tuning& tuning) {
    std::unique_ptr<PathTracer> tracer(new PathTracer(std::move(context), std::move(info), tuning));
    RETURN_ERROR(tracer->create_fixed());
    return tracer;
}

Status PathTracer::create_fixed() {
    const Candidate& candidate = context_->candidate();
    const bool software = candidate.type == VK_PHYSICAL_DEVICE_TYPE_CPU;
    group_lanes_ = std::min({software ? software_group : hardware_group, candidate.limits.maxComputeWorkGroupInvocations,
                             candidate.limits.maxComputeWorkGroupSize[0]});
    rays_per_lane_ = software ? software_rays_per_lane : hardware_rays_per_lane;
    wavefront_.interleave = software ? software_threads() : 1;
    slots_ = tuning_.batch_paths != 0 ? tuning_.batch_paths : software ? software_slots : hardware_slots;
    batch_paths_ = tuning_.batch_paths != 0 ? tuning_.batch_paths : software ? software_first_batch : hardware_first_batch;

    Result<KernelLayout> layout = KernelLayout::create(*context_);
    if (!layout) return std::unexpected(layout.error());
    layout_ = std::move(*layout);
    Result<PipelineCache> cache = PipelineCache::open(*context_);
    if (!cache) return std::unexpected(cache.error());
    cache_ = std::move(*cache);
    RETURN_ERROR(allocate_slots());

    const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1};
    auto pool_info = typed<VkDescriptorPoolCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO);
    pool_info.maxSets = 1;
    pool_info.poolSizeCount = 1;
    pool_info.pPoolSizes = &size;
    VkDescriptorPool pool = VK_NULL_HANDLE;
    RETURN_VK(vkCreateDescriptorPool(context_->device(), &pool_info, nullptr, &pool), "creating a descriptor pool");
    descriptor_pool_ = DescriptorPool(context_->device(), pool);
    const VkDescriptorSetLayout set_layout = layout_.set.get();
    auto set_info = typed<VkDescriptorSetAllocateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO);
    set_info.descriptorPool = pool;
    set_info.descriptorSetCount = 1;
    set_info.pSetLayouts = &set_layout;
    RETURN_VK(vkAllocateDescriptorSets(context_->device(), &set_info, &descriptor_set_), "allocating a descriptor set");
    const VkDescriptorBufferInfo buffer{uniform_.get(), 0, sizeof(Wavefront)};
    auto write = typed<VkWriteDescriptorSet>(VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET);
    write.dstSet = descriptor_set_;
    write.descriptorCount = 1;
    write.descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
    write.pBufferInfo = &buffer;
    vkUpdateDescriptorSets(context_->device(), 1, &write, 0, nullptr);
    return context_->messages().take();
}

Status PathTracer::allocate_slots() {
    const auto make = [this](Buffer& buffer, Place place, std::uint64_t size, const char* what, VkBufferUsageFlags usage = 0) -> Status {
        Result<Buffer> made = Buffer::create(*context_, place, size, what, usage);
        if (!made) return std::unexpected(made.error());
        buffer = std::move(*made);
        return {};
    };
    const std::uint64_t slots = slots_;
    RETURN_ERROR(make(uniform_, Place::upload, sizeof(Wavefront), "frame constants", VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT));
    RETURN_ERROR(make(counters_, Place::device, sizeof(WavefrontCounters), "counters", VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT));
    RETURN_ERROR(make(counters_read_, Place::readback, sizeof(WavefrontCounters), "counters"));
    constexpr std::uint64_t pair = 2 * sizeof(std::uint32_t);
    RETURN_ERROR(make(paths_[0], Place::device, slots * shading::PATH_PAIRS * pair, "paths in flight"));
    RETURN_ERROR(make(paths_[1], Place::device, slots * shading::PATH_PAIRS * pair, "paths in flight"));
    RETURN_ERROR(make(hits_, Place::device, slots * shading::HIT_PAIRS * pair, "hits of paths in flight"));
    RETURN_ERROR(make(shadows_, Place::device, slots * shading::SHADOW_PAIRS * pair, "shadow rays in flight"));
    RETURN_ERROR(make(results_, Place::device, slots * shading::RESULT_PAIRS * pair, "results of paths in flight"));
    RETURN_ERROR(make(sums_, Place::device, slots * sizeof(shading::PixelSum), "pixel sums"));
    RETURN_ERROR(make(sums_read_, Place::readback, slots * sizeof(shading::PixelSum), "pixel sums"));
    wavefront_.paths_0 = words_of(paths_[0].address());
    wavefront_.paths_1 = words_of(paths_[1].address());
    wavefront_.hits = words_of(hits_.address());
    wavefront_.shadows = words_of(shadows_.address());
    wavefront_.results = words_of(results_.address());
    wavefront_.sums = reference<shading::PixelSums>(sums_.address());
    wavefront_.counters = reference<shading::CountersBuffer>(counters_.address());
    return {};
}

// Kernels are compiled when a scene first needs them. Some drivers compile at the first dispatch only: so each is dispatched once, with
// nothing.
Status PathTracer::compile(std::uint32_t flags) {
    compile_seconds_ = 0;
    const KernelOptions options{.group = group_lanes_, .flags = flags, .samplers = textures_.any()};
    if (compiled_ == std::pair(flags, options.samplers)) return {};
    const double start = wall_seconds();
    for (std::size_t i = 0; i < kernel_count; ++i) {
        Result<Pipeline> pipeline = make_pipeline(*context_, layout_, cache_, static_cast<Kernel>(i), options);
        if (!pipeline) return std::unexpected(pipeline.error());
        pipelines_[i] = std::move(*pipeline);
    }
    std::memcpy(uniform_.mapped(), &wavefront_, sizeof wavefront_);
    RETURN_ERROR(context_->run([this](VkCommandBuffer commands) {
        for (std::size_t i = 0; i < kernel_count; ++i) dispatch(commands, static_cast<Kernel>(i), Batch{}, 0);
    }));
    cache_.save(*context_);
    compiled_ = {flags, options.samplers};
    compile_seconds_ = wall_seconds() - start;
    return {};
}

Status PathTracer::load(const scene::FlatScene& scene, const accel::Hierarchy& hierarchy) {
    loaded_ = false;
    RETURN_ERROR(upload_scene(scene, hierarchy));
    RETURN_ERROR(compile(scene.head.flags));
    RETURN_ERROR(context_->messages().take());
    loaded_ = true;
    return {};
}

Status PathTracer::upload_scene(const scene::FlatScene& scene, const accel::Hierarchy& hierarchy) {
    structures_ = {};
    textures_ = {};
    scene_.clear(); // before the new one: memory need not hold both
    stack_ = {};
    const bool ray_query = context_->module() == TraceModule::ray_query;
    shading::SceneData& head = wavefront_.scene;
    head = scene.head;
    // Uploads `values` and returns their address; after the first error nothing more is done.
    Status status;
    const auto send = [&](const auto& values, const char* what, VkBufferUsageFlags usage = 0) -> VkDeviceAddress {
        if (!status) return 0;
        Result<Buffer> buffer = upload(*context_, values, what, usage);
        if (!buffer) {
            status = std::unexpected(buffer.error());
            return 0;
        }
        scene_.push_back(std::move(*buffer));
        return scene_.back().address();
    };
    head.positions = reference<shading::Vec3s>(
        send(scene.positions, "positions", ray_query ? VK_BUFFER_USAGE_ACCELERATION_STRUCTURE_BUILD_INPUT_READ_ONLY_BIT_KHR : 0));
    head.normals = reference<shading::Vec3s>(send(scene.normals, "normals"));
    head.tangents = reference<shading::Vec4s>(send(scene.tangents, "tangents"));
    head.colors = reference<shading::Vec4s>(send(scene.colors, "vertex colours"));
    head.uvs = reference<shading::Vec2s>(send(scene.uvs, "texture coordinates"));
    head.triangles = reference<shading::SceneTriangles>(send(scene.triangles, "triangles"));
    head.meshes = reference<shading::SceneMeshes>(send(scene.meshes, "meshes"));
    head.instances = reference<shading::SceneInstances>(send(scene.instances, "instances"));
    head.materials = reference<shading::SceneMaterials>(send(scene.materials, "materials"));
    Result<Textures> textures = Textures::create(*context_, layout_, scene);
    if (!textures) return std::unexpected(textures.error());
    textures_ = std::move(*textures);
    head.textures =
        reference<shading::SceneTextures>(textures_.any() ? send(textures_.take_textures(), "textures") : send(scene.textures, "textures"));
    head.texels = reference<shading::Uints>(textures_.any() ? send(textures_.take_texels(), "texels") : send(scene.texels, "texels"));
    head.lights = reference<shading::SceneLights>(send(scene.lights, "lights"));
    head.light_nodes = reference<shading::LightNodes>(send(scene.light_nodes, "light tree"));
    head.triangle_light = reference<shading::Uints>(send(scene.triangle_light, "emissive triangles"));
    head.environment = reference<shading::EnvironmentTexels>(send(scene.environment, "environment texels"));
    RETURN_ERROR(status);
    if (ray_query) {
        Result<SceneStructures> structures = SceneStructures::build(*context_, scene, scene_.front());
        if (!structures) return std::unexpected(structures.error());
        structures_ = std::move(*structures);
        wavefront_.acceleration_structure = words_of(structures_.address());
        wavefront_.stack_entries = 0;
        most_groups_ = context_->candidate().limits.maxComputeWorkGroupCount[0];
    } else {
        const Result<accel::TraceHierarchy> trace = accel::quantise(scene, hierarchy);
        if (!trace) return std::unexpected(trace.error());
        wavefront_.nodes = words_of(send(trace->nodes, "hierarchy nodes"));
        wavefront_.triangles = words_of(send(trace->triangles, "hierarchy triangles"));
        wavefront_.instances = words_of(send(trace->instances, "hierarchy instances"));
        wavefront_.triangle_instances = words_of(send(trace->triangle_instances, "owners of triangles"));
        RETURN_ERROR(status);
        wavefront_.stack_entries = trace->stack_entries;
        const std::uint64_t group_bytes = std::uint64_t{trace->stack_entries} * group_lanes_ * sizeof(std::uint32_t);
        most_groups_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
            stack_bytes / group_bytes, 1, std::min(context_->candidate().limits.maxComputeWorkGroupCount[0], 65535u)));
        Result<Buffer> stack = Buffer::create(*context_, Place::device, group_bytes * most_groups_, "traversal stacks");
        if (!stack) return std::unexpected(stack.error());
        stack_ = std::move(*stack);
        wavefront_.stack = words_of(stack_.address());
    }
    least_groups_ = std::min(4 * wavefront_.interleave, most_groups_);
    return {};
}

void PathTracer::bind(VkCommandBuffer commands, Kernel kernel, const Batch& batch) {
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines_[static_cast<std::size_t>(kernel)].get());
    vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout_.pipeline.get(), 0, 1, &descriptor_set_, 0, nullptr);
    if (textures_.any()) {
        const VkDescriptorSet slots = textures_.set();
        vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout_.pipeline.get(), 1, 1, &slots, 0, nullptr);
    }
    vkCmdPushConstants(commands, layout_.pipeline.get(), VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof batch, &batch);
}

void PathTracer::dispatch(VkCommandBuffer commands, Kernel kernel, const Batch& batch, std::uint32_t groups) {
    bind(commands, kernel, batch);
    vkCmdDispatch(commands, groups, 1, 1);
    barrier(commands);
}

void PathTracer::dispatch_indirect(VkCommandBuffer commands, Kernel kernel, const Batch& batch, std::size_t offset) {
    bind(commands, kernel, batch);
    vkCmdDispatchIndirect(commands, counters_.get(), offset);
    barrier(commands);
}

// What prepare.comp does, for dispatches whose size the host knows.
std::uint32_t PathTracer::groups_for(std::uint32_t items) const {
    const std::uint32_t each_lane_one = (items + group_lanes_ - 1) / group_lanes_;
    const std::uint32_t groups = (each_lane_one + rays_per_lane_ - 1) / rays_per_lane_;
    return std::min(std::max(groups, std::min(each_lane_one, least_groups_)), most_groups_);
}

void PathTracer::record_vertices(VkCommandBuffer commands, Batch& batch, std::uint32_t vertices) {
    for (std::uint32_t i = 0; i < vertices; ++i) {
        dispatch(commands, Kernel::prepare, batch, 1);
        dispatch_indirect(commands, Kernel::trace_closest, batch, offsetof(WavefrontCounters, closest_groups));
        dispatch_indirect(commands, Kernel::shade, batch, offsetof(WavefrontCounters, shade_groups));
        dispatch(commands, Kernel::prepare_shadows, batch, 1);
        dispatch_indirect(commands, Kernel::trace_shadow, batch, offsetof(WavefrontCounters, shadow_groups));
        batch.queue ^= 1;
    }
}

Status PathTracer::run_batch(const Batch& cut, std::uint32_t vertices, bool first_of_pixels, TraceStats& stats) {
    Batch batch = cut;
    const std::uint32_t paths = batch.pixels * batch.samples;
    for (std::uint32_t done = 0; done < vertices;) {
        const double start = wall_seconds();
        const std::uint32_t now = std::min(vertices - done, vertices_at_once);
        const bool begins = done == 0;
        bool ends = done + now == vertices;
        RETURN_ERROR(context_->run([&](VkCommandBuffer commands) {
            if (begins) {
                if (first_of_pixels) vkCmdFillBuffer(commands, sums_.get(), 0, batch.pixels * sizeof(shading::PixelSum), 0);
                vkCmdFillBuffer(commands, counters_.get(), 0, sizeof(WavefrontCounters), 0);
                barrier(commands);
                dispatch(commands, Kernel::generate, batch, groups_for(paths));
            }
            record_vertices(commands, batch, now);
            if (ends) dispatch(commands, Kernel::accumulate, batch, groups_for(batch.pixels));
            const VkBufferCopy all{0, 0, sizeof(WavefrontCounters)};
            vkCmdCopyBuffer(commands, counters_.get(), counters_read_.get(), 1, &all);
            barrier_to_host(commands);
        }));
        done += now;
        auto counters = read<WavefrontCounters>(counters_read_.mapped());
        if (!ends && (batch.queue == 0 ? counters.active_0 : counters.active_1) == 0) {
            RETURN_ERROR(context_->run([&](VkCommandBuffer commands) {
                dispatch(commands, Kernel::accumulate, batch, groups_for(batch.pixels));
                const VkBufferCopy all{0, 0, sizeof(WavefrontCounters)};
                vkCmdCopyBuffer(commands, counters_.get(), counters_read_.get(), 1, &all);
                barrier_to_host(commands);
            }));
            counters = read<WavefrontCounters>(counters_read_.mapped());
            ends = true;
        }
        if (ends) {
            stats.samples += paths;
            stats.closest_rays += counters.closest_rays;
            stats.shadow_rays += counters.shadow_rays;
            stats.bad_samples += counters.bad_samples;
        }
        if (begins) adapt(paths, wall_seconds() - start);
        if (ends) break;
    }
    return {};
}

void PathTracer::adapt(std::uint32_t paths, double seconds) {
    if (tuning_.batch_paths != 0) return;
    if (seconds > 2 * target_seconds)
        batch_paths_ = std::max(paths / 2, least_batch);
    else if (seconds < target_seconds / 2 && paths >= batch_paths_ / 2)
        batch_paths_ = std::min(2 * batch_paths_, slots_);
}

void PathTracer::set_frame(const shading::FrameParams& params, Rect rect) {
    wavefront_.params = params;
    wavefront_.rect_x = rect.x, wavefront_.rect_y = rect.y, wavefront_.rect_width = rect.width, wavefront_.rect_height = rect.height;
    std::memcpy(uniform_.mapped(), &wavefront_, sizeof wavefront_);
}

Batch PathTracer::empty_batch() const {
    Batch batch{};
    batch.group_lanes = group_lanes_;
    batch.rays_per_lane = rays_per_lane_;
    batch.least_groups = least_groups_;
    batch.most_groups = most_groups_;
    return batch;
}

Result<TraceStats> PathTracer::render(const shading::FrameParams& params, Rect rect, std::span<glm::vec4> rgba) {
    CHECK_TRUE(loaded_);
    CHECK_AT_MOST(std::uint64_t{rect.x} + rect.width, std::uint64_t{params.width});
    CHECK_AT_MOST(std::uint64_t{rect.y} + rect.height, std::uint64_t{params.height});
    CHECK_SAME(rgba.size(), std::size_t{rect.width} * rect.height);
    CHECK_AT_MOST(rgba.size(), std::size_t{0xffffffff});
    TraceStats stats;
    const double start = wall_seconds(), cpu_start = cpu_seconds();
    set_frame(params, rect);
    Batch batch = empty_batch();
    const std::uint32_t vertices = params.max_bounces + 2; // shaders/shared/path.h
    const auto all = static_cast<std::uint32_t>(rgba.size());
    while (batch.first_pixel < all) {
        const std::uint32_t wanted = std::min({params.spp, samples_at_once, batch_paths_});
        batch.pixels = std::min(all - batch.first_pixel, std::max(batch_paths_ / wanted, 1u));
        for (batch.first_sample = 0; batch.first_sample < params.spp; batch.first_sample += batch.samples) {
            batch.samples = std::min(params.spp - batch.first_sample, std::max(batch_paths_ / batch.pixels, 1u));
            RETURN_ERROR(run_batch(batch, vertices, batch.first_sample == 0, stats));
        }
        RETURN_ERROR(context_->run([&](VkCommandBuffer commands) {
            const VkBufferCopy piece{0, 0, batch.pixels * sizeof(shading::PixelSum)};
            vkCmdCopyBuffer(commands, sums_.get(), sums_read_.get(), 1, &piece);
            barrier_to_host(commands);
        }));
        for (std::uint32_t i = 0; i < batch.pixels; ++i) {
            const auto sum = read<shading::PixelSum>(sums_read_.mapped() + i * sizeof(shading::PixelSum));
            const glm::uvec2 at = shading::batch_pixel(rect.width, rect.height, batch.first_pixel + i);
            rgba[std::size_t{at.y} * rect.width + at.x] =
                sum.good == 0 ? glm::vec4(0) : glm::vec4((glm::dvec4(sum.sum) - glm::dvec4(sum.excess)) / static_cast<double>(sum.good));
        }
        batch.first_pixel += batch.pixels;
    }
    RETURN_ERROR(context_->messages().take());
    stats.seconds = wall_seconds() - start;
    stats.cpu_seconds = cpu_seconds() - cpu_start;
    return stats;
}

} // namespace raymill::gpu
