"""Two seconds that move: a swaying reed (skin of six joints), a bud that opens to a star (two morph targets), a ball that bounces (cubic spline), a
cube that jumps between marks (step), a wheel (rotation), and a camera that travels. Loops: the last key is the first."""
import math

from .gltf import Gltf
from .materials import soft_box
from .mesh import Mesh
from .picture import field, png_of_palette, srgb
from .vectors import look, turn, unit

LENGTH = 2.0          # seconds
JOINTS, SEGMENT = 6, 0.26


def reed(scene, material):
    """A rounded stalk along y whose rings follow the two nearest joints. -> node of the skinned mesh, joint nodes"""
    mesh = Mesh()
    tall = JOINTS * SEGMENT
    profile = [(0.0, 0.0), (0.13, 0.0)] + [(0.12 - 0.05 * k / 36 + 0.012 * math.cos(2 * math.pi * k / 6), tall * k / 36) for k in range(1, 37)]
    profile += [(0.07 * math.cos(a) + 0.012 * math.cos(a), tall + 0.08 * math.sin(a)) for a in (math.pi / 2 * k / 6 for k in range(1, 6))] + [(0.0, tall + 0.08)]
    mesh.lathe(profile, 28, crease=60)
    for p in mesh.positions:
        at = min(max(p[1] / SEGMENT, 0.0), JOINTS - 1.0)
        low = min(int(at), JOINTS - 2)
        t = at - low
        t = t * t * (3 - 2 * t)
        mesh.joints.append((low, low + 1, 0, 0))
        mesh.weights.append((1 - t, t, 0.0, 0.0))
    joints, parent = [], scene.node('reed', translation=[-1.05, 0.0, 0.0])
    root = parent
    for k in range(JOINTS):
        parent = scene.node('joint %d' % k, parent, translation=[0.0, SEGMENT if k else 0.0, 0.0])
        joints.append(parent)
    binds = [(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, -SEGMENT * k, 0, 1) for k in range(JOINTS)]
    skin = scene.skin('reed', joints, binds)
    scene.node('reed skin', root, mesh=scene.mesh('reed', [(mesh, material)]), skin=skin)
    return joints


def bud(scene, material):
    """A ball with two morph targets: a star and a cube with round edges."""
    ball = Mesh().sphere(0.36, 28, 56)
    star, cube = [], []
    for p in ball.positions:
        n = unit(p)
        spike = sum(max(0.0, abs(c) - 0.80) ** 1.3 for c in n) * 3.4
        star.append(tuple(0.36 * (0.62 + spike) * c - q for c, q in zip(n, p)))
        size = max(abs(c) for c in n)
        blend = sum(abs(c) ** 8 for c in n) ** (1 / 8)
        cube.append(tuple(0.30 * c / (0.25 * size + 0.75 * blend) - q for c, q in zip(n, p)))
    ball.normals = []                                      # flat facets that follow the shape: no normal targets are stored
    mesh = scene.mesh('bud', [(ball, material)], morphs=[[star, cube]], weights=[0.0, 0.0])
    return scene.node('bud', mesh=mesh, translation=[0.15, 0.62, -0.25])


