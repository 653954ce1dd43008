// The one main of every doctest program here.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#ifdef __SANITIZE_ADDRESS__
#include <dlfcn.h>

// What a Vulkan driver or layer keeps to the end is let off by its library's name (tools/sanitize), and an unloaded library has none.
static const bool stays_loaded = [] {
    for (const char* library : {"libvulkan_lvp.so", "libVkLayer_khronos_validation.so", "libVkLayer_MESA_device_select.so"})
        dlopen(library, RTLD_LAZY | RTLD_NODELETE);
    return true;
}();
#endif
