#pragma once
/// Scenes whose picture is known on paper, for any Device: each is written as glTF, loaded, flattened, built and rendered, so that the
/// whole chain is tested. The reference and the Vulkan device run the same table (shared statistics, same power).
///
///     for (const auto& scene : closed_forms()) check_closed_form(*device, scene);
///     check_pixels(*device); check_scaling(*device); check_equal_encodings(*device);
#include "renderer/base/settings.hpp"
#include "renderer/device.hpp"
#include "renderer/scene/flatten.hpp"
#include "tests/support/gltf_writer.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace raymill::tests {

/// One scene and the mean of its picture.
struct ClosedForm {
    std::string name;                       ///< a sentence that could be false
    std::function<void(GltfWriter&)> write; ///< everything, the camera too
    glm::dvec3 exact{0};                    ///< mean radiance of the picture
    double exact_alpha = 1;
    double model_error = 0; ///< relative: what the formula leaves out (a sphere made of triangles)
    std::uint32_t max_bounces = 0;
    std::uint32_t spp = 64;                  ///< of each of 32 pictures with seeds of their own
    std::vector<std::uint32_t> strategies{}; ///< shading::STRATEGY_*; empty: all three
    std::string env{};                       ///< "R,G,B"; empty: black
    std::optional<scene::EnvironmentImage> environment{};
    float env_rotation = 0; ///< degrees
    bool env_hidden = false;
    std::uint32_t size = 4; ///< pixels, both edges
};

/// The closed forms of the field's textbooks that glTF can express. Box filter, so that pixels are squares.
const std::vector<ClosedForm>& closed_forms();

/// Renders with each strategy. Each must have a standard error of at most 0.3 % of the answer (else the test has no power) and be
/// within 4.5 standard errors (+ 1e-5 of it for rounding) of it; and two strategies must agree with each other likewise.
void check_closed_form(Device& device, const ClosedForm& scene);

/// Where known vertices stand in the picture, pixel by pixel: perspective, orthographic, and by reflection in a mirror.
void check_pixels(Device& device);
/// All lights twice as bright: every pixel exactly twice as bright, bit for bit.
void check_scaling(Device& device);
/// The same scene told in another way (scaled as a whole, mirrored by a node, by instances, with turned winding) gives the same picture.
void check_equal_encodings(Device& device);

/// A scene through the whole chain. Ends the test program where a step fails. `environment` may be null.
scene::FlatScene flat_scene(const GltfWriter& writer, const Settings& settings, const scene::EnvironmentImage* environment);

/// An orthographic camera at `eye` that sees a square of 2 x `half` metres round `target`; `half` of some micrometres looks at a point.
void look_at_patch(GltfWriter& writer, glm::vec3 eye, glm::vec3 target, float half, glm::vec3 up = {0, 1, 0});

} // namespace raymill::tests