def build():
    scene = Gltf('Animated')
    squares = png_of_palette(field(64, 64, lambda x, y: 1 if (x // 32 + y // 32) % 2 else 0), [srgb((0.50, 0.47, 0.42)), srgb((0.20, 0.22, 0.25))])
    floor = scene.material('floor', roughness=0.35, base_texture=scene.texture(squares), uv_scale=(1.4, 1.4))
    wall = scene.material('wall', (0.42, 0.52, 0.60), roughness=0.9)
    coral = scene.material('coral', (0.80, 0.16, 0.10), roughness=0.35)
    teal = scene.material('teal', (0.05, 0.42, 0.40), roughness=0.25)
    gold = scene.material('gold', (1.0, 0.71, 0.29), metallic=1.0, roughness=0.22)
    yellow = scene.material('yellow', (0.85, 0.55, 0.06), roughness=0.45)
    lilac = scene.material('lilac', (0.42, 0.26, 0.62), roughness=0.5)

    scene.node('floor', mesh=scene.mesh('floor', [(Mesh().polygon([(-6.0, 0.0, 5.0), (6.0, 0.0, 5.0), (6.0, 0.0, -2.6), (-6.0, 0.0, -2.6)]), floor)]))
    scene.node('wall', mesh=scene.mesh('wall', [(Mesh().polygon([(-6.0, 0.0, -2.6), (6.0, 0.0, -2.6), (6.0, 5.0, -2.6), (-6.0, 5.0, -2.6)]), wall)]))
    for name, size, color, strength, eye in (('key', (1.6, 1.2), (1.0, 0.92, 0.80), 24.0, (-2.4, 3.2, 2.2)), ('fill', (1.4, 1.8), (0.70, 0.82, 1.0), 8.0, (3.2, 2.2, 2.0))):
        lamp = scene.material(name + ' light', (0, 0, 0), emission=color, strength=strength, specular=0.0)
        scene.node(name, mesh=scene.mesh(name, [(soft_box(*size), lamp)]), translation=list(eye), rotation=look(eye, (0.0, 0.5, 0.0)))

    joints = reed(scene, coral)
    star = bud(scene, gold)
    ball = scene.node('ball', mesh=scene.mesh('ball', [(Mesh().sphere(0.2, 20, 40), teal)]), translation=[1.15, 0.2, 0.35])
    cube = scene.node('cube', mesh=scene.mesh('cube', [(Mesh().box((-0.14, 0.0, -0.14), (0.14, 0.28, 0.14)), yellow)]), translation=[-0.5, 0.0, 0.9])
    spokes = Mesh().ring(0.34, 0.05, 48, 14)
    for k in range(3):
        spokes.join(Mesh().box((-0.31, -0.02, -0.025), (0.31, 0.02, 0.025)), rotation=turn((0, 1, 0), 60.0 * k))
    stand = scene.node('wheel stand', translation=[1.3, 0.42, -0.9], rotation=turn((1, 0, 0), 78))
    wheel = scene.node('wheel', stand, mesh=scene.mesh('wheel', [(spokes, lilac)]))
    dolly = scene.node('dolly', camera=scene.camera('dolly', math.radians(38)), translation=[-1.3, 1.35, 3.9], rotation=look((-1.3, 1.35, 3.9), (0.05, 0.62, 0.0)))
    eye = (0.0, 1.3, 4.1)
    scene.node('fixed', camera=scene.camera('fixed', math.radians(38)), translation=list(eye), rotation=look(eye, (0.05, 0.62, 0.0)))

    times = [LENGTH * k / 16 for k in range(17)]
    channels = []
    for k, joint in enumerate(joints[1:], 1):
        channels.append((joint, 'rotation', 'LINEAR', times,
                         [turn((0, 0, 1), 17 * math.sin(2 * math.pi * t / LENGTH - 0.55 * k)) for t in times]))
    quarters = [0.0, 0.5, 1.0, 1.5, 2.0]
    channels.append((star, 'weights', 'LINEAR', quarters, [0.0, 0.0, 1.0, 0.0, 0.5, 0.5, 0.0, 1.0, 0.0, 0.0]))
    channels.append((star, 'rotation', 'LINEAR', quarters, [turn((0, 1, 0), 90.0 * k) for k in range(5)]))
    up = 4 * 0.9 / 0.5                                     # a parabola of 0.9 m in half a second starts and ends at 4 h / T
    bounce = [v for _ in quarters for v in ((0.0, -up, 0.0), (1.15, 0.2, 0.35), (0.0, up, 0.0))]
    channels.append((ball, 'translation', 'CUBICSPLINE', quarters, bounce))
    channels.append((cube, 'translation', 'STEP', quarters, [(-0.5, 0.0, 0.9), (0.0, 0.0, 1.1), (0.5, 0.0, 0.9), (0.0, 0.0, 0.7), (-0.5, 0.0, 0.9)]))
    channels.append((wheel, 'rotation', 'LINEAR', quarters, [turn((0, 1, 0), -90.0 * k) for k in range(5)]))
    eyes = [(-1.3 * math.cos(math.pi * t), 1.35 + 0.25 * math.sin(math.pi * t), 3.9) for t in times]
    channels.append((dolly, 'translation', 'LINEAR', times, eyes))
    channels.append((dolly, 'rotation', 'LINEAR', times, [look(e, (0.05, 0.62, 0.0)) for e in eyes]))
    scene.animation('loop', channels)
    return scene
