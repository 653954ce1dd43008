"""A farm in memory that speaks farm/protocol/api.hpp and "renders" coloured tiles, for tests of what speaks it: the Python package and the page.

It can be told to misbehave: to answer 503, to cut connections in the middle of a piece, to render slowly. It believes nothing of what it is sent that
the real server would refuse too (tokens, hashes, offsets), so that a client that cheats fails here.
"""
from __future__ import annotations

import hashlib
import json
import re
import struct
import threading
import time
import urllib.parse
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "fake-token-1234"


def png(width: int, height: int, colour) -> bytes:
    """An 8-bit RGB PNG; colour(x, y) -> (r, g, b)."""
    rows = b"".join(b"\0" + bytes(value for x in range(width) for value in colour(x, y)) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class FakeFarm:
    def __init__(self, *, tile_s: float = 0.0, files: dict[str, tuple[str, bytes]] | None = None, headers: dict[str, str] | None = None) -> None:
        self.tile_s = tile_s                  # seconds a tile takes
        self.files = files or {}              # path -> (type, bytes), served without a token
        self.headers = headers or {}          # sent with those
        self.blobs: dict[str, bytes] = {}
        self.partial: dict[str, bytes] = {}
        self.scenes: dict[str, dict] = {}
        self.jobs: dict[str, dict] = {}
        self.received = 0                     # bytes of blobs over the wire
        self.requests: list[str] = []
        self.unavailable = 0                  # how many requests to answer with 503
        self.cut_puts: list[int] = []         # for the next PUTs: keep so many bytes, then close the connection without an answer
        self.limit: int | None = None         # no job gets further than so many tiles
        self.change = threading.Condition()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"farm": self}))
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self) -> "FakeFarm":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    # ---- jobs ----

    def add_job(self, scene: str, settings: dict, name: str = "", key: str = "", fail: str | None = None) -> dict:
        width, height = (int(n) for n in settings.get("size", "64x48").split("x"))
        edge = int(settings.get("tile", 16))
        first, _, last = settings.get("frames", "0").partition("-")
        numbers = list(range(int(first), int(last or first) + 1))
        rects = [(x, y, min(edge, width - x), min(edge, height - y)) for y in range(0, height, edge) for x in range(0, width, edge)]
        with self.change:
            job = {"job": f"{len(self.jobs) + 1:032x}", "name": name, "key": key, "scene": scene, "state": "queued", "settings": settings, "created_us": now_us(),
                   "started_us": None, "finished_us": None, "error": None, "notes": ["points are not drawn"], "device": "fake", "fail": fail,
                   "rects": rects, "events": [], "frames": {number: {"frame": number, "state": "queued", "tiles": [], "image": None} for number in numbers}}
            job["size"] = (width, height)
            self.jobs[job["job"]] = job
        threading.Thread(target=self.render, args=(job,), daemon=True).start()
        return job

    def let(self, limit: int | None) -> None:
        with self.change:
            self.limit = limit
            self.change.notify_all()

    @staticmethod
    def done(job: dict) -> int:
        return sum(len(frame["tiles"]) for frame in job["frames"].values())

    def event(self, job: dict, **what) -> int:
        seq = 3 * (len(job["events"]) + 1)   # grows, with gaps
        job["events"].append({"seq": seq, "time_us": now_us(), "tiles": {"total": len(job["rects"]) * len(job["frames"]), "done": self.done(job)}, **what})
        self.change.notify_all()
        return seq

    def render(self, job: dict) -> None:
        width, height = job["size"]
        for number, frame in job["frames"].items():
            for index, (x, y, w, h) in enumerate(job["rects"]):
                time.sleep(self.tile_s)
                with self.change:
                    self.change.wait_for(lambda: self.limit is None or self.done(job) < self.limit or job["state"] == "cancelled")
                    if job["state"] == "cancelled":
                        return
                    job["state"], job["started_us"] = "running", job["started_us"] or now_us()
                    frame["state"] = "running"
                    seq = self.event(job, event="tile", frame=number, tile=index)
                    frame["tiles"].append({"tile": index, "x": x, "y": y, "width": w, "height": h, "seq": seq})
                    job["events"][-1]["tiles"]["done"] += 1
            with self.change:
                if job["fail"]:
                    job["state"], job["error"], job["finished_us"] = "failed", {"code": "bad_input", "message": job["fail"]}, now_us()
                    self.event(job, event="job", state="failed", error=job["error"])
                    return
                frame["image"] = png(width, height, lambda px, py: colour_at(px, py, width, height))
                frame["state"] = "done"
                self.event(job, event="frame", frame=number, state="done")
        with self.change:
            job["state"], job["finished_us"] = "done", now_us()
            self.event(job, event="job", state="done")

    def job_json(self, job: dict) -> dict:
        frames = job["frames"].values()
        done = self.done(job)
        total = len(job["rects"]) * len(job["frames"])
        return {**{key: job[key] for key in ("job", "name", "key", "scene", "state", "settings", "created_us", "started_us", "finished_us", "error", "notes", "device")},
                "frames": {"total": len(job["frames"]), "done": sum(frame["state"] == "done" for frame in frames), "failed": 0},
                "tiles": {"total": total, "done": done, "leased": 1 if job["state"] == "running" else 0},
                "stats": {"samples": 1000 * done, "rays": 5000 * done, "trace_s": 1.0, "trace_cpu_s": 2.0, "prepare_s": 0.1, "peak_rss_mb": 100}}

    def frame_json(self, job: dict, frame: dict) -> dict:
        image = frame["image"]
        return {"frame": frame["frame"], "state": frame["state"], "tiles": {"total": len(job["rects"]), "done": len(frame["tiles"])}, "width": job["size"][0],
                "height": job["size"][1], "sha256": hashlib.sha256(image).hexdigest() if image else None, "size": len(image) if image else None, "error": None}


