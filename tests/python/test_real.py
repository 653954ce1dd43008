"""The package against the built farm: what the farm in memory promises, the real one keeps."""
import hashlib
import os
import shutil
import struct
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import raymill
import real_farm


@unittest.skipIf(real_farm.MISSING, real_farm.MISSING)
class RealFarm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.farm = real_farm.RealFarm()
        cls.addClassCleanup(cls.farm.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = Path(folder.name)
        self.scene = Path(shutil.copy(real_farm.CORNELL, self.at))
        patch = mock.patch.dict(os.environ, self.farm.variables)
        patch.start()
        self.addCleanup(patch.stop)
        self.client = raymill.Client()   # finds address and token as the command line does
        self.addCleanup(self.client.close)

    def test_a_scene_becomes_frames_on_disk(self):
        job = self.client.submit(self.scene, size=(48, 32), spp=2, max_bounces=1, frames="1-2", tile=16)
        events = list(self.client.events(job))
        self.assertEqual([event.seq for event in events], sorted({event.seq for event in events}))
        self.assertEqual((events[-1].event, events[-1].state), ("job", "done"))
        self.assertEqual((events[-1].tiles, events[-1].tiles_done), (12, 12))
        for number, path in zip((1, 2), self.client.fetch(job, self.at / "f_####.png"), strict=True):
            data = path.read_bytes()
            self.assertEqual(path.name, f"f_{number:04d}.png")
            self.assertEqual(struct.unpack(">II", data[16:24]), (48, 32))
            self.assertEqual(hashlib.sha256(data).hexdigest(), self.client.frame(job, number).sha256)
        self.assertIn(job, [job.id for job in self.client.jobs()])
        self.assertTrue(self.client.workers())

    def test_the_scenes_id_is_the_farms(self):
        # Both hash the canonical manifest; a difference in one byte of it would show.
        self.assertEqual(self.client.upload(self.scene), raymill.scene_files(self.scene).manifest().scene_id())

    def test_the_same_key_is_one_job(self):
        settings = {"size": "16x16", "spp": 1, "key": "once"}
        self.assertEqual(self.client.submit(self.scene, **settings), self.client.submit(self.scene, **settings))

    def test_a_wrong_setting_is_named(self):
        with self.assertRaises(raymill.Error) as caught:
            self.client.submit(self.scene, spp=0)
        self.assertEqual(caught.exception.code, "usage")
        self.assertIn("spp", str(caught.exception))

    def test_a_bad_scene_fails_with_its_place(self):
        bad = self.at / "bad.gltf"
        bad.write_text('{"asset": {"version": "2.0"}, "scenes": [{"nodes": [7]}], "scene": 0, "nodes": []}')
        with self.assertRaises(raymill.JobFailed) as caught:
            self.client.wait(self.client.submit(bad, size="16x16", spp=1))
        self.assertEqual(caught.exception.code, "bad_input")

    def test_a_cancelled_job_ends(self):
        job = self.client.submit(self.scene, size="4096x4096", spp=4096)
        self.assertEqual(self.client.cancel(job).state, "cancelled")
        with self.assertRaises(raymill.JobFailed):
            self.client.wait(job)

    def test_another_token_is_refused(self):
        with raymill.Client(self.farm.url, "wrong") as client, self.assertRaises(raymill.Error) as caught:
            client.jobs()
        self.assertEqual(caught.exception.code, "refused")


if __name__ == "__main__":
    unittest.main()
