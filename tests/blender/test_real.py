"""The add-on in real Blender against the built farm: a scene made in Blender becomes a picture of it."""
import tempfile
import unittest
import zlib
import struct
from pathlib import Path

import real_farm
from test_addon import NO_BLENDER, run_blender

MISSING = NO_BLENDER or real_farm.MISSING


def pixels(data: bytes):
    """(width, height, rows of (r, g, b)) of an 8-bit RGB or RGBA PNG."""
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8 and kind in (2, 6), "an 8-bit RGB or RGBA PNG was expected"
    step, at, packed = (3 if kind == 2 else 4), 8, b""
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + size] if name == b"IDAT" else b""
        at += size + 12
    raw, rows, above = zlib.decompress(packed), [], bytearray(width * step)
    for y in range(height):
        kind, line = raw[y * (width * step + 1)], bytearray(raw[y * (width * step + 1) + 1:(y + 1) * (width * step + 1)])
        for i in range(len(line)):
            left, up, corner = line[i - step] if i >= step else 0, above[i], above[i - step] if i >= step else 0
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda value: abs(guess - value))
            line[i] = (line[i] + (0, left, up, (left + up) // 2, paeth)[kind]) & 255
        rows.append([tuple(line[i:i + 3]) for i in range(0, len(line), step)])
        above = line
    return width, height, rows


@unittest.skipIf(MISSING, MISSING)
class RealFarm(unittest.TestCase):
    def test_a_scene_made_in_blender_becomes_a_picture_of_it(self):
        # A red cube in the middle of a lighter floor, under a bluish sky: wrong camera, axes, lights or materials would show as other colours there.
        with real_farm.RealFarm() as farm, tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "still.png"
            status, said = run_blender(folder, "still", output, **farm.variables)
            self.assertEqual(status, 0, said[-3000:])
            width, height, rows = pixels(output.read_bytes())
            self.assertEqual((width, height), (64, 48))
            red, green, blue = (sum(rows[y][x][channel] for y in range(22, 26) for x in range(30, 34)) / 16 for channel in range(3))
            self.assertGreater(red, 2 * green)
            self.assertGreater(red, 2 * blue)
            self.assertGreater(red, 60)
            floor = rows[44][32]
            self.assertGreater(min(floor), 60, f"the floor is {floor}")
            self.assertLess(max(floor) - min(floor), 60, f"the floor is {floor}")


if __name__ == "__main__":
    unittest.main()
