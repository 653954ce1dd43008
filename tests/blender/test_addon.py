"""The add-on in Debian's real Blender, headless: installed from its zip, against a farm in memory (what is sent) and, in test_real.py, a real one."""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from fake_farm import TOKEN, FakeFarm

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NO_BLENDER = None if shutil.which("blender") else "not installed: blender (tools/setup ci)"


def run_blender(folder, action, output, **variables):
    """Blender with a home of its own, so that nobody's preferences are read or written."""
    addon = Path(folder) / "raymill_blender.zip"
    subprocess.run([sys.executable, ROOT / "tools/blender/build", addon], check=True, stdout=subprocess.DEVNULL)
    kept = {key: value for key, value in os.environ.items() if key in ("LANG", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "RAYMILL_HOME")}
    # Debian's Blender takes the library of the first python3 in PATH; only Debian's own fits it.
    environment = {**kept, "PATH": "/usr/bin:/bin", "BLENDER_USER_CONFIG": f"{folder}/config", "BLENDER_USER_SCRIPTS": f"{folder}/scripts", **variables}
    command = ["blender", "-b", "--factory-startup", "-noaudio", "--python-exit-code", "1", "--python", HERE / "in_blender.py", "--", addon, action, output]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    return run.returncode, run.stdout + run.stderr


@unittest.skipIf(NO_BLENDER, NO_BLENDER)
class AddOn(unittest.TestCase):
    def setUp(self):
        self.farm = FakeFarm()
        self.addCleanup(self.farm.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = Path(folder.name)

    def blender(self, action, output, token=TOKEN, expected=0):
        status, said = run_blender(self.at, action, self.at / output, RAYMILL_SERVER=self.farm.url, RAYMILL_TOKEN=token)
        self.assertEqual(status, expected, said[-3000:])
        self.assertIn("IN BLENDER: done", said)
        return said

    def sent(self):
        """(settings, glTF document) of the one job that the farm got."""
        job, = self.farm.jobs.values()
        sha256 = self.farm.scenes[job["scene"]]["files"][0]["sha256"]
        glb = self.farm.blobs[sha256]
        return job["settings"], json.loads(glb[20:20 + struct.unpack("<I", glb[12:16])[0]])

    def test_a_still_is_exported_submitted_and_written(self):
        said = self.blender("still", "still.png")
        settings, document = self.sent()
        self.assertEqual((self.at / "still.png").read_bytes(), next(iter(self.farm.jobs.values()))["frames"][0]["image"])
        self.assertEqual({key: settings[key] for key in ("size", "spp", "tonemap", "env", "format")},
                         {"size": "64x48", "spp": "8", "tonemap": "none", "env": "0.125,0.25,0.5", "format": "png"})
        self.assertNotIn("frames", settings)
        # The scene's own camera is named by a node that holds one, whatever this exporter does with its rotation.
        holders = [node["name"] for node in document["nodes"] if "camera" in node]
        self.assertEqual(len(holders), 2)
        self.assertIn(settings["camera"], holders)
        self.assertTrue(settings["camera"].startswith("Eye"))
        # Watts as in Cycles: 3 W/m2 stay 3; the default of Blender's exporter would make 2049 of them.
        lights = document["extensions"]["KHR_lights_punctual"]["lights"]
        self.assertEqual([(light["type"], light["intensity"]) for light in lights], [("directional", 3)])
        self.assertIn("left out: Area", said)
        self.assertNotIn("animations", document)

    def test_an_animation_is_the_scenes_range_at_its_rate(self):
        self.blender("animation", "range.png")
        settings, document = self.sent()
        self.assertEqual((settings["frames"], settings["fps"], settings["spp"]), ("1-3", "24.0", "2"))
        self.assertEqual(len(document["animations"]), 1)
        # Frame f is at time f / fps on both sides: the first key lies at 1/24 s and the last at 3/24 s.
        time = document["accessors"][document["animations"][0]["samplers"][0]["input"]]
        self.assertAlmostEqual(time["min"][0], 1 / 24, places=5)
        self.assertAlmostEqual(time["max"][0], 3 / 24, places=5)
        self.assertEqual(sorted(path.name for path in self.at.glob("range*")), ["range0001.png", "range0002.png", "range0003.png"])

    def test_the_frame_can_be_loaded_and_no_task_is_left(self):
        self.blender("show", "show.png")

    def test_a_refusal_is_one_line_and_leaves_nothing(self):
        said = self.blender("refused", "none.png", token="wrong")
        line = next(line for line in said.splitlines() if line.startswith("REFUSED: "))
        self.assertIn("token", line)

    def test_worlds_become_environments_or_are_named(self):
        self.blender("worlds", "sky.hdr")


if __name__ == "__main__":
    unittest.main()
