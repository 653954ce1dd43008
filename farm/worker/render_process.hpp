#pragma once
/// What renders: a process that reads requests from its supervisor, one after the other, opens the scene when the first tile comes, and
/// writes its results as files. It may crash, hang or be killed at any time; its supervisor counts that as one lost lease.
#include "renderer/renderer.hpp"

#include <functional>
#include <memory>

namespace raymill::farm {

/// Renderer::open, or a stand-in in tests.
using OpenRenderer = std::function<Result<std::unique_ptr<Renderer>>(const std::filesystem::path& scene_file, const Settings& settings,
                                                                     const DeviceChoice& choice)>;

/// Serves requests on the socket `fd` until it closes. The exit status of the process.
int render_process(int fd, const OpenRenderer& open_renderer);

} // namespace raymill::farm
