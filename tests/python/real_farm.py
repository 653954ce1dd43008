"""The built farm on loopback, for tests: `raymill serve` and one worker, in a folder of their own, gone at the end whatever happens.

Meson gives the binary's path in RAYMILL_BINARY; without it the tests that need a real farm are skipped by name.
"""
from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

BINARY = os.environ.get("RAYMILL_BINARY", "")
MISSING = None if BINARY and os.access(BINARY, os.X_OK) else "no raymill binary (RAYMILL_BINARY)"
CORNELL = Path(__file__).resolve().parents[2] / "scenes/cornell.glb"


class RealFarm:
    def __init__(self, worker: bool = True) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="raymill-test-")
        at = Path(self.folder.name)
        # RAYMILL_HOME keeps this farm and what it leaves for its clients apart from the user's own.
        self.variables = {"RAYMILL_HOME": str(at / "home")}
        self.environment = {**{key: value for key, value in os.environ.items() if not key.startswith("RAYMILL_")}, **self.variables}
        self.processes: list[subprocess.Popen] = []
        try:
            server = self.start("serve", "--data", at / "serve", "--http", "127.0.0.1:0", "--workers-at", "tcp://127.0.0.1:0", "--json")
            line = server.stdout.readline()
            if not line:
                raise RuntimeError(f"serve ended with {server.wait()} before it was ready")
            ready = json.loads(line)
            self.url, self.workers_at = ready["http"], ready["workers_at"]
            self.variables["RAYMILL_SERVER"] = self.url
            if worker:
                self.start_worker()
        except BaseException:
            self.close()
            raise

    def start_worker(self) -> None:
        self.start("worker", "--connect", self.workers_at, "--data", Path(self.folder.name) / f"worker{len(self.processes)}", "--device", "software")

    def start(self, *arguments) -> subprocess.Popen:
        process = subprocess.Popen([BINARY, *map(str, arguments)], env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stdout.close()
        self.folder.cleanup()

    def __enter__(self) -> "RealFarm":
        return self

    def __exit__(self, *_) -> None:
        self.close()
