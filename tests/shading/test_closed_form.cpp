#include "renderer/reference/reference.hpp"
#include "tests/support/closed_form.hpp"

#include <doctest/doctest.h>

using namespace raymill;

TEST_CASE("the reference gives the closed forms' answers, whichever way light is sampled") {
    const auto device = reference::make_reference_device(0);
    for (const auto& scene : tests::closed_forms()) tests::check_closed_form(*device, scene);
}

TEST_CASE("the reference shows known vertices in the pixels where they belong") {
    const auto device = reference::make_reference_device(0);
    tests::check_pixels(*device);
}

TEST_CASE("the reference's picture of lights twice as bright is exactly twice as bright") {
    const auto device = reference::make_reference_device(0);
    tests::check_scaling(*device);
}

TEST_CASE("the reference shows a scene the same, however a file tells it") {
    const auto device = reference::make_reference_device(0);
    tests::check_equal_encodings(*device);
}

TEST_CASE("the reference's pixels depend neither on the rectangle nor on the number of threads") {
    // Bit for bit: one rectangle by one thread against four, of unlike shapes, by three threads.
    tests::GltfWriter writer;
    tests::Material glossy;
    glossy.base_color = {0.8f, 0.6f, 0.4f, 1};
    glossy.metallic = 0.5f, glossy.roughness = 0.3f;
    writer.node({.mesh = writer.mesh({{tests::icosphere({0, 0, 0}, 1, 2), writer.material(glossy)}})});
    writer.node({.translation = glm::vec3(0, 0, 4), .camera = writer.camera({})});
    Settings settings;
    settings.width = 13, settings.height = 11;
    const auto flat = tests::flat_scene(writer, settings, nullptr); // lit by the studio
    const auto hierarchy = accel::build(flat, 1);
    shading::FrameParams params{};
    params.width = 13, params.height = 11, params.max_bounces = 3, params.pixel_filter = shading::FILTER_BLACKMAN_HARRIS, params.spp = 8;
    std::vector<glm::vec4> whole(13 * 11);
    {
        const auto device = reference::make_reference_device(1);
        REQUIRE(device->load(flat, hierarchy));
        REQUIRE(device->render(params, {0, 0, 13, 11}, whole));
    }
    const auto device = reference::make_reference_device(3);
    REQUIRE(device->load(flat, hierarchy));
    for (const Rect rect : {Rect{0, 0, 5, 11}, {5, 0, 8, 1}, {5, 1, 7, 10}, {12, 1, 1, 10}}) {
        std::vector<glm::vec4> part(std::size_t{rect.width} * rect.height);
        const auto stats = device->render(params, rect, part);
        REQUIRE(stats);
        CHECK(stats->samples == std::uint64_t{8} * rect.width * rect.height);
        for (std::uint32_t y = 0; y < rect.height; ++y)
            for (std::uint32_t x = 0; x < rect.width; ++x)
                CHECK(part[std::size_t{y} * rect.width + x] == whole[std::size_t{rect.y + y} * 13 + rect.x + x]);
    }
}

TEST_CASE("a limit on indirect light darkens nothing below it and nothing that is direct") {
    // A closed box of emission 1, albedo 0.5: direct light is 1 + 0.5; each further bounce contributes at most 0.25 per sample, so a limit
    // of 0.25 changes nothing and one of 0.05 keeps the direct part.
    const auto device = reference::make_reference_device(0);
    tests::GltfWriter writer;
    writer.node(
        {.mesh = writer.mesh({{tests::box({0, 0, 0}, {2, 2, 2}, true), writer.material(tests::emitter({1, 1, 1}, {0.5f, 0.5f, 0.5f}))}})});
    writer.node({.camera = writer.camera({})});
    Settings settings;
    settings.width = settings.height = 4;
    settings.env = "0,0,0";
    const auto flat = tests::flat_scene(writer, settings, nullptr);
    REQUIRE(device->load(flat, accel::build(flat, 1)));
    const auto mean = [&](float limit, std::uint32_t bounces) {
        shading::FrameParams params{};
        params.width = params.height = 4;
        params.spp = 4096, params.max_bounces = bounces, params.clamp_indirect = limit, params.strategy = shading::STRATEGY_BSDF_ONLY;
        std::vector<glm::vec4> pixels(16);
        REQUIRE(device->render(params, {0, 0, 4, 4}, pixels));
        double sum = 0;
        for (const auto& pixel : pixels) sum += static_cast<double>(pixel.x);
        return sum / 16;
    };
    CHECK(mean(0, 1) == doctest::Approx(1.75));
    CHECK(mean(0.2501f, 1) == doctest::Approx(1.75));
    CHECK(mean(0.05f, 1) == doctest::Approx(1.55));
    CHECK(mean(0.05f, 0) == doctest::Approx(1.5));
}
