#include "renderer/gpu/pipeline.hpp"

#include "renderer/gpu/environment.hpp"
#include "renderer/gpu/kernel_words.hpp"
#include "shaders/shared/wavefront.h"

#include <array>
#include <fstream>
#include <optional>
#include <unistd.h>
#include <vector>

namespace raymill::gpu {
namespace {

static_assert(sizeof(shading::SceneData) == 248,
              "load_scene in shaders/kernel.h copies each member: add the new one there, then count here");

// In the order of Kernel, for messages.
constexpr std::array<std::string_view, kernel_count> kernel_names{"generate", "prepare",      "prepare for shadows", "trace closest",
                                                                  "shade",    "trace shadow", "accumulate"};

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

namespace {

// Set 1: the scene's textures, as many as a scene has, up to the device's own bound.
Status create_slots_layout(const Context& context, SetLayout& layout) {
    const Candidate& candidate = context.candidate();
    if (candidate.texture_slots == 0) return {};
    VkDescriptorSetLayoutBinding binding{};
    binding.descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
    binding.descriptorCount = candidate.texture_slots;
    binding.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
    VkDescriptorBindingFlags flags = VK_DESCRIPTOR_BINDING_VARIABLE_DESCRIPTOR_COUNT_BIT;
    if (candidate.slots_after_bind) flags |= VK_DESCRIPTOR_BINDING_UPDATE_AFTER_BIND_BIT;
    auto flags_info = typed<VkDescriptorSetLayoutBindingFlagsCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO);
    flags_info.bindingCount = 1;
    flags_info.pBindingFlags = &flags;
    auto info = typed<VkDescriptorSetLayoutCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
    info.pNext = &flags_info;
    info.flags = candidate.slots_after_bind ? VK_DESCRIPTOR_SET_LAYOUT_CREATE_UPDATE_AFTER_BIND_POOL_BIT : 0;
    info.bindingCount = 1;
    info.pBindings = &binding;
    VkDescriptorSetLayout set = VK_NULL_HANDLE;
    RETURN_VK(vkCreateDescriptorSetLayout(context.device(), &info, nullptr, &set), "creating a layout for textures");
    layout = SetLayout(context.device(), set);
    return {};
}

} // namespace

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
    RETURN_ERROR(create_slots_layout(context, layout.slots));
    const VkPushConstantRange pushed{VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(shading::Batch)};
    auto info = typed<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
    const std::array sets{set, layout.slots.get()};
    info.setLayoutCount = layout.slots ? 2 : 1;
    info.pSetLayouts = sets.data();
    info.pushConstantRangeCount = 1;
    info.pPushConstantRanges = &pushed;
    VkPipelineLayout pipeline = VK_NULL_HANDLE;
    RETURN_VK(vkCreatePipelineLayout(context.device(), &info, nullptr, &pipeline), "creating a pipeline layout");
    layout.pipeline = PipelineLayout(context.device(), pipeline);
    return layout;
}

namespace {

// The flags that a kernel looks at: another scene's others need no other kernel.
std::uint32_t flags_for(Kernel kernel, std::uint32_t flags) {
    switch (kernel) {
    case Kernel::shade:
        return flags;
    case Kernel::trace_closest:
    case Kernel::trace_shadow:
        return (flags & shading::SCENE_HAS_ALPHA) != 0 ? flags : 0;
    default:
        return 0;
    }
}

} // namespace

Result<Pipeline> make_pipeline(const Context& context, const KernelLayout& layout, const PipelineCache& cache, Kernel kernel,
                               const KernelOptions& options) {
    const auto words = kernel_words(
        kernel,
        {.ray_query = context.module() == TraceModule::ray_query, .int64 = context.candidate().has_int64, .samplers = options.samplers});
    auto module_info = typed<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
    module_info.codeSize = words.size_bytes();
    module_info.pCode = words.data();
    VkShaderModule module = VK_NULL_HANDLE;
    RETURN_VK(vkCreateShaderModule(context.device(), &module_info, nullptr, &module), "loading a kernel");
    const ShaderModule owner(context.device(), module);

    // constant_id 0, 1, 2 of shaders/kernel.h and prepare.comp
    const std::array<std::uint32_t, 3> constants{options.group, flags_for(kernel, options.flags),
                                                 kernel == Kernel::prepare_shadows ? 1u : 0u};
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
