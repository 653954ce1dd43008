"""Runs inside Blender: installs the add-on from its zip, builds a scene, and does what the test asked for. Arguments after '--': ZIP ACTION OUTPUT."""
import os
import sys

import bpy

zip_file, action, output = sys.argv[sys.argv.index("--") + 1:]


def scene():
    """A red cube on a white floor, a sun, an area light, a camera, a plain world."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    # Factory settings take add-ons away; installing comes after.
    bpy.ops.preferences.addon_install(filepath=zip_file, overwrite=True)
    bpy.ops.preferences.addon_enable(module="raymill_blender")
    if "io_scene_gltf2" not in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
    for name, colour, location, scale in (("Floor", (0.8, 0.8, 0.8, 1), (0, 0, -1), (6, 6, 0.1)), ("Cube", (0.8, 0.02, 0.02, 1), (0, 0, 0), (1, 1, 1))):
        bpy.ops.mesh.primitive_cube_add(size=2, location=location)
        item = bpy.context.object
        item.name, item.scale = name, scale
        material = bpy.data.materials.new(name)
        material.use_nodes = True
        material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = colour
        item.data.materials.append(material)
    bpy.ops.object.light_add(type="SUN", rotation=(0.6, 0.3, 0))
    bpy.context.object.data.energy = 3
    bpy.ops.object.light_add(type="AREA", location=(0, 0, 5))
    bpy.ops.object.camera_add(location=(6, -6, 5), rotation=(1.0, 0, 0.785))
    bpy.context.object.name = "Eye"
    bpy.ops.object.camera_add(location=(0, 0, 50))   # a second one, so that the scene's own has to be named
    at = bpy.context.scene
    at.camera = bpy.data.objects["Eye"]
    at.render.resolution_x, at.render.resolution_y, at.render.resolution_percentage = 128, 96, 50
    at.view_settings.view_transform = "Standard"
    world = bpy.data.worlds.new("World")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.25, 0.5, 1, 1)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.5
    at.world = world
    cube = bpy.data.objects["Cube"]
    for frame, z in ((1, 0), (3, 2)):
        cube.location.z = z
        cube.keyframe_insert("location", frame=frame)
    at.frame_start, at.frame_end = 1, 3
    at.frame_set(1)
    at.raymill.spp = 8


def check(condition, what):
    if not condition:
        raise SystemExit(f"in Blender: {what}")


scene()
if action == "still":
    check(bpy.ops.raymill.render(output=output) == {"FINISHED"}, "the operator did not finish")
    check(os.path.isfile(output), "there is no file")
elif action == "animation":
    check(bpy.ops.raymill.render(output=output, animation=True, spp=2) == {"FINISHED"}, "the operator did not finish")
elif action == "show":
    # The interface's way without an interface: invoke the timer's steps by hand, then load the frame as modal() does.
    from raymill_blender import operators
    check(bpy.ops.raymill.render(output=output) == {"FINISHED"}, "the operator did not finish")
    image = bpy.data.images.load(output)
    check(tuple(image.size) == (64, 48), f"the loaded frame has {tuple(image.size)} pixels")
    check(operators.running == [], "a task is left over")
elif action == "refused":
    try:
        bpy.ops.raymill.render(output=output)
    except RuntimeError as error:
        print(f"REFUSED: {error}")
    else:
        raise SystemExit("in Blender: the operator should have failed")
    check(not os.path.exists(output), "a file is left over")
elif action == "worlds":
    from raymill_blender.export import environment
    notes = []
    check(environment(bpy.context.scene.world, notes)["env"] == (0.125, 0.25, 0.5), "the world's colour")
    check(environment(None, notes)["env"] == (0, 0, 0) and not notes, "no world is black")
    tree = bpy.context.scene.world.node_tree
    texture, mapping = tree.nodes.new("ShaderNodeTexEnvironment"), tree.nodes.new("ShaderNodeMapping")
    tree.links.new(texture.outputs["Color"], tree.nodes["Background"].inputs["Color"])
    check(environment(bpy.context.scene.world, notes)["env"] == (0, 0, 0) and len(notes) == 1, "an environment without an image is named")
    picture = bpy.data.images.new("sky", 4, 2, float_buffer=True)
    picture.filepath_raw, picture.file_format = output, "HDR"
    picture.save()
    texture.image = bpy.data.images.load(output)
    notes.clear()
    check(environment(bpy.context.scene.world, notes) == {"env": output, "env_strength": 0.5, "env_rotation": 0.0} and not notes, "a lat-long image is sent")
    tree.links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    mapping.inputs["Rotation"].default_value[2] = 1.0
    check(abs(environment(bpy.context.scene.world, notes)["env_rotation"] - 57.29578) < 1e-4, "it turns about the vertical")
    mapping.inputs["Rotation"].default_value[0] = 1.0
    check(environment(bpy.context.scene.world, notes)["env"] == (0, 0, 0) and len(notes) == 1, "another turn is named")
print("IN BLENDER: done")
