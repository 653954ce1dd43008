#include "shaders/shared/camera.h"

#include <cmath>
#include <doctest/doctest.h>
#include <initializer_list>

using namespace raymill::shading;

namespace {

SceneCamera looking_along_minus_z(float half_width, float half_height) {
    SceneCamera camera{};
    camera.camera_to_world = glm::mat4x3(1);
    camera.kind = CAMERA_PERSPECTIVE;
    camera.half_width = half_width, camera.half_height = half_height;
    return camera;
}

} // namespace

TEST_CASE("a perspective camera shows a point where the projection matrix puts it") {
    // x_ndc = x / (-z aspect tan(yfov / 2)), y_ndc = y / (-z tan(yfov / 2)); pixel (0, 0) is top left. Breaks with a flipped axis, a
    // swapped aspect, or half a pixel of shift.
    constexpr std::uint32_t width = 300, height = 200;
    const float tangent = std::tan(0.35f), aspect = 1.5f;
    const SceneCamera camera = looking_along_minus_z(tangent * aspect, tangent);
    for (const glm::vec3& point : {glm::vec3(0, 0, -5), {1, 0.5f, -4}, {-0.3f, -0.6f, -2}}) {
        const glm::vec2 ndc(point.x / (-point.z * aspect * tangent), point.y / (-point.z * tangent));
        const glm::vec2 pixel((ndc.x + 1) / 2 * width, (1 - ndc.y) / 2 * height);
        const CameraRay ray = make_camera_ray(camera, pixel, width, height);
        CHECK(ray.origin == glm::vec3(0));
        CHECK(glm::length(ray.direction - glm::normalize(point)) < 1e-6f);
        CHECK(ray.t_max == RAY_INFINITY);
    }
    CHECK(make_camera_ray(camera, {0, 0}, width, height).direction.x < 0);
    CHECK(make_camera_ray(camera, {0, 0}, width, height).direction.y > 0);
}

TEST_CASE("an orthographic camera shows 2 xmag by 2 ymag metres, all rays parallel") {
    SceneCamera camera = looking_along_minus_z(3, 2);
    camera.kind = CAMERA_ORTHOGRAPHIC;
    const CameraRay corner = make_camera_ray(camera, {0, 0}, 64, 64), middle = make_camera_ray(camera, {32, 32}, 64, 64);
    CHECK(corner.origin == glm::vec3(-3, 2, 0));
    CHECK(middle.origin == glm::vec3(0, 0, 0));
    CHECK(corner.direction == glm::vec3(0, 0, -1));
    CHECK(middle.direction == glm::vec3(0, 0, -1));
}

TEST_CASE("near and far are planes, at every angle of view") {
    SceneCamera camera = looking_along_minus_z(1, 1);
    camera.camera_to_world[3] = {10, 20, 30};
    camera.near_plane = 0.5f, camera.far_plane = 8;
    for (const std::uint32_t kind : {CAMERA_PERSPECTIVE, CAMERA_ORTHOGRAPHIC}) {
        camera.kind = kind;
        for (const glm::vec2& pixel : {glm::vec2(0, 0), {50, 50}, {100, 25}}) {
            const CameraRay ray = make_camera_ray(camera, pixel, 100, 100);
            CHECK(ray.origin.z == doctest::Approx(29.5));
            CHECK((ray.origin + ray.t_max * ray.direction).z == doctest::Approx(22));
            CHECK(glm::length(ray.direction) == doctest::Approx(1));
        }
    }
}

TEST_CASE("a turned and moved camera looks along its own -z with its own y up") {
    SceneCamera camera = looking_along_minus_z(0.5f, 0.5f);
    camera.camera_to_world = glm::mat4x3(glm::vec3(0, 0, -1), glm::vec3(0, 1, 0), glm::vec3(1, 0, 0), glm::vec3(5, 1, 2));
    const CameraRay ray = make_camera_ray(camera, {32, 32}, 64, 64);
    CHECK(ray.origin == glm::vec3(5, 1, 2));
    CHECK(ray.direction == glm::vec3(-1, 0, 0));
    CHECK(make_camera_ray(camera, {64, 32}, 64, 64).direction.z < 0); // the image's right is the camera's +x, here -z
    CHECK(make_camera_ray(camera, {32, 0}, 64, 64).direction.y > 0);
}
