"""The atrium: a two-storey colonnaded court, open to the sky, in morning sun. The picture at the top of the README.

Plan, metres: the court is 10.2 wide (x) and 21.6 long (z), its middle at the origin; aisles 3.2 deep run round it under the gallery; a portal at the
far end (-z) opens to a garden. Light: the sun (KHR_lights_punctual), the sky (emissive sheets, so that it is seen and lights), and lanterns.
"""
import math
import random

from . import atrium_textures as textures
from .build import arch_panel, archivolt, baluster, column, palm, sweep, torus_points, turned_to_normals
from .gltf import Gltf
from .mesh import Mesh
from .vectors import look, scaled, turn, unit

HALF_WIDTH, HALF_LENGTH = 5.1, 10.8
AISLE = 3.2                       # from the arcade's back to the wall
SPRING, ARCADE_TOP = 3.3, 5.3     # ground storey: where arches begin, where the wall above them ends
FLOOR_2 = 5.75                    # the gallery's floor
PEDESTAL = 0.95                   # of the upper columns, as high as the balustrade
UPPER_COLUMN = 2.35
SPRING_2 = FLOOR_2 + PEDESTAL + UPPER_COLUMN
WALL_TOP = SPRING_2 + 1.2
SUN = unit((-0.36, 0.86, 0.36))   # towards it
GARDEN_END = -HALF_LENGTH - 15.0   # z of the sheet of sky behind the garden
WALL = 0.6                        # thickness of the ground arcade
UPPER_WALL = 0.42


class Palette:
    """Materials by what they are of."""

    def __init__(self, scene):
        def picture(pair):
            return [scene.texture(p) for p in pair]
        ashlar, ashlar_n = picture(textures.ashlar())
        stone, stone_n = picture(textures.limestone())
        plaster, plaster_n = picture(textures.plaster())
        wood, wood_n = picture(textures.wood())
        floor, floor_mr, floor_n = picture(textures.floor())
        weave, ripple = scene.texture(textures.weave()), scene.texture(textures.ripples())
        wall_scale, fine, boards = (1 / 2.56,) * 2, (1 / 1.1,) * 2, (1 / 0.9,) * 2
        self.ashlar = scene.material('ashlar', roughness=0.85, base_texture=ashlar, normal_texture=ashlar_n, uv_scale=wall_scale)
        self.stone = scene.material('limestone', roughness=0.6, base_texture=stone, normal_texture=(stone_n, 0.7), uv_scale=fine)
        self.plaster = scene.material('plaster', (0.80, 0.56, 0.34), roughness=0.95, base_texture=plaster, normal_texture=plaster_n,
                                      uv_scale=(1 / 3.0,) * 2)
        self.plaster_2 = scene.material('red plaster', (0.60, 0.20, 0.13), roughness=0.95, base_texture=plaster, normal_texture=plaster_n,
                                        uv_scale=(1 / 3.0,) * 2)
        self.wood = scene.material('oak', roughness=0.6, base_texture=wood, normal_texture=wood_n, uv_scale=boards)
        self.floor = scene.material('marble floor', base_texture=floor, mr_texture=floor_mr, normal_texture=(floor_n, 0.6),
                                    uv_scale=(1 / 1.7, 1 / 1.8))
        self.frieze = scene.material('frieze', roughness=0.35, base_texture=scene.texture(textures.key_frieze()))
        red = scene.texture(textures.banner((0.22, 0.008, 0.010), (0.46, 0.03, 0.03), (0.50, 0.30, 0.07), (0.85, 0.60, 0.22), 7))
        blue = scene.texture(textures.banner((0.010, 0.035, 0.16), (0.03, 0.09, 0.36), (0.50, 0.30, 0.07), (0.85, 0.60, 0.22), 8))
        self.banners = [scene.material(name, roughness=0.9, base_texture=texture, normal_texture=(weave, 0.5), normal_uv_scale=(24, 60),
                                       double_sided=True) for name, texture in (('red cloth', red), ('blue cloth', blue))]
        self.palm = scene.material('palm leaf', roughness=0.5, base_texture=scene.texture(textures.palm_leaf()), mask=0.5, double_sided=True)
        self.ivy = scene.material('ivy', roughness=0.55, base_texture=scene.texture(textures.ivy()), mask=0.5, double_sided=True)
        self.terracotta = scene.material('terracotta', (0.50, 0.20, 0.10), roughness=0.85, normal_texture=(plaster_n, 0.8))
        self.soil = scene.material('soil', (0.035, 0.022, 0.014), normal_texture=plaster_n)
        self.bronze = scene.material('bronze', (0.58, 0.38, 0.18), metallic=1.0, roughness=0.36)
        self.iron = scene.material('iron', (0.05, 0.048, 0.045), metallic=0.6, roughness=0.5)
        self.water = scene.material('water', (0.015, 0.045, 0.045), roughness=0.06, ior=1.33, normal_texture=(ripple, 0.35))
        self.lamp = scene.material('lamp glass', (0.9, 0.6, 0.3), emission=(1.0, 0.48, 0.14), strength=7.0)
        sky = scene.texture(textures.sky())
        self.sky = scene.material('sky', (0, 0, 0), emission=(1, 1, 1), strength=3.4, emission_texture=sky, specular=0.0)
        self.horizon = scene.material('horizon', base_texture=sky, unlit=True)
        self.grass = scene.material('grass', (0.13, 0.19, 0.05), normal_texture=plaster_n)
        self.cypress = scene.material('cypress', (0.025, 0.06, 0.02), normal_texture=plaster_n)


