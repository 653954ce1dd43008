"""One glTF file through Blender's Cycles, for tools/bench/versus_cycles. Runs inside Blender 3.4 or later:

    blender -b --factory-startup -P cycles_scene.py -- '{"scene": "x.glb", "renders": [{"spp": 16, "out": "a.exr"}, ...], ...}'

Keys: scene, renders, width, height, camera (name; null: the file's first), look_at (a camera of its own: seven numbers as in interface.md), threads, max_bounces, env (a file, or [r, g, b]; null: black), env_strength,
env_rotation (degrees), materials ("principled" or "lambert"). The last line printed is "CYCLES " and a JSON object: one entry a render with its wall
and CPU seconds, scene update and hierarchy included; the caller takes differences between sample counts to be rid of those.

Where Blender's importer and the glTF conventions differ, the file is right: punctual lights are made anew (a point light of I candela gives I / d^2,
radius 0; a sun of E lux gives E), yfov holds at each picture shape, near planes do not clip. Blender: x, -z, y for our x, y, z.
"""
import json
import math
import os
import resource
import struct
import sys
import time

import bpy
import mathutils
import numpy

if not hasattr(numpy, 'bool'):          # Debian 12's importer wants the old name
    numpy.bool = bool
ask = json.loads(sys.argv[sys.argv.index('--') + 1])


def gltf_json(path):
    with open(path, 'rb') as file:
        data = file.read()
    if data[:4] == b'glTF':
        return json.loads(data[20:20 + struct.unpack_from('<I', data, 12)[0]])
    return json.loads(data)


def load(path):
    """An empty Blender scene with the file in it, and its cameras by name in the file's order."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module='io_scene_gltf2')
    if 'FINISHED' not in bpy.ops.import_scene.gltf(filepath=os.path.abspath(path), import_shading='NORMALS', merge_vertices=False):
        sys.exit('Blender could not import ' + path)
    document = gltf_json(path)
    nodes = document.get('nodes', [])
    cameras = []
    for node in nodes:
        if 'camera' in node:
            cameras += [o for o in bpy.data.objects if o.type == 'CAMERA' and o.name.split('.')[0] == node.get('name', '') and o not in cameras][:1]
    cameras += [o for o in bpy.data.objects if o.type == 'CAMERA' and o not in cameras]
    return document, cameras


def punctual_lights(document):
    """Gives each imported lamp the file's photometry, matched by the light's name and kind."""
    described = document.get('extensions', {}).get('KHR_lights_punctual', {}).get('lights', [])
    for lamp in [o for o in bpy.data.objects if o.type == 'LIGHT']:
        base = lamp.data.name.rsplit('.', 1)[0] if lamp.data.name.rsplit('.', 1)[-1].isdigit() else lamp.data.name
        found = [entry for entry in described if entry.get('name', base) in (base, lamp.data.name)]
        if not found:
            continue
        entry = found[0]
        power, color = entry.get('intensity', 1.0), entry.get('color', [1.0, 1.0, 1.0])
        if entry['type'] == 'directional':
            lamp.data.angle, lamp.data.energy = 0.0, power
        elif entry['type'] == 'point':
            lamp.data.shadow_soft_size, lamp.data.energy = 0.0, 4 * math.pi * power      # Blender divides a lamp's watts by 4 pi for its intensity, and by pi
        else:                                                                            # again for radiance: a point lamp needs 4 pi x candela
            lamp.data.shadow_soft_size, lamp.data.energy = 0.0, 4 * math.pi * power
            print('WARNING: spot cones fall off differently in Cycles')
        lamp.data.color = color


def lambert(material):
    """Replaces a material's Principled node by a Lambert surface of the same base colour, normal map, alpha and emission."""
    tree = material.node_tree
    for old in [n for n in tree.nodes if n.type == 'BSDF_PRINCIPLED']:
        def pass_on(source, target):
            if source.is_linked:
                tree.links.new(source.links[0].from_socket, target)
            elif hasattr(target, 'default_value') and hasattr(source, 'default_value'):
                target.default_value = source.default_value
        diffuse, glow, both = (tree.nodes.new('ShaderNode' + kind) for kind in ('BsdfDiffuse', 'Emission', 'AddShader'))
        pass_on(old.inputs['Base Color'], diffuse.inputs['Color'])
        if old.inputs['Normal'].is_linked:
            pass_on(old.inputs['Normal'], diffuse.inputs['Normal'])
        pass_on(old.inputs['Emission'], glow.inputs['Color'])
        pass_on(old.inputs['Emission Strength'], glow.inputs['Strength'])
        tree.links.new(diffuse.outputs[0], both.inputs[0])
        tree.links.new(glow.outputs[0], both.inputs[1])
        result = both.outputs[0]
        if old.inputs['Alpha'].is_linked or old.inputs['Alpha'].default_value < 1:
            clear, mix = tree.nodes.new('ShaderNodeBsdfTransparent'), tree.nodes.new('ShaderNodeMixShader')
            pass_on(old.inputs['Alpha'], mix.inputs[0])
            tree.links.new(clear.outputs[0], mix.inputs[1])
            tree.links.new(result, mix.inputs[2])
            result = mix.outputs[0]
        for link in list(old.outputs[0].links):
            tree.links.new(result, link.to_socket)
        tree.nodes.remove(old)


