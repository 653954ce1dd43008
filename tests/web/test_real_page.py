"""The page as `raymill serve` serves it, with a real worker: tiles appear while the frame grows, then the finished picture."""
import os
import unittest

import raymill
import real_farm
import webdriver

FILLED = """
const canvas = document.getElementById('frame');
const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
let filled = 0;
for (let i = 3; i < data.length; i += 4) filled += data[i] > 0;
return [Number(canvas.dataset.tiles), filled / (data.length / 4), canvas.dataset.finished];
"""
MISSING = real_farm.MISSING or webdriver.missing()


@unittest.skipIf(MISSING, MISSING)
class RealPage(unittest.TestCase):
    def test_a_frame_grows_while_it_is_rendered_and_the_finished_job_is_shown(self):
        # Before there is a worker nothing can be drawn; then 24 tiles come one by one. 192 x 128 at 64 samples takes seconds, so some look finds the
        # canvas filled in part; should it be too quick for that on some machine, more samples are asked for.
        browser = webdriver.Browser()
        self.addCleanup(browser.close)
        farm = real_farm.RealFarm(worker=False)
        self.addCleanup(farm.close)
        os.environ.update(farm.variables)
        with raymill.Client() as client:
            token = raymill.find_token("127.0.0.1", int(farm.url.rsplit(":", 1)[1]))
            for spp in (64, 512, 4096):
                job = client.submit(real_farm.CORNELL, size="192x128", spp=spp, tile=32, name="Cornell")
                browser.go(f"{farm.url}/#job={job}&token={token}")
                browser.until(lambda: browser.text("#job-title") == "Cornell", 30, "the job is not shown")
                if len(farm.processes) == 1:
                    self.assertEqual(browser.run(FILLED)[1], 0)
                    farm.start_worker()
                seen = []

                def finished():
                    seen.append(browser.run(FILLED))
                    return seen[-1][2]

                browser.until(finished, 200, f"the finished picture is not shown; status line: {browser.text('#status')!r}")
                if any(0 < tiles < 24 and 0 < filled < 1 for tiles, filled, _ in seen):
                    break
            else:
                self.fail(f"no look found the frame half drawn: {seen}")
            self.assertEqual(seen[-1][1], 1)
            browser.until(lambda: browser.text("#job-state") == "done", 30, "the job is not shown as done")
            browser.until(lambda: "idle" in browser.text("#workers"), 30, "no idle worker is shown")
            self.assertEqual([line for line in browser.log() if "Content Security Policy" in line], [])
            self.assertEqual(client.job(job).state, "done")
            if folder := os.environ.get("RAYMILL_SHOTS"):
                browser.shot(f"{folder}/real.png")


if __name__ == "__main__":
    unittest.main()
