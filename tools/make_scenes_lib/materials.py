"""A flight of steps with seven balls each, under three soft boxes: what each factor of a material does, from left to right.

From the front: rough dielectric, rough metal, metallic from 0 to 1, index of refraction from 1 to 2.4, specular from 0 to 1 with a colour."""
import math

from .gltf import Gltf
from .mesh import Mesh
from .picture import field, png_of_palette, srgb
from .vectors import look

COLUMNS, RADIUS, PITCH, RISE, RUN = 7, 0.115, 0.28, 0.13, 0.30


def rows(scene):
    """-> [(name, [material of each column])], front row first."""
    def each(name, of):
        return name, [of(k / (COLUMNS - 1), '%s %d' % (name, k)) for k in range(COLUMNS)]
    return [
        each('plastic roughness', lambda t, n: scene.material(n, (0.60, 0.035, 0.03), roughness=t)),
        each('gold roughness', lambda t, n: scene.material(n, (1.0, 0.766, 0.336), metallic=1.0, roughness=t)),
        each('metallic', lambda t, n: scene.material(n, (0.56, 0.62, 0.72), metallic=t, roughness=0.25)),
        each('ior', lambda t, n: scene.material(n, (0.03, 0.10, 0.055), roughness=0.08, ior=1.0 + 1.4 * t)),
        each('specular', lambda t, n: scene.material(n, (0.025, 0.04, 0.16), roughness=0.12, specular=t, specular_color=(1.0, 0.55, 0.25))),
    ]


def soft_box(width, height):
    """Shines along -z from the origin."""
    w, h = width / 2, height / 2
    return Mesh().polygon([(w, -h, 0.0), (-w, -h, 0.0), (-w, h, 0.0), (w, h, 0.0)], normal=(0.0, 0.0, -1.0), uvs=[(0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)])


def build():
    scene = Gltf('Materials')
    squares = png_of_palette(field(64, 64, lambda x, y: 1 if (x // 32 + y // 32) % 2 else 0), [srgb((0.32, 0.32, 0.33)), srgb((0.22, 0.22, 0.23))])
    stage = scene.material('stage', roughness=0.55, base_texture=scene.texture(squares), uv_scale=(1 / 0.28, 1 / 0.28))
    paper = scene.material('backdrop', (0.30, 0.31, 0.33), roughness=0.9)
    ball = Mesh().sphere(RADIUS, 24, 48)

    steps, half = Mesh(), COLUMNS * PITCH / 2 + 0.10
    grid = rows(scene)
    for j, (name, materials) in enumerate(grid):
        z = 0.6 - j * RUN
        steps.box((-half, 0.0, z - RUN / 2), (half, (j + 1) * RISE, z + RUN / 2), skip='y')
        for k, material in enumerate(materials):
            place = [(k - (COLUMNS - 1) / 2) * PITCH, (j + 1) * RISE + RADIUS, z]
            scene.node('%s %d' % (name, k), mesh=scene.mesh('%s %d' % (name, k), [(ball, material)]), translation=place)
    scene.node('steps', mesh=scene.mesh('steps', [(steps, stage)]))

    def sweep(s, t):                                       # a paper roll: floor, round corner, wall
        length, bend = 9.0 * (1 - t), 1.2
        if length < 4.0:
            return ((s - 0.5) * 9, 4.0 - length + bend, -2.2)
        if length < 4.0 + bend * math.pi / 2:
            a = (length - 4.0) / bend
            return ((s - 0.5) * 9, bend - bend * math.sin(a), -2.2 + bend - bend * math.cos(a))
        return ((s - 0.5) * 9, 0.0, -2.2 + bend + length - 4.0 - bend * math.pi / 2)
    scene.node('backdrop', mesh=scene.mesh('backdrop', [(Mesh().grid(1, 36, lambda s, t: sweep(s, 1 - t)), paper)]))
    for name, size, color, strength, eye in (('key', (1.6, 1.0), (1.0, 0.93, 0.84), 22.0, (-2.1, 2.6, 2.0)), ('fill', (1.0, 1.6), (0.72, 0.84, 1.0), 8.0, (2.7, 1.3, 1.5)),
                                             ('top', (2.2, 0.5), (1.0, 1.0, 1.0), 16.0, (0.3, 2.9, -0.9))):
        lamp = scene.material(name + ' light', (0, 0, 0), emission=color, strength=strength, specular=0.0)
        scene.node(name, mesh=scene.mesh(name, [(soft_box(*size), lamp)]), translation=list(eye), rotation=look(eye, (0.0, 0.4, 0.0)))
    for name, eye, target, fov in (('grid', (0.0, 1.75, 3.3), (0.0, 0.46, 0.06), 30), ('close', (-0.75, 0.75, 1.75), (-0.28, 0.30, 0.3), 30)):
        scene.node(name, camera=scene.camera(name, math.radians(fov)), translation=list(eye), rotation=look(eye, target))
    return scene