def environment(scene):
    world = bpy.data.worlds.new('environment')
    scene.world, world.use_nodes = world, True
    tree = world.node_tree
    background = tree.nodes['Background']
    background.inputs['Strength'].default_value = ask.get('env_strength', 1.0)
    env = ask.get('env')
    if not isinstance(env, str):
        background.inputs['Color'].default_value = (*(env or (0.0, 0.0, 0.0)), 1.0)
        return
    image = tree.nodes.new('ShaderNodeTexEnvironment')
    image.image = bpy.data.images.load(os.path.abspath(env))
    image.image.colorspace_settings.name = 'Linear'
    # Our lookup (u = 0.5 + atan2(z, x) / 2 pi) is Cycles' own once axes are changed; only the rotation about up is left.
    mapping, where = tree.nodes.new('ShaderNodeMapping'), tree.nodes.new('ShaderNodeTexCoord')
    mapping.inputs['Rotation'].default_value[2] = math.radians(ask.get('env_rotation', 0.0))
    tree.links.new(where.outputs['Generated'], mapping.inputs['Vector'])
    tree.links.new(mapping.outputs[0], image.inputs['Vector'])
    tree.links.new(image.outputs[0], background.inputs['Color'])


def look_at_camera(numbers):
    eye, target = (mathutils.Vector((x, -z, y)) for x, y, z in (numbers[0:3], numbers[3:6]))
    data = bpy.data.cameras.new('look_at')
    data.sensor_fit, data.angle_y = 'VERTICAL', math.radians(numbers[6])
    camera = bpy.data.objects.new('look_at', data)
    camera.location, camera.rotation_euler = eye, (target - eye).to_track_quat('-Z', 'Y').to_euler()
    bpy.context.scene.collection.objects.link(camera)
    return camera


def file_camera(document, cameras):
    wanted = ask.get('camera')
    chosen = [c for c in cameras if wanted in (None, c.name, c.data.name) or (c.parent and c.parent.name == wanted)]
    if not chosen:
        there = ', '.join(c.name for c in cameras) or 'none: say --look-at'
        sys.exit('no camera%s in %s; there are %s' % (' ' + wanted if wanted else '', ask['scene'], there))
    index = {node.get('name'): node['camera'] for node in document['nodes'] if 'camera' in node}.get(chosen[0].name)
    if index is not None and document['cameras'][index]['type'] == 'perspective':
        chosen[0].data.sensor_fit = 'VERTICAL'
        chosen[0].data.angle_y = document['cameras'][index]['perspective']['yfov']
    return chosen[0]


def settings(scene):
    render, cycles = scene.render, scene.cycles
    render.engine, cycles.device = 'CYCLES', 'CPU'
    render.resolution_x, render.resolution_y, render.resolution_percentage = ask['width'], ask['height'], 100
    render.threads_mode, render.threads = 'FIXED', ask['threads']
    render.use_compositing = render.use_sequencer = False
    render.dither_intensity = 0
    cycles.use_denoising = cycles.use_adaptive_sampling = False
    cycles.sample_clamp_direct = cycles.sample_clamp_indirect = 0
    cycles.light_sampling_threshold = 0
    cycles.blur_glossy = 0
    bounces = ask['max_bounces']
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = cycles.transmission_bounces = bounces
    cycles.transparent_max_bounces = 64
    cycles.pixel_filter_type = 'BOX'
    cycles.filter_width = 1.0
    if hasattr(cycles, 'use_auto_tile'):
        cycles.use_auto_tile = False
    scene.view_settings.view_transform = 'Standard'
    out = render.image_settings
    out.file_format, out.color_mode, out.color_depth = 'OPEN_EXR', 'RGB', '32'
    render.use_file_extension = False


def main():
    started = time.perf_counter()
    document, cameras = load(ask['scene'])
    scene = bpy.context.scene
    scene.camera = look_at_camera(ask['look_at']) if ask.get('look_at') else file_camera(document, cameras)
    scene.camera.data.clip_start, scene.camera.data.clip_end = 1e-3, 1e9
    punctual_lights(document)
    environment(scene)
    if ask.get('materials') == 'lambert':
        for material in bpy.data.materials:
            if material.use_nodes:
                lambert(material)
    settings(scene)
    result = {'blender': bpy.app.version_string, 'import_s': time.perf_counter() - started, 'renders': []}
    for render in ask['renders']:
        scene.cycles.samples = render['spp']
        scene.cycles.seed = render.get('seed', 0)
        scene.render.filepath = os.path.abspath(render['out'])
        wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        bpy.ops.render.render(write_still=True)
        after = resource.getrusage(resource.RUSAGE_SELF)
        result['renders'].append({'spp': render['spp'], 'wall_s': time.perf_counter() - wall,
                                  'cpu_s': after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime})
    result['peak_rss_mb'] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print('CYCLES ' + json.dumps(result))


main()
