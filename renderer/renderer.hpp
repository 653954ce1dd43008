#pragma once
/// librenderer's front door: a glTF scene in, pixels of rectangles out. Knows nothing of any network. One Renderer is used by one thread at
/// a time.
#include "renderer/base/settings.hpp"
#include "renderer/device.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace raymill {

struct PrepareStats {
    double load_s = 0, build_s = 0, upload_s = 0, compile_s = 0; ///< wall seconds
    std::uint64_t triangles = 0, instances = 0, lights = 0, textures = 0;
};

class Renderer {
  public:
    /// Reads `scene_file` (and what it refers to below its folder), checks `settings` against it (camera, scene, variant, animation names)
    /// and opens the device. `settings.env`, where it names a file, is looked up in the scene file's folder if it is relative.
    static Result<std::unique_ptr<Renderer>> open(const std::filesystem::path& scene_file, const Settings& settings,
                                                  const DeviceChoice& choice);
    virtual ~Renderer() = default;

    [[nodiscard]] virtual const DeviceInfo& device() const = 0;
    /// What is not drawn as the file means it, one sentence each.
    [[nodiscard]] virtual const std::vector<std::string>& notes() const = 0;
    /// Evaluates the scene at the frame's time, builds, uploads. Nothing to do when that frame is loaded already.
    virtual Result<PrepareStats> prepare(std::int32_t frame) = 0;
    /// Renders one rectangle of a frame (prepare()d where needed), as Device::render says.
    virtual Result<TraceStats> render(std::int32_t frame, Rect rect, std::vector<glm::vec4>& rgba) = 0;
    /// Measures the kernels on part of a frame, as Device::profile says.
    virtual Result<KernelProfile> profile([[maybe_unused]] std::int32_t frame) { return KernelProfile{}; }
};

} // namespace raymill
