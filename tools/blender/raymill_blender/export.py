"""The scene as glTF, and the render settings that go with it. Runs on Blender's main thread: bpy is used by no other."""
import json
import math
import os
import struct

import bpy

from .raymill import Error


def export_scene(context, filepath, *, animation):
    """Writes a GLB with cameras, punctual lights and, where asked for, animation. Options that this version of the exporter lacks are left out; those
    that were renamed are given under each name."""
    scene = context.scene
    has_shape_keys = any(item.type == "MESH" and item.data.shape_keys for item in scene.objects)
    options = {
        "export_format": "GLB",
        "export_cameras": True,
        "export_lights": True,
        "export_yup": True,
        "export_apply": not has_shape_keys,              # the exporter drops shape keys where it applies modifiers
        "use_renderable": True,
        "use_active_scene": True,
        "export_animations": animation,
        "export_frame_range": animation,                 # the scene's own range
        "export_current_frame": not animation,           # 3.4: a still shows the pose of this frame, not the rest pose
        "export_rest_position_armature": False,          # 3.6 and later: the same
        "convert_lighting_mode": scene.raymill.light_units,                  # until 3.5
        "export_import_convert_lighting_mode": scene.raymill.light_units,    # 3.6 and later
    }
    known = set(bpy.ops.export_scene.gltf.get_rna_type().properties.keys())
    try:
        bpy.ops.export_scene.gltf("EXEC_DEFAULT", filepath=filepath, **{name: value for name, value in options.items() if name in known})
    except (RuntimeError, AttributeError) as error:
        raise Error("failed", f"Blender's glTF exporter failed; is the add-on 'Import-Export: glTF 2.0 format' on? {str(error).strip().splitlines()[-1]}") from error
    if not os.path.isfile(filepath):
        raise Error("failed", "Blender's glTF exporter wrote no file; its words are in the console")


def render_settings(context, filepath, *, animation, spp, image_format):
    """(settings under the farm's names, sentences about what will not look as in Blender)."""
    scene, notes = context.scene, []
    own, render = scene.raymill, scene.render
    scale = render.resolution_percentage / 100
    fps = render.fps / render.fps_base
    settings = {
        "size": (max(1, int(render.resolution_x * scale)), max(1, int(render.resolution_y * scale))),
        "spp": spp or own.spp,
        "max_bounces": own.max_bounces,
        "seed": getattr(getattr(scene, "cycles", None), "seed", 0),
        "fps": fps,
        "format": image_format,
        "env_hidden": render.film_transparent,
    }
    if own.clamp > 0:
        settings["clamp"] = own.clamp
    if image_format == "png":
        settings["exposure"] = scene.view_settings.exposure
        settings["tonemap"] = own.tone_map if own.tone_map != "AUTO" else {"Standard": "none", "Raw": "none", "AgX": "agx"}.get(scene.view_settings.view_transform, "neutral")
    if animation:
        step = f"x{scene.frame_step}" if scene.frame_step > 1 else ""
        settings["frames"] = f"{scene.frame_start}-{scene.frame_end}{step}"
    camera = camera_name(filepath, scene.camera.name) if scene.camera else None
    if camera is not None:
        settings["camera"] = camera
    else:
        notes.append("the scene has no camera that glTF can hold: it is framed automatically")
    settings.update(environment(scene.world, notes))
    area_lights = [item.name for item in scene.objects if item.type == "LIGHT" and item.data.type == "AREA" and not item.hide_render]
    if area_lights:
        notes.append(f"glTF has no area lights, so these are left out: {', '.join(area_lights[:5])}; give a mesh an emitting material instead")
    return settings, notes


def camera_name(filepath, name):
    """The node of the GLB that holds the camera of Blender's object `name`: itself, or (some versions) a child that only turns it."""
    with open(filepath, "rb") as file:
        length = struct.unpack("<12xI4x", file.read(20))[0]
        nodes = json.loads(file.read(length)).get("nodes", [])
    for node in nodes:
        if node.get("name") == name:
            holders = [node, *(nodes[child] for child in node.get("children", []))]
            return next((holder["name"] for holder in holders if "camera" in holder and "name" in holder), None)
    return None


def environment(world, notes):
    """The world's background where glTF's users can have it too: a plain colour, or a lat-long image in a file. Blender's lat-long images and the
    farm's agree in direction; a Mapping node's turn about Z is the farm's rotation."""
    if world is None:
        return {"env": (0.0, 0.0, 0.0)}
    if not world.use_nodes:
        return {"env": tuple(world.color)}
    background = _linked(_active_output(world.node_tree), "Surface")
    if background is None:
        return {"env": (0.0, 0.0, 0.0)}
    colour = background.inputs.get("Color") if background.type == "BACKGROUND" else None
    strength = background.inputs["Strength"] if colour is not None else None
    if colour is not None and not strength.is_linked:
        if not colour.is_linked:
            return {"env": tuple(channel * strength.default_value for channel in colour.default_value[:3])}
        texture = _linked(background, "Color")
        image = texture.image if texture.type == "TEX_ENVIRONMENT" and texture.projection == "EQUIRECTANGULAR" else None
        rotation = _rotation(texture) if image else None
        path = bpy.path.abspath(image.filepath, library=image.library) if image and image.source == "FILE" else ""
        if rotation is not None and path.lower().endswith((".hdr", ".exr")) and os.path.isfile(path):
            return {"env": path, "env_strength": strength.default_value, "env_rotation": rotation}
    notes.append("the world is neither a plain colour nor a lat-long .hdr or .exr file, so it is black")
    return {"env": (0.0, 0.0, 0.0)}


def _active_output(tree):
    return next((node for node in tree.nodes if node.type == "OUTPUT_WORLD" and node.is_active_output), None)


def _linked(node, socket):
    links = node.inputs[socket].links if node is not None else ()
    return links[0].from_node if links else None


def _rotation(texture):
    """Degrees that the image is turned about the vertical; None where it is mapped in some other way."""
    mapping = _linked(texture, "Vector")
    if mapping is None or mapping.type == "TEX_COORD":
        return 0.0
    if mapping.type != "MAPPING" or mapping.vector_type != "POINT" or any(mapping.inputs[name].is_linked for name in ("Location", "Rotation", "Scale")):
        return None
    turn = mapping.inputs["Rotation"].default_value
    if tuple(mapping.inputs["Location"].default_value) != (0, 0, 0) or tuple(mapping.inputs["Scale"].default_value) != (1, 1, 1) or turn[0] or turn[1]:
        return None
    return math.degrees(turn[2])
