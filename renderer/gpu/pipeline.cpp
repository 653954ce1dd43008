#include "renderer/gpu/pipeline.hpp"

#include "renderer/gpu/environment.hpp"
#include "shaders/shared/wavefront.h"

#include <array>
#include <fstream>
#include <optional>
#include <unistd.h>
#include <vector>

namespace raymill::gpu {
namespace {

constexpr std::uint32_t generate_words[] = {
#include "shaders/generate.spv.inc"
};
constexpr std::uint32_t prepare_words[] = {
#include "shaders/prepare.spv.inc"
};
constexpr std::uint32_t shade_words[] = {
#include "shaders/shade.spv.inc"
};
constexpr std::uint32_t accumulate_words[] = {
#include "shaders/accumulate.spv.inc"
};
constexpr std::uint32_t trace_closest_bvh_words[] = {
#include "shaders/trace_closest_bvh.spv.inc"
};
constexpr std::uint32_t trace_shadow_bvh_words[] = {
#include "shaders/trace_shadow_bvh.spv.inc"
};
constexpr std::uint32_t trace_closest_bvh_32_words[] = {
#include "shaders/trace_closest_bvh_32.spv.inc"
};
constexpr std::uint32_t trace_shadow_bvh_32_words[] = {
#include "shaders/trace_shadow_bvh_32.spv.inc"
};
constexpr std::uint32_t trace_closest_ray_query_words[] = {
#include "shaders/trace_closest_ray_query.spv.inc"
};
constexpr std::uint32_t trace_shadow_ray_query_words[] = {
#include "shaders/trace_shadow_ray_query.spv.inc"
};

static_assert(sizeof(shading::SceneData) == 248,
              "load_scene in shaders/kernel.h copies each member: add the new one there, then count here");

// In the order of Kernel, for messages.
constexpr std::array<std::string_view, kernel_count> kernel_names{"generate", "prepare",      "prepare for shadows", "trace closest",
                                                                  "shade",    "trace shadow", "accumulate"};

std::span<const std::uint32_t> trace_words(bool shadow, const Context& context) {
    if (context.module() == TraceModule::ray_query) {
        if (shadow) return trace_shadow_ray_query_words;
        return trace_closest_ray_query_words;
    }
    if (context.candidate().has_int64) {
        if (shadow) return trace_shadow_bvh_words;
        return trace_closest_bvh_words;
    }
    if (shadow) return trace_shadow_bvh_32_words;
    return trace_closest_bvh_32_words;
}

std::span<const std::uint32_t> words_of(Kernel kernel, const Context& context) {
    switch (kernel) {
    case Kernel::generate:
        return generate_words;
    case Kernel::prepare:
    case Kernel::prepare_shadows:
        return prepare_words;
    case Kernel::trace_closest:
        return trace_words(false, context);
    case Kernel::shade:
        return shade_words;
    case Kernel::trace_shadow:
        return trace_words(true, context);
    default:
        return accumulate_words;
    }
}

// In front of the driver's bytes in a cache file: drivers are not all careful with bytes that are not their own.
struct FileHeader {
    std::uint64_t magic = 0x31656863'61436d52; // "RmCache1", little endian
    std::uint64_t bytes = 0;
    std::uint64_t hash = 0;
};

// FNV-1a over 8 bytes at a time would miss nothing that a torn or truncated file shows; over single bytes it is fast enough here.
std::uint64_t hash_of(std::span<const std::uint8_t> bytes) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
    return hash;
}

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) text += digits[byte >> 4], text += digits[byte & 15];
    return text;
}

std::optional<std::filesystem::path> cache_file(const Context& context) {
    const auto folder = cache_folder();
    if (!folder) return std::nullopt;
    const Candidate& candidate = context.candidate();
    return *folder / ("pipelines-" + hexadecimal(candidate.device_uuid) + "-" + hexadecimal(candidate.driver_uuid) + "-" +
                      hexadecimal(candidate.cache_uuid) + ".bin");
}

std::vector<std::uint8_t> read_cache(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    FileHeader header;
    const FileHeader expected;
    in.read(reinterpret_cast<char*>(&header), sizeof header);
    if (!in || header.magic != expected.magic || header.bytes > PipelineCache::most_bytes) return {};
    std::vector<std::uint8_t> bytes(header.bytes);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!in || hash_of(bytes) != header.hash) return {};
    return bytes;
}

} // namespace

