// Khronos' validation layers have nothing to say, about calls and about synchronisation.
#include "tests/gpu/opened.hpp"
#include "tests/support/flat_scenes.hpp"

using namespace raymill;

TEST_CASE("validation layers find nothing wrong in loading and rendering, with both modules") {
    // Any message is an error of load or render (VulkanDevice); so that they succeed is the test. Many vertices, so that submissions are
    // cut; several batches; two scenes in turn, so that what is replaced was not in use.
    for (const char* trace : {"bvh", "ray_query"}) {
        OPEN_GPU(device, trace, true, 512);
        tests::load(device, tests::random_instances(51, 30));
        auto params = tests::frame(20, 20, 3);
        params.max_bounces = 20;
        tests::pixels(device, params, {0, 0, 20, 20});
        tests::FlatSceneBuilder build;
        build.instance(build.ball(1, build.material(glm::vec4(0.5f))), tests::moved(glm::vec3(0)));
        tests::load(device, build.finish(glm::vec3(0, 0, 3), glm::vec3(0), 40, 1, glm::vec3(1)));
        tests::pixels(device, tests::frame(20, 20, 3), {3, 4, 10, 11});
        const auto profile = device.profile(tests::frame(20, 20, 3), {0, 0, 20, 20});
        CHECK_MESSAGE(profile.has_value(), (profile ? std::string() : profile.error().message()));
    }
}
