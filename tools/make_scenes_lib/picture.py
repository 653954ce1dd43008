"""Tileable pictures made of arithmetic, and PNG files of them. A field is a list of rows of floats; it repeats at its edges."""
import math
import random
import struct
import zlib


# ---- PNG
def _file(width, height, color, rows, *parts):
    def part(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    head = part(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, color, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + head + b''.join(part(*p) for p in parts) + part(b'IDAT', zlib.compress(b''.join(rows), 9)) + part(b'IEND', b'')


def _filtered(row, above, step):
    """The PNG filter of a row with the least sum of absolute differences."""
    left = bytes(step) + row[:-step]
    corner = bytes(step) + above[:-step]

    def paeth(a, b, c):
        pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
        return a if pa <= pb and pa <= pc else b if pb <= pc else c
    tries = [row, bytes((x - a) & 255 for x, a in zip(row, left)), bytes((x - b) & 255 for x, b in zip(row, above)), None,
             bytes((x - paeth(a, b, c)) & 255 for x, a, b, c in zip(row, left, above, corner))]
    costs = [sum(x if x < 128 else 256 - x for x in t) if t is not None else 1 << 60 for t in tries]
    best = costs.index(min(costs))
    return bytes([best]) + tries[best]


def png(pixels):
    """pixels: rows of tuples of 3 or 4 numbers in 0 .. 255."""
    width, height, channels = len(pixels[0]), len(pixels), len(pixels[0][0])
    rows, above = [], bytes(width * channels)
    for row in pixels:
        data = bytes(min(255, max(0, int(v + 0.5))) for pixel in row for v in pixel)
        rows.append(_filtered(data, above, channels))
        above = data
    return _file(width, height, 2 if channels == 3 else 6, rows)


def png_of_palette(indices, palette):
    """indices: rows of numbers below 256; palette: (r, g, b) in 0 .. 255. Much smaller than png() for noise in few colours."""
    rows = [b'\0' + bytes(row) for row in indices]
    return _file(len(indices[0]), len(indices), 3, rows, (b'PLTE', bytes(min(255, max(0, int(v + 0.5))) for c in palette for v in c)))


# ---- fields
def field(width, height, f):
    return [[f(x, y) for x in range(width)] for y in range(height)]


def _layer(width, height, across, down, seed):
    """Value noise in [-1, 1], `across` x `down` cells over the picture."""
    r = random.Random(seed)
    lattice = [[r.uniform(-1, 1) for _ in range(across)] for _ in range(down)]

    def cells(size, count):
        out = []
        for i in range(size):
            at = i * count / size
            k = int(at)
            t = at - k
            out.append((k % count, (k + 1) % count, t * t * t * (t * (t * 6 - 15) + 10)))
        return out
    columns = cells(width, across)
    rows = []
    for a, b, t in cells(height, down):
        line = [p + (q - p) * t for p, q in zip(lattice[a], lattice[b])]
        rows.append([line[i] + (line[j] - line[i]) * s for i, j, s in columns])
    return rows


def noise(width, height, across, down, octaves, seed, gain=0.5):
    """Fractal value noise, about [-1, 1]."""
    total = [[0.0] * width for _ in range(height)]
    weight, norm = 1.0, 0.0
    for octave in range(octaves):
        layer = _layer(width, height, min(across << octave, width), min(down << octave, height), seed * 101 + octave)
        for row, extra in zip(total, layer):
            for x, v in enumerate(extra):
                row[x] += weight * v
        norm += weight
        weight *= gain
    return [[v / norm for v in row] for row in total]


def normals(heights, strength, steps=None):
    """Tangent-space normal map of a height field (row 0 is the top, so +y in the map is towards smaller rows). `steps`: levels per component,
    fewer make smaller files."""
    height, width = len(heights), len(heights[0])
    out = []
    for y, row in enumerate(heights):
        up, down = heights[y - 1], heights[(y + 1) % height]
        line = []
        for x in range(width):
            dx = (row[(x + 1) % width] - row[x - 1]) * strength
            dy = (up[x] - down[x]) * strength
            s = 1 / math.sqrt(dx * dx + dy * dy + 1)
            nx, ny = -dx * s, -dy * s
            if steps:
                nx, ny = round(nx * steps) / steps, round(ny * steps) / steps
            line.append((127.5 + 127.5 * nx, 127.5 + 127.5 * ny, 127.5 + 127.5 * math.sqrt(max(0.0, 1 - nx * nx - ny * ny))))
        out.append(line)
    return png(out)


def srgb(linear):
    """Linear colour to 0 .. 255 encoded."""
    return tuple(255 * (12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055) for c in linear)


def mix(a, b, t):
    t = min(1.0, max(0.0, t))
    return tuple(p + (q - p) * t for p, q in zip(a, b))


def ramp(values, stops, levels=48):
    """A field in [0, 1] through encoded colour stops [(at, (r, g, b)), ...] as a palette picture."""
    def color(t):
        for (a, p), (b, q) in zip(stops, stops[1:]):
            if t <= b:
                return mix(p, q, (t - a) / (b - a))
        return stops[-1][1]
    palette = [color(k / (levels - 1)) for k in range(levels)]
    return png_of_palette([[min(levels - 1, max(0, int(v * (levels - 1) + 0.5))) for v in row] for row in values], palette)
