// Which device is chosen, from made-up lists: needs no Vulkan.
#include "renderer/gpu/choose.hpp"

#include <doctest/doctest.h>

namespace {

using namespace raymill;
using gpu::Candidate;

Candidate candidate(const char* name, VkPhysicalDeviceType type, const char* uuid, const char* unusable = "", bool ray_query = true) {
    Candidate c;
    c.info.name = name;
    c.info.uuid = uuid;
    c.info.unusable = unusable;
    c.type = type;
    c.has_ray_query = ray_query;
    return c;
}

std::vector<Candidate> host() {
    return {candidate("llvmpipe (LLVM 15.0.6, 256 bits)", VK_PHYSICAL_DEVICE_TYPE_CPU, "aa01"),
            candidate("Old Card", VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, "bb02", "its driver lacks scalarBlockLayout"),
            candidate("Iris Xe", VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU, "cc03"),
            candidate("GeForce One", VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, "dd04"),
            candidate("GeForce Two", VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, "ee05", "", false)};
}

} // namespace

TEST_CASE("the best usable device is taken, by type and not by what it offers") {
    auto devices = host();
    CHECK(*gpu::choose(devices, "") == 3);
    devices[3].info.unusable = devices[4].info.unusable = "broken";
    CHECK(*gpu::choose(devices, "") == 2);
    devices[2].info.unusable = "broken";
    CHECK(*gpu::choose(devices, "") == 0);
    devices[0].info.unusable = "broken";
    const auto none = gpu::choose(devices, "");
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().code == Code::no_device);
    CHECK(none.error().what.find("Iris Xe") != std::string::npos);
    CHECK_FALSE(gpu::choose({}, "").has_value());
}

TEST_CASE("a device is named by index, UUID, part of its name or kind, and never another one is taken instead") {
    const auto devices = host();
    CHECK(*gpu::choose(devices, "2") == 2);
    CHECK(*gpu::choose(devices, "DD04") == 3);
    CHECK(*gpu::choose(devices, "ee-05") == 4);
    CHECK(*gpu::choose(devices, "geforce") == 3);
    CHECK(*gpu::choose(devices, "force two") == 4);
    CHECK(*gpu::choose(devices, "software") == 0);
    for (const char* bad : {"1", "5", "9999", "old", "bb02", "radeon", "reference "}) {
        const auto chosen = gpu::choose(devices, bad);
        REQUIRE_FALSE(chosen.has_value());
        CHECK(chosen.error().code == Code::no_device);
        CHECK(chosen.error().where.find(bad) != std::string::npos);
        CHECK(chosen.error().what.find("GeForce One") != std::string::npos); // says what there is
    }
    const std::vector<Candidate> hardware(devices.begin() + 1, devices.end());
    CHECK_FALSE(gpu::choose(hardware, "software").has_value());
}

TEST_CASE("textures are sampled by hardware up to its limit, and by software drivers only when asked for") {
    auto devices = host();
    devices[0].texture_slots = devices[3].texture_slots = 200;
    DeviceChoice choice;
    CHECK(*gpu::choose_texture_slots(devices[0], choice) == 0);
    CHECK(*gpu::choose_texture_slots(devices[3], choice) == 200);
    CHECK(*gpu::choose_texture_slots(devices[4], choice) == 0); // it has none
    choice.most_samplers = 199;
    CHECK(*gpu::choose_texture_slots(devices[3], choice) == 199);
    choice.textures = "samplers";
    CHECK(*gpu::choose_texture_slots(devices[0], choice) == 199);
    CHECK(gpu::choose_texture_slots(devices[4], choice).error().code == Code::no_device);
    choice.textures = "fetch";
    CHECK(*gpu::choose_texture_slots(devices[3], choice) == 0);
    choice.textures = "both";
    CHECK(gpu::choose_texture_slots(devices[3], choice).error().code == Code::usage);
}

TEST_CASE("ray queries are taken from hardware only, unless asked for") {
    const auto devices = host();
    CHECK(*gpu::choose_module(devices[3], "auto") == gpu::TraceModule::ray_query);
    CHECK(*gpu::choose_module(devices[0], "auto") == gpu::TraceModule::bvh);
    CHECK(*gpu::choose_module(devices[4], "auto") == gpu::TraceModule::bvh);
    CHECK(*gpu::choose_module(devices[3], "bvh") == gpu::TraceModule::bvh);
    CHECK(*gpu::choose_module(devices[0], "ray_query") == gpu::TraceModule::ray_query);
    CHECK_FALSE(gpu::choose_module(devices[4], "ray_query").has_value());
    CHECK(gpu::choose_module(devices[0], "fast").error().code == Code::usage);
}
