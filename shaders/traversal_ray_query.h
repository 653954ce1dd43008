// The device's own traversal, through VK_KHR_ray_query. Included by trace.comp. Meshes without alpha are opaque geometry; others report
// each triangle as a candidate, which take_hit is asked about exactly as in our own traversal. Instances carry their index as custom index,
// a mesh's triangles are numbered from its first one.
void main() {
    uvec2 items = group_items(item_count());
    for (uint i = items.x + gl_LocalInvocationID.x; i < items.y; i += gl_WorkGroupSize.x) {
        Ray ray = load_ray(i, load_ray_ahead(i));
        begin_result(ray.t_max);
        rayQueryEXT query;
        uint flags = TRACE_SHADOW != 0 ? gl_RayFlagsTerminateOnFirstHitEXT : gl_RayFlagsNoneEXT;
        rayQueryInitializeEXT(query, accelerationStructureEXT(wavefront.acceleration_structure), flags, 0xffu, ray.origin, 0.0f,
                              ray.direction, ray.t_max);
        while (rayQueryProceedEXT(query)) {
            if (rayQueryGetIntersectionTypeEXT(query, false) != gl_RayQueryCandidateIntersectionTriangleEXT) continue;
            uint instance = uint(rayQueryGetIntersectionInstanceCustomIndexEXT(query, false));
            uint mesh = wavefront.scene.instances.at[instance].mesh;
            uint triangle = wavefront.scene.meshes.at[mesh].first_triangle + uint(rayQueryGetIntersectionPrimitiveIndexEXT(query, false));
            vec2 uv = rayQueryGetIntersectionBarycentricsEXT(query, false);
            uint material = wavefront.scene.triangles.at[triangle].material;
            bool ask = wavefront.scene.materials.at[material].alpha_mode != ALPHA_OPAQUE;
            float t = rayQueryGetIntersectionTEXT(query, false);
            found.instance = NONE;
            bool go_on = take_hit(instance, triangle, ask, t, uv.x, uv.y, ray.alpha_key);
            if (found.instance != NONE || !go_on) rayQueryConfirmIntersectionEXT(query);
        }
        if (rayQueryGetIntersectionTypeEXT(query, true) == gl_RayQueryCommittedIntersectionTriangleEXT) {
            uint instance = uint(rayQueryGetIntersectionInstanceCustomIndexEXT(query, true));
            uint mesh = wavefront.scene.instances.at[instance].mesh;
            uint triangle = wavefront.scene.meshes.at[mesh].first_triangle + uint(rayQueryGetIntersectionPrimitiveIndexEXT(query, true));
            vec2 uv = rayQueryGetIntersectionBarycentricsEXT(query, true);
            found.instance = instance;
            found.triangle = triangle;
            found.t = rayQueryGetIntersectionTEXT(query, true);
            found.u = uv.x;
            found.v = uv.y;
            transmittance = 0.0f;
        }
        store_found(i);
    }
}
