#pragma once
/// Checks that hold for every flattened scene.
#include "renderer/scene/flat_scene.hpp"

namespace raymill {

/// All indices in range, all streams as long as they say, all floats finite, normals and tangents unit, tables summing to 1.
void check_consistent(const scene::FlatScene& flat);

} // namespace raymill
