#include "renderer/gpu/kernel_words.hpp"

namespace raymill::gpu {
namespace {

constexpr std::uint32_t prepare[] = {
#include "shaders/prepare.spv.inc"
};
constexpr std::uint32_t generate[] = {
#include "shaders/generate.spv.inc"
};
constexpr std::uint32_t generate_32[] = {
#include "shaders/generate_32.spv.inc"
};
constexpr std::uint32_t accumulate[] = {
#include "shaders/accumulate.spv.inc"
};
constexpr std::uint32_t accumulate_32[] = {
#include "shaders/accumulate_32.spv.inc"
};
constexpr std::uint32_t shade[] = {
#include "shaders/shade.spv.inc"
};
constexpr std::uint32_t shade_samplers[] = {
#include "shaders/shade_samplers.spv.inc"
};
constexpr std::uint32_t shade_32[] = {
#include "shaders/shade_32.spv.inc"
};
constexpr std::uint32_t shade_32_samplers[] = {
#include "shaders/shade_32_samplers.spv.inc"
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
constexpr std::uint32_t trace_closest_ray_query_32[] = {
#include "shaders/trace_closest_ray_query_32.spv.inc"
};
constexpr std::uint32_t trace_closest_ray_query_32_samplers[] = {
#include "shaders/trace_closest_ray_query_32_samplers.spv.inc"
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
constexpr std::uint32_t trace_shadow_ray_query_32[] = {
#include "shaders/trace_shadow_ray_query_32.spv.inc"
};
constexpr std::uint32_t trace_shadow_ray_query_32_samplers[] = {
#include "shaders/trace_shadow_ray_query_32_samplers.spv.inc"
};

using Words = std::span<const std::uint32_t>;

/// One kernel in each way that it is built: with 64-bit loads or without, with texture units or without.
struct Ways {
    Words plain, samplers, plain_32, samplers_32;

    [[nodiscard]] Words choose(const Capabilities& with) const {
        if (with.int64) return with.samplers ? samplers : plain;
        return with.samplers ? samplers_32 : plain_32;
    }
};

const Ways shade_ways{shade, shade_samplers, shade_32, shade_32_samplers};
const Ways closest_bvh{trace_closest_bvh, trace_closest_bvh_samplers, trace_closest_bvh_32, trace_closest_bvh_32_samplers};
const Ways closest_ray_query{trace_closest_ray_query, trace_closest_ray_query_samplers, trace_closest_ray_query_32,
                             trace_closest_ray_query_32_samplers};
const Ways shadow_bvh{trace_shadow_bvh, trace_shadow_bvh_samplers, trace_shadow_bvh_32, trace_shadow_bvh_32_samplers};
const Ways shadow_ray_query{trace_shadow_ray_query, trace_shadow_ray_query_samplers, trace_shadow_ray_query_32,
                            trace_shadow_ray_query_32_samplers};

} // namespace

std::span<const std::uint32_t> kernel_words(Kernel kernel, const Capabilities& with) {
    switch (kernel) {
    case Kernel::generate:
        return with.int64 ? Words(generate) : Words(generate_32);
    case Kernel::prepare:
    case Kernel::prepare_shadows:
        return prepare;
    case Kernel::trace_closest:
        return (with.ray_query ? closest_ray_query : closest_bvh).choose(with);
    case Kernel::shade:
        return shade_ways.choose(with);
    case Kernel::trace_shadow:
        return (with.ray_query ? shadow_ray_query : shadow_bvh).choose(with);
    default:
        return with.int64 ? Words(accumulate) : Words(accumulate_32);
    }
}

} // namespace raymill::gpu
