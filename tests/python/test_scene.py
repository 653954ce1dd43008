"""What belongs to a scene, and what is refused before anything is sent."""
import base64
import hashlib
import json
import os
import struct
import tempfile
import unittest
from pathlib import Path

from raymill import Error, scene_files
from raymill.scene import MAX_PATH, check_path


def glb(document: dict) -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    return b"glTF" + struct.pack("<IIII", 2, 20 + len(text), len(text), 0x4E4F534A) + text


class SceneFiles(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.at = Path(self.folder.name)

    def scene(self, document, name="scene.gltf"):
        path = self.at / name
        path.write_bytes(glb(document) if name.endswith(".glb") else json.dumps(document).encode())
        return path

    def refused(self, document, *words, name="scene.gltf"):
        with self.assertRaises(Error) as caught:
            scene_files(self.scene(document, name))
        self.assertEqual(caught.exception.code, "bad_input")
        for word in words:
            self.assertIn(word, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_buffers_and_images_below_the_folder_are_the_scene(self):
        # Data URIs and buffer views bring no file; percent signs name the file that they decode to; a file named twice is sent once.
        (self.at / "textures").mkdir()
        for name in ("mesh.bin", "textures/ä b.png"):
            (self.at / name).write_bytes(name.encode())
        data = "data:application/octet-stream;base64," + base64.b64encode(b"x").decode()
        found = scene_files(self.scene({
            "buffers": [{"uri": "mesh.bin", "byteLength": 8}, {"uri": data, "byteLength": 1}, {"byteLength": 4}],
            "images": [{"uri": "textures/%C3%A4%20b.png"}, {"uri": "./mesh.bin"}, {"uri": "textures/.//./%C3%A4 b.png"}, {"bufferView": 0}]}))
        self.assertEqual(sorted(found.files), ["mesh.bin", "scene.gltf", "textures/ä b.png"])
        self.assertEqual(found.main, "scene.gltf")

    def test_a_glb_is_read_by_its_first_chunk(self):
        (self.at / "a.png").write_bytes(b"a")
        found = scene_files(self.scene({"buffers": [{"byteLength": 4}], "images": [{"uri": "a.png"}]}, "scene.glb"))
        self.assertEqual(sorted(found.files), ["a.png", "scene.glb"])

    def test_a_path_out_of_the_folder_is_refused_by_name(self):
        for uri in ("../secret", "/etc/passwd", "http://example.org/a.bin", "file:///etc/passwd", "a/../../b", "..%2Fsecret", "%2Fetc%2Fpasswd", "a\\b", ".", "a%2",
                    "c:x", "a\u0000b", "a%00b", "", "x" * 256, "a/" * 600 + "b"):
            with self.subTest(uri=uri):
                self.refused({"images": [{"uri": "data:,"}, {"uri": uri}]}, "images[1].uri")

    def test_a_link_out_of_the_folder_is_refused(self):
        # Unpacked from somebody's archive, a link could name any file of whoever renders it. One that stays inside is a file like any other.
        (self.at / "a.png").write_bytes(b"a")
        (self.at / "inside.png").symlink_to("a.png")
        (self.at / "outside.png").symlink_to("/etc/passwd")
        self.assertIn("inside.png", scene_files(self.scene({"images": [{"uri": "inside.png"}]})).files)
        self.refused({"images": [{"uri": "outside.png"}]}, "leads out")

    def test_the_length_limits_hold_at_their_bound(self):
        check_path("x" * 255, "")
        check_path("/".join(["x" * 127] * 8), "")   # 8 * 127 + 7 = 1023
        self.assertEqual(len("/".join(["x" * 127] * 8) + "y"), MAX_PATH)
        check_path("/".join(["x" * 127] * 8) + "y", "")
        with self.assertRaises(Error):
            check_path("/".join(["x" * 127] * 8) + "yy", "")

    def test_what_is_not_a_file_or_not_glTF_is_refused_by_name(self):
        (self.at / "folder").mkdir()
        os.mkfifo(self.at / "pipe")   # opened for reading, it would block for ever
        self.refused({"buffers": [{"uri": "gone.bin"}]}, "buffers[0].uri", "gone.bin", "No such file")
        self.refused({"buffers": [{"uri": "folder"}]}, "not a file")
        self.refused({"buffers": [{"uri": "pipe"}]}, "not a file")
        self.refused({"buffers": [{"uri": 3}]}, "buffers[0].uri")
        self.refused({"buffers": {"uri": "x"}}, "buffers")
        self.refused([], "not an object")
        for text in (b"", b"{", b"\xff\xfe", b"[" * 100000, b"glTF", glb({})[:-2], b"glTF" + struct.pack("<IIII", 1, 24, 4, 0x4E4F534A) + b"{}  "):
            (self.at / "bad.glb").write_bytes(text)
            with self.subTest(text=text[:20]), self.assertRaises(Error) as caught:
                scene_files(self.at / "bad.glb")
            self.assertEqual(caught.exception.code, "bad_input")

    def test_the_id_is_the_hash_of_the_canonical_manifest(self):
        # Sorted by bytes, only quotes escaped (a backslash cannot occur in a path): the text is written out here by hand.
        (self.at / 'q"é.png').write_bytes(b"image")
        (self.at / "B.bin").write_bytes(b"")
        document = {"images": [{"uri": 'q"é.png'}], "buffers": [{"uri": "B.bin", "byteLength": 1}]}
        path = self.scene(document)
        manifest = scene_files(path).manifest()
        sha = lambda data: hashlib.sha256(data).hexdigest()
        text = ('{"files":[{"path":"B.bin","sha256":"%s","size":0},{"path":"q\\"é.png","sha256":"%s","size":5},{"path":"scene.gltf","sha256":"%s","size":%d}],"main":"scene.gltf"}'
                % (sha(b""), sha(b"image"), sha(path.read_bytes()), path.stat().st_size))
        self.assertEqual(manifest.canonical().decode(), text)
        self.assertEqual(manifest.scene_id(), sha(text.encode()))

    def test_an_environment_travels_with_the_scene(self):
        inside, outside = self.at / "sky.hdr", Path(self.folder.name + "-sky.hdr")
        self.addCleanup(outside.unlink)
        for file in (inside, outside):
            file.write_bytes(b"#?RADIANCE")
        files = scene_files(self.scene({}))
        self.assertEqual(files.add_beside(inside), "sky.hdr")
        self.assertEqual(files.add_beside(outside), "environment/" + outside.name)
        self.assertEqual(files.add_beside(outside), "environment/2-" + outside.name)
        with self.assertRaises(Error):
            files.add_beside(self.at / "gone.hdr")


if __name__ == "__main__":
    unittest.main()
