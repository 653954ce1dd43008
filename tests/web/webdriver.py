"""As much of W3C WebDriver as the page's tests need, over the standard library: a headless Chromium, and questions to it."""
from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from typing import Any, Callable

ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--disable-default-apps", "--window-size=1280,1000", "--force-color-profile=srgb"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def missing() -> str | None:
    """Why there is no browser here, or None."""
    lacking = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    return f"not installed: {' and '.join(lacking)} (tools/setup ci)" if lacking else None


class Browser:
    def __init__(self) -> None:
        self.profile = tempfile.TemporaryDirectory(prefix="raymill-chromium-", ignore_cleanup_errors=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.until(self.ready, 30, "chromedriver does not answer")
            options = {"args": [*ARGUMENTS, f"--user-data-dir={self.profile.name}"], "binary": shutil.which("chromium")}
            capabilities = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
            self.session = self.request("POST", "/session", {"capabilities": capabilities})["sessionId"]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if hasattr(self, "session"):
            try:
                self.command("DELETE", "")
            except OSError:
                pass
        self.driver.terminate()
        self.driver.wait()
        self.profile.cleanup()

    def ready(self) -> bool:
        try:
            return self.request("GET", "/status")["ready"]
        except OSError:
            return False

    def request(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def command(self, method: str, path: str, body: Any = None) -> Any:
        return self.request(method, f"/session/{self.session}{path}", body if body is not None or method != "POST" else {})

    def go(self, url: str) -> None:
        self.command("POST", "/url", {"url": "about:blank"})   # a change of the part after '#' alone would not load the page anew
        self.command("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        return self.command("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector: str) -> str:
        return self.command("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector: str) -> None:
        self.command("POST", f"/element/{self.find(selector)}/click")

    def type(self, selector: str, text: str) -> None:
        self.command("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def text(self, selector: str) -> str:
        return self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def log(self) -> list[str]:
        return [entry["message"] for entry in self.command("POST", "/se/log", {"type": "browser"})]

    def dark(self, on: bool) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]
        self.command("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}})

    def shot(self, path: str) -> None:
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.command("GET", "/screenshot")))

    @staticmethod
    def until(true: Callable[[], Any], seconds: float, otherwise: str) -> Any:
        """The first true answer. The limit only ends a test that has failed; it measures nothing."""
        end = time.monotonic() + seconds
        while not (answer := true()):
            if time.monotonic() > end:
                raise AssertionError(otherwise)
            time.sleep(0.05)
        return answer
