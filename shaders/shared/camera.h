// Rays from the camera, perspective and orthographic, as glTF 2.0 section 3.10 has them: looking along -z, y up.
#ifndef RAYMILL_CAMERA_H
#define RAYMILL_CAMERA_H
#include "language.h"
#include "scene_data.h"
SHADING_BEGIN

CONSTANT(float, RAY_INFINITY, 3.0e38f); // t_max of a ray without an end; a finite float, so that boxes need no special case

struct CameraRay {
    vec3 origin;    // on the near plane (the eye itself where the near plane is 0)
    vec3 direction; // unit
    float t_max;    // metres to the far plane
};

// The ray through a point of the image, `pixel` in pixels from the frame's top left corner, y down.
inline CameraRay make_camera_ray(IN(SceneCamera) camera, vec2 pixel, uint width, uint height) {
    float x = (2.0f * pixel.x / float(width) - 1.0f) * camera.half_width;
    float y = (1.0f - 2.0f * pixel.y / float(height)) * camera.half_height;
    vec3 right = camera.camera_to_world[0];
    vec3 up = camera.camera_to_world[1];
    vec3 back = camera.camera_to_world[2];
    vec3 eye = camera.camera_to_world[3];
    CameraRay ray;
    float depth_to_distance = 1.0f;
    if (camera.kind == CAMERA_PERSPECTIVE) {
        vec3 to_plane = right * x + up * y - back; // reaches the plane one metre ahead
        depth_to_distance = length(to_plane);
        ray.direction = to_plane / depth_to_distance;
        ray.origin = eye + to_plane * camera.near_plane;
    } else {
        ray.direction = normalize(-back);
        ray.origin = eye + right * x + up * y - back * camera.near_plane;
    }
    ray.t_max = camera.far_plane > 0.0f ? (camera.far_plane - camera.near_plane) * depth_to_distance : RAY_INFINITY;
    return ray;
}

SHADING_END
#endif
