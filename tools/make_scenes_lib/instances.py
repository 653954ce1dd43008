"""A valley with a forest: over a million triangles drawn from a few thousand stored ones. Conifers, round trees, tufts and stones, each a mesh of its
own that many nodes place, turn and size. Low sun from the left; the sky is a curved sheet of light behind the far ridge."""
import math
import random

from .build import turned_to_normals
from .gltf import Gltf
from .mesh import Mesh
from .picture import noise, png, mix, srgb
from .vectors import look, scaled, turn, unit

EXTENT = 60.0                                              # metres from the middle to the edge of the land


def hill(x, z):
    """Height of the land: a valley along z with a stream's bend, ridges at both sides."""
    across = x - 5.0 * math.sin(z / 17.0)
    ridge = 9.0 * (1 - math.exp(-(across / 22.0) ** 2))
    return ridge * (0.8 + 0.25 * math.sin(z / 11.0 + x / 19.0)) + 0.35 * math.sin(x / 3.1 + 1.0) * math.sin(z / 4.3) + max(0.0, (-z - 25) * 0.12)


def conifer(seed):
    """Whorls of drooping branches, each a bent four-sided spray; a tapering trunk. About 1900 triangles. -> trunk, needles"""
    r = random.Random(seed)
    trunk, needles = Mesh(), Mesh()
    tall = 6.2
    trunk.lathe([(0.15, 0.0), (0.10, 1.6), (0.012, tall)], 8, crease=90)
    whorls = 26
    for k in range(whorls):
        t = k / (whorls - 1)
        y = 0.7 + (tall - 0.75) * t ** 0.92
        reach = 1.55 * (1 - t) ** 0.85 + 0.10
        count = 9 if t < 0.7 else 6
        for j in range(count):
            way = 2 * math.pi * (j + 0.5 * (k % 2)) / count + r.uniform(-0.25, 0.25)
            size = reach * r.uniform(0.78, 1.12)
            c, s = math.cos(way), math.sin(way)
            wide, sag = 0.17 * size + 0.05, 0.30 * size

            def at(out, side, lift, c=c, s=s, y=y):
                return (out * c - side * s, y + lift, out * s + side * c)
            tip, root = at(size, 0.0, -sag * r.uniform(0.8, 1.2)), at(0.02, 0.0, 0.05)
            middle = [at(0.55 * size, wide, -0.34 * sag), at(0.55 * size, 0.0, 0.02 * size), at(0.55 * size, -wide, -0.34 * sag), at(0.5 * size, 0.0, -0.55 * sag)]
            for a, b in zip(middle, middle[1:] + middle[:1]):
                for ends in ((root, a, b), (tip, b, a)):
                    needles.polygon(list(ends))
    return trunk, needles


def round_tree(seed):
    """A crown of lumpy balls on a forked trunk. About 2000 triangles. -> trunk, leaves"""
    r = random.Random(seed)
    trunk, leaves = Mesh(), Mesh()
    trunk.lathe([(0.22, 0.0), (0.14, 0.5), (0.12, 1.9), (0.05, 3.2)], 9, crease=90)
    for k in range(9):
        way, out = 2.4 * k + r.uniform(-0.4, 0.4), 0.15 + 0.95 * math.sqrt(k / 9)
        size = r.uniform(0.75, 1.05) * (1.05 - 0.35 * k / 9)
        lump = Mesh().sphere(size, 8, 14)
        bumps = [(unit((r.gauss(0, 1), r.gauss(0, 1), r.gauss(0, 1))), r.uniform(0.10, 0.26)) for _ in range(16)]
        lump.positions = [scaled(p, 1 + sum(d * max(0.0, sum(a * b for a, b in zip(unit(p), n)) - 0.72) * 2.4 for n, d in bumps)) for p in lump.positions]
        leaves.join(lump, translation=(out * math.cos(way), 2.7 + 0.9 * (1 - out) + r.uniform(-0.3, 0.5), out * math.sin(way)), scale=(1.0, 0.86, 1.0))
    return trunk, leaves