def now_us() -> int:
    return int(time.time() * 1e6)


def colour_at(x: int, y: int, width: int, height: int) -> tuple[int, int, int]:
    return 40 + 200 * x // width, 40 + 200 * y // height, 120


class _Handler(BaseHTTPRequestHandler):
    farm: FakeFarm
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True   # headers and body go out separately: without it each answer waits for a delayed ACK

    def log_message(self, *_) -> None:
        pass

    def answer(self, status: int, body: bytes | dict, kind: str = "application/json", headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status: int, code: str, message: str, **more) -> None:
        self.answer(status, {"error": {"code": code, "message": message}, **more})

    def do_GET(self) -> None:
        self.handle_any()

    def do_POST(self) -> None:
        self.handle_any()

    def do_PUT(self) -> None:
        self.handle_any()

    def handle_any(self) -> None:
        farm, url = self.farm, urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        length = int(self.headers.get("Content-Length") or 0)
        farm.requests.append(f"{self.command} {url.path}")
        if self.command == "PUT" and farm.cut_puts:
            self.cut(url.path.rsplit("/", 1)[-1], self.rfile.read(min(length, farm.cut_puts.pop(0))))
            return
        body = self.rfile.read(length)
        if farm.unavailable > 0:
            farm.unavailable -= 1
            return self.refuse(503, "unreachable", "starting")
        if self.command == "GET" and url.path in farm.files:
            kind, data = farm.files[url.path]
            return self.answer(200, data, kind, farm.headers)
        if url.path == "/healthz":
            return self.answer(200, {"status": "ok", "version": "0.0-fake"})
        if self.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.refuse(401, "refused", "no token, or a wrong one")
        self.route(url.path, query, body)

    def cut(self, sha256: str, data: bytes) -> None:
        """What a server that was killed may have kept of a piece."""
        with self.farm.change:
            self.farm.received += len(data)
            self.farm.partial[sha256] = self.farm.partial.get(sha256, b"") + data
        self.close_connection = True
        self.connection.close()

    def route(self, path: str, query: dict[str, str], body: bytes) -> None:
        farm = self.farm
        if path == "/v1/workers":
            return self.answer(200, {"workers": [{"id": "w1", "host": "<b>host</b>", "device": "fake device", "state": "busy", "tiles_done": 3, "running": 1}]})
        if path == "/v1/scenes/missing" or path == "/v1/scenes":
            return self.scene(path, json.loads(body)["manifest"])
        if path.startswith("/v1/blobs/"):
            return self.blob(path.rsplit("/", 1)[-1], int(query["offset"]), int(query["size"]), body)
        if path == "/v1/jobs" and self.command == "GET":
            jobs = list(farm.jobs.values())[::-1][:int(query.get("limit", 100))]
            return self.answer(200, {"jobs": [farm.job_json(job) for job in jobs]})
        if path == "/v1/jobs":
            return self.submit(json.loads(body))
        at = re.fullmatch(r"/v1/jobs/([0-9a-f]+)(/.*)?", path)
        job = farm.jobs.get(at[1]) if at else None
        if job is None:
            return self.refuse(404, "refused", "no such job")
        self.job(job, at[2] or "", query)

    def scene(self, path: str, manifest: dict) -> None:
        farm = self.farm
        sizes = {file["sha256"]: file["size"] for file in manifest["files"]}
        missing = [{"sha256": sha, "size": size, "have": len(farm.partial.get(sha, b""))} for sha, size in sizes.items() if sha not in farm.blobs]
        rows = ",".join(f'{{"path":{quoted(file["path"])},"sha256":"{file["sha256"]}","size":{file["size"]}}}' for file in manifest["files"])
        scene = hashlib.sha256(f'{{"files":[{rows}],"main":{quoted(manifest["main"])}}}'.encode()).hexdigest()
        if path.endswith("missing"):
            return self.answer(200, {"scene": scene, "missing": missing})
        if missing:
            return self.refuse(409, "refused", "blobs lack", missing=missing)
        farm.scenes[scene] = manifest
        self.answer(200, {"scene": scene})

    def blob(self, sha256: str, offset: int, size: int, body: bytes) -> None:
        farm = self.farm
        with farm.change:
            have = farm.partial.get(sha256, b"")
            if sha256 in farm.blobs or offset != len(have):
                return self.refuse(409, "refused", "not there", have=size if sha256 in farm.blobs else len(have))
            if len(body) > 8 << 20:
                return self.refuse(413, "refused", "a piece is at most 8 MiB")
            farm.received += len(body)
            have += body
            farm.partial[sha256] = have
            if len(have) == size:
                del farm.partial[sha256]
                if hashlib.sha256(have).hexdigest() != sha256:
                    return self.refuse(400, "bad_input", "the bytes do not have this hash")
                farm.blobs[sha256] = have
        self.answer(200, {"have": len(have)})

    def submit(self, body: dict) -> None:
        farm = self.farm
        if body["scene"] not in farm.scenes:
            return self.refuse(404, "refused", "no such scene")
        if "spp" in body["settings"] and not body["settings"]["spp"].isdigit():
            return self.refuse(400, "usage", "spp: not a number")
        key = body.get("key") or ""
        for job in farm.jobs.values():
            if key and job["key"] == key:
                return self.answer(200, {"job": job["job"], "created": False})
        job = farm.add_job(body["scene"], body["settings"], body.get("name", ""), key)
        self.answer(200, {"job": job["job"], "created": True})

    def job(self, job: dict, rest: str, query: dict[str, str]) -> None:
        farm = self.farm
        if rest == "":
            return self.answer(200, farm.job_json(job))
        if rest == "/cancel" and self.command == "POST":
            with farm.change:
                if job["state"] in ("queued", "running"):
                    job["state"], job["finished_us"] = "cancelled", now_us()
                    farm.event(job, event="job", state="cancelled")
            return self.answer(200, farm.job_json(job))
        if rest == "/events":
            after, until = int(query.get("after", 0)), time.monotonic() + min(30.0, float(query.get("wait_s", 0)))
            with farm.change:
                while not (events := [event for event in job["events"] if event["seq"] > after]) and time.monotonic() < until and job["state"] not in ("done", "failed", "cancelled"):
                    farm.change.wait(0.1)
            events = events[:1000]
            return self.answer(200, {"events": events, "next": events[-1]["seq"] if events else after})
        if rest == "/frames":
            start, limit = int(query.get("from", 0)), min(int(query.get("limit", 1000)), 10000)
            frames = list(job["frames"].values())
            page = frames[start:start + limit]
            return self.answer(200, {"frames": [farm.frame_json(job, frame) for frame in page], "next": start + limit if start + limit < len(frames) else None})
        at = re.fullmatch(r"/frames/(-?\d+)(/image|/tiles|/tiles/(\d+)/preview)?", rest)
        frame = job["frames"].get(int(at[1])) if at else None
        if frame is None:
            return self.refuse(404, "refused", "no such frame")
        if at[2] is None:
            return self.answer(200, farm.frame_json(job, frame))
        if at[2] == "/image":
            return self.image(frame)
        if at[2] == "/tiles":
            after = int(query.get("after", 0))
            tiles = [tile for tile in frame["tiles"] if tile["seq"] > after][:1000]
            return self.answer(200, {"tiles": tiles, "next": tiles[-1]["seq"] if tiles else after})
        x, y, w, h = job["rects"][int(at[3])]
        self.answer(200, png(w, h, lambda px, py: colour_at(x + px, y + py, *job["size"])), "image/png")

    def image(self, frame: dict) -> None:
        if frame["image"] is None:
            return self.refuse(409, "refused", "not there yet")
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted:
            return self.answer(206, frame["image"][int(wanted[1]):], "image/png")
        self.answer(200, frame["image"], "image/png")


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
