"""The page in headless Chromium, against a farm in memory that renders exactly as far as a test lets it."""
import os
import re
import unittest
from pathlib import Path

import webdriver
from fake_farm import TOKEN, FakeFarm, colour_at

WEB = Path(__file__).resolve().parents[2] / "farm/web"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
PIXELS = """
const canvas = document.getElementById('frame');
const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
return {width: canvas.width, height: canvas.height, data: Array.from(data)};
"""


def page_files():
    """The files as farm/web/embed.py serves them, and the policy that farm/web/files.hpp says to send with them."""
    files = {"/" if path.name == "index.html" else f"/web/{path.name}": (TYPES[path.suffix], path.read_bytes()) for path in WEB.iterdir() if path.suffix in TYPES}
    source = re.search(r"content_security_policy =(.*?);\n", (WEB / "files.hpp").read_text(), re.DOTALL)[1]
    return files, {"Content-Security-Policy": "".join(re.findall(r'"([^"]*)"', source))}


@unittest.skipIf(webdriver.missing(), webdriver.missing())
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = webdriver.Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        files, headers = page_files()
        self.farm = FakeFarm(files=files, headers=headers)
        self.addCleanup(self.farm.close)
        self.addCleanup(self.browser.go, "about:blank")   # before that: nothing asks a farm that is gone
        self.browser.dark(False)

    def open(self, rest=f"#token={TOKEN}"):
        self.browser.go(f"{self.farm.url}/{rest}")

    def until(self, true, what):
        return self.browser.until(true, 30, f"{what}; status line: {self.browser.text('#status')!r}")

    def shown(self, selector):
        return self.browser.run("return document.querySelector(arguments[0]).checkVisibility()", selector)

    def keep_shot(self, name):
        if folder := os.environ.get("RAYMILL_SHOTS"):
            self.browser.shot(f"{folder}/{name}.png")

    def check_canvas(self, width, height, drawn):
        """Every pixel has its tile's colour where `drawn(x, y)`, and is empty elsewhere."""
        pixels = self.browser.run(PIXELS)
        self.assertEqual((pixels["width"], pixels["height"]), (width, height))
        for y in range(height):
            for x in range(width):
                got = tuple(pixels["data"][4 * (y * width + x):4 * (y * width + x) + 4])
                expected = (*colour_at(x, y, width, height), 255) if drawn(x, y) else (0, 0, 0, 0)
                if got != expected:
                    self.fail(f"pixel {x}, {y} is {got} instead of {expected}")

    def test_a_frame_grows_tile_by_tile_and_ends_as_the_finished_picture(self):
        # 50 x 34 in tiles of 16: 4 x 3 tiles with cut edges, so that a tile drawn at a wrong place, stretched or missing shows in some pixel.
        self.farm.limit = 5
        job = self.farm.add_job("0" * 64, {"size": "50x34", "tile": "16", "frames": "7"}, "growing")
        self.open()
        self.until(lambda: self.browser.run("return document.getElementById('frame').dataset.tiles") == "5", "five tiles are not drawn")
        self.check_canvas(50, 34, lambda x, y: y // 16 * 4 + x // 16 < 5)
        self.assertIn("5 of 12 tiles", self.browser.text("#frame-text"))
        self.assertEqual(self.browser.text("#job-state"), "running")
        self.assertEqual(self.browser.run("return document.getElementById('job-progress').value").__round__(4), 0.4167)
        self.keep_shot("growing")
        self.farm.let(None)
        self.until(lambda: self.browser.run("return document.getElementById('frame').dataset.finished"), "the finished picture is not drawn")
        self.check_canvas(50, 34, lambda x, y: True)
        self.until(lambda: self.browser.text("#job-state") == "done", "the job is not shown as done")
        self.assertTrue(self.shown("#download"))
        self.assertFalse(self.shown("#cancel"))
        self.assertIn(f"GET /v1/jobs/{job['job']}/frames/7/image", self.farm.requests)

    def test_each_preview_is_fetched_once(self):
        self.farm.limit = 0
        self.farm.add_job("0" * 64, {"size": "64x48", "tile": "16"})
        self.open()
        for tiles in (1, 2, 7, 11):
            self.farm.let(tiles)
            self.until(lambda: self.browser.run("return document.getElementById('frame').dataset.tiles") == str(tiles), f"{tiles} tiles are not drawn")
        previews = [request for request in self.farm.requests if request.endswith("/preview")]
        self.assertEqual(len(previews), 11)
        self.assertEqual(len(set(previews)), 11)

    def test_frames_can_be_picked_and_linked(self):
        self.farm.limit = 2 * 12 + 3
        job = self.farm.add_job("0" * 64, {"size": "64x48", "tile": "16", "frames": "1-4"}, "animation")
        self.open()
        self.until(lambda: "Frame 3," in self.browser.text("#frame-text"), "the frame being rendered is not the one shown")
        self.until(lambda: self.browser.text("#frames") == "1done2done325 %4queued", "the frames' states are not shown")
        self.keep_shot("frames")
        self.browser.click("#frames li:nth-child(1) button")
        self.until(lambda: "Frame 1," in self.browser.text("#frame-text"), "the picked frame is not shown")
        self.assertEqual(self.browser.run("return location.hash"), f"#job={job['job']}&frame=1")
        self.assertEqual(self.browser.run("return document.querySelector('#frames [aria-current=true]').firstChild.textContent"), "1")
        self.open(f"#job={job['job']}&frame=2&token={TOKEN}")
        self.until(lambda: "Frame 2," in self.browser.text("#frame-text"), "the linked frame is not shown")

    def test_many_frames_are_listed_in_pages(self):
        # 1203 frames: the list stays at 500, starts where the work is, and its last page is a short one.
        self.farm.limit = 0
        job = self.farm.add_job("0" * 64, {"size": "16x16", "tile": "16", "frames": "1-1203"})
        self.open()
        rows = lambda: self.browser.run("return [document.querySelectorAll('#frames li').length, document.querySelector('#frames button')?.firstChild.textContent]")
        self.until(lambda: rows() == [500, "1"], "the first page is not shown")
        self.browser.click("#later")
        self.until(lambda: rows() == [500, "501"], "the second page is not shown")
        self.browser.click("#later")
        self.until(lambda: rows() == [203, "1001"], "the last page is not shown")
        self.assertTrue(self.browser.run("return document.getElementById('later').disabled"))
        self.open(f"#job={job['job']}&frame=1200&token={TOKEN}")
        self.until(lambda: "Frame 1200," in self.browser.text("#frame-text"), "a frame of another page cannot be linked")

    def test_strings_of_strangers_stay_text(self):
        self.farm.limit = 3
        self.farm.add_job("0" * 64, {"camera": HOSTILE}, HOSTILE, fail=None)
        self.open()
        self.until(lambda: self.browser.text("#job-title") == HOSTILE, "the name is not shown as it is")
        self.assertEqual(self.browser.text("#jobs .name"), HOSTILE)
        self.assertIn(HOSTILE, self.browser.text("#job-facts"))
        self.until(lambda: "<b>host</b>" in self.browser.text("#workers"), "the host is not shown as it is")
        self.assertEqual(self.browser.run("return document.querySelectorAll('main img, main b').length"), 0)
        self.assertEqual(self.browser.run("return document.title"), "Raymill")

    def test_nothing_but_the_pages_own_files_may_run(self):
        # The policy that is sent with the page must hold for the page itself, and must stop a script put into it.
        self.farm.add_job("0" * 64, {}, "a")
        self.open()
        self.until(lambda: self.browser.run("return document.getElementById('frame').dataset.finished"), "nothing is drawn under the policy")
        self.assertEqual([line for line in self.browser.log() if "Content Security Policy" in line], [])
        self.browser.run("const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s);")
        self.assertIsNone(self.browser.run("return window.ran ?? null"))
        self.assertTrue([line for line in self.browser.log() if "Content Security Policy" in line])

    def test_the_token_is_taken_from_the_address_and_leaves_it(self):
        self.open()
        self.until(lambda: self.shown("#no-jobs"), "the empty list is not shown")
        self.assertEqual(self.browser.run("return location.hash"), "")
        self.browser.run("location.reload()")
        self.until(lambda: self.shown("#no-jobs"), "the token is not kept for the tab")

    def test_without_a_token_it_asks_for_one(self):
        self.browser.go(self.farm.url + "/")
        self.browser.run("sessionStorage.clear(); location.reload()")
        self.until(lambda: self.shown("#sign-in"), "no form is shown")
        self.assertEqual(self.browser.run("return document.activeElement.id"), "token")
        self.browser.type("#token", "wrong\n")
        self.until(lambda: "wrong one" in self.browser.text("#sign-in-error"), "the refusal is not shown")
        self.keep_shot("sign-in")
        self.browser.type("#token", TOKEN + "\n")
        self.until(lambda: self.shown("#no-jobs"), "the token typed is not used")

    def test_a_server_that_is_away_is_said_and_waited_for(self):
        self.open()
        self.until(lambda: self.shown("#no-jobs"), "the empty list is not shown")
        self.farm.unavailable = 3
        self.until(lambda: "starting" in self.browser.text("#status"), "the failure is not said")
        self.farm.add_job("0" * 64, {}, "later")
        self.until(lambda: self.browser.text("#jobs .name") == "later", "it does not come back")
        self.assertEqual(self.browser.text("#status"), "")

    def test_a_failed_job_says_why(self):
        self.farm.add_job("0" * 64, {}, "bad", fail="scene.gltf: accessors[3]: too short")
        self.open()
        self.until(lambda: "accessors[3]" in self.browser.text("#job-error"), "the error is not shown")

    def test_a_job_can_be_cancelled(self):
        self.farm.limit = 1
        job = self.farm.add_job("0" * 64, {}, "long")
        self.open()
        self.until(lambda: self.shown("#job") and self.shown("#cancel"), "there is no button to cancel")
        self.browser.run("window.confirm = () => true")
        self.browser.click("#cancel")
        self.until(lambda: self.browser.text("#job-state") == "cancelled", "it is not cancelled")
        self.assertEqual(job["state"], "cancelled")

    def test_everything_that_can_be_pressed_has_a_name_and_the_canvas_says_what_it_shows(self):
        self.farm.limit = 14
        self.farm.add_job("0" * 64, {"frames": "1-2"}, "a")
        self.open()
        self.until(lambda: self.browser.text("#frames"), "no frames")
        nameless = self.browser.run("""return [...document.querySelectorAll('button, input, progress, table, ul:not(:empty)')].filter(e => e.checkVisibility() && !e.textContent.trim() &&
            !e.getAttribute('aria-label') && !e.labels?.length).map(e => e.outerHTML)""")
        self.assertEqual(nameless, [])
        self.until(lambda: "of 12 tiles" in self.browser.run("return document.getElementById('frame').getAttribute('aria-label')"), "the canvas says nothing")
        self.browser.dark(True)
        self.keep_shot("dark")


if __name__ == "__main__":
    unittest.main()