# ---- the wings: built along x with the court at +z, then turned to their places
def wing_walls(bays, bay):
    """Both storeys' walls over the columns. -> ground, upper"""
    ground, upper = Mesh(), Mesh()
    panel = arch_panel(bay, ARCADE_TOP - SPRING, WALL, bay / 2 - 0.40)
    small = arch_panel(bay / 2, WALL_TOP - SPRING_2, UPPER_WALL, bay / 4 - 0.22, 16)
    for k in range(bays):
        ground.join(panel, translation=((k - (bays - 1) / 2) * bay, SPRING, 0.0))
    for k in range(2 * bays):
        upper.join(small, translation=((k - bays + 0.5) * bay / 2, SPRING_2, 0.0))
    return ground.projected(), upper.projected()


def wing_trim(bays, bay):
    """Archivolts, balustrade rails, pedestals: all of carved stone, in one mesh."""
    trim = Mesh()
    half = bays * bay / 2
    outline = [(0.0, 0.0), (0.0, 0.05), (0.06, 0.05), (0.08, 0.075), (0.16, 0.075), (0.18, 0.10), (0.22, 0.10), (0.24, 0.0)]
    ring = archivolt(bay / 2 - 0.40, outline)
    small = archivolt(bay / 4 - 0.22, [(0.0, 0.0), (0.0, 0.035), (0.05, 0.035), (0.06, 0.055), (0.11, 0.055), (0.13, 0.0)], 16)
    for k in range(bays):
        trim.join(ring, translation=((k - (bays - 1) / 2) * bay, SPRING, WALL / 2))
        keystone = Mesh().box((-0.11, bay / 2 - 0.44, WALL / 2 - 0.02), (0.11, bay / 2 - 0.10, WALL / 2 + 0.15))
        trim.join(keystone, translation=((k - (bays - 1) / 2) * bay, SPRING, 0.0))
    for k in range(2 * bays):
        trim.join(small, translation=((k - bays + 0.5) * bay / 2, SPRING_2, UPPER_WALL / 2))
    for k in range(1, 2 * bays):
        wide = 0.26 if k % 2 == 0 else 0.20
        x = (k - bays) * bay / 2
        low, high = FLOOR_2, FLOOR_2 + PEDESTAL
        trim.box((x - wide, low, -wide), (x + wide, high - 0.08, wide), skip='yY')
        trim.box((x - wide - 0.03, high - 0.10, -wide - 0.03), (x + wide + 0.03, high, wide + 0.03))
        trim.box((x - wide - 0.03, low, -wide - 0.03), (x + wide + 0.03, low + 0.12, wide + 0.03), skip='y')
    trim.box((-half, FLOOR_2 + 0.84, -0.09), (half, FLOOR_2 + 0.95, 0.09))
    trim.box((-half, FLOOR_2, -0.10), (half, FLOOR_2 + 0.10, 0.10), skip='y')
    return trim


def wing(scene, p, shared, name, bays, bay, place, degrees):
    """All that stands between two corners."""
    root = scene.node(name, translation=list(place), rotation=turn((0, 1, 0), degrees))
    key = 'wing of %d' % bays
    if key not in shared:
        ground, upper = wing_walls(bays, bay)
        shared[key] = scene.mesh(key, [(ground, p.ashlar), (upper, p.ashlar), (wing_trim(bays, bay), p.stone)])
        rods = Mesh()
        for k in range(bays % 2, bays, 2):
            x, crown = (k - (bays - 1) / 2) * bay, SPRING + bay / 2 - 0.40
            rods.box((x - 0.012, 3.42, -0.012), (x + 0.012, crown, 0.012), skip='yY')
        shared[key + ' rods'] = scene.mesh(key + ' rods', [(rods, p.iron)])
    scene.node(name + ' walls', root, mesh=shared[key])
    scene.node(name + ' rods', root, mesh=shared[key + ' rods'])
    for k in range(1, bays):
        scene.node('column', root, mesh=shared['column'], translation=[(k - bays / 2) * bay, 0.0, 0.0])
    for k in range(1, 2 * bays):
        scene.node('upper column', root, mesh=shared['upper column' if k % 2 == 0 else 'slender column'],
                   translation=[(k - bays) * bay / 2, FLOOR_2 + PEDESTAL, 0.0])
    for k in range(2 * bays):
        for j in range(5):
            x = (k - bays + 0.5) * bay / 2 + (j - 2) * 0.245
            scene.node('baluster', root, mesh=shared['baluster'], translation=[x, FLOOR_2 + 0.10, 0.0])
    for k in range(bays % 2, bays, 2):                     # in each second arch
        scene.node('lantern', root, mesh=shared['lantern'], translation=[(k - (bays - 1) / 2) * bay, 3.0, 0.0])
    return root


