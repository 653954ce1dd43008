"""Parts of buildings: arches, mouldings, columns, balusters, lanterns, leaves. Metres; y up; a part stands with its foot at y = 0."""
import math
import random

from .mesh import Mesh
from .vectors import add, cross, scaled, sub, unit


def arch_panel(width, height, depth, radius, segments=20):
    """A wall of `width` x `height` x `depth` above the springing line, with a half-round opening of `radius` in the middle of its foot; centred in
    x and z. No top or end faces: something always stands there."""
    mesh = Mesh()
    corner = math.atan2(height, width / 2)
    angles = sorted({math.pi * k / segments for k in range(segments + 1)} | {corner, math.pi - corner})

    def outer(a):
        c, s = math.cos(a), math.sin(a)
        reach = min(width / 2 / abs(c) if abs(c) > 1e-9 else 1e9, height / s if s > 1e-9 else 1e9)
        return (c * reach, s * reach)

    def inner(a):
        return (radius * math.cos(a), radius * math.sin(a))
    for z, facing in ((depth / 2, 1), (-depth / 2, -1)):
        for a, b in zip(angles, angles[1:]):
            corners = [(*inner(a), z), (*outer(a), z), (*outer(b), z), (*inner(b), z)]
            mesh.polygon(corners if facing > 0 else corners[::-1], normal=(0.0, 0.0, float(facing)))
    soffit = Mesh()
    soffit.grid(segments, 1, lambda s, t: (radius * math.cos(math.pi * s), radius * math.sin(math.pi * s), (0.5 - t) * depth),
                uv=lambda s, t: (math.pi * radius * s, t * depth))
    soffit.normals = [unit((-p[0], -p[1], 0.0)) for p in soffit.positions]
    mesh.join(soffit)
    for side in (1, -1):                                   # the feet's undersides
        x0, x1 = sorted((side * radius, side * width / 2))
        mesh.polygon([(x0, 0.0, -depth / 2), (x1, 0.0, -depth / 2), (x1, 0.0, depth / 2), (x0, 0.0, depth / 2)], normal=(0.0, -1.0, 0.0))
    return mesh


def sweep(profile, path, closed=False, crease=30.0):
    """Moves `profile`, points (out, up), along a level path of (x, z) corners with mitres; out is to the right of the way. Smooth along the profile
    where it bends by less than `crease` degrees. u runs along the path, v along the profile."""
    mesh = Mesh()
    count = len(path)
    rays = []                                              # the mitre at each corner: where one unit `out` goes
    for i in range(count):
        ways = []
        for a, b in ((i - 1, i), (i, i + 1)):
            if closed or 0 <= a and b < count:
                p, q = path[a % count], path[b % count]
                length = math.hypot(q[0] - p[0], q[1] - p[1])
                ways.append((-(q[1] - p[1]) / length, (q[0] - p[0]) / length))
        n = ways[0] if len(ways) == 1 else (ways[0][0] + ways[1][0], ways[0][1] + ways[1][1])
        size = n[0] * ways[0][0] + n[1] * ways[0][1]
        rays.append((n[0] / size, n[1] / size))
    facets = [unit((b[1] - a[1], -(b[0] - a[0]), 0.0)) for a, b in zip(profile, profile[1:])]

    def edge_normal(k, side):
        """Of facet k at its start (side 0) or end (side 1)."""
        other = k - 1 if side == 0 else k + 1
        if 0 <= other < len(facets) and facets[k][0] * facets[other][0] + facets[k][1] * facets[other][1] > math.cos(math.radians(crease)):
            return unit(add(facets[k], facets[other]))
        return facets[k]
    along = 0.0
    for i in range(count if closed else count - 1):
        j = (i + 1) % count
        p, q = path[i], path[j]
        length = math.hypot(q[0] - p[0], q[1] - p[1])
        out = (-(q[1] - p[1]) / length, (q[0] - p[0]) / length)
        down = 0.0
        for k, (a, b) in enumerate(zip(profile, profile[1:])):
            step = math.hypot(b[0] - a[0], b[1] - a[1])
            corners = []
            for (point, side) in ((a, 0), (b, 1)):
                n = edge_normal(k, side)
                normal = unit((out[0] * n[0], n[1], out[1] * n[0]))
                for place, ray, u in ((p, rays[i], along), (q, rays[j], along + length)):
                    corners.append(mesh.vertex((place[0] + ray[0] * point[0], point[1], place[1] + ray[1] * point[0]), normal,
                                               (u, -(down + (step if side else 0.0)))))
            mesh.triangles += [(corners[0], corners[2], corners[3]), (corners[0], corners[3], corners[1])]
            down += step
        along += length
    return turned_to_normals(mesh)


