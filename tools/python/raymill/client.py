"""The farm's HTTP API (farm/protocol/api.hpp) as functions, its answers as plain data."""
from __future__ import annotations

import hashlib
import math
import os
import re
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Optional, Union

from .errors import Error, JobFailed
from .http import Connection
from .scene import PathLike, SceneFiles, scene_files

PIECE = 8 << 20              # bytes of one PUT, the most that a server takes
EVENTS_WAIT_S = 25           # of one long poll; the server allows 30
DEFAULT_SERVER = "http://127.0.0.1:8080"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    id: str
    name: str
    scene: str
    state: str                       # queued, running, done, failed, cancelled
    frames: int
    frames_done: int
    frames_failed: int
    tiles: int
    tiles_done: int
    error: Optional[Error]
    notes: list[str]                 # what is not drawn as meant
    raw: dict[str, Any] = field(repr=False)   # the server's own words, with stats, settings and times

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Frame:
    frame: int
    state: str                       # queued, running, assembling, done, failed, cancelled
    tiles: int
    tiles_done: int
    width: int
    height: int
    sha256: Optional[str]            # of the finished file
    size: Optional[int]              # bytes of it
    error: Optional[Error]


@dataclass(frozen=True)
class Event:
    seq: int
    event: str                       # tile, frame, job
    frame: Optional[int]
    state: Optional[str]
    tiles: int                       # of the whole job
    tiles_done: int
    error: Optional[Error]
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Worker:
    id: str
    host: str
    device: str
    state: str                       # idle, busy, lost
    tiles_done: int
    running: int


