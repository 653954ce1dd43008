#include "renderer/gpu/path_tracer.hpp"

namespace raymill::gpu {

std::vector<DeviceInfo> list_vulkan_devices(unsigned threads, std::string* error) {
    std::vector<DeviceInfo> infos;
    const auto instance = Instance::create({.threads = threads});
    if (!instance) {
        if (error != nullptr) *error = instance.error().message();
        return infos;
    }
    const auto candidates = find_candidates((*instance)->get());
    if (!candidates) {
        if (error != nullptr) *error = candidates.error().message();
        return infos;
    }
    for (const Candidate& candidate : *candidates) infos.push_back(candidate.info);
    return infos;
}

Result<std::unique_ptr<VulkanDevice>> make_vulkan_device(const DeviceChoice& choice, const Tuning& tuning) {
    auto instance = Instance::create({.threads = choice.threads, .validation = choice.validation});
    if (!instance) return std::unexpected(instance.error());
    const auto candidates = find_candidates((*instance)->get());
    if (!candidates) return std::unexpected(candidates.error());
    const auto index = choose(*candidates, choice.name);
    if (!index) return std::unexpected(index.error());
    Candidate candidate = (*candidates)[*index];
    const auto module = choose_module(candidate, choice.trace);
    if (!module) return std::unexpected(module.error());
    const auto slots = choose_texture_slots(candidate, choice);
    if (!slots) return std::unexpected(slots.error());
    candidate.texture_slots = *slots;
    DeviceInfo info = candidate.info;
    info.chosen = true;
    info.reason = choice.name.empty() ? info.reason : "asked for by --device " + choice.name;
    info.device_class = info.type + " / " + info.name + " / " + info.driver + " / " + (*module == TraceModule::bvh ? "bvh" : "ray_query");
    if (*slots > 0) info.device_class += " / " + std::to_string(*slots) + " samplers";
    auto context = Context::create(std::move(*instance), candidate, *module);
    if (!context) return std::unexpected(context.error());
    return PathTracer::create(std::move(*context), std::move(info), tuning);
}

} // namespace raymill::gpu
