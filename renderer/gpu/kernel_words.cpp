#include "renderer/gpu/kernel_words.hpp"

namespace raymill::gpu {
namespace {

constexpr std::uint32_t generate[] = {
#include "shaders/generate.spv.inc"
};
constexpr std::uint32_t prepare[] = {
#include "shaders/prepare.spv.inc"
};
constexpr std::uint32_t accumulate[] = {
#include "shaders/accumulate.spv.inc"
};
constexpr std::uint32_t shade[] = {
#include "shaders/shade.spv.inc"
};
constexpr std::uint32_t shade_samplers[] = {
#include "shaders/shade_samplers.spv.inc"
};
constexpr std::uint32_t trace_closest_bvh[] = {
#include "shaders/trace_closest_bvh.spv.inc"
};
constexpr std::uint32_t trace_closest_bvh_samplers[] = {
#include "shaders/trace_closest_bvh_samplers.spv.inc"
};
constexpr std::uint32_t trace_closest_bvh_32[] = {
#include "shaders/trace_closest_bvh_32.spv.inc"
};
constexpr std::uint32_t trace_closest_bvh_32_samplers[] = {
#include "shaders/trace_closest_bvh_32_samplers.spv.inc"
};
constexpr std::uint32_t trace_closest_ray_query[] = {
#include "shaders/trace_closest_ray_query.spv.inc"
};
constexpr std::uint32_t trace_closest_ray_query_samplers[] = {
#include "shaders/trace_closest_ray_query_samplers.spv.inc"
};
constexpr std::uint32_t trace_shadow_bvh[] = {
#include "shaders/trace_shadow_bvh.spv.inc"
};
constexpr std::uint32_t trace_shadow_bvh_samplers[] = {
#include "shaders/trace_shadow_bvh_samplers.spv.inc"
};
constexpr std::uint32_t trace_shadow_bvh_32[] = {
#include "shaders/trace_shadow_bvh_32.spv.inc"
};
constexpr std::uint32_t trace_shadow_bvh_32_samplers[] = {
#include "shaders/trace_shadow_bvh_32_samplers.spv.inc"
};
constexpr std::uint32_t trace_shadow_ray_query[] = {
#include "shaders/trace_shadow_ray_query.spv.inc"
};
constexpr std::uint32_t trace_shadow_ray_query_samplers[] = {
#include "shaders/trace_shadow_ray_query_samplers.spv.inc"
};

using Words = std::span<const std::uint32_t>;

Words trace_closest(const Capabilities& with) {
    if (with.ray_query) return with.samplers ? Words(trace_closest_ray_query_samplers) : Words(trace_closest_ray_query);
    if (with.int64) return with.samplers ? Words(trace_closest_bvh_samplers) : Words(trace_closest_bvh);
    return with.samplers ? Words(trace_closest_bvh_32_samplers) : Words(trace_closest_bvh_32);
}

Words trace_shadow(const Capabilities& with) {
    if (with.ray_query) return with.samplers ? Words(trace_shadow_ray_query_samplers) : Words(trace_shadow_ray_query);
    if (with.int64) return with.samplers ? Words(trace_shadow_bvh_samplers) : Words(trace_shadow_bvh);
    return with.samplers ? Words(trace_shadow_bvh_32_samplers) : Words(trace_shadow_bvh_32);
}

} // namespace

std::span<const std::uint32_t> kernel_words(Kernel kernel, const Capabilities& with) {
    switch (kernel) {
    case Kernel::generate:
        return generate;
    case Kernel::prepare:
    case Kernel::prepare_shadows:
        return prepare;
    case Kernel::trace_closest:
        return trace_closest(with);
    case Kernel::shade:
        return with.samplers ? Words(shade_samplers) : Words(shade);
    case Kernel::trace_shadow:
        return trace_shadow(with);
    default:
        return accumulate;
    }
}

} // namespace raymill::gpu
