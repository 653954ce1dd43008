// The common subset of GLSL and C++ that everything in shaders/shared is written in: one source for the GPU and for the reference.
// Rules of the subset: float literals carry an f; no swizzles but .x .y .z .w (write vec3(v), vec2(v.y, v.x)); no struct constructors
// (assign members); no recursion, no pointers, no arrays by value; out-parameters as INOUT(T) name; each header has an include guard.
// In C++ everything lives in namespace raymill::shading (SHADING_BEGIN / SHADING_END), with glm's vectors under GLSL's names.
#ifndef RAYMILL_LANGUAGE_H
#define RAYMILL_LANGUAGE_H

#ifdef RAYMILL_GLSL

#define inline
#define IN(T) in T
#define INOUT(T) inout T
#define OUT(T) out T
// Before a declaration: its products and sums are each rounded, never fused (the reference is built with -ffp-contract=off).
#define PRECISE precise
#define SHADING_BEGIN
#define SHADING_END
#define SHARED_LAYOUT(T, size, member, offset)
// A read-only array in device memory, seen through its address: `materials.at[i]`. Eight bytes wide in both languages.
#define BUFFER_OF(NAME, T)                                                                                                                 \
    layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer NAME { T at[]; }
#define CONSTANT(T, NAME, VALUE) const T NAME = VALUE

#else

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <glm/glm.hpp>
#include <glm/packing.hpp>

#define IN(T) const T&
#define INOUT(T) T&
#define OUT(T) T&
#define PRECISE
#define SHADING_BEGIN namespace raymill::shading {
#define SHADING_END }
// Scalar block layout on the GPU against C++'s: no tail padding anywhere, so the last member's end is the size.
#define SHARED_LAYOUT(T, size, member, offset)                                                                                             \
    static_assert(sizeof(T) == (size), #T " has another size on the GPU");                                                                 \
    static_assert(offsetof(T, member) == (offset), #T "::" #member " lies elsewhere on the GPU")
#define BUFFER_OF(NAME, T)                                                                                                                 \
    struct NAME {                                                                                                                          \
        const T* at;                                                                                                                       \
    }
#define CONSTANT(T, NAME, VALUE) inline constexpr T NAME = VALUE

namespace raymill::shading {
using glm::abs, glm::acos, glm::all, glm::any, glm::asin, glm::atan, glm::clamp, glm::cos, glm::cross, glm::distance, glm::dot, glm::exp, glm::exp2;
using glm::floatBitsToInt, glm::floatBitsToUint, glm::floor, glm::fract, glm::inversesqrt, glm::isinf, glm::isnan, glm::length, glm::log;
using glm::lessThan, glm::max, glm::min, glm::mix, glm::mod, glm::normalize, glm::pow, glm::reflect, glm::round, glm::sign, glm::sin;
using glm::smoothstep, glm::sqrt, glm::step, glm::tan, glm::transpose, glm::intBitsToFloat, glm::uintBitsToFloat, glm::bitfieldReverse;
using glm::uint, glm::vec2, glm::vec3, glm::vec4, glm::uvec2, glm::uvec3, glm::uvec4, glm::ivec2, glm::ivec3, glm::mat3, glm::mat4x3,
    glm::mat2;
} // namespace raymill::shading

#endif

SHADING_BEGIN
CONSTANT(float, PI, 3.14159265358979323846f);
CONSTANT(uint, NONE, 0xffffffffu);
SHADING_END

#endif
