#pragma once
/// Tables that lights and environment texels are drawn from (shaders/shared/scene_data.h says how). Deterministic; thread: any.
#include "renderer/scene/flat_scene.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace raymill::scene {

/// One cell of an alias table: take the cell's own entry where the fraction is below the threshold, else `alias`.
struct AliasCell {
    float threshold = 1;
    std::uint32_t alias = 0;
};

/// Vose, "A linear algorithm for generating random numbers with a given distribution" (IEEE TSE 17(9), 1991). `weights` are finite and >=
/// 0; where they are all 0, every entry is equally likely. An entry of weight 0 is never taken.
std::vector<AliasCell> build_alias_table(std::span<const double> weights);

/// The probability of each entry that drawing from `cells` gives: (threshold_i + sum over cells j with alias i of (1 - threshold_j)) /
/// count.
std::vector<double> probabilities(std::span<const AliasCell> cells);

/// Fills pmf, alias_threshold and alias of each light for the draw among far lights, which has the probability `distant_share`. `powers`:
/// of far lights watts a square metre (luminance), of near ones 0: those are never drawn here and get a pmf of 0. The environment,
/// `environment` (NONE: there is none), counts as at least a quarter and at most three quarters of all where there are other far lights.
/// Each far light gets at least `light_floor` / their count besides, so that none that can shine has a pmf of 0.
void fill_light_table(std::vector<shading::SceneLight>& lights, std::span<const double> powers, std::uint32_t environment,
                      double distant_share);
inline constexpr double light_floor = 0.05;

/// Texels and patches of a lat-long environment, (height + 1) x width of them: radiance and sampling table as scene_data.h has it, the
/// probability of a patch by its solid angle x mean importance, with a floor where any component is positive but its share is tiny. An
/// inverted distribution and not an alias table: that one scatters even points, which cost four times the noise under a panorama (measured
/// at 128 samples a pixel).
std::vector<shading::EnvironmentTexel> build_environment(std::uint32_t width, std::uint32_t height, std::span<const glm::vec3> radiance);

/// Solid angle of a texel of row `y` of a lat-long image.
double texel_solid_angle(std::uint32_t width, std::uint32_t height, std::uint32_t y);
/// Solid angle of a patch of row `y`, 0 .. height, of a lat-long image.
double patch_solid_angle(std::uint32_t width, std::uint32_t height, std::uint32_t y);

/// Rec. 709 luminance.
inline double luminance(const glm::vec3& c) {
    return 0.2126 * static_cast<double>(c.x) + 0.7152 * static_cast<double>(c.y) + 0.0722 * static_cast<double>(c.z);
}

} // namespace raymill::scene