def tuft(seed):
    """Blades of grass. 90 triangles."""
    r = random.Random(seed)
    mesh = Mesh()
    for _ in range(30):
        x, z, way = r.uniform(-0.3, 0.3), r.uniform(-0.3, 0.3), r.uniform(0, 2 * math.pi)
        tall, lean, wide = r.uniform(0.22, 0.55), r.uniform(0.05, 0.28), 0.018
        c, s = math.cos(way), math.sin(way)
        a, b = (x - wide * s, 0.0, z + wide * c), (x + wide * s, 0.0, z - wide * c)
        d, e = (x + 0.35 * lean * c - 0.7 * wide * s, 0.6 * tall, z + 0.35 * lean * s + 0.7 * wide * c), (
            x + 0.35 * lean * c + 0.7 * wide * s, 0.6 * tall, z + 0.35 * lean * s - 0.7 * wide * c)
        tip = (x + lean * c, tall, z + lean * s)
        mesh.polygon([a, b, e, d]).polygon([d, e, tip])
    return mesh


def stone(seed):
    r = random.Random(seed)
    mesh = Mesh().sphere(0.5, 8, 12)
    cuts = [(unit((r.gauss(0, 1), r.gauss(0, 1) + 0.3, r.gauss(0, 1))), r.uniform(0.26, 0.42)) for _ in range(11)]
    flat = []
    for p in mesh.positions:
        for n, limit in cuts:
            over = sum(a * b for a, b in zip(p, n)) - limit
            if over > 0:
                p = tuple(a - b * over for a, b in zip(p, n))
        flat.append(p)
    facets = Mesh()
    for a, b, c in mesh.triangles:
        if len({flat[a], flat[b], flat[c]}) == 3:
            facets.polygon([flat[a], flat[b], flat[c]])
    return facets


def land_texture():
    size = 256
    patch, fine = noise(size, size, 5, 5, 4, 3), noise(size, size, 40, 40, 2, 4)
    meadow, earth = (0.10, 0.17, 0.035), (0.17, 0.12, 0.06)
    return png([[tuple(int(c / 5) * 5 for c in srgb(mix(meadow, earth, 0.42 + 0.7 * patch[y][x] + 0.25 * fine[y][x]))) for x in range(size)] for y in range(size)])


def sky_texture():
    width, height = 256, 128
    cloud = noise(width, height, 5, 8, 5, 9, 0.55)
    rows = []
    for y in range(height):
        up = 1 - y / height
        clear = mix((0.98, 0.72, 0.46), (0.20, 0.38, 0.70), min(1.0, up * 1.5) ** 0.7)
        rows.append([tuple(int(c / 3) * 3 for c in srgb(mix(clear, mix((1.0, 0.80, 0.62), (0.8, 0.82, 0.86), up), 0.85 * max(0.0, min(1.0, 3 * cloud[y][x] - 0.15)))))
                     for x in range(width)])
    return png(rows)


