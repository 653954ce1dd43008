#include "renderer/gpu/instance.hpp"

#include "renderer/gpu/environment.hpp"

#include <array>
#include <cstring>

namespace raymill::gpu {
namespace {

constexpr const char* validation_layer = "VK_LAYER_KHRONOS_validation";

VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                          const VkDebugUtilsMessengerCallbackDataEXT* data, void* messages) {
    static_cast<Messages*>(messages)->add(data->pMessage);
    return VK_FALSE;
}

VkDebugUtilsMessengerCreateInfoEXT messenger_info(Messages& messages) {
    auto info = typed<VkDebugUtilsMessengerCreateInfoEXT>(VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT);
    info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
    info.pfnUserCallback = on_message;
    info.pUserData = &messages;
    return info;
}

bool has_layer(const char* name) {
    std::uint32_t count = 0;
    vkEnumerateInstanceLayerProperties(&count, nullptr);
    std::vector<VkLayerProperties> layers(count);
    vkEnumerateInstanceLayerProperties(&count, layers.data());
    layers.resize(count);
    for (const VkLayerProperties& layer : layers)
        if (std::strcmp(layer.layerName, name) == 0) return true;
    return false;
}

// volk's global pointers are written by each new instance, always with the loader's own functions; not by two threads at once.
std::mutex& loader_mutex() {
    static std::mutex mutex;
    return mutex;
}

} // namespace

void Messages::add(std::string text) {
    const std::scoped_lock lock(mutex_);
    ++count_;
    if (texts_.size() < most_kept) texts_.push_back(std::move(text));
}

Status Messages::take() {
    const std::scoped_lock lock(mutex_);
    if (count_ == 0) return {};
    std::string text = texts_.front();
    if (count_ > 1) text += " (and " + std::to_string(count_ - 1) + " more)";
    texts_.clear();
    count_ = 0;
    return fail(Code::failed, "Vulkan validation", text);
}

Result<std::unique_ptr<Instance>> Instance::create(const InstanceOptions& options) {
    prepare_software_drivers(options.threads);
    const std::scoped_lock lock(loader_mutex());
    if (volkInitialize() != VK_SUCCESS)
        return fail(Code::no_device, "Vulkan",
                    "there is no Vulkan loader (libvulkan.so.1); install it and a driver, or use --device reference");
    if (volkGetInstanceVersion() < VK_API_VERSION_1_2)
        return fail(Code::no_device, "Vulkan", "the Vulkan loader is older than 1.2; install a newer one");

    std::unique_ptr<Instance> instance(new Instance);
    auto application = typed<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
    application.pApplicationName = "raymill";
    application.apiVersion = VK_API_VERSION_1_2;
    auto info = typed<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
    info.pApplicationInfo = &application;

    const std::array extensions{VK_EXT_DEBUG_UTILS_EXTENSION_NAME, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME};
    const std::array layers{validation_layer};
    const std::array enabled{VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
    auto features = typed<VkValidationFeaturesEXT>(VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT);
    VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(instance->messages_);
    if (options.validation) {
        if (!has_layer(validation_layer))
            return fail(Code::no_device, "Vulkan", std::string(validation_layer) + " is not installed (Debian: vulkan-validationlayers)");
        features.enabledValidationFeatureCount = static_cast<std::uint32_t>(enabled.size());
        features.pEnabledValidationFeatures = enabled.data();
        features.pNext = &messenger;
        info.pNext = &features;
        info.enabledLayerCount = static_cast<std::uint32_t>(layers.size());
        info.ppEnabledLayerNames = layers.data();
        info.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
        info.ppEnabledExtensionNames = extensions.data();
    }
    const VkResult result = vkCreateInstance(&info, nullptr, &instance->instance_);
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
        return fail(Code::no_device, "Vulkan", "no Vulkan driver is installed (Debian: mesa-vulkan-drivers), or use --device reference");
    RETURN_VK(result, "creating an instance");
    volkLoadInstance(instance->instance_);
    if (options.validation) {
        RETURN_VK(vkCreateDebugUtilsMessengerEXT(instance->instance_, &messenger, nullptr, &instance->messenger_),
                  "listening to validation");
        instance->destroy_messenger_ = vkDestroyDebugUtilsMessengerEXT;
    }
    return instance;
}

Instance::~Instance() {
    if (messenger_ != VK_NULL_HANDLE) destroy_messenger_(instance_, messenger_, nullptr);
    if (instance_ != VK_NULL_HANDLE) vkDestroyInstance(instance_, nullptr);
}

} // namespace raymill::gpu