class Client:
    """A farm. `server` is $RAYMILL_SERVER or this machine's where it is not given; for `token` see token.find_token. `patience` is for how many
    seconds a server that answered before may be away (it restarts, say) before a call fails. Used by one thread at a time."""

    def __init__(self, server: Optional[str] = None, token: Optional[str] = None, *, patience: float = 60.0, timeout: float = 60.0) -> None:
        self._http = Connection(server or os.environ.get("RAYMILL_SERVER") or DEFAULT_SERVER, token, patience, timeout)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def server(self) -> str:
        return self._http.url

    def version(self) -> str:
        """The server's; the cheapest way to learn whether it is there."""
        return _text(self._http.call("GET", "/healthz"), "version")

    # ---- scenes ------------------------------------------------------------------------------------------------------------------------------

    def upload(self, scene: Union[PathLike, SceneFiles], progress: Optional[Progress] = None) -> str:
        """Sends what the farm lacks of the scene's files and returns the scene's id. `progress(bytes done, bytes in all)` is called as it goes."""
        files = scene if isinstance(scene, SceneFiles) else scene_files(scene)
        manifest = files.manifest()
        body = {"manifest": manifest.to_json()}
        by_hash = {sha256: files.files[path] for path, sha256, _ in manifest.files}
        total = sum(size for _, _, size in manifest.files)
        for _ in range(3):   # a second round only where the farm dropped blobs meanwhile
            missing = _list(self._http.call("POST", "/v1/scenes/missing", body), "missing")
            done = total - sum(_number(blob, "size") - _number(blob, "have") for blob in missing)
            if progress:
                progress(done, total)
            for blob in missing:
                sha256 = _text(blob, "sha256")
                if sha256 not in by_hash:
                    raise _not_understood("a blob that the scene does not have")
                done = self._send_blob(sha256, by_hash[sha256], _number(blob, "size"), _number(blob, "have"), done, total, progress)
            answer = self._http.call("POST", "/v1/scenes", body, allow=(409,))
            if "scene" in answer:
                return _text(answer, "scene")
        raise Error("refused", f"{self.server}: the farm lacks files that were just sent; try again")

    def _send_blob(self, sha256: str, file: Path, size: int, have: int, done: int, total: int, progress: Optional[Progress]) -> int:
        try:
            source = open(file, "rb")
        except OSError as error:
            raise Error("io", f"{file}: {error.strerror}") from error
        with source:
            stuck = 0
            while True:
                source.seek(have)
                piece = source.read(min(PIECE, size - have))
                if len(piece) < min(PIECE, size - have):
                    raise Error("io", f"{file}: the file became shorter while it was sent")
                answer = self._http.call("PUT", f"/v1/blobs/{sha256}?offset={have}&size={size}", piece, allow=(409,))
                now = _number(answer, "have")
                stuck = 0 if now > have else stuck + 1
                if now > size or stuck > 3:
                    raise _not_understood(f"{now} bytes of {size}")
                done, have = done + now - have, now
                if progress:
                    progress(done, total)
                if have == size:
                    return done

    # ---- jobs --------------------------------------------------------------------------------------------------------------------------------

    def submit(self, scene: PathLike, *, name: Optional[str] = None, key: Optional[str] = None, progress: Optional[Progress] = None, **settings: Any) -> str:
        """Queues a render and returns the job's id. `scene` is a file, or the id that upload() gave. Settings have the command line's names with '_'
        for '-': size="640x360" or (640, 360), spp=64, env=(1, 1, 1) or a file. The same `key` twice is one job."""
        words = {setting.replace("_", "-"): _word(value) for setting, value in settings.items() if value is not None and value is not False}
        if isinstance(scene, str) and re.fullmatch(r"[0-9a-f]{64}", scene):
            scene_id = scene
        else:
            files = scene_files(scene)
            env = words.get("env")
            if env and not re.fullmatch(r"[^,]*,[^,]*,[^,]*", env):
                words["env"] = files.add_beside(env)
            scene_id = self.upload(files, progress)
            name = name or files.main
        # A key of our own makes a request that is sent again after a broken connection still one job.
        body: dict[str, Any] = {"scene": scene_id, "settings": words, "key": key or secrets.token_hex(16)}
        if name:
            body["name"] = name
        return _job_id(_text(self._http.call("POST", "/v1/jobs", body), "job"))

    def jobs(self, limit: int = 100) -> list[Job]:
        """The newest first."""
        return [_job(job) for job in _list(self._http.call("GET", f"/v1/jobs?limit={int(limit)}"), "jobs")]

    def job(self, job: str) -> Job:
        return _job(self._http.call("GET", f"/v1/jobs/{_job_id(job)}"))

    def cancel(self, job: str) -> Job:
        return _job(self._http.call("POST", f"/v1/jobs/{_job_id(job)}/cancel", {}))

    def frames(self, job: str) -> Iterator[Frame]:
        """In ascending order."""
        start: Optional[int] = 0
        while start is not None:
            answer = self._http.call("GET", f"/v1/jobs/{_job_id(job)}/frames?from={start}")
            for frame in _list(answer, "frames"):
                yield _frame(frame)
            following = answer.get("next")
            if following is not None and _number(answer, "next") <= start:
                raise _not_understood("pages that do not go on")
            start = following

    def frame(self, job: str, frame: int) -> Frame:
        return _frame(self._http.call("GET", f"/v1/jobs/{_job_id(job)}/frames/{int(frame)}"))

    def workers(self) -> list[Worker]:
        return [Worker(_text(w, "id"), _text(w, "host"), _text(w, "device"), _text(w, "state"), _number(w, "tiles_done"), _number(w, "running"))
                for w in _list(self._http.call("GET", "/v1/workers"), "workers")]

    def events(self, job: str, after: int = 0, timeout: Optional[float] = None) -> Iterator[Event]:
        """What happens to the job, to its end. `after` is the seq of the last event already seen: a listener that was away goes on there. After
        `timeout` seconds it raises TimeoutError."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            wait_s = EVENTS_WAIT_S if until is None else max(1, min(EVENTS_WAIT_S, math.ceil(until - time.monotonic())))
            answer = self._http.call("GET", f"/v1/jobs/{_job_id(job)}/events?after={after}&wait_s={wait_s}", wait_s=wait_s)
            events = [_event(event) for event in _list(answer, "events")]
            for event in events:
                after = max(after, event.seq)
                yield event
                if event.event == "job" and event.state in ("done", "failed", "cancelled"):
                    return
            if not events and self.job(job).over:   # it had ended before `after`
                return
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"job {job} is not done after {timeout:g} s")

    def wait(self, job: str, timeout: Optional[float] = None) -> Job:
        """Returns once the job is done; raises JobFailed where it failed or was cancelled, TimeoutError after `timeout` seconds."""
        for _ in self.events(job, timeout=timeout):
            pass
        return self._done(self.job(job))

    def fetch(self, job: str, output: PathLike, *, follow: bool = False) -> list[Path]:
        """Writes the job's frames and returns their files: each whole (checked by its hash, put in place by a rename) or not at all. `####` or
        `%04d` in `output` stands for the frame's number, and is needed where there are several. With `follow` it waits for frames that are not
        there yet and fetches each as it is finished; without, all must be done. Frames that lie there already with the right hash stay."""
        pattern = str(output)
        if self.job(job).frames > 1 and frame_name(pattern, 0) == frame_name(pattern, 1):
            raise Error("usage", f"{pattern}: the job has several frames; put #### or %04d where their number goes")
        written: dict[int, Path] = {}

        if follow:
            for event in self.events(job):
                if event.event == "frame" and event.state == "done" and event.frame is not None:
                    written[event.frame] = self.fetch_frame(job, event.frame, frame_name(pattern, event.frame))
        for frame in self.frames(job):
            if frame.state == "done" and frame.frame not in written:
                written[frame.frame] = self.fetch_frame(job, frame, frame_name(pattern, frame.frame))
        self._done(self.job(job))
        return [written[frame] for frame in sorted(written)]

    def fetch_frame(self, job: str, frame: Union[Frame, int], output: PathLike) -> Path:
        """One finished frame into the file `output`."""
        if isinstance(frame, int):
            frame = self.frame(job, frame)
        if frame.state != "done" or frame.sha256 is None or frame.size is None:
            raise Error("refused", f"frame {frame.frame} is {frame.state}" + (f": {frame.error}" if frame.error else "; it can be fetched when it is done"))
        target = Path(output)
        temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
        sha256 = hashlib.sha256()
        try:
            if target.is_file() and target.stat().st_size == frame.size and _sha256(target) == frame.sha256:
                return target
            with open(temporary, "wb") as file:
                def take(piece: bytes) -> None:
                    sha256.update(piece)
                    file.write(piece)

                self._http.download(f"/v1/jobs/{_job_id(job)}/frames/{frame.frame}/image", take, frame.size)
                if sha256.hexdigest() != frame.sha256:
                    raise Error("unreachable", f"{self.server}: frame {frame.frame} came damaged; try again")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except OSError as error:
            raise Error("io", f"{target}: {error.strerror or error}") from error
        finally:
            try:
                os.unlink(temporary)
            except OSError:
                pass
        return target

    def _done(self, job: Job) -> Job:
        if job.state == "done":
            return job
        if not job.over:
            raise Error("refused", f"job {job.id} is {job.state}: wait for it, or fetch with follow=True")
        code = job.error.code if job.error else "failed"
        raise JobFailed(code, f"job {job.id} {'failed' if job.state == 'failed' else 'was cancelled'}" + (f": {job.error}" if job.error else ""))


def frame_name(pattern: str, frame: int) -> str:
    """`pattern` with #### or %04d in the file's name (not in a folder's) as the frame's number."""
    folder, name = os.path.split(pattern)
    name = re.sub(r"%(0?)(\d*)d", lambda at: f"{frame:{at[1]}{at[2]}d}", name)
    name = re.sub(r"#+", lambda at: f"{frame:0{len(at[0])}d}", name)
    return os.path.join(folder, name)


