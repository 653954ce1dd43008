#include "tests/support/embree.hpp"

#include <embree3/rtcore.h>
#include <vector>

namespace raymill::tests {

struct Embree::State {
    const scene::FlatScene& flat;
    RTCDevice device = rtcNewDevice("threads=1");
    std::vector<RTCScene> meshes;
    RTCScene top = nullptr;

    std::vector<glm::vec3> positions; // with one more at the end: Embree reads 16 bytes of each

    explicit State(const scene::FlatScene& scene) : flat(scene), positions(scene.positions) { positions.emplace_back(0); }
};

namespace {

RTCScene new_scene(RTCDevice device, bool robust) {
    RTCScene scene = rtcNewScene(device);
    rtcSetSceneFlags(scene, robust ? RTC_SCENE_FLAG_ROBUST : RTC_SCENE_FLAG_NONE);
    rtcSetSceneBuildQuality(scene, RTC_BUILD_QUALITY_HIGH);
    return scene;
}

RTCRay ray_of(glm::vec3 origin, glm::vec3 direction, float t_max) {
    RTCRay ray{};
    ray.org_x = origin.x, ray.org_y = origin.y, ray.org_z = origin.z;
    ray.dir_x = direction.x, ray.dir_y = direction.y, ray.dir_z = direction.z;
    ray.tfar = t_max;
    ray.mask = 0xffffffffu;
    return ray;
}

} // namespace

Embree::Embree(const scene::FlatScene& scene, bool robust) : state_(std::make_unique<State>(scene)) {
    for (const shading::SceneMesh& mesh : scene.meshes) {
        RTCScene built = new_scene(state_->device, robust);
        RTCGeometry geometry = rtcNewGeometry(state_->device, RTC_GEOMETRY_TYPE_TRIANGLE);
        rtcSetSharedGeometryBuffer(geometry, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3, state_->positions.data(), 0, sizeof(glm::vec3),
                                   scene.positions.size());
        // A SceneTriangle begins with its three indices.
        rtcSetSharedGeometryBuffer(geometry, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT3, scene.triangles.data(),
                                   mesh.first_triangle * sizeof(shading::SceneTriangle), sizeof(shading::SceneTriangle),
                                   mesh.triangle_count);
        rtcCommitGeometry(geometry);
        rtcAttachGeometry(built, geometry);
        rtcReleaseGeometry(geometry);
        rtcCommitScene(built);
        state_->meshes.push_back(built);
    }
    state_->top = new_scene(state_->device, robust);
    for (const shading::SceneInstance& placed : scene.instances) {
        RTCGeometry geometry = rtcNewGeometry(state_->device, RTC_GEOMETRY_TYPE_INSTANCE);
        rtcSetGeometryInstancedScene(geometry, state_->meshes[placed.mesh]);
        rtcSetGeometryTransform(geometry, 0, RTC_FORMAT_FLOAT3X4_COLUMN_MAJOR, &placed.object_to_world);
        rtcCommitGeometry(geometry);
        rtcAttachGeometry(state_->top, geometry); // ids count up from 0
        rtcReleaseGeometry(geometry);
    }
    rtcCommitScene(state_->top);
}

Embree::~Embree() {
    for (RTCScene mesh : state_->meshes) rtcReleaseScene(mesh);
    rtcReleaseScene(state_->top);
    rtcReleaseDevice(state_->device);
}

shading::RayHit Embree::closest(glm::vec3 origin, glm::vec3 direction, float t_max) const {
    RTCRayHit hit{};
    hit.ray = ray_of(origin, direction, t_max);
    hit.hit.geomID = hit.hit.instID[0] = RTC_INVALID_GEOMETRY_ID;
    RTCIntersectContext context;
    rtcInitIntersectContext(&context);
    rtcIntersect1(state_->top, &context, &hit);
    shading::RayHit result{shading::NONE, shading::NONE, t_max, 0, 0};
    if (hit.hit.geomID == RTC_INVALID_GEOMETRY_ID) return result;
    result.instance = hit.hit.instID[0];
    result.triangle = state_->flat.meshes[state_->flat.instances[result.instance].mesh].first_triangle + hit.hit.primID;
    result.t = hit.ray.tfar, result.u = hit.hit.u, result.v = hit.hit.v;
    return result;
}

bool Embree::occluded(glm::vec3 origin, glm::vec3 direction, float t_max) const {
    RTCRay ray = ray_of(origin, direction, t_max);
    RTCIntersectContext context;
    rtcInitIntersectContext(&context);
    rtcOccluded1(state_->top, &context, &ray);
    return ray.tfar < 0;
}

} // namespace raymill::tests
