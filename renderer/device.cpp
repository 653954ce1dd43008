#include "renderer/device.hpp"

#include "renderer/gpu/gpu.hpp"
#include "renderer/reference/reference.hpp"

namespace raymill {

Result<std::unique_ptr<Device>> open_device(const DeviceChoice& choice) {
    if (choice.name == "reference") return reference::make_reference_device(choice.threads);
    return gpu::make_vulkan_device(choice);
}

std::vector<DeviceInfo> list_devices(unsigned threads) {
    std::vector<DeviceInfo> devices = gpu::list_vulkan_devices(threads);
    devices.push_back(reference::make_reference_device(0)->info());
    return devices;
}

} // namespace raymill