# ---- what surrounds the court
def rectangle(dx, dz):
    """Corners anticlockwise from above, so that `out` of a sweep is towards the middle."""
    return [(-dx, -dz), (dx, -dz), (dx, dz), (-dx, dz)]


def cornices(scene, p):
    """Frieze and mouldings round the court at both storeys, and dentils under them."""
    stone, frieze = Mesh(), Mesh()
    lower, upper = (HALF_WIDTH - WALL / 2, HALF_LENGTH - WALL / 2), (HALF_WIDTH - UPPER_WALL / 2, HALF_LENGTH - UPPER_WALL / 2)
    stone.join(sweep([(0.0, ARCADE_TOP - 0.10), (0.03, ARCADE_TOP - 0.10), (0.05, ARCADE_TOP - 0.05), (0.05, ARCADE_TOP), (0.02, ARCADE_TOP)],
                     rectangle(*lower), closed=True))
    cornice = [(0.02, 0.0), (0.06, 0.02), (0.06, 0.07), (0.13, 0.07), (0.135, 0.12), (0.17, 0.135), (0.215, 0.165), (0.23, 0.19), (0.23, 0.225),
               (0.0, 0.245)]
    stone.join(sweep([(o, ARCADE_TOP + 0.24 + u) for o, u in cornice], rectangle(*lower), closed=True))
    stone.join(sweep([(0.0, WALL_TOP - 0.04), (0.04, WALL_TOP - 0.02), (0.04, WALL_TOP + 0.02), (0.02, WALL_TOP + 0.02)], rectangle(*upper), closed=True))
    stone.join(sweep([(o * 1.3, WALL_TOP + 0.26 + u * 1.2) for o, u in cornice], rectangle(*upper), closed=True))
    band = sweep([(0.02, ARCADE_TOP), (0.02, ARCADE_TOP + 0.25)], rectangle(*lower), closed=True)
    band.join(sweep([(0.02, WALL_TOP + 0.02), (0.02, WALL_TOP + 0.27)], rectangle(*upper), closed=True))
    frieze.join(band)
    frieze.uvs = [(u / 0.2302, v / 0.25) for u, v in frieze.uvs]
    for half_x, half_z, y, size in ((*lower, ARCADE_TOP + 0.315, 0.07), (*upper, WALL_TOP + 0.35, 0.09)):
        for sign in (-1, 1):
            count = int(2 * half_z / (2.4 * size))
            for k in range(count):
                z = -half_z + (k + 0.5) * 2 * half_z / count
                x0, x1 = sorted((sign * half_x, sign * (half_x - 0.13)))
                stone.box((x0, y, z - size / 2), (x1, y + size * 0.9, z + size / 2), skip='Y' + ('X' if sign > 0 else 'x'))
            count = int(2 * half_x / (2.4 * size))
            for k in range(count):
                x = -half_x + (k + 0.5) * 2 * half_x / count
                z0, z1 = sorted((sign * half_z, sign * (half_z - 0.13)))
                stone.box((x - size / 2, y, z0), (x + size / 2, y + size * 0.9, z1), skip='Y' + ('Z' if sign > 0 else 'z'))
    scene.node('cornices', mesh=scene.mesh('cornices', [(stone, p.stone), (frieze, p.frieze)]))


def piers(scene, p):
    """The four corners, both storeys."""
    mesh, trim = Mesh(), Mesh()
    for sx in (-1, 1):
        for sz in (-1, 1):
            x, z = sx * HALF_WIDTH, sz * HALF_LENGTH
            mesh.box((x - 0.42, 0.0, z - 0.42), (x + 0.42, ARCADE_TOP, z + 0.42), skip='yY')
            mesh.box((x - 0.34, FLOOR_2, z - 0.34), (x + 0.34, WALL_TOP, z + 0.34), skip='yY')
            trim.box((x - 0.48, 0.0, z - 0.48), (x + 0.48, 0.35, z + 0.48), skip='y')
            trim.box((x - 0.48, SPRING - 0.22, z - 0.48), (x + 0.48, SPRING, z + 0.48))
            trim.box((x - 0.39, SPRING_2 - 0.16, z - 0.39), (x + 0.39, SPRING_2, z + 0.39))
    scene.node('piers', mesh=scene.mesh('piers', [(mesh.projected(), p.ashlar), (trim, p.stone)]))


