// Random numbers of a path: a padded, Owen-scrambled Sobol sequence. A number depends on (seed, pixel, sample, decision) only; never on a
// tile, a worker or the order. Each decision (which point of the pixel, which direction, which light ...) gets a two-dimensional sequence
// of its own. Burley, "Practical Hash-based Owen Scrambling" (JCGT 2020): section 3 (nested uniform scrambling by a hash), 5 (padding by
// shuffled indices). Any run of 2^k samples that starts at a multiple of 2^k is a (0, k, 2)-net; other sample counts are fine, merely less
// even.
#ifndef RAYMILL_SAMPLER_H
#define RAYMILL_SAMPLER_H
#include "language.h"
SHADING_BEGIN

// Decisions of a path, in two-dimensional sets. Those of surface vertex v (0: the first one seen) begin at FIRST + v * PER_VERTEX.
CONSTANT(uint, DECISION_FILTER, 0u); // where in the pixel
CONSTANT(uint, DECISION_FIRST_VERTEX, 1u);
CONSTANT(uint, DECISIONS_PER_VERTEX, 4u);
CONSTANT(uint, DECISION_DIRECTION, 0u);   // direction of scattering
CONSTANT(uint, DECISION_LOBE, 1u);        // x: which lobe, y: Russian roulette
CONSTANT(uint, DECISION_LIGHT_POINT, 2u); // where on the light
CONSTANT(uint, DECISION_LIGHT_PICK, 3u);  // x: which cell of the table of lights, y: the cell's entry or its alias

// A bijection of the 32-bit numbers without visible structure. Constants: Chris Wellons' search, "lowbias32" (2018).
inline uint hash_bits(uint x) {
    x = x ^ (x >> 16u);
    x = x * 0x7feb352du;
    x = x ^ (x >> 15u);
    x = x * 0x846ca68bu;
    return x ^ (x >> 16u);
}

inline uint hash_pair(uint a, uint b) { return hash_bits(hash_bits(a + 0x9e3779b9u) ^ b); }

// The key of a pixel: every random number of its samples comes from it.
inline uint pixel_key(uint seed, uint x, uint y) { return hash_pair(hash_pair(seed, x), y); }

// Uniform in [0, 1): 24 bits, so that no rounding gives 1.
inline float unit_float(uint bits) { return float(bits >> 8u) * (1.0f / 16777216.0f); }

// A random permutation of 32-bit numbers in which bit b of the result depends on bits 0 .. b of x only: nested uniform (Owen) scrambling of
// bit-reversed numbers. Laine and Karras (2011) found the form; constants: Nathan Vegdahl, "Building a Better LK Hash" (2021).
inline uint scramble_reversed(uint x, uint key) {
    x = x ^ (x * 0x3d20adeau);
    x = x + key;
    x = x * ((key >> 16u) | 1u);
    x = x ^ (x * 0x05526c56u);
    return x ^ (x * 0x53a22864u);
}

// Second dimension of Sobol's sequence, bits reversed: Pascal's triangle modulo 2 applied to the index, as five butterflies.
inline uint sobol_second_reversed(uint index) {
    index = index ^ ((index & 0xaaaaaaaau) >> 1u);
    index = index ^ ((index & 0xccccccccu) >> 2u);
    index = index ^ ((index & 0xf0f0f0f0u) >> 4u);
    index = index ^ ((index & 0xff00ff00u) >> 8u);
    return index ^ (index >> 16u);
}

// Both numbers of one decision, 32 bits each: as fractions of 2^32 they are uniform in the unit square.
inline uvec2 sample_bits(uint key, uint sample_index, uint decision) {
    uint decision_key = hash_pair(key, decision);
    uint shuffled = bitfieldReverse(scramble_reversed(bitfieldReverse(sample_index), decision_key));
    uint x = scramble_reversed(shuffled, hash_bits(decision_key ^ 0x68bc21ebu));
    uint y = scramble_reversed(sobol_second_reversed(shuffled), hash_bits(decision_key ^ 0x02e5be93u));
    return uvec2(bitfieldReverse(x), bitfieldReverse(y));
}

inline vec2 sample_unit_square(uint key, uint sample_index, uint decision) {
    uvec2 bits = sample_bits(key, sample_index, decision);
    return vec2(unit_float(bits.x), unit_float(bits.y));
}

inline uint vertex_decision(uint vertex, uint decision) { return DECISION_FIRST_VERTEX + vertex * DECISIONS_PER_VERTEX + decision; }

// floor(a * b / 2^32): a random 32-bit number `a` onto 0 .. b - 1. The low half of the product is what is left for a further choice.
inline uint multiply_high(uint a, uint b) {
    uint a_low = a & 0xffffu;
    uint a_high = a >> 16u;
    uint b_low = b & 0xffffu;
    uint b_high = b >> 16u;
    uint middle = a_high * b_low + ((a_low * b_low) >> 16u);
    uint carry = (a_low * b_high + (middle & 0xffffu)) >> 16u;
    return a_high * b_high + (middle >> 16u) + carry;
}

SHADING_END
#endif
