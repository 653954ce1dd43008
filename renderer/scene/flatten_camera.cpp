#include "renderer/scene/flatten_parts.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

namespace raymill::scene {
namespace {

/// Unit axes for a camera that looks along -z.
glm::mat4x3 frame(const glm::dvec3& x, const glm::dvec3& y, const glm::dvec3& z, const glm::dvec3& origin) {
    return {glm::vec3(x), glm::vec3(y), glm::vec3(z), glm::vec3(origin)};
}

/// Axes of an eye that looks along `forward` with +y up in the picture (or +z, seen straight from above or below).
void look_along(shading::SceneCamera& camera, const glm::dvec3& eye, const glm::dvec3& forward) {
    const glm::dvec3 z = -glm::normalize(forward);
    const glm::dvec3 up = std::abs(z.y) > 0.99999 ? glm::dvec3(0, 0, z.y > 0 ? -1 : 1) : glm::dvec3(0, 1, 0);
    const glm::dvec3 x = glm::normalize(glm::cross(up, z));
    camera.camera_to_world = frame(x, glm::cross(z, x), z, eye);
}

void set_perspective(shading::SceneCamera& camera, double yfov, const Settings& settings) {
    camera.kind = shading::CAMERA_PERSPECTIVE;
    camera.half_height = static_cast<float>(std::tan(yfov / 2));
    camera.half_width = static_cast<float>(std::tan(yfov / 2) * settings.width / settings.height);
}

/// Three-quarter view of the box from the front right and above, as near as all its corners fit with a margin.
void frame_automatically(shading::SceneCamera& camera, const Flattening& f) {
    constexpr double margin = 1.12;
    set_perspective(camera, 35.0 / 180 * std::numbers::pi, f.request.settings);
    const glm::dvec3 center = (f.lower + f.upper) * 0.5;
    look_along(camera, center, -glm::dvec3(0.55, 0.42, 1.0));
    const glm::dmat3 axes(glm::mat3(camera.camera_to_world[0], camera.camera_to_world[1], camera.camera_to_world[2]));
    double distance = 0;
    for (int corner = 0; corner < 8; ++corner) {
        const glm::dvec3 half = (f.upper - f.lower) * 0.5;
        const glm::dvec3 p = half * glm::dvec3((corner & 1) != 0 ? 1 : -1, (corner & 2) != 0 ? 1 : -1, (corner & 4) != 0 ? 1 : -1);
        const glm::dvec3 seen = glm::transpose(axes) * p;
        // |seen.xy| / (distance - seen.z) must stay within the half angle.
        distance = std::max({distance, seen.z + margin * std::abs(seen.x) / static_cast<double>(camera.half_width),
                             seen.z + margin * std::abs(seen.y) / static_cast<double>(camera.half_height)});
    }
    if (!(distance > 0)) distance = 1; // nothing there, or one point
    camera.camera_to_world[3] = glm::vec3(center + axes[2] * distance);
}

/// Node indices of the cameras of the chosen scene, in the file's order.
std::vector<std::uint32_t> camera_nodes(const Flattening& f) {
    std::vector<std::uint32_t> out;
    for (std::uint32_t n = 0; n < f.scene.nodes.size(); ++n)
        if (f.visited[n] && f.scene.nodes[n].camera != NONE) out.push_back(n);
    return out;
}

Result<std::uint32_t> choose_camera(const Flattening& f, const std::vector<std::uint32_t>& nodes) {
    const std::string& choice = f.request.settings.camera;
    const auto camera_name = [&](std::uint32_t n) -> const std::string& { return f.scene.cameras[f.scene.nodes[n].camera].name; };
    for (const auto n : nodes)
        if (f.scene.nodes[n].name == choice) return n;
    for (const auto n : nodes)
        if (camera_name(n) == choice) return n;
    std::uint32_t index = 0;
    const auto [end, error] = std::from_chars(choice.data(), choice.data() + choice.size(), index);
    if (error == std::errc() && end == choice.data() + choice.size() && index < nodes.size()) return nodes[index];
    std::vector<std::string> names;
    for (const auto n : nodes) names.push_back(f.scene.nodes[n].name.empty() ? camera_name(n) : f.scene.nodes[n].name);
    return fail(Code::usage, "camera", "'" + choice + "' is not in " + f.scene.file + "; " + known_names(names));
}

} // namespace

Status flatten_camera(Flattening& f) {
    const Settings& settings = f.request.settings;
    shading::SceneCamera& camera = f.flat.head.camera;
    camera = {};
    if (settings.look_at) {
        const auto& [eye, target, fov] = *settings.look_at;
        const glm::dvec3 from(eye[0], eye[1], eye[2]), to(target[0], target[1], target[2]);
        if (from == to) return fail(Code::usage, "look-at", "eye and target are the same point");
        set_perspective(camera, static_cast<double>(fov) / 180 * std::numbers::pi, settings);
        look_along(camera, from, to - from);
        return {};
    }
    const auto nodes = camera_nodes(f);
    std::uint32_t node = nodes.empty() ? NONE : nodes.front();
    if (!settings.camera.empty()) {
        const auto chosen = choose_camera(f, nodes);
        if (!chosen) return std::unexpected(chosen.error());
        node = *chosen;
    }
    if (node == NONE) {
        frame_automatically(camera, f);
        return {};
    }

    // glTF 2.0, 3.10: the view is the inverse of the node's global transform without its scale; so right-handed unit axes, whatever it
    // mirrors.
    const glm::dmat4& world = f.pose.world[node];
    const glm::dvec3 z = glm::normalize(glm::dvec3(world[2]));
    const glm::dvec3 across = glm::dvec3(world[1]) - z * glm::dot(z, glm::dvec3(world[1]));
    const glm::dvec3 y = glm::normalize(across);
    const glm::dvec3 origin(world[3]);
    const double sum = glm::dot(z, glm::dvec3(1)) + glm::dot(y, glm::dvec3(1)) + glm::dot(origin, glm::dvec3(1));
    if (!std::isfinite(sum))
        return fail(Code::bad_input, "nodes[" + std::to_string(node) + "]", "the place of its camera is not finite, or has a scale of 0");
    camera.camera_to_world = frame(glm::cross(y, z), y, z, origin);

    const Camera& source = f.scene.cameras[f.scene.nodes[node].camera];
    if (source.orthographic) {
        camera.kind = shading::CAMERA_ORTHOGRAPHIC;
        camera.half_width = source.xmag;
        camera.half_height = source.ymag;
    } else {
        set_perspective(camera, static_cast<double>(source.yfov), settings);
    }
    camera.near_plane = source.znear;
    camera.far_plane = source.zfar;
    return {};
}

} // namespace raymill::scene