def shell(scene, p):
    """Floor, back walls, gallery floor, ceilings, roof."""
    ox, oz = HALF_WIDTH + WALL / 2 + AISLE, HALF_LENGTH + WALL / 2 + AISLE
    floor = Mesh().polygon([(-ox, 0.0, oz), (ox, 0.0, oz), (ox, 0.0, -oz), (-ox, 0.0, -oz)])
    scene.node('floor', mesh=scene.mesh('floor', [(floor, p.floor)]))

    base, low, high, trim, wood = Mesh(), Mesh(), Mesh(), Mesh(), Mesh()
    portal = 1.75                                          # half width of the far portal
    spring = 2.5
    for mesh, y0, y1 in ((base, 0.0, 1.0), (low, 1.0, ARCADE_TOP), (high, FLOOR_2, WALL_TOP + 0.3)):
        for corners in ([(ox, oz), (ox, -oz)], [(-ox, -oz), (-ox, oz)], [(-ox, oz), (ox, oz)]):
            (xa, za), (xb, zb) = corners
            mesh.polygon([(xb, y0, zb), (xa, y0, za), (xa, y1, za), (xb, y1, zb)][::-1])
        if mesh is high:
            mesh.polygon([(-ox, y0, -oz), (ox, y0, -oz), (ox, y1, -oz), (-ox, y1, -oz)])
        else:
            top = min(y1, spring)
            for x0, x1 in ((-ox, -portal), (portal, ox)):
                mesh.polygon([(x0, y0, -oz), (x1, y0, -oz), (x1, top, -oz), (x0, top, -oz)])
    over = arch_panel(2 * ox, ARCADE_TOP - spring, 0.5, portal, 24)
    low.join(over, translation=(0.0, spring, -oz - 0.25))
    for side in (-1, 1):                                   # the portal's jambs
        x0, x1 = sorted((side * portal, side * (portal + 0.3)))
        trim.box((x0, 0.0, -oz - 0.5), (x1, spring, -oz + 0.06))
    trim.join(archivolt(portal, [(0.0, 0.0), (0.0, 0.06), (0.08, 0.06), (0.10, 0.10), (0.22, 0.10), (0.26, 0.13), (0.30, 0.13), (0.30, 0.0)], 28),
              translation=(0.0, spring, -oz))
    rail = [(0.0, 0.98), (0.04, 0.99), (0.06, 1.03), (0.06, 1.06), (0.0, 1.08)]
    trim.join(sweep(rail, [(-portal - 0.3, -oz), (-ox, -oz), (-ox, oz), (ox, oz), (ox, -oz), (portal + 0.3, -oz)][::-1]))
    trim.join(sweep([(0.0, 0.16), (0.05, 0.16), (0.07, 0.14), (0.07, 0.0)][::-1],
                    [(-portal - 0.3, -oz), (-ox, -oz), (-ox, oz), (ox, oz), (ox, -oz), (portal + 0.3, -oz)][::-1]))
    for mesh in (base, low, high):
        mesh.projected()

    # Gallery floor: four slabs; its underside carries boards and beams, and so does the roof's.
    ix, iz = HALF_WIDTH - WALL / 2, HALF_LENGTH - WALL / 2
    for ceiling, top, in_x, in_z in ((ARCADE_TOP, FLOOR_2, ix, iz), (WALL_TOP + 0.3, WALL_TOP + 0.42, ix - 0.45, iz - 0.45)):
        for x0, x1, z0, z1 in ((in_x, ox, -oz, oz), (-ox, -in_x, -oz, oz), (-in_x, in_x, -oz, -in_z), (-in_x, in_x, in_z, oz)):
            wood.box((x0, ceiling, z0), (x1, top, z1), skip='xXzZ')
        hx, hz = HALF_WIDTH + 0.2, HALF_LENGTH + 0.2
        count = 24
        for k in range(count + 1):
            z = -oz + 0.1 + (2 * oz - 0.2) * k / count
            for sign in (-1, 1):
                x0, x1 = sorted((sign * (hx if abs(z) < oz else hx), sign * ox))
                wood.box((x0, ceiling - 0.20, z - 0.075), (x1, ceiling, z + 0.075), skip='Y')
        for k in range(11):
            x = -hx + 0.5 + (2 * hx - 1.0) * k / 10
            for sign in (-1, 1):
                z0, z1 = sorted((sign * hz, sign * oz))
                wood.box((x - 0.075, ceiling - 0.20, z0), (x + 0.075, ceiling, z1), skip='Y')
    eave = WALL_TOP + 0.3                                  # rafters' ends under the roof's edge, out over the court
    for k in range(46):
        z = -iz + 0.2 + (2 * iz - 0.4) * k / 45
        for sign in (-1, 1):
            x0, x1 = sorted((sign * (ix - 0.36), sign * (HALF_WIDTH + 0.2)))
            wood.box((x0, eave + 0.24, z - 0.045), (x1, eave + 0.36, z + 0.045), skip='Y')
    for k in range(22):
        x = -ix + 0.2 + (2 * ix - 0.4) * k / 21
        for sign in (-1, 1):
            z0, z1 = sorted((sign * (iz - 0.36), sign * (HALF_LENGTH + 0.2)))
            wood.box((x - 0.045, eave + 0.24, z0), (x + 0.045, eave + 0.36, z1), skip='Y')
    roof = Mesh()
    y = eave + 0.36
    for x0, x1, z0, z1 in ((ix - 0.42, ox + 0.4, -oz, oz), (-ox - 0.4, -ix + 0.42, -oz, oz), (-ix + 0.42, ix - 0.42, -oz, -iz + 0.42),
                           (-ix + 0.42, ix - 0.42, iz - 0.42, oz)):
        wood.box((x0, y, z0), (x1, y + 0.05, z1))
        roof.box((x0, y + 0.05, z0), (x1, y + 0.10, z1), skip='y')
    tiles = Mesh()
    tile = Mesh().grid(6, 1, lambda s, t: (0.085 * math.cos(math.pi * s), 0.085 * math.sin(math.pi * s), 0.34 * (t - 0.5)))
    tile.normals = [unit((q[0], q[1], 0.0)) for q in tile.positions]
    tile.polygon([(0.085 * math.cos(math.pi * k / 6), 0.085 * math.sin(math.pi * k / 6), 0.17) for k in range(7)], normal=(0.0, 0.0, 1.0))
    for k in range(int(2 * iz / 0.19)):
        z = -iz + 0.1 + 0.19 * k
        for sign in (-1, 1):
            tiles.join(tile, translation=(sign * (ix - 0.32), y + 0.09, z), rotation=turn((0, 1, 0), -90 * sign))
    for k in range(int(2 * ix / 0.19)):
        x = -ix + 0.1 + 0.19 * k
        tiles.join(tile, translation=(x, y + 0.09, -iz + 0.32))
    turned_to_normals(tiles)
    roof.join(tiles)
    scene.node('shell', mesh=scene.mesh('shell', [(base, p.ashlar), (low, p.plaster), (high, p.plaster_2), (trim, p.stone), (wood, p.wood),
                                                  (roof, p.terracotta)]))

    door, frame, studs = Mesh(), Mesh(), Mesh()            # one door, used along both aisles
    door.box((-0.62, 0.0, 0.0), (0.62, 2.25, 0.07), skip='yz')
    door.box((-0.015, 0.0, 0.06), (0.015, 2.25, 0.085), skip='yz')
    for x in (-0.33, 0.33):
        for y0, y1 in ((0.18, 0.95), (1.1, 2.08)):
            door.box((x - 0.2, y0, 0.06), (x + 0.2, y1, 0.10), skip='z')
    for side in (-1, 1):
        frame.box((side * 0.78 - 0.16, 0.0, 0.0), (side * 0.78 + 0.16, 2.25, 0.14), skip='yz')
    frame.box((-1.0, 2.25, 0.0), (1.0, 2.52, 0.16), skip='z')
    frame.box((-1.1, 2.52, 0.0), (1.1, 2.62, 0.24), skip='z')
    studs.sphere(0.035, 6, 10, (0.09, 1.05, 0.11)).sphere(0.035, 6, 10, (-0.09, 1.05, 0.11))
    mesh = scene.mesh('door', [(door, p.wood), (frame, p.stone), (studs, p.bronze)])
    for sign, degrees in ((1, -90), (-1, 90)):
        for z in (-7.2, 0.0, 7.2):
            scene.node('door', mesh=mesh, translation=[sign * ox, 0.0, z], rotation=turn((0, 1, 0), degrees))


