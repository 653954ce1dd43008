#pragma once
/// The kernels of shaders/ as SPIR-V, built in: which of their modules a device and a scene need.
#include <cstddef>
#include <cstdint>
#include <span>

namespace raymill::gpu {

enum class Kernel { generate, prepare, prepare_shadows, trace_closest, shade, trace_shadow, accumulate };
inline constexpr std::size_t kernel_count = 7;

/// What a specialisation constant cannot hide, since the module must not name a capability that a device lacks.
struct Capabilities {
    bool ray_query = false; ///< traversal by the device
    bool int64 = false;     ///< 64-bit loads and stores
    bool samplers = false;  ///< textures by the device's units, where they have slots
};

std::span<const std::uint32_t> kernel_words(Kernel kernel, const Capabilities& with);

} // namespace raymill::gpu
