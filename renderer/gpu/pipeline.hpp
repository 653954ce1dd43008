#pragma once
/// Compute pipelines from the kernels in shaders/, and the cache of what a driver made of them.
#include "renderer/gpu/context.hpp"

#include <cstdint>
#include <span>

namespace raymill::gpu {

enum class Kernel { generate, prepare, prepare_shadows, trace_closest, shade, trace_shadow, accumulate };
inline constexpr std::size_t kernel_count = 7;

/// The driver's cache of compiled pipelines, kept in a file between processes: cache_folder()/pipelines-DEVICE-DRIVER.bin. A file that is
/// missing, too large, broken or not writable costs time only, and is replaced whole (temporary name, then rename): workers share it.
class PipelineCache {
  public:
    static Result<PipelineCache> open(const Context& context);
    [[nodiscard]] VkPipelineCache get() const { return handle_.get(); }
    /// Writes the file if the cache has grown. Never fails.
    void save(const Context& context) const;

    static constexpr std::size_t most_bytes = 64u << 20;

  private:
    PipelineCacheHandle handle_;
    std::size_t loaded_bytes_ = 0;
};

/// What all kernels are bound to: one uniform block and pushed constants (shaders/kernel.h).
struct KernelLayout {
    SetLayout set;
    PipelineLayout pipeline;
    static Result<KernelLayout> create(const Context& context);
};

/// `group`: lanes of a work group. `with_alpha`: whether traversal has to ask materials.
Result<Pipeline> make_pipeline(const Context& context, const KernelLayout& layout, const PipelineCache& cache, Kernel kernel,
                               std::uint32_t group, bool with_alpha);

} // namespace raymill::gpu
