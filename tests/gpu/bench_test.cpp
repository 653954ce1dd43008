// What the benchmark says about itself.
#include "renderer/bench.hpp"
#include "tests/gpu/opened.hpp"
#include "tests/support/gltf_writer.hpp"

#include <cmath>
#include <cstdlib>

using namespace raymill;

TEST_CASE("a benchmark counts whole frames, its shares make one, and its rates are its counts by its seconds") {
    OPEN_GPU(device, "auto"); // else there is nothing to measure
    BenchRequest request;
    request.scene = "scenes/cornell.glb";
    request.settings.width = 32, request.settings.height = 24, request.settings.spp = 4;
    request.seconds = 1e-3;
    if (const char* name = std::getenv("RAYMILL_TEST_DEVICE")) request.device.name = name;
    const auto result = bench(request);
    REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message()));
    CHECK(result->passes >= 1);
    CHECK(result->trace.samples == result->passes * 32 * 24 * 4);
    CHECK(result->trace.closest_rays >= result->trace.samples);
    CHECK(result->samples_per_s == doctest::Approx(static_cast<double>(result->trace.samples) / result->trace.seconds));
    CHECK(result->primary_mrays_per_s > 0);
    CHECK(result->bounce_mrays_per_s > 0);
    CHECK(result->shadow_mrays_per_s > 0);
    const double shares = result->generate_share + result->primary_share + result->bounce_share + result->shadow_share +
                          result->shade_share + result->accumulate_share;
    CHECK(shares == doctest::Approx(1));
    CHECK(result->prepare.triangles > 0);

    request.device.name = "reference";
    const auto reference = bench(request);
    REQUIRE(reference.has_value());
    CHECK(reference->samples_per_s > 0);
    CHECK(reference->primary_mrays_per_s == 0);
    for (const double seconds : {0.0, -1.0, 3600.1, std::nan("")}) {
        request.seconds = seconds;
        const auto refused = bench(request);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == Code::usage);
    }
}