# ---- the server's words, none of them believed before it is looked at ------------------------------------------------------------------------------

def _not_understood(what: str) -> Error:
    return Error("unreachable", f"the server's answer is not understood ({what}): is it a Raymill server of this version?")


def _text(body: Any, key: str) -> str:
    value = body.get(key) if isinstance(body, dict) else None
    if not isinstance(value, str):
        raise _not_understood(f"{key} is not text")
    return value


def _number(body: Any, key: str) -> int:
    value = body.get(key) if isinstance(body, dict) else None
    if not isinstance(value, int) or isinstance(value, bool):
        raise _not_understood(f"{key} is not a whole number")
    return value


def _list(body: Any, key: str) -> list[Any]:
    value = body.get(key) if isinstance(body, dict) else None
    if not isinstance(value, list):
        raise _not_understood(f"{key} is not a list")
    return value


def _optional(read: Callable[[Any, str], Any], body: Any, key: str) -> Any:
    return read(body, key) if isinstance(body, dict) and body.get(key) is not None else None


def _error(body: Any, key: str) -> Optional[Error]:
    error = _optional(lambda inner, name: inner[name], body, key)
    return None if error is None else Error(_text(error, "code"), _text(error, "message"))


def _job(body: Any) -> Job:
    frames, tiles = _part(body, "frames"), _part(body, "tiles")
    notes = [str(note) for note in body.get("notes") or []]
    return Job(_job_id(_text(body, "job")), _optional(_text, body, "name") or "", _text(body, "scene"), _text(body, "state"), _number(frames, "total"),
               _number(frames, "done"), _number(frames, "failed"), _number(tiles, "total"), _number(tiles, "done"), _error(body, "error"), notes, body)


def _part(body: Any, key: str) -> Any:
    return body.get(key) if isinstance(body, dict) else None


def _frame(body: Any) -> Frame:
    tiles = _part(body, "tiles")
    return Frame(_number(body, "frame"), _text(body, "state"), _number(tiles, "total"), _number(tiles, "done"), _number(body, "width"),
                 _number(body, "height"), _optional(_text, body, "sha256"), _optional(_number, body, "size"), _error(body, "error"))


def _event(body: Any) -> Event:
    tiles = _part(body, "tiles")
    return Event(_number(body, "seq"), _text(body, "event"), _optional(_number, body, "frame"), _optional(_text, body, "state"),
                 _number(tiles, "total"), _number(tiles, "done"), _error(body, "error"), body)


def _job_id(job: str) -> str:
    """Checked before it becomes a part of a path."""
    if not isinstance(job, str) or not re.fullmatch(r"[0-9a-f]{1,64}", job):
        raise Error("usage", f"{str(job)[:80]!r} is not a job's id")
    return job


def _word(value: Any) -> str:
    if value is True:
        return "true"
    if isinstance(value, (tuple, list)):
        numbers = [_word(item) for item in value]
        return "x".join(numbers) if len(numbers) == 2 else ",".join(numbers)
    return repr(value) if isinstance(value, float) else str(os.fspath(value) if isinstance(value, os.PathLike) else value)


def _sha256(file: Path) -> str:
    sha256 = hashlib.sha256()
    with open(file, "rb") as source:
        while piece := source.read(1 << 20):
            sha256.update(piece)
    return sha256.hexdigest()
