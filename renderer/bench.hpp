#pragma once
/// How fast this host renders: the core of `raymill bench`. Measures; never decides.
#include "renderer/renderer.hpp"

#include <filesystem>
#include <string>

namespace raymill {

struct BenchRequest {
    std::filesystem::path scene;
    Settings settings; ///< size, bounces, camera, environment ...; spp: of one pass
    DeviceChoice device;
    double seconds = 5; ///< of rendering: whole frames are rendered, after one that is not counted, until so much has passed
};

struct BenchResult {
    DeviceInfo device;
    PrepareStats prepare; ///< load, build, upload, compile: seconds; what the scene has
    TraceStats trace;     ///< of all counted passes
    std::uint64_t passes = 0;
    double samples_per_s = 0, rays_per_s = 0; ///< of `trace`, by its wall seconds
    /// Millions of rays a second by kind, each kernel measured alone over its queues (0: the device is the reference, or there were none).
    double primary_mrays_per_s = 0, bounce_mrays_per_s = 0, shadow_mrays_per_s = 0;
    /// Share of kernel time by what it does; they sum to 1 where kernels were measured.
    double generate_share = 0, primary_share = 0, bounce_share = 0, shadow_share = 0, shade_share = 0, accumulate_share = 0;
};

/// Code::usage where request.seconds is not in (0, 3600].
Result<BenchResult> bench(const BenchRequest& request);

} // namespace raymill