# ---- furniture
def lantern(scene, p):
    """Hangs from a rod; its foot is at y = 0."""
    glass, frame = Mesh(), Mesh()
    corners = [(0.10 * math.cos(math.pi * k / 3), 0.10 * math.sin(math.pi * k / 3)) for k in range(6)]
    for k, (x, z) in enumerate(corners):
        x2, z2 = corners[(k + 1) % 6]
        glass.polygon([(x2, 0.06, z2), (x, 0.06, z), (x, 0.31, z), (x2, 0.31, z2)])
        frame.box((1.06 * x - 0.008, 0.04, 1.06 * z - 0.008), (1.06 * x + 0.008, 0.33, 1.06 * z + 0.008), skip='yY')
    frame.lathe([(0.0, -0.04), (0.03, -0.02), (0.05, 0.01), (0.125, 0.025), (0.13, 0.06), (0.0, 0.06)], 12)
    frame.lathe([(0.0, 0.31), (0.14, 0.31), (0.145, 0.335), (0.09, 0.38), (0.035, 0.42), (0.03, 0.45), (0.0, 0.47)], 12)
    return scene.mesh('lantern', [(glass, p.lamp), (frame, p.bronze)])


def fountain(scene, p, place):
    stone, water, bronze = Mesh(), Mesh(), Mesh()
    stone.lathe([(1.95, 0.0), (1.95, 0.14), (1.80, 0.14), (1.80, 0.30)], 8, crease=20)
    stone.lathe([(1.62, 0.28), (1.62, 0.36), (1.58, 0.40), (1.56, 0.56), (1.62, 0.62), (1.72, 0.64), (1.74, 0.70), (1.72, 0.74), (1.46, 0.74), (1.44, 0.70),
                 (1.44, 0.30)], 64, crease=30)
    stone.lathe([(1.80, 0.30), (0.0, 0.30)], 8, crease=20)
    stone.lathe([(0.36, 0.30), (0.36, 0.46)] + torus_points(0.30, 0.10, 0.46) + [(0.22, 0.62), (0.17, 0.75), (0.15, 0.95), (0.18, 1.10), (0.26, 1.20)] +
                torus_points(0.20, 0.08, 1.22) + [(0.30, 1.36), (0.62, 1.46), (0.80, 1.56), (0.86, 1.64), (0.88, 1.70), (0.84, 1.71), (0.80, 1.66),
                                                  (0.5, 1.60)], 48, crease=40)
    stone.lathe([(0.14, 1.58), (0.14, 1.72)] + torus_points(0.11, 0.06, 1.72) + [(0.085, 1.85), (0.075, 2.0), (0.10, 2.12), (0.24, 2.20), (0.38, 2.28),
                                                                                 (0.42, 2.35), (0.40, 2.36), (0.30, 2.33)], 40, crease=40)
    water.lathe([(1.45, 0.64), (0.0, 0.64)], 48).lathe([(0.805, 1.672), (0.0, 1.672)], 32).lathe([(0.39, 2.345), (0.0, 2.345)], 24)
    water.projected()
    bronze.lathe([(0.10, 2.33), (0.06, 2.40), (0.035, 2.46), (0.03, 2.52)], 20, crease=40)
    for degrees, axis, radius in ((0, (1, 0, 0), 0.27), (90, (1, 0, 0), 0.285), (66, (0, 0, 1), 0.30), (35, (1, 0, 1), 0.255)):
        bronze.join(Mesh().ring(radius, 0.012, 56, 8), rotation=turn(axis, degrees), translation=(0.0, 2.80, 0.0))
    bronze.sphere(0.075, 14, 24, (0.0, 2.80, 0.0))
    bronze.lathe([(0.010, 2.50), (0.010, 3.18), (0.0, 3.20)], 8)
    scene.node('fountain', mesh=scene.mesh('fountain', [(stone, p.stone), (water, p.water), (bronze, p.bronze)]), translation=list(place))


