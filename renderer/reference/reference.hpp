#pragma once
/// renderer/reference: the oracle. The shading source of shaders/shared as C++, a plain loop over pixels and samples, a plain traversal of
/// the two-wide hierarchy: short enough to be read and believed. Tests compare the Vulkan device with it; users reach it by `--device
/// reference`. May include renderer/accel, renderer/scene's flat form and shaders/shared. Called by the facade and by tests.
#include "renderer/device.hpp"

#include <memory>

namespace raymill::reference {

/// `threads` 0: all of the machine's. Pixels do not depend on it.
std::unique_ptr<Device> make_reference_device(unsigned threads);

} // namespace raymill::reference
