#pragma once
/// Compute pipelines from the kernels in shaders/, and the cache of what a driver made of them.
#include "renderer/gpu/context.hpp"
#include "renderer/gpu/kernel_words.hpp"

#include <cstdint>

namespace raymill::gpu {

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

/// What all kernels are bound to (shaders/kernel.h): set 0, one uniform block; set 1, the textures' slots, where the device has any; and
/// pushed constants.
struct KernelLayout {
    SetLayout set, slots;
    PipelineLayout pipeline;
    static Result<KernelLayout> create(const Context& context);
};

struct KernelOptions {
    std::uint32_t group = 1; ///< lanes of a work group
    std::uint32_t flags = 0; ///< SCENE_* of shared/scene_data.h
    bool samplers = false;   ///< whether textures stand in slots
};

Result<Pipeline> make_pipeline(const Context& context, const KernelLayout& layout, const PipelineCache& cache, Kernel kernel,
                               const KernelOptions& options);

} // namespace raymill::gpu
