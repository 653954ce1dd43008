"""Triangles with normals and texture coordinates. Fronts are anticlockwise. Texture coordinates count metres unless a builder says otherwise."""
import math

from .vectors import add, cross, dot, rotated, scaled, sub, unit


class Mesh:
    def __init__(self):
        self.positions, self.normals, self.uvs, self.triangles = [], [], [], []
        self.joints, self.weights = [], []

    def vertex(self, position, normal, uv):
        self.positions.append(tuple(position))
        self.normals.append(tuple(normal))
        self.uvs.append(tuple(uv))
        return len(self.positions) - 1

    def polygon(self, corners, normal=None, uvs=None):
        """A flat convex polygon; without uvs they are projected along the normal's largest axis."""
        normal = normal or unit(cross(sub(corners[1], corners[0]), sub(corners[2], corners[0])))
        uvs = uvs or [project(p, normal) for p in corners]
        first = [self.vertex(p, normal, uv) for p, uv in zip(corners, uvs)]
        for i in range(1, len(corners) - 1):
            self.triangles.append((first[0], first[i], first[i + 1]))
        return self

    def box(self, low, high, skip=''):
        """An axis-aligned box; `skip` names faces left out, of x X y Y z Z (capitals: the far side)."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        faces = {'x': [(x0, y0, z0), (x0, y0, z1), (x0, y1, z1), (x0, y1, z0)], 'X': [(x1, y0, z1), (x1, y0, z0), (x1, y1, z0), (x1, y1, z1)],
                 'y': [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)], 'Y': [(x0, y1, z1), (x1, y1, z1), (x1, y1, z0), (x0, y1, z0)],
                 'z': [(x1, y0, z0), (x0, y0, z0), (x0, y1, z0), (x1, y1, z0)], 'Z': [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)]}
        for name, corners in faces.items():
            if name not in skip:
                self.polygon(corners)
        return self

    def lathe(self, profile, segments, crease=40.0, u_per_turn=None, flutes=0, flute_depth=0.0):
        """Turns `profile`, points (radius, height) from bottom to top, round the y axis. Edges sharper than `crease` degrees stay sharp.
        u runs round (metres at the widest radius, or u_per_turn), v along the profile. `flutes` modulate the radius."""
        pieces = [[profile[0]]]
        for i in range(1, len(profile)):
            pieces[-1].append(profile[i])
            if i + 1 < len(profile):
                a = math.atan2(profile[i][1] - profile[i - 1][1], profile[i][0] - profile[i - 1][0])
                b = math.atan2(profile[i + 1][1] - profile[i][1], profile[i + 1][0] - profile[i][0])
                if abs((b - a + math.pi) % (2 * math.pi) - math.pi) > math.radians(crease):
                    pieces.append([profile[i]])
        round_length = u_per_turn or 2 * math.pi * max(p[0] for p in profile)
        along = 0.0
        for piece in pieces:
            first = len(self.positions)
            for j, (radius, height) in enumerate(piece):
                if j:
                    along += math.hypot(radius - piece[j - 1][0], height - piece[j - 1][1])
                before, after = piece[max(j - 1, 0)], piece[min(j + 1, len(piece) - 1)]
                slope = unit((after[1] - before[1], before[0] - after[0], 0.0))      # outward normal in the (radius, height) plane
                for s in range(segments + 1):
                    angle = 2 * math.pi * s / segments
                    bump, steep = 1.0, 0.0
                    if flutes:
                        bump = 1 - flute_depth * (0.5 + 0.5 * math.cos(flutes * angle)) ** 2
                        steep = flute_depth * flutes * (0.5 + 0.5 * math.cos(flutes * angle)) * math.sin(flutes * angle)
                    c, n = math.cos(angle), math.sin(angle)
                    normal = unit((slope[0] * c + steep * n, slope[1], -slope[0] * n + steep * c))
                    self.vertex((radius * bump * c, height, -radius * bump * n), normal, (round_length * s / segments, along))
            row = segments + 1
            for j in range(len(piece) - 1):
                for s in range(segments):
                    a = first + j * row + s
                    if piece[j][0] > 1e-9:
                        self.triangles.append((a, a + 1, a + row))
                    if piece[j + 1][0] > 1e-9:
                        self.triangles.append((a + 1, a + row + 1, a + row))
        return self

    def grid(self, columns, rows, point, uv=None):
        """A smooth sheet: point(s, t) for s, t in [0, 1]; the front looks along d/ds x d/dt."""
        first = len(self.positions)
        places = [[point(i / columns, j / rows) for i in range(columns + 1)] for j in range(rows + 1)]
        for j in range(rows + 1):
            for i in range(columns + 1):
                ds = sub(places[j][min(i + 1, columns)], places[j][max(i - 1, 0)])
                dt = sub(places[min(j + 1, rows)][i], places[max(j - 1, 0)][i])
                self.vertex(places[j][i], unit(cross(ds, dt)), uv(i / columns, j / rows) if uv else (i / columns, j / rows))
        for j in range(rows):
            for i in range(columns):
                a = first + j * (columns + 1) + i
                b = a + columns + 1
                self.triangles += [(a, a + 1, b), (a + 1, b + 1, b)]
        return self

    def sphere(self, radius, rings=16, segments=32, centre=(0.0, 0.0, 0.0)):
        piece = Mesh()
        profile = [(radius * math.cos(a), radius * math.sin(a)) for a in (math.pi * (k / rings - 0.5) for k in range(rings + 1))]
        piece.lathe([(max(r, 0.0) if 0 < k < rings else 0.0, h) for k, (r, h) in enumerate(profile)], segments, crease=180)
        return self.join(piece, translation=centre)

    def join(self, other, translation=(0.0, 0.0, 0.0), rotation=(0.0, 0.0, 0.0, 1.0), scale=1.0):
        first = len(self.positions)
        s = scale if isinstance(scale, tuple) else (scale, scale, scale)
        for p, n, uv in zip(other.positions, other.normals, other.uvs):
            p = add(rotated(rotation, (p[0] * s[0], p[1] * s[1], p[2] * s[2])), translation)
            self.vertex(p, unit(rotated(rotation, (n[0] / s[0], n[1] / s[1], n[2] / s[2]))), uv)
        self.triangles += [(a + first, b + first, c + first) for a, b, c in other.triangles]
        return self

    def ring(self, radius, thickness, segments=48, sides=10):
        """A torus round the y axis."""
        profile = [(radius + thickness * math.cos(a), thickness * math.sin(a)) for a in (2 * math.pi * k / sides - math.pi for k in range(sides + 1))]
        return self.lathe(profile, segments, crease=180)

    def projected(self):
        """Texture coordinates anew, by position: so that parts joined into one continue each other's pattern."""
        self.uvs = [project(p, n) for p, n in zip(self.positions, self.normals)]
        return self

    def with_uv_scale(self, u, v=None):
        v = u if v is None else v
        self.uvs = [(a * u, b * v) for a, b in self.uvs]
        return self


def project(p, normal):
    """Metres on the plane that faces the normal's largest axis; v runs down, as images do."""
    ax, ay, az = (abs(c) for c in normal)
    if ay >= ax and ay >= az:
        return (p[0], p[2])
    if ax >= az:
        return (-p[2] if normal[0] > 0 else p[2], -p[1])
    return (p[0] if normal[2] > 0 else -p[0], -p[1])


def area_weighted_normal(mesh):
    """The sum of the triangles' area vectors: zero for a closed mesh."""
    total = (0.0, 0.0, 0.0)
    for a, b, c in mesh.triangles:
        p, q, r = mesh.positions[a], mesh.positions[b], mesh.positions[c]
        total = add(total, scaled(cross(sub(q, p), sub(r, p)), 0.5))
    return total


def outward(mesh):
    """True where triangles turn the way their vertex normals say."""
    return all(dot(cross(sub(mesh.positions[b], mesh.positions[a]), sub(mesh.positions[c], mesh.positions[a])), mesh.normals[a]) > -1e-9
               for a, b, c in mesh.triangles)
