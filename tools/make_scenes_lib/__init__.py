"""What tools/make_scenes is made of: vectors and meshes, noise and textures, a glTF writer, and one module a scene."""
