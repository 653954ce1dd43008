"""The client against a farm in memory: nothing sent twice, nothing half written, nothing believed that was not checked."""
import hashlib
import json
import os
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

import raymill
from fake_farm import TOKEN, FakeFarm
from raymill.client import PIECE, frame_name


class WithFarm(unittest.TestCase):
    def setUp(self):
        self.farm = FakeFarm()
        self.addCleanup(self.farm.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = Path(folder.name)
        self.client = raymill.Client(self.farm.url, TOKEN, patience=5)
        self.addCleanup(self.client.close)

    def scene(self, size=100, name="scene.gltf"):
        (self.at / "mesh.bin").write_bytes(hashlib.shake_128(b"mesh").digest(size))
        (self.at / name).write_text(json.dumps({"asset": {"version": "2.0"}, "buffers": [{"uri": "mesh.bin", "byteLength": size}]}))
        return self.at / name

    def total(self):
        return sum(path.stat().st_size for path in self.at.iterdir())


class Upload(WithFarm):
    def test_a_scene_is_sent_once(self):
        scene = self.scene()
        self.assertEqual(self.client.upload(scene), raymill.scene_files(scene).manifest().scene_id())
        self.assertEqual(self.farm.received, self.total())
        self.client.upload(scene)
        self.assertEqual(self.farm.received, self.total())

    def test_large_files_go_in_pieces(self):
        # One byte past a whole number of pieces: an off-by-one would send an empty piece or drop the last byte.
        scene = self.scene(2 * PIECE + 1)
        self.client.upload(scene)
        self.assertEqual(sum(request.startswith("PUT") for request in self.farm.requests), 3 + 1)
        self.assertEqual(self.farm.received, self.total())

    def test_a_broken_connection_goes_on_where_it_was(self):
        # The server kept 1000 bytes of a piece, then 0 of the next try: everything but those is sent again, and nothing twice that it had.
        scene = self.scene(PIECE // 4)
        self.farm.cut_puts = [1000, 0]
        self.client.upload(scene)
        self.assertEqual(self.farm.received, self.total())

    def test_a_restarting_server_is_waited_for(self):
        self.client.version()
        self.farm.unavailable = 4
        self.client.upload(self.scene())

    def test_progress_ends_at_the_whole(self):
        seen = []
        self.client.upload(self.scene(), lambda done, total: seen.append((done, total)))
        self.assertEqual(seen[0], (0, self.total()))
        self.assertEqual(seen[-1], (self.total(), self.total()))
        self.assertEqual(seen, sorted(seen))


class Jobs(WithFarm):
    def test_a_job_is_submitted_followed_and_fetched(self):
        job = self.client.submit(self.scene(), size=(50, 30), spp=4, frames="1-3", env_hidden=True)
        self.assertEqual(self.farm.jobs[job]["settings"], {"size": "50x30", "spp": "4", "frames": "1-3", "env-hidden": "true"})
        events = list(self.client.events(job))
        self.assertEqual([event.seq for event in events], sorted({event.seq for event in events}))
        self.assertEqual((events[-1].event, events[-1].state), ("job", "done"))
        self.assertEqual((events[-1].tiles_done, events[-1].tiles), (24, 24))
        self.assertEqual([event.frame for event in events if event.event == "frame"], [1, 2, 3])
        paths = self.client.fetch(job, self.at / "f_####.png")
        self.assertEqual([path.name for path in paths], ["f_0001.png", "f_0002.png", "f_0003.png"])
        for number, path in zip((1, 2, 3), paths):
            self.assertEqual(path.read_bytes(), self.farm.jobs[job]["frames"][number]["image"])
        self.assertEqual([frame.state for frame in self.client.frames(job)], ["done"] * 3)
        self.assertEqual(self.client.jobs()[0].id, job)

    def test_a_listener_that_was_away_misses_nothing_and_sees_nothing_twice(self):
        job = self.client.submit(self.scene())
        first = []
        for event in self.client.events(job):
            first.append(event.seq)
            if len(first) == 3:
                break
        rest = [event.seq for event in self.client.events(job, after=first[-1])]
        self.assertEqual(first + rest, [event["seq"] for event in self.farm.jobs[job]["events"]])
        self.assertEqual(list(self.client.events(job, after=rest[-1])), [])

    def test_the_same_key_is_one_job(self):
        scene = self.scene()
        self.assertEqual(self.client.submit(scene, key="k"), self.client.submit(scene, key="k"))
        self.assertNotEqual(self.client.submit(scene), self.client.submit(scene))

    def test_frames_come_while_the_job_runs(self):
        # The second frame is held back until the first lies on disk: fetching only at the end would wait for ever (until the test's time limit).
        self.farm.limit = 2

        def release():
            while not (self.at / "f1.png").exists():
                time.sleep(0.01)
            self.farm.let(None)

        threading.Thread(target=release, daemon=True).start()
        job = self.client.submit(self.scene(), frames="1-2", size="32x16")
        self.assertEqual(len(self.client.fetch(job, self.at / "f#.png", follow=True)), 2)

    def test_a_failed_job_says_why(self):
        self.client.upload(self.scene())
        job = self.farm.add_job(next(iter(self.farm.scenes)), {}, fail="scene.gltf: accessors[3]: too short")["job"]
        with self.assertRaises(raymill.JobFailed) as caught:
            self.client.wait(job)
        self.assertEqual(caught.exception.code, "bad_input")
        self.assertIn("accessors[3]", str(caught.exception))

    def test_a_cancelled_job_is_over(self):
        self.farm.limit = 0
        job = self.client.submit(self.scene())
        self.assertEqual(self.client.cancel(job).state, "cancelled")
        with self.assertRaises(raymill.JobFailed):
            self.client.wait(job)

    def test_waiting_has_an_end(self):
        self.farm.limit = 0
        with self.assertRaises(TimeoutError):
            self.client.wait(self.client.submit(self.scene()), timeout=0.5)

    def test_an_environment_file_is_sent_and_named_by_its_path(self):
        (self.at / "sky.hdr").write_bytes(b"#?RADIANCE")
        job = self.farm.jobs[self.client.submit(self.scene(), env=self.at / "sky.hdr")]
        self.assertEqual(job["settings"]["env"], "sky.hdr")
        self.assertIn("sky.hdr", [file["path"] for file in self.farm.scenes[job["scene"]]["files"]])
        self.assertEqual(self.farm.jobs[self.client.submit(self.scene(), env=(1, 0.5, 0))]["settings"]["env"], "1,0.5,0")


class Fetch(WithFarm):
    def test_a_damaged_file_is_not_left(self):
        job = self.client.submit(self.scene())
        self.client.wait(job)
        frame = self.client.frame(job, 0)
        self.farm.jobs[job]["frames"][0]["image"] = self.farm.jobs[job]["frames"][0]["image"][:-1] + b"?"
        before = sorted(self.at.iterdir())
        with self.assertRaises(raymill.Error):
            self.client.fetch_frame(job, frame, self.at / "a.png")
        self.assertEqual(sorted(self.at.iterdir()), before)

    def test_a_failure_leaves_the_old_file_and_nothing_else(self):
        job = self.client.submit(self.scene())
        self.client.wait(job)
        (self.at / "a.png").write_bytes(b"old")
        before = sorted(self.at.iterdir())
        with mock.patch("os.replace", side_effect=OSError(28, "No space left on device")), self.assertRaises(raymill.Error) as caught:
            self.client.fetch(job, self.at / "a.png")
        self.assertEqual(caught.exception.code, "io")
        self.assertEqual(sorted(self.at.iterdir()), before)
        self.assertEqual((self.at / "a.png").read_bytes(), b"old")

    def test_several_frames_need_several_names(self):
        job = self.client.submit(self.scene(), frames="1-2")
        self.client.wait(job)
        with self.assertRaises(raymill.Error) as caught:
            self.client.fetch(job, self.at / "a.png")
        self.assertEqual(caught.exception.code, "usage")

    def test_names_carry_the_frame_number(self):
        self.assertEqual(frame_name("a_####.png", 7), "a_0007.png")
        self.assertEqual(frame_name("a_####.png", -7), "a_-007.png")
        self.assertEqual(frame_name("a_%04d.png", 12345), "a_12345.png")
        self.assertEqual(frame_name("a_%d.png", 7), "a_7.png")
        self.assertEqual(frame_name("#x/a.png", 7), "#x/a.png")


class Refusals(WithFarm):
    def test_a_wrong_token_is_said_at_once(self):
        with raymill.Client(self.farm.url, "wrong") as client, self.assertRaises(raymill.Error) as caught:
            client.jobs()
        self.assertEqual(caught.exception.code, "refused")
        self.assertIn("token", str(caught.exception))

    def test_a_wrong_setting_keeps_the_servers_words(self):
        with self.assertRaises(raymill.Error) as caught:
            self.client.submit(self.scene(), spp="many")
        self.assertEqual(caught.exception.code, "usage")
        self.assertIn("spp", str(caught.exception))

    def test_no_server_is_said_within_its_patience(self):
        port = self.farm.port
        self.farm.close()
        with self.assertRaises(raymill.Error) as caught:
            raymill.Client(f"http://127.0.0.1:{port}", "t", patience=0.3).version()
        self.assertEqual(caught.exception.code, "unreachable")

    def test_a_job_id_that_would_leave_its_path_is_refused(self):
        for job in ("../scenes", "a/b", "", "x" * 65, "A1", "1?x=1"):
            with self.subTest(job=job), self.assertRaises(raymill.Error):
                self.client.job(job)

    def test_addresses_are_checked(self):
        for url in ("127.0.0.1:8080", "ftp://h", "http://", "http://h:99999", "http://h/path", "http://user@h", "http://h?x"):
            with self.subTest(url=url), self.assertRaises(raymill.Error):
                raymill.Client(url, "t")

    def test_an_answer_that_is_none_of_the_apis_is_an_error(self):
        self.farm.files["/v1/jobs"] = ("application/json", b'{"jobs": [{"job": "ab"}]}')
        with self.assertRaises(raymill.Error):
            self.client.jobs()
        self.farm.files["/v1/jobs"] = ("text/html", b"<html>")
        with self.assertRaises(raymill.Error):
            self.client.jobs()


class Token(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = Path(folder.name)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAYMILL_", "XDG_"))}
        patch = mock.patch.dict(os.environ, {**kept, "HOME": str(self.at)}, clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def write(self, path, text, mode=0o600):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def own_start(self):
        return int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])

    def test_the_places_are_asked_in_order(self):
        self.assertEqual(raymill.find_token("127.0.0.1", 8080), "")
        self.write(self.at / ".config/raymill/token", "own\n")
        self.assertEqual(raymill.find_token("127.0.0.1", 8080), "own")
        door = {"token": "left", "pid": os.getpid(), "start": self.own_start()}
        self.write(self.at / ".local/state/raymill/run/http-127.0.0.1-8080.json", json.dumps(door))
        self.assertEqual(raymill.find_token("localhost", 8080), "left")
        self.assertEqual(raymill.find_token("127.0.0.1", 8081), "own")
        self.assertEqual(raymill.find_token("farm.example", 8080), "own")
        os.environ["RAYMILL_TOKEN_FILE"] = str(self.write(self.at / "t", "named"))
        self.assertEqual(raymill.find_token("127.0.0.1", 8080), "named")
        os.environ["RAYMILL_TOKEN"] = "spoken"
        self.assertEqual(raymill.find_token("127.0.0.1", 8080), "spoken")

    def test_what_a_dead_server_left_is_not_believed(self):
        door = {"token": "left", "pid": os.getpid(), "start": self.own_start() + 1}
        self.write(self.at / "run/http-127.0.0.1-8080.json", json.dumps(door))
        os.environ["RAYMILL_HOME"] = str(self.at)
        self.assertEqual(raymill.find_token("127.0.0.1", 8080), "")

    def test_a_secret_that_others_can_read_is_an_error(self):
        self.write(self.at / ".config/raymill/token", "own", 0o644)
        with self.assertRaises(raymill.Error) as caught:
            raymill.find_token("127.0.0.1", 8080)
        self.assertIn("chmod 600", str(caught.exception))

    def test_a_token_that_no_header_can_carry_is_an_error(self):
        for token in ("two words", "line\nbreak", "x" * 4097):
            os.environ["RAYMILL_TOKEN"] = token
            with self.subTest(token=token[:10]), self.assertRaises(raymill.Error):
                raymill.find_token("127.0.0.1", 8080)


if __name__ == "__main__":
    unittest.main()
