"""What tools/bench/versus_cycles measures with: both renderers run on the same scene, and the distance between pictures."""
import json
import math
import os
import shutil
import struct
import subprocess
import sys

try:
    import numpy
    import OpenImageIO
except ImportError as missing:
    sys.exit('versus_cycles: %s; install python3-numpy and python3-openimageio' % missing)

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'cycles_scene.py')


# ---- pictures
def read(path):
    buffer = OpenImageIO.ImageBuf(path)
    if buffer.has_error or buffer.spec().width == 0:
        sys.exit('versus_cycles: cannot read %s: %s' % (path, buffer.geterror()))
    return numpy.asarray(buffer.get_pixels(OpenImageIO.FLOAT), numpy.float64)[..., :3]


def relmse(picture, reference):
    """Without the 0.1 % of pixels with the largest error: one firefly must not decide."""
    each = numpy.sort(((picture - reference) ** 2 / (reference ** 2 + 0.01)).mean(-1).ravel())
    return float(each[:max(1, len(each) - math.ceil(len(each) * 0.001))].mean())


def own_noise(picture, spp, reference, reference_spp):
    """relMSE of a picture less the part that is the reference's noise: of independent seeds the variances add, and fall as 1 / samples."""
    return relmse(picture, reference) / (1 + spp / reference_spp)


# ---- scenes
def lambert_copy(scene, folder):
    """The scene with each material a Lambert surface of its base colour: specularFactor 0 takes the glossy lobe away (KHR_materials_specular)."""
    with open(scene, 'rb') as file:
        data = file.read()
    binary = data[:4] == b'glTF'
    size = struct.unpack_from('<I', data, 12)[0] if binary else 0
    tree = json.loads(data[20:20 + size] if binary else data)
    kept = {'KHR_materials_emissive_strength', 'KHR_materials_unlit'}
    for material in tree.setdefault('materials', []):
        pbr = material.setdefault('pbrMetallicRoughness', {})
        pbr['metallicFactor'], pbr['roughnessFactor'] = 0.0, 1.0
        pbr.pop('metallicRoughnessTexture', None)
        extensions = {k: v for k, v in material.get('extensions', {}).items() if k in kept}
        extensions['KHR_materials_specular'] = {'specularFactor': 0.0}
        material['extensions'] = extensions
        material.pop('occlusionTexture', None)
    plain = None
    for mesh in tree.get('meshes', []):
        for primitive in mesh['primitives']:
            if 'material' not in primitive:
                if plain is None:
                    plain = len(tree['materials'])
                    tree['materials'].append({'pbrMetallicRoughness': {'metallicFactor': 0.0}, 'extensions': {'KHR_materials_specular': {'specularFactor': 0.0}}})
                primitive['material'] = plain
    tree['extensionsUsed'] = sorted(set(tree.get('extensionsUsed', [])) | {'KHR_materials_specular'})
    text = json.dumps(tree, separators=(',', ':')).encode()
    out = os.path.join(folder, 'lambert' + os.path.splitext(scene)[1])
    if binary:
        text += b' ' * (-len(text) % 4)
        rest = data[20 + size:]
        text = struct.pack('<IIIII', 0x46546C67, 2, 20 + len(text) + len(rest), len(text), 0x4E4F534A) + text + rest
    else:
        for item in tree.get('buffers', []) + tree.get('images', []):
            uri = item.get('uri', '')
            if uri and not uri.startswith('data:'):
                target = os.path.join(folder, uri)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(os.path.join(os.path.dirname(os.path.abspath(scene)), uri), target)
    with open(out, 'wb') as file:
        file.write(text)
    return out


# ---- the two renderers: -> {'trace_s', 'samples_per_s', 'prepare_s', 'memory_mb', 'picture', 'what'}
def raymill(options, scene, spp, seed, threads, out):
    command = [options.raymill, 'render', scene, '-o', out, '--size', '%dx%d' % options.size, '--spp', str(spp), '--seed', str(seed), '--max-bounces',
               str(options.max_bounces), '--filter', 'box', '--threads', str(threads), '--json', '--env-strength', str(options.env_strength),
               '--env-rotation=%r' % options.env_rotation]
    command += ['--camera', options.camera] if options.camera else []
    command += ['--look-at=' + options.look_at] if options.look_at else []
    command += ['--env', os.path.abspath(options.env) if os.path.exists(options.env) else options.env] if options.env else []
    command += ['--device', options.device] if options.device else []
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit('versus_cycles: raymill failed (%d): %s' % (done.returncode, (done.stderr.strip().splitlines() or ['no message'])[-1]))
    last = json.loads(done.stdout.strip().splitlines()[-1])
    seconds = last['trace_cpu_s'] if threads == 1 else last['trace_s']
    return {'trace_s': seconds, 'samples_per_s': last['samples'] / seconds, 'prepare_s': last['prepare_s'], 'memory_mb': last['peak_rss_mb'],
            'picture': read(out), 'what': last['device']}


def cycles(options, scene, jobs, threads, folder):
    """`jobs`: (samples, seed) pairs, rendered in one run of Blender after one of 1 sample, which is for the clock. -> a list like raymill's."""
    jobs = [(1, 0)] + list(jobs)
    outs = [os.path.join(folder, 'cycles_%d_%d_%d.exr' % (threads, spp, seed)) for spp, seed in jobs]
    env = options.env
    if env and not os.path.exists(env):
        env = [float(c) for c in env.split(',')]
    ask = {'scene': scene, 'renders': [{'spp': spp, 'seed': seed, 'out': out} for (spp, seed), out in zip(jobs, outs)], 'width': options.size[0],
           'height': options.size[1], 'camera': options.camera, 'look_at': [float(x) for x in options.look_at.split(',')] if options.look_at else None,
           'threads': threads, 'max_bounces': options.max_bounces, 'env': env, 'env_strength': options.env_strength,
           'env_rotation': options.env_rotation, 'materials': options.materials}
    # Blender's Python looks for its library beside the first python3 on PATH: another one there (pyenv, conda) would hide Debian's numpy.
    alone = {**os.environ, 'PATH': ':'.join([os.path.dirname(os.path.abspath(options.blender)), '/usr/bin', '/bin'])}
    done = subprocess.run([options.blender, '-b', '--factory-startup', '-P', SCRIPT, '--', json.dumps(ask)], capture_output=True, text=True, env=alone)
    lines = [line for line in done.stdout.splitlines() if line.startswith('CYCLES ')]
    if not lines:
        sys.exit('versus_cycles: Blender failed: ' + ' / '.join((done.stdout + done.stderr).strip().splitlines()[-3:]))
    for line in done.stdout.splitlines():
        if line.startswith('WARNING'):
            print(line)
    said = json.loads(lines[-1][7:])
    base, pixels, results = said['renders'][0], options.size[0] * options.size[1], []
    for render, out in list(zip(said['renders'], outs))[1:]:
        key = 'cpu_s' if threads == 1 else 'wall_s'
        seconds = (render[key] - base[key]) * render['spp'] / max(render['spp'] - base['spp'], 1)
        if seconds <= 0:                                   # too short to tell from the scene's update: only --tiny and 1 sample come here
            seconds = render[key]
        results.append({'trace_s': seconds, 'samples_per_s': render['spp'] * pixels / seconds,
                        'prepare_s': said['import_s'] + max(0.0, base['wall_s'] - seconds / render['spp']), 'memory_mb': said['peak_rss_mb'],
                        'picture': read(out), 'what': 'Blender %s' % said['blender']})
    return results
