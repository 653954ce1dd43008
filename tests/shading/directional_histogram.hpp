#pragma once
/// Bins over all directions that stay fine round a narrow lobe: polar angle from an axis on a logarithmic scale, azimuth evenly. For
/// comparing samples with densities (chi-squared) and for integrals over the sphere.
#include "shaders/shared/direction.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace raymill::tests {

class DirectionalHistogram {
  public:
    static constexpr int rings = 24, sectors = 16;

    /// `lobe_width`: angle from which on rings grow, radians; about that of the lobe round `axis`.
    DirectionalHistogram(glm::vec3 axis, double lobe_width)
        : frame_(shading::make_frame(axis)), width_(lobe_width), growth_(std::log1p(M_PI / lobe_width)) {}

    static constexpr std::size_t size() { return static_cast<std::size_t>(rings) * sectors; }

    [[nodiscard]] std::size_t bin(glm::vec3 direction) const {
        const glm::vec3 local = shading::to_local(frame_, direction);
        const double angle =
            std::atan2(std::hypot(static_cast<double>(local.x), static_cast<double>(local.y)), static_cast<double>(local.z));
        const double azimuth = std::atan2(static_cast<double>(local.y), static_cast<double>(local.x)) / (2 * M_PI) + 0.5;
        const int ring = std::clamp(static_cast<int>(std::log1p(angle / width_) / growth_ * rings), 0, rings - 1);
        return static_cast<std::size_t>(ring * sectors + std::clamp(static_cast<int>(azimuth * sectors), 0, sectors - 1));
    }

    /// Integral of `density` (per steradian) over each bin. `density` may end at the plane z = 0; bins that it cuts are split finely.
    [[nodiscard]] std::vector<double> integrate(const std::function<double(glm::vec3)>& density) const {
        // Each bin in 2 x 4 cells: seen at 85 degrees, a narrow lobe is a dozen times longer than wide.
        std::vector<double> result(size());
        for (int ring = 0; ring < 2 * rings; ++ring)
            for (int sector = 0; sector < 4 * sectors; ++sector)
                result[static_cast<std::size_t>(ring) / 2 * sectors + static_cast<std::size_t>(sector) / 4] += integrate_cell(
                    density, ring / (2.0 * rings), (ring + 1) / (2.0 * rings), sector / (4.0 * sectors), (sector + 1) / (4.0 * sectors), 5);
        return result;
    }

  private:
    [[nodiscard]] glm::vec3 direction(double radial, double turn) const {
        const double angle = width_ * std::expm1(radial * growth_), azimuth = (turn - 0.5) * 2 * M_PI;
        return shading::to_world(
            frame_, glm::vec3(glm::dvec3(std::sin(angle) * std::cos(azimuth), std::sin(angle) * std::sin(azimuth), std::cos(angle))));
    }

    [[nodiscard]] double integrate_cell(const std::function<double(glm::vec3)>& density, double r0, double r1, double t0, double t1,
                                        int splits) const {
        const bool above = direction(r0, t0).z > 0;
        const bool cut = above != (direction(r1, t0).z > 0) || above != (direction(r0, t1).z > 0) || above != (direction(r1, t1).z > 0);
        if (cut && splits > 0) {
            const double r = (r0 + r1) / 2, t = (t0 + t1) / 2;
            return integrate_cell(density, r0, r, t0, t, splits - 1) + integrate_cell(density, r, r1, t0, t, splits - 1) +
                   integrate_cell(density, r0, r, t, t1, splits - 1) + integrate_cell(density, r, r1, t, t1, splits - 1);
        }
        // Gauss and Legendre's rule with four points each way.
        constexpr double nodes[4] = {-0.8611363115940526, -0.3399810435848563, 0.3399810435848563, 0.8611363115940526};
        constexpr double weights[4] = {0.3478548451374538, 0.6521451548625461, 0.6521451548625461, 0.3478548451374538};
        double sum = 0;
        for (int i = 0; i < 4; ++i) {
            const double radial = (r0 + r1) / 2 + (r1 - r0) / 2 * nodes[i];
            const double angle = width_ * std::expm1(radial * growth_);
            const double jacobian = std::sin(angle) * (angle + width_) * growth_ * 2 * M_PI;
            for (int j = 0; j < 4; ++j)
                sum += weights[i] * weights[j] * jacobian * density(direction(radial, (t0 + t1) / 2 + (t1 - t0) / 2 * nodes[j]));
        }
        return sum * (r1 - r0) / 2 * (t1 - t0) / 2;
    }

    glm::mat3 frame_;
    double width_, growth_;
};

} // namespace raymill::tests