def pot(scene, p, seed, scale):
    clay, soil = Mesh(), Mesh()
    clay.lathe([(0.0, 0.0), (0.22, 0.0), (0.24, 0.03), (0.23, 0.06), (0.27, 0.22), (0.34, 0.42), (0.36, 0.50), (0.355, 0.53)] +
               torus_points(0.36, 0.06, 0.53) + [(0.35, 0.60), (0.31, 0.60), (0.30, 0.54)], 32, crease=45)
    soil.lathe([(0.31, 0.56), (0.0, 0.58)], 20)
    return scene.mesh('pot %d' % seed, [(clay, p.terracotta), (soil, p.soil)]), scene.mesh('palm %d' % seed, [(palm(seed, 21, scale), p.palm)])


def banner(scene, p, kind):
    """Hangs from a pole of bronze that sticks out along +x from a pedestal at the origin; the cloth faces +-z."""
    cloth, pole = Mesh(), Mesh()
    wide, long_ = 1.0, 2.5

    def point(s, t):
        sway = (1 - t) ** 1.3
        x = 0.18 + wide * s + 0.015 * math.sin(9 * t + 3 * s)
        z = 0.10 * sway * math.sin(2.2 * math.pi * s + 1.2 * t + kind) + 0.06 * sway * math.sin(5.3 * t + 1.7 * s + kind)
        foot = 0.16 * max(0.0, 0.16 - t) / 0.16 * (1 - abs(2 * s - 1))                   # the swallowtail
        return (x, -long_ * (1 - t) + foot * 1.6 - 0.02, z)
    cloth.grid(20, 36, point, uv=lambda s, t: (s, 1 - t))
    rod = Mesh().lathe([(0.0, -0.1), (0.022, -0.1), (0.022, 1.32)] + torus_points(0.022, 0.05, 1.32) + [(0.0, 1.44)], 12, crease=50)
    pole.join(rod, rotation=turn((0, 0, 1), -90))
    return scene.mesh('banner %d' % kind, [(cloth, p.banners[kind]), (pole, p.bronze)])