def build():
    scene = Gltf('Forest of instances')
    r = random.Random(12)
    bark = scene.material('bark', (0.085, 0.055, 0.035), roughness=0.95)
    greens = [scene.material(name, color, roughness=0.75, double_sided=True) for name, color in
              (('fir', (0.024, 0.070, 0.026)), ('spruce', (0.035, 0.085, 0.055)), ('larch', (0.16, 0.15, 0.03)))]
    leaves = [scene.material(name, color, roughness=0.8) for name, color in
              (('oak', (0.06, 0.13, 0.022)), ('beech', (0.30, 0.10, 0.018)), ('birch', (0.36, 0.24, 0.03)))]
    grass = scene.material('grass', (0.14, 0.22, 0.045), roughness=0.7, double_sided=True)
    rock = scene.material('rock', (0.30, 0.28, 0.26), roughness=0.9)
    ground = scene.material('land', roughness=0.95, base_texture=scene.texture(land_texture()), uv_scale=(14, 14))
    sky = scene.material('sky', (0, 0, 0), emission=(1, 1, 1), emission_texture=scene.texture(sky_texture()), specular=0.0)

    land = Mesh().grid(96, 96, lambda s, t: ((2 * s - 1) * EXTENT, hill((2 * s - 1) * EXTENT, (1 - 2 * t) * EXTENT), (1 - 2 * t) * EXTENT))
    scene.node('land', mesh=scene.mesh('land', [(land, ground)]))
    firs, oaks = conifer(1), round_tree(2)
    trees = [scene.mesh('conifer %d' % k, [(firs[0], bark), (firs[1], m)]) for k, m in enumerate(greens)]
    crowns = [scene.mesh('round tree %d' % k, [(oaks[0], bark), (oaks[1], m)]) for k, m in enumerate(leaves)]
    blades, boulder = scene.mesh('tuft', [(tuft(5), grass)]), scene.mesh('stone', [(stone(6), rock)])

    def plant(name, mesh, x, z, size, sink=0.0, tilt=0.0):
        half, lean = r.uniform(0, math.pi), r.uniform(-tilt, tilt)
        q = [math.sin(lean) * math.cos(half), math.sin(half) * math.cos(lean), 0.0, math.cos(half) * math.cos(lean)]
        length = math.sqrt(sum(c * c for c in q))
        scene.node(name, mesh=mesh, translation=[round(x, 3), round(hill(x, z) - sink * size, 3), round(z, 3)], rotation=[round(c / length, 5) for c in q],
                   scale=[round(size, 3)] * 3)
    placed = []
    for _ in range(9000):                                  # trees keep off the stream, the camera's meadow and each other
        x, z = r.uniform(-1, 1) * (EXTENT - 3), r.uniform(-1, 1) * (EXTENT - 3)
        across = abs(x - 5.0 * math.sin(z / 17.0))
        if across < 4.5 + 2.5 * math.sin(z / 6.0) or (z > 18 and across < 12) or z > 52:
            continue
        if any((x - a) ** 2 + (z - b) ** 2 < gap for a, b, gap in placed[-900:]):
            continue
        high = hill(x, z)
        placed.append((x, z, 2.4))
        if r.random() < 0.30 + 0.08 * high:
            plant('conifer', trees[r.choices((0, 1, 2), (5, 4, 1))[0]], x, z, r.uniform(0.65, 1.35), 0.05, 0.03)
        else:
            plant('round tree', crowns[r.choices((0, 1, 2), (6, 2, 2))[0]], x, z, r.uniform(0.6, 1.25), 0.05, 0.04)
        if len(placed) >= 560:
            break
    for _ in range(900):
        z = 46 - 62 * r.random() ** 1.6
        x = 5.0 * math.sin(z / 17.0) + r.gauss(0, 5.5)
        plant('tuft', blades, x, z, r.uniform(0.7, 1.5), 0.02)
    for _ in range(110):
        z = r.uniform(-40, 44)
        plant('stone', boulder, 5.0 * math.sin(z / 17.0) + r.gauss(0, 3.5), z, r.uniform(0.25, 1.3), 0.15, 0.4)

    def arc(s, t):                                         # from the left over the far end to the right
        way = math.radians(-200 + 220 * s)
        return (150 * math.cos(way), -8 + 110 * t, -20 + 150 * math.sin(way))
    sheet = Mesh().grid(16, 4, arc, uv=lambda s, t: (2 * s, 0.99 - 0.98 * t))
    sheet.normals = [unit((-p[0], 0.0, -20 - p[2])) for p in sheet.positions]
    turned_to_normals(sheet)
    scene.node('sky', mesh=scene.mesh('sky', [(sheet, sky)]))
    sun = unit((-0.62, 0.42, 0.66))
    eye = scaled(sun, 20.0)
    scene.node('sun', light=scene.light('sun', 'directional', (1.0, 0.76, 0.50), 7.0), translation=list(eye), rotation=look(eye, (0.0, 0.0, 0.0)))
    for name, eye, target, fov in (('meadow', (-1.0, hill(-1.0, 47.0) + 3.2, 47.0), (1.5, 4.2, 0.0), 40), ('ridge', (-30.0, 24.0, 34.0), (4.0, 1.0, -8.0), 45)):
        scene.node(name, camera=scene.camera(name, math.radians(fov)), translation=list(eye), rotation=look(eye, target))
    return scene
