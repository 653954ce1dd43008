"""The atrium's pictures. Sizes in pixels are chosen for small files; palettes where noise would cost too much in full colour."""
import math
import random

from .picture import field, mix, noise, normals, png, png_of_palette, ramp, srgb


def ashlar():
    """Dressed limestone blocks: 8 courses and 4 blocks over the picture, half a block off in each second course. -> base, normal"""
    size, courses, blocks = 512, 8, 4
    r = random.Random(5)
    tints = [[r.uniform(-1, 1) for _ in range(blocks)] for _ in range(courses)]
    grain, stain = noise(size, size, 24, 24, 4, 11, 0.65), noise(size, size, 3, 3, 3, 12)
    high, wide = size // courses, size // blocks
    value, heights = [], []
    for y in range(size):
        course, v = y // high, y % high
        line, level = [], []
        for x in range(size):
            shifted = (x + (wide // 2 if course % 2 else 0)) % size
            block, u = shifted // wide, shifted % wide
            edge = min(u, wide - 1 - u, v, high - 1 - v) - 1.2 * (grain[y][x] + 0.4)
            joint = min(1.0, max(0.0, (edge - 0.6) / 2.2))
            line.append(0.26 * (1 - joint) + joint * (0.62 + 0.13 * tints[course][block] + 0.17 * grain[y][x] + 0.16 * stain[y][x]))
            level.append(2.0 * joint + 0.55 * grain[y][x] * joint)
        value.append(line)
        heights.append(level)
    stops = [(0.0, srgb((0.16, 0.12, 0.08))), (0.3, srgb((0.34, 0.27, 0.19))), (0.6, srgb((0.60, 0.51, 0.38))), (1.0, srgb((0.80, 0.73, 0.60)))]
    return ramp(value, stops, 40), normals(heights, 0.55, 20)


def limestone():
    """Fine pale stone for carved parts. -> base, normal"""
    size = 256
    cloud, grain = noise(size, size, 3, 3, 4, 21), noise(size, size, 32, 32, 3, 22, 0.7)
    value = field(size, size, lambda x, y: 0.62 + 0.26 * cloud[y][x] + 0.16 * grain[y][x])
    stops = [(0.0, srgb((0.50, 0.43, 0.33))), (0.6, srgb((0.72, 0.66, 0.55))), (1.0, srgb((0.84, 0.80, 0.71)))]
    return ramp(value, stops, 32), normals(field(size, size, lambda x, y: 0.5 * grain[y][x] + 0.5 * cloud[y][x]), 0.5, 16)


def plaster():
    """Old lime plaster, to be tinted by the base colour factor. -> base, normal"""
    size = 256
    cloud, grain = noise(size, size, 2, 2, 5, 31, 0.6), noise(size, size, 20, 20, 4, 32, 0.6)
    value = field(size, size, lambda x, y: 0.66 + 0.40 * cloud[y][x] + 0.10 * grain[y][x])
    return ramp(value, [(0.0, srgb((0.42, 0.38, 0.33))), (0.6, srgb((0.78, 0.75, 0.70))), (1.0, srgb((0.95, 0.93, 0.90)))], 32), \
        normals(field(size, size, lambda x, y: grain[y][x] + 0.8 * cloud[y][x]), 0.4, 16)


def wood():
    """Boards along u, five over the picture. -> base, normal"""
    size, boards = 256, 4
    r = random.Random(41)
    tone, shift = [r.uniform(-0.14, 0.14) for _ in range(boards)], [r.random() * 40 for _ in range(boards)]
    long_grain, wave = noise(size, size, 2, 48, 3, 42, 0.7), noise(size, size, 2, 4, 2, 43)
    high = size // boards
    value, heights = [], []
    for y in range(size):
        board, v = y // high, y % high
        gap = min(v, high - 1 - v)
        seam = min(1.0, gap / 2.0)
        line, level = [], []
        for x in range(size):
            ring = math.sin((v / high * 9 + 1.6 * wave[y][x] + shift[board]) * 2.2)
            line.append((0.5 + tone[board] + 0.20 * ring + 0.28 * long_grain[y][x]) * (0.25 + 0.75 * seam))
            level.append(1.5 * seam + 0.5 * long_grain[y][x] + 0.15 * ring)
        value.append(line)
        heights.append(level)
    stops = [(0.0, srgb((0.035, 0.018, 0.009))), (0.5, srgb((0.17, 0.085, 0.040))), (1.0, srgb((0.36, 0.21, 0.11)))]
    return ramp(value, stops, 32), normals(heights, 0.5, 16)


def floor():
    """Polished marble: cream squares framed in grey, dark lozenges where frames cross, worn joints. One square a picture.
    -> base, metallic-roughness, normal"""
    size = 512
    warp = noise(size, size, 3, 3, 4, 51)
    vein = noise(size, size, 4, 4, 4, 52, 0.6)
    cloud, wear = noise(size, size, 4, 4, 4, 53), noise(size, size, 6, 6, 3, 54)
    cream = [srgb(mix((0.46, 0.38, 0.28), (0.80, 0.75, 0.66), k / 27)) for k in range(28)]
    grey = [srgb(mix((0.10, 0.13, 0.12), (0.30, 0.35, 0.32), k / 15)) for k in range(16)]
    dark = [srgb(mix((0.075, 0.018, 0.014), (0.25, 0.070, 0.050), k / 15)) for k in range(16)]
    joint_color = [srgb((0.16, 0.14, 0.11))]
    base, rough, heights = [], [], []
    for y in range(size):
        b_line, r_line, h_line = [], [], []
        for x in range(size):
            u, v = min(x, size - 1 - x), min(y, size - 1 - y)      # pixels from the picture's edges: frames run along them
            frame = min(u, v)
            lozenge = u + v
            ridge = 1 - abs(vein[y][x] + 0.3 * warp[y][x]) * 2.6
            ridge = max(0.0, ridge) ** 5
            tone = min(1.0, max(0.0, 0.66 + 0.42 * cloud[y][x] - 0.55 * ridge))
            if lozenge < 104:
                index, joint = 44 + int(tone * 15.99), min(104 - lozenge, 99)
            elif frame < 40:
                index, joint = 28 + int((1 - tone) * 15.99), min(40 - frame, lozenge - 104)
            else:
                index, joint = int(tone * 27.99), min(frame - 40, 255)
            if joint < 1.5:
                index = 60
            b_line.append(index)
            groove = min(1.0, joint / 2.0)
            r_line.append((0, int(255 * (0.80 * (1 - groove) + groove * (0.20 + 0.10 * wear[y][x])) / 6) * 6, 0))
            h_line.append(1.6 * groove + 0.12 * warp[y][x])
        base.append(b_line)
        rough.append(r_line)
        heights.append(h_line)
    return png_of_palette(base, cream + grey + dark + joint_color), png(rough), normals(heights, 0.45, 24)


def key_frieze():
    """A meander band, gold on deep blue; repeats along u. -> base"""
    pattern = ['############', '............', '##########.#', '#........#.#', '#.######.#.#', '#.#....#.#.#', '#.#.##.#.#.#', '#.#.#..#.#.#',
               '#.#.####.#.#', '#.#......#.#', '#.########.#', '............', '############']
    scale = 8
    width, height = 12 * scale, len(pattern) * scale
    wear = noise(width, height, 6, 6, 3, 61)
    gold = [srgb(mix((0.42, 0.26, 0.08), (0.78, 0.56, 0.22), k / 7)) for k in range(8)]
    blue = [srgb(mix((0.012, 0.030, 0.085), (0.035, 0.080, 0.20), k / 7)) for k in range(8)]
    rows = [[(0 if pattern[y // scale][x // scale] == '#' else 8) + min(7, max(0, int(4 + 4 * wear[y][x]))) for x in range(width)] for y in range(height)]
    return png_of_palette(rows, gold + blue)


def banner(field_low, field_high, metal_low, metal_high, seed):
    """A hanging with a border, a sun over a star and a swallowtail's darker foot. 1 : 2.5. -> base"""
    width, height = 192, 480
    dye = noise(width, height, 3, 8, 4, seed)
    cloth = [srgb(mix(field_low, field_high, k / 11)) for k in range(12)]
    metal = [srgb(mix(metal_low, metal_high, k / 11)) for k in range(12)]
    rows = []
    for y in range(height):
        line = []
        for x in range(width):
            shade = min(11, max(0, int(6 + 6 * dye[y][x] + (1 if (x + y) % 2 else -1) * 0.5)))
            edge = min(x, width - 1 - x, y, height - 1 - y)
            gold = 8 <= edge < 14 or 17 <= edge < 19
            dx, dy = x - width / 2 + 0.5, y - 190
            radius, angle = math.hypot(dx, dy), math.atan2(dy, dx)
            gold |= radius < 26 or (32 < radius < 36 + 20 * max(0.0, math.cos(angle * 8)) ** 1.5)
            dx, dy = x - width / 2 + 0.5, y - 340
            radius, angle = math.hypot(dx, dy), math.atan2(dx, -dy)
            gold |= radius < 26 / (0.6 + 0.4 * abs(math.sin(angle * 2.5))) * (1.3 if abs(math.sin(angle * 2.5)) < 0.35 else 0.8) and radius < 30
            gold |= (y // 12) % 2 == 0 and 420 < y < 456 and (x // 12 + y // 24) % 2 == 0 and 20 < x < width - 20
            line.append(shade + (12 if gold else 0))
        rows.append(line)
    return png_of_palette(rows, cloth + metal)


def weave():
    """Over and under, 8 threads a picture. -> normal"""
    size, thread = 64, 8

    def height(x, y):
        across = abs(math.sin(math.pi * x / thread)), abs(math.sin(math.pi * y / thread))
        return across[0] * 0.8 if (x // thread + y // thread) % 2 else across[1] * 0.8
    return normals(field(size, size, height), 1.2, 24)


def palm_leaf():
    """Leaflets off a rib; alpha is 0 or 255. u = 0.5 is the rib, v = 1 (bottom row) the stem. -> base with alpha"""
    width, height = 128, 256
    shade = noise(width, height, 8, 16, 3, 71)
    rows = []
    for y in range(height):
        t = 1 - (y + 0.5) / height                         # 0 at the stem, 1 at the tip
        line = []
        for x in range(width):
            side = abs(x + 0.5 - width / 2) / (width / 2)
            reach = 0.96 * math.sin(math.pi * min(1.0, 0.10 + 0.86 * t) ** 0.75) ** 0.6
            slanted = t - side * 0.20                      # leaflets lean towards the tip
            phase = (slanted * 19) % 1.0
            leaflet = side < reach and abs(phase - 0.5) < 0.40 * (1 - (side / max(reach, 0.01)) ** 3) + 0.03 and t > 0.06
            rib = side < 0.030 * (1.3 - t)
            green = mix((0.035, 0.105, 0.022), (0.13, 0.27, 0.055), 0.5 + 0.5 * shade[y][x] + 0.5 * (abs(phase - 0.5) < 0.08))
            color = srgb((0.22, 0.26, 0.09) if rib else green)
            line.append((*[int(c / 6) * 6 for c in color], 255 if leaflet or rib else 0))
        rows.append(line)
    return png(rows)


def ivy():
    """A curtain of small leaves on strands, thinner towards the foot; repeats along u. -> base with alpha"""
    width, height = 256, 256
    r = random.Random(81)
    rows = [[(24, 48, 12, 0)] * width for _ in range(height)]

    def leaf(cx, cy, size, lean, tint):
        for y in range(max(0, int(cy - size)), min(height, int(cy + size) + 1)):
            for x in range(int(cx - size), int(cx + size) + 1):
                dx, dy = (x - cx) / size, (y - cy) / size
                dx, dy = dx * math.cos(lean) - dy * math.sin(lean), dx * math.sin(lean) + dy * math.cos(lean)
                radius, angle = math.hypot(dx, dy), math.atan2(dx, dy)
                if radius < 0.62 + 0.38 * math.cos(2.5 * angle) ** 2 - 0.25 * (abs(angle) > 2.6):
                    vein = abs(dx) < 0.07 or abs(abs(dx) - abs(dy) * 0.8) < 0.05
                    color = srgb(mix(tint, (0.30, 0.42, 0.14), 0.45 if vein else 0.12 * (1 - radius)))
                    rows[y][x % width] = (*[int(c / 8) * 8 for c in color], 255)
    for strand in range(15):
        x, length = (strand + r.uniform(-0.3, 0.3)) * width / 15, height * r.uniform(0.45, 1.0)
        y = 0.0
        while y < length:
            for k in range(int(y), min(height, int(y) + 9)):
                rows[k][int(x) % width] = (56, 48, 24, 255)
            tint = mix((0.022, 0.075, 0.016), (0.10, 0.22, 0.045), r.random())
            leaf(x + r.uniform(-7, 7), y + r.uniform(-2, 5), r.uniform(5.5, 10.5), r.uniform(-0.9, 0.9), tint)
            y += r.uniform(4.5, 7.5)
            x += r.uniform(-1.6, 1.6)
    return png(rows)


def sky():
    """Half a dome: haze at the foot (v = 1), deep blue at the top, a few fair-weather clouds; repeats along u. -> emission"""
    width, height = 512, 128
    cloud, fine = noise(width, height, 6, 4, 5, 91, 0.55), noise(width, height, 24, 12, 3, 92)
    rows = []
    for y in range(height):
        up = 1 - (y + 0.5) / height
        clear = mix((0.60, 0.72, 0.88), (0.115, 0.26, 0.62), up ** 0.6)
        line = []
        for x in range(width):
            cover = min(1.0, max(0.0, (cloud[y][x] + 0.25 * fine[y][x] - 0.10) * 3.2)) * min(1.0, up * 4) * (1 - 0.5 * up)
            color = mix(clear, mix((0.95, 0.93, 0.90), (0.62, 0.66, 0.74), cover * 0.6), cover * 0.9)
            line.append(tuple(int(c / 3) * 3 for c in srgb(color)))
        rows.append(line)
    return png(rows)


def ripples():
    """Rings and wind on water. -> normal"""
    size = 256
    wind = noise(size, size, 5, 5, 4, 95)
    return normals(field(size, size, lambda x, y: 2.5 * wind[y][x]), 0.5, 40)