def ivy(scene, p, seed):
    """A curtain 2.6 m wide that hangs from y = 0 at z = 0, bulging towards +z."""
    r = random.Random(seed)
    mesh = Mesh()
    for layer in range(4):
        wide, long_, lift, phase = r.uniform(1.7, 2.6), r.uniform(0.9, 1.9), 0.10 + 0.05 * layer, r.random()
        x0 = r.uniform(-1.3, 1.3 - wide) if wide < 2.6 else -1.3

        def point(s, t, wide=wide, long_=long_, lift=lift, phase=phase, x0=x0):
            hang = 1 - t
            return (x0 + wide * s, 0.03 - long_ * hang ** 1.1, lift * math.sin(min(1.0, 4 * hang) * math.pi / 2) + 0.06 * math.sin(9 * s + 7 * phase) * hang)
        mesh.join(Mesh().grid(8, 6, point, uv=lambda s, t, wide=wide, phase=phase: (phase + s * wide / 1.3, 1 - t)))
    return scene.mesh('ivy %d' % seed, [(mesh, p.ivy)])


def bench(scene, p):
    mesh = Mesh().box((-0.9, 0.42, -0.24), (0.9, 0.52, 0.24)).box((-0.86, 0.38, -0.20), (0.86, 0.42, 0.20), skip='Y')
    for x in (-0.62, 0.62):
        mesh.box((x - 0.10, 0.06, -0.17), (x + 0.10, 0.38, 0.17), skip='yY').box((x - 0.14, 0.0, -0.20), (x + 0.14, 0.06, 0.20), skip='y')
    return scene.mesh('bench', [(mesh, p.stone)])


def garden(scene, p):
    """What the portal shows: a lawn, cypresses, a path."""
    ox, oz = HALF_WIDTH + WALL / 2 + AISLE, HALF_LENGTH + WALL / 2 + AISLE
    lawn, path, tree = Mesh(), Mesh(), Mesh()
    end = GARDEN_END
    lawn.polygon([(-9.0, -0.03, -oz), (9.0, -0.03, -oz), (9.0, -0.03, end), (-9.0, -0.03, end)])
    path.polygon([(-1.9, -0.01, -oz), (1.9, -0.01, -oz), (1.9, -0.01, end), (-1.9, -0.01, end)])
    r = random.Random(3)
    outline = [(0.0, 0.2)] + [(0.85 * math.sin(math.pi * min(1.0, 0.12 + 0.88 * (1 - t))) ** 0.7 * (0.93 + 0.14 * r.random()), 0.2 + 6.6 * t)
                              for t in (k / 22 for k in range(23))] + [(0.0, 6.9)]
    tree.lathe(outline, 26, crease=180, flutes=13, flute_depth=0.12)
    mesh = scene.mesh('cypress', [(tree, p.cypress)])
    scene.node('garden', mesh=scene.mesh('garden', [(lawn, p.grass), (path, p.stone)]))
    for k in range(3):
        for side in (-1, 1):
            size = r.uniform(0.85, 1.15)
            scene.node('cypress', mesh=mesh, translation=[side * r.uniform(2.9, 3.3), 0.0, -oz - 3 - 3.4 * k], scale=[size, size * r.uniform(0.9, 1.1), size])


def heaven(scene, p):
    """The sky as flat sheets: one of light, high over the court, with a hole where the sun's rays to the court and the garden pass (no camera here
    looks up to it); its continuation to the far horizon and one behind the garden, which are only to be seen, are unlit, so that no light
    samples go there."""
    over, beyond, behind = Mesh(), Mesh(), Mesh()
    y = 30.0
    left, right, far, lit, near = -18.0, 18.0, -54.0, -25.0, 22.0

    def through(x, z, low):                                # where the ray from the sun to (x, low, z) meets the sheet
        return x + SUN[0] / SUN[1] * (y - low), z + SUN[2] / SUN[1] * (y - low)
    rays = [through(sx * (HALF_WIDTH + 0.2), sz * (HALF_LENGTH + 0.2), WALL_TOP) for sx in (-1, 1) for sz in (-1, 1)]
    rays += [through(sx * 4.0, GARDEN_END, 0.0) for sx in (-1, 1)]
    x0, x1 = min(q[0] for q in rays), max(q[0] for q in rays)
    z0, z1 = min(q[1] for q in rays), max(q[1] for q in rays)
    for mesh, a, b, c, d in ((over, left, right, lit, z0), (over, left, x0, z0, z1), (over, x1, right, z0, z1), (over, left, right, z1, near),
                             (beyond, left - 8, right + 8, far, lit)):
        corners = [(a, y, c), (b, y, c), (b, y, d), (a, y, d)]
        top, fall = (0.84, 0.50 / (lit - far)) if mesh is beyond else (0.50, 0.45 / (near - far))
        mesh.polygon(corners, normal=(0.0, -1.0, 0.0), uvs=[(0.60 + q[0] / 60, top - fall * (q[2] - far)) for q in corners])
    z, wide, high = GARDEN_END, 6.5, 8.0
    behind.polygon([(-wide, -0.5, z), (wide, -0.5, z), (wide, high, z), (-wide, high, z)], normal=(0.0, 0.0, 1.0),
                   uvs=[(0.1, 0.99), (0.4, 0.99), (0.4, 0.55), (0.1, 0.55)])
    scene.node('sky', mesh=scene.mesh('sky', [(over, p.sky), (beyond, p.horizon), (behind, p.horizon)]))
    sun = scene.light('sun', 'directional', (1.0, 0.88, 0.70), 9.0)
    eye = scaled(SUN, 10.0)
    scene.node('sun', light=sun, translation=list(eye), rotation=look(eye, (0.0, 0.0, 0.0)))


