#!/usr/bin/env python3
"""tools/make_scenes writes what stands in scenes/, and its builders' meshes are sound."""
import importlib
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))


class MakeScenes(unittest.TestCase):
    def test_scenes_without_pictures_are_byte_for_byte_what_stands_in_scenes(self):
        """A clock, an unseeded random number or an order of a set would show. (Pictures also depend on the zlib at hand.)"""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([os.path.join(ROOT, 'tools', 'make_scenes'), '--to', folder, 'cornell'], check=True, stdout=subprocess.DEVNULL)
            self.assertEqual(os.listdir(folder), ['cornell.glb'])
            with open(os.path.join(folder, 'cornell.glb'), 'rb') as made, open(os.path.join(ROOT, 'scenes', 'cornell.glb'), 'rb') as kept:
                self.assertEqual(made.read(), kept.read())

    def test_an_unknown_scene_is_refused_in_one_line(self):
        done = subprocess.run([os.path.join(ROOT, 'tools', 'make_scenes'), 'castle'], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn('no scene is called castle', done.stderr)

    def test_closed_parts_are_closed_and_turn_outward(self):
        """A face turned over or left out shows as a sum of area vectors that is not zero, or a triangle against its normals."""
        mesh = importlib.import_module('make_scenes_lib.mesh')
        parts = {'box': mesh.Mesh().box((0, 0, 0), (1, 2, 3)), 'sphere': mesh.Mesh().sphere(0.7), 'ring': mesh.Mesh().ring(1.0, 0.2),
                 'lathe': mesh.Mesh().lathe([(0, 0), (1, 0), (1.2, 0.5), (0.4, 1), (0, 1)], 17)}
        for name, part in parts.items():
            with self.subTest(name):
                self.assertTrue(mesh.outward(part))
                for component in mesh.area_weighted_normal(part):
                    self.assertAlmostEqual(component, 0.0, places=9)


if __name__ == '__main__':
    unittest.main()