def turned_to_normals(mesh):
    """Triangles turned over where they disagree with their vertices' normals."""
    for k, (a, b, c) in enumerate(mesh.triangles):
        face = cross(sub(mesh.positions[b], mesh.positions[a]), sub(mesh.positions[c], mesh.positions[a]))
        if sum(face[i] * (mesh.normals[a][i] + mesh.normals[b][i] + mesh.normals[c][i]) for i in range(3)) < 0:
            mesh.triangles[k] = (a, c, b)
    return mesh


def archivolt(radius, profile, segments=24):
    """A moulding round an arch in the plane z = 0: profile points (outward from the opening, towards +z)."""
    mesh = Mesh()
    for a, b in zip(profile, profile[1:]):
        n = unit((-(b[1] - a[1]), b[0] - a[0], 0.0))
        first = len(mesh.positions)
        for s in range(segments + 1):
            t = math.pi * s / segments
            for point in (a, b):
                normal = unit((n[0] * math.cos(t), n[0] * math.sin(t), n[1]))
                mesh.vertex(((radius + point[0]) * math.cos(t), (radius + point[0]) * math.sin(t), point[1]), normal,
                            (t * radius, point[0] + point[1]))
        for s in range(segments):
            i = first + 2 * s
            mesh.triangles += [(i, i + 1, i + 3), (i, i + 3, i + 2)]
    return turned_to_normals(mesh)


def torus_points(radius, height, low, steps=5):
    """Profile points of a half-round bulge from (radius, low) up by `height`."""
    return [(radius + height / 2 * math.sin(math.pi * k / steps), low + height / 2 - height / 2 * math.cos(math.pi * k / steps))
            for k in range(steps + 1)]


def column(height, radius, segments=40, flutes=0):
    """A column with an Attic base, a shaft with entasis and a leafy bell capital under an abacus. Stands on a square plinth."""
    r = radius
    plinth = 0.55 * r
    mesh = Mesh().box((-1.42 * r, 0.0, -1.42 * r), (1.42 * r, plinth, 1.42 * r), skip='y')
    base = [(1.25 * r, plinth)] + torus_points(1.18 * r, 0.36 * r, plinth) + [(1.16 * r, plinth + 0.40 * r)]
    low = plinth + 0.40 * r
    base += [(1.10 * r, low + 0.04 * r), (1.06 * r, low + 0.14 * r), (1.09 * r, low + 0.20 * r)] + torus_points(1.06 * r, 0.24 * r, low + 0.22 * r, 4)
    mesh.lathe(base, segments, crease=35)
    foot = low + 0.46 * r
    capital = 2.0 * r
    top = height - capital
    shaft = [(1.06 * r, foot), (1.0 * r, foot + 0.12 * r)]
    for k in range(1, 9):
        t = k / 8
        shaft.append((r * (1 - 0.14 * t ** 1.8), foot + 0.12 * r + (top - foot - 0.3 * r) * t))
    mesh.lathe(shaft, segments * 2 if flutes else segments, crease=50, flutes=flutes, flute_depth=0.05 if flutes else 0.0)
    neck = 0.86 * r
    mesh.lathe([(neck, top - 0.18 * r)] + torus_points(neck, 0.14 * r, top - 0.16 * r, 4) + [(neck, top)], segments, crease=35)
    bell = []
    for k in range(11):                                    # two rows of leaves that curl outward, by their outline
        t = k / 10
        swell = 0.10 * math.sin(math.pi * min(1.0, t * 2)) ** 2 + (0.22 * math.sin(math.pi * (t * 2 - 1)) ** 2 if t > 0.5 else 0.0)
        bell.append((r * (0.86 + 0.30 * t ** 2 + swell), top + 1.6 * r * t))
    mesh.lathe(bell, 64, crease=60, flutes=8, flute_depth=0.16)
    mesh.box((-1.34 * r, height - 0.42 * r, -1.34 * r), (1.34 * r, height - 0.14 * r, 1.34 * r))
    mesh.box((-1.42 * r, height - 0.14 * r, -1.42 * r), (1.42 * r, height, 1.42 * r))
    return mesh