def build():
    scene = Gltf('Atrium')
    p = Palette(scene)
    shared = {'column': scene.mesh('column', [(column(SPRING, 0.255), p.stone)]),
              'upper column': scene.mesh('upper column', [(column(UPPER_COLUMN, 0.165, 28), p.stone)]),
              'slender column': scene.mesh('slender column', [(column(UPPER_COLUMN, 0.125, 24, flutes=12), p.stone)]),
              'baluster': scene.mesh('baluster', [(baluster(0.74), p.stone)]),
              'lantern': lantern(scene, p)}
    long_bay, short_bay = 2 * HALF_LENGTH / 6, 2 * HALF_WIDTH / 3
    right = wing(scene, p, shared, 'right wing', 6, long_bay, (HALF_WIDTH, 0.0, 0.0), -90)
    left = wing(scene, p, shared, 'left wing', 6, long_bay, (-HALF_WIDTH, 0.0, 0.0), 90)
    far = wing(scene, p, shared, 'far wing', 3, short_bay, (0.0, 0.0, -HALF_LENGTH), 0)
    wing(scene, p, shared, 'near wing', 3, short_bay, (0.0, 0.0, HALF_LENGTH), 180)
    cornices(scene, p)
    piers(scene, p)
    shell(scene, p)
    garden(scene, p)
    heaven(scene, p)
    fountain(scene, p, (0.0, 0.0, -2.2))

    plants = [pot(scene, p, 1, 1.35), pot(scene, p, 2, 1.05)]
    for k, (x, z) in enumerate([(4.15, 5.4), (-4.15, 5.4), (4.15, -1.8), (-4.15, -1.8), (4.15, -9.0), (-4.15, -9.0), (-2.3, -9.9), (2.3, -9.9), (-4.2, 8.9)]):
        clay, leaves = plants[k % 2]
        spin = turn((0, 1, 0), 77.0 * k)
        scene.node('pot', mesh=clay, translation=[x, 0.0, z], rotation=spin)
        scene.node('palm', mesh=leaves, translation=[x, 0.56, z], rotation=spin)
    banners = [banner(scene, p, 0), banner(scene, p, 1)]
    for root in (right, left):                             # local x runs along the wing; the pole must stick out along +z
        for j, k in enumerate((1, 2, 3, 4, 5)):
            if k % 2 == 1:
                scene.node('banner', root, mesh=banners[(j // 2 + (root == left)) % 2], translation=[(k - 3) * long_bay, FLOOR_2 + 0.80, 0.26],
                           rotation=turn((0, 1, 0), -90))
    curtains = [ivy(scene, p, 4), ivy(scene, p, 9)]
    for root, places in ((right, (-2.5, -0.6, 1.5, 2.4)), (left, (-1.5, 0.5, 2.5)), (far, (-1.0, 1.0))):
        for j, k in enumerate(places):
            scene.node('ivy', root, mesh=curtains[j % 2], translation=[k * long_bay, FLOOR_2 - 0.20, WALL / 2 + 0.22])
    seat = bench(scene, p)
    for x, z in ((3.9, 1.8), (-3.9, 1.8), (3.9, -5.4), (-3.9, -5.4)):
        scene.node('bench', mesh=seat, translation=[x, 0.0, z], rotation=turn((0, 1, 0), 90))

    for name, eye, target, fov in (('court', (-1.7, 1.62, 10.0), (0.75, 3.35, -4.0), 56), ('gallery', (-4.2, 7.5, 9.7), (1.2, 3.0, -5.5), 58),
                                   ('fountain', (2.6, 1.5, 2.6), (0.0, 1.7, -2.2), 40), ('aisle', (6.7, 1.6, 9.4), (6.0, 1.9, -6.0), 55)):
        scene.node(name, camera=scene.camera(name, math.radians(fov)), translation=list(eye), rotation=look(eye, target))
    return scene
