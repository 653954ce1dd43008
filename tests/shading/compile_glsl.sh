#!/bin/sh
# Compiles each header of shaders/shared alone as GLSL and validates the SPIR-V: compile_glsl.sh GLSLC SPIRV-VAL FOLDER. Then a shader that runs all
# stages of a path, so that everything they call passes the validator too. Names what fails.
glslc=$1 validate=$2 folder=$3
work=$(mktemp -d) || exit 1
trap 'rm -r "$work"' EXIT
preamble='#version 460
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require'
failed=0
compile() { # name, text
    printf '%s\n%s\n' "$preamble" "$2" > "$work/one.comp"
    if ! "$glslc" --target-env=vulkan1.2 -Werror -DRAYMILL_GLSL -I "$folder" "$work/one.comp" -o "$work/one.spv" ||
        ! "$validate" --target-env vulkan1.2 --scalar-block-layout "$work/one.spv"; then
        echo "$1 does not compile as GLSL" >&2
        failed=1
    fi
}
for header in "$folder"/*.h; do
    compile "${header##*/}" "#include \"${header##*/}\"
void main() {}"
done
compile 'the stages of a path' '#include "path.h"
#include "triangle.h"
layout(local_size_x = 16) in;
layout(set = 0, binding = 0, scalar) uniform Scene { SceneData scene; };
layout(push_constant, scalar) uniform Params { FrameParams params; };
layout(set = 0, binding = 1, scalar) buffer Paths { PathState paths[]; };
layout(set = 0, binding = 2, scalar) buffer Hits { RayHit hits[]; };
layout(set = 0, binding = 3, scalar) buffer Pixels { vec4 pixels[]; };
void main() {
    uint i = gl_GlobalInvocationID.x;
    PathState path = generate(scene, params, i, 0u, 0u);
    PathResult gathered = nothing_gathered();
    RayHit hit = hits[i];
    TriangleHit at;
    if (intersect_triangle(make_ray_frame(path.direction), path.origin, path.t_max, vec3(0.0f), vec3(1.0f), vec3(0.0f, 1.0f, 0.0f), at)) hit.t = at.t;
    ShadowRay shadow;
    float passes = transmittance_of_hit(scene, hit.instance, hit.triangle, hit.u, hit.v);
    if ((shade(scene, params, hit, path, gathered, shadow) & PATH_HAS_SHADOW) != 0u) connect(gathered, shadow, passes);
    if (!accept_hit(scene, hit.instance, hit.triangle, hit.u, hit.v, path_alpha_key(path))) gathered.alpha = 0.0f;
    bool bad;
    vec4 value = finish(gathered, bad);
    paths[i] = path;
    pixels[i] = bad ? vec4(0.0f) : value;
}'
exit $failed
