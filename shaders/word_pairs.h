// Memory read and written two words at a time, by address: the paths in flight and what traversal walks.
// For a software driver one load of 8 bytes is one gather, where two words would be two; GPUs join neighbouring loads by themselves.
// KERNEL_INT64 0: for drivers without shaderInt64.
#ifndef RAYMILL_WORD_PAIRS_H
#define RAYMILL_WORD_PAIRS_H
#if KERNEL_INT64
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer WordPairs { uint64_t at[]; };
uvec2 load_pair(WordPairs pairs, uint i) { return unpackUint2x32(pairs.at[i]); }
void store_pair(WordPairs pairs, uint i, uint first, uint second) { pairs.at[i] = packUint2x32(uvec2(first, second)); }
#else
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer WordPairs { uvec2 at[]; };
uvec2 load_pair(WordPairs pairs, uint i) { return pairs.at[i]; }
void store_pair(WordPairs pairs, uint i, uint first, uint second) { pairs.at[i] = uvec2(first, second); }
#endif
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Words32 { uint at[]; };

vec2 load_floats(WordPairs pairs, uint i) { return uintBitsToFloat(load_pair(pairs, i)); }
void store_floats(WordPairs pairs, uint i, float first, float second) {
    store_pair(pairs, i, floatBitsToUint(first), floatBitsToUint(second));
}
#endif