Result<PipelineCache> PipelineCache::open(const Context& context) {
    std::vector<std::uint8_t> bytes;
    if (const auto file = cache_file(context)) bytes = read_cache(*file);
    auto info = typed<VkPipelineCacheCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO);
    info.initialDataSize = bytes.size();
    info.pInitialData = bytes.data();
    VkPipelineCache handle = VK_NULL_HANDLE;
    RETURN_VK(vkCreatePipelineCache(context.device(), &info, nullptr, &handle), "creating a pipeline cache");
    PipelineCache cache;
    cache.handle_ = PipelineCacheHandle(context.device(), handle);
    cache.loaded_bytes_ = bytes.size();
    return cache;
}

void PipelineCache::save(const Context& context) const {
    const auto file = cache_file(context);
    if (!file) return;
    std::size_t size = 0;
    if (vkGetPipelineCacheData(context.device(), handle_.get(), &size, nullptr) != VK_SUCCESS) return;
    if (size <= loaded_bytes_ || size > most_bytes) return;
    std::vector<std::uint8_t> bytes(size);
    if (vkGetPipelineCacheData(context.device(), handle_.get(), &size, bytes.data()) != VK_SUCCESS) return;
    bytes.resize(size);
    FileHeader header;
    header.bytes = bytes.size();
    header.hash = hash_of(bytes);
    std::error_code error;
    std::filesystem::create_directories(file->parent_path(), error);
    std::filesystem::path temporary = *file;
    temporary += "." + std::to_string(getpid());
    {
        std::ofstream out(temporary, std::ios::binary);
        out.write(reinterpret_cast<const char*>(&header), sizeof header);
        out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        if (!out.flush()) {
            out.close();
            std::filesystem::remove(temporary, error);
            return;
        }
    }
    std::filesystem::rename(temporary, *file, error);
    if (error) std::filesystem::remove(temporary, error);
}

Result<KernelLayout> KernelLayout::create(const Context& context) {
    KernelLayout layout;
    VkDescriptorSetLayoutBinding binding{};
    binding.descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
    binding.descriptorCount = 1;
    binding.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
    auto set_info = typed<VkDescriptorSetLayoutCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
    set_info.bindingCount = 1;
    set_info.pBindings = &binding;
    VkDescriptorSetLayout set = VK_NULL_HANDLE;
    RETURN_VK(vkCreateDescriptorSetLayout(context.device(), &set_info, nullptr, &set), "creating a descriptor set layout");
    layout.set = SetLayout(context.device(), set);
    const VkPushConstantRange pushed{VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(shading::Batch)};
    auto info = typed<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
    info.setLayoutCount = 1;
    info.pSetLayouts = &set;
    info.pushConstantRangeCount = 1;
    info.pPushConstantRanges = &pushed;
    VkPipelineLayout pipeline = VK_NULL_HANDLE;
    RETURN_VK(vkCreatePipelineLayout(context.device(), &info, nullptr, &pipeline), "creating a pipeline layout");
    layout.pipeline = PipelineLayout(context.device(), pipeline);
    return layout;
}

Result<Pipeline> make_pipeline(const Context& context, const KernelLayout& layout, const PipelineCache& cache, Kernel kernel,
                               std::uint32_t group, bool with_alpha) {
    const auto words = words_of(kernel, context);
    auto module_info = typed<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
    module_info.codeSize = words.size_bytes();
    module_info.pCode = words.data();
    VkShaderModule module = VK_NULL_HANDLE;
    RETURN_VK(vkCreateShaderModule(context.device(), &module_info, nullptr, &module), "loading a kernel");
    const ShaderModule owner(context.device(), module);

    // constant_id 0, 1, 2 of shaders/kernel.h and prepare.comp
    const std::array<std::uint32_t, 3> constants{group, with_alpha ? 1u : 0u, kernel == Kernel::prepare_shadows ? 1u : 0u};
    const std::array<VkSpecializationMapEntry, 3> entries{{{0, 0, 4}, {1, 4, 4}, {2, 8, 4}}};
    VkSpecializationInfo specialization{};
    specialization.mapEntryCount = static_cast<std::uint32_t>(entries.size());
    specialization.pMapEntries = entries.data();
    specialization.dataSize = sizeof constants;
    specialization.pData = constants.data();
    auto info = typed<VkComputePipelineCreateInfo>(VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = module;
    info.stage.pName = "main";
    info.stage.pSpecializationInfo = &specialization;
    info.layout = layout.pipeline.get();
    VkPipeline pipeline = VK_NULL_HANDLE;
    RETURN_VK(vkCreateComputePipelines(context.device(), cache.get(), 1, &info, nullptr, &pipeline),
              "compiling " + std::string(kernel_names[static_cast<std::size_t>(kernel)]));
    return Pipeline(context.device(), pipeline);
}

} // namespace raymill::gpu