def baluster(height, segments=14):
    h = height
    mesh = Mesh().box((-0.065, 0.0, -0.065), (0.065, 0.05 * h, 0.065), skip='y').box((-0.06, 0.95 * h, -0.06), (0.06, h, 0.06), skip='Y')
    profile = [(0.045, 0.05 * h), (0.055, 0.09 * h), (0.04, 0.13 * h), (0.06, 0.22 * h), (0.066, 0.32 * h), (0.055, 0.44 * h), (0.036, 0.60 * h),
               (0.028, 0.74 * h), (0.030, 0.82 * h), (0.045, 0.85 * h), (0.034, 0.89 * h), (0.05, 0.95 * h)]
    return mesh.lathe(profile, segments, crease=70)


def frond(length, width, droop, rise, twist, pieces=9):
    """One leaf of a palm: a strip folded along its rib that rises and bends over. Grows along +x; u across, v from stem to tip, both in [0, 1]."""
    mesh = Mesh()
    points, angle, x, y = [], rise, 0.0, 0.0
    for k in range(pieces + 1):
        points.append((x, y))
        x += length / pieces * math.cos(angle)
        y += length / pieces * math.sin(angle)
        angle -= droop * (0.35 + 1.3 * k / pieces) / pieces
    for side in (1, -1):
        first = len(mesh.positions)
        for k, (px, py) in enumerate(points):
            t = k / pieces
            qx, qy = points[min(k + 1, pieces)]
            ox, oy = points[max(k - 1, 0)]
            way = unit((qx - ox, qy - oy, 0.0))
            lift = 0.35 - 0.75 * t                          # a V that opens and hangs towards the tip
            across = unit((-way[1] * lift, way[0] * lift, side * math.cos(twist * t)))
            edge = add((px, py, 0.0), scaled(across, width / 2))
            normal = unit(cross(across, way)) if side > 0 else unit(cross(way, across))
            if normal[1] < 0:
                normal = scaled(normal, -1.0)
            mesh.vertex((px, py, 0.0), normal, (0.5, 1 - t))
            mesh.vertex(edge, normal, (0.5 + 0.5 * side, 1 - t))
        for k in range(pieces):
            i = first + 2 * k
            mesh.triangles += [(i, i + 1, i + 3), (i, i + 3, i + 2)]
    return turned_to_normals(mesh)


def palm(seed, leaves=15, height=1.35):
    """Fronds from one foot."""
    r = random.Random(seed)
    mesh = Mesh()
    for k in range(leaves):
        inner = k / leaves
        leaf = frond(height * r.uniform(0.85, 1.15) * (1.05 - 0.25 * inner), 0.42 * height * r.uniform(0.9, 1.1), 1.5 + 1.1 * (1 - inner), 0.75 + 0.7 * inner,
                     r.uniform(-0.5, 0.5))
        half = math.radians(137.5 * k + r.uniform(-12, 12)) / 2
        mesh.join(leaf, rotation=(0.0, math.sin(half), 0.0, math.cos(half)), translation=(0.0, 0.02 * k / leaves, 0.0))
    return mesh
