"""Which files a glTF scene is made of, and the manifest under which the farm knows them.

Only files at or below the main file's folder belong to a scene: absolute paths, "..", and addresses are refused by name, as the farm refuses them.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import struct
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Union

from .errors import Error

MAX_PATH = 1024          # bytes of a path in a manifest
MAX_PART = 255           # bytes of one part of it
MAX_FILES = 65536
MAX_JSON = 512 << 20     # bytes of a scene's JSON
PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Manifest:
    """A scene as the farm knows it. `files` is (path, sha256, size), sorted by the bytes of the path."""

    main: str
    files: tuple[tuple[str, str, int], ...]

    def canonical(self) -> bytes:
        """The text whose SHA-256 is the scene's id (farm/protocol/manifest.hpp)."""
        rows = ",".join(f'{{"path":{_quoted(path)},"sha256":"{sha256}","size":{size}}}' for path, sha256, size in self.files)
        return f'{{"files":[{rows}],"main":{_quoted(self.main)}}}'.encode()

    def scene_id(self) -> str:
        return hashlib.sha256(self.canonical()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        return {"main": self.main, "files": [{"path": path, "sha256": sha256, "size": size} for path, sha256, size in self.files]}


@dataclass
class SceneFiles:
    """The files of a scene on this machine: manifest path -> file."""

    main: str
    files: dict[str, Path] = field(default_factory=dict)

    def add_beside(self, file: PathLike) -> str:
        """Adds a file that the scene itself does not name (an environment) and returns its path in the manifest."""
        source = Path(file)
        folder = self.files[self.main].parent
        try:
            path = source.resolve().relative_to(folder.resolve()).as_posix()
        except ValueError:
            path, number = "environment/" + source.name, 2
            while path in self.files:
                path, number = f"environment/{number}-{source.name}", number + 1
        check_path(path, str(source))
        _check_file(source, str(source))
        self.files.setdefault(path, source)
        return path

    def manifest(self) -> Manifest:
        """Reads and hashes every file."""
        if len(self.files) > MAX_FILES:
            raise Error("bad_input", f"{self.main}: more than {MAX_FILES} files")
        rows = [(path, *_hash(self.files[path])) for path in sorted(self.files, key=lambda path: path.encode())]
        return Manifest(self.main, tuple(rows))


def scene_files(scene: PathLike) -> SceneFiles:
    """The main file, its buffers and its images. Raises Error("bad_input") that names the place in the file."""
    main = Path(scene)
    check_path(main.name, str(main))
    document = _document(main)
    found = SceneFiles(main.name, {main.name: main})
    for kind in ("buffers", "images"):
        entries = document.get(kind, [])
        if not isinstance(entries, list):
            raise Error("bad_input", f"{main}: {kind}: this is not an array")
        for index, entry in enumerate(entries):
            uri = entry.get("uri") if isinstance(entry, dict) else None
            if uri is None:
                continue
            where = f"{main}: {kind}[{index}].uri"
            path = _path_of(uri, where)
            if path is None:
                continue
            source = main.parent / path
            _check_file(source, f"{where}: {path}")
            if main.parent.resolve() not in source.resolve().parents:
                raise Error("bad_input", f"{where}: {path}: it is a link that leads out of the scene's folder")
            found.files[path] = source
    return found


def check_path(path: str, where: str) -> None:
    """The rules of farm/protocol/manifest.hpp for a path in a scene."""

    def bad(why: str) -> Error:
        return Error("bad_input", f"{where}: {why}")

    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise bad("the path is not UTF-8") from None
    if not path:
        raise bad("the path is empty")
    if size > MAX_PATH:
        raise bad(f"the path is longer than {MAX_PATH} bytes")
    if path.startswith("/"):
        raise bad("the path is absolute; only files next to the scene can be sent")
    if ":" in path.split("/", 1)[0]:
        raise bad("the path names a drive or a scheme; only files next to the scene can be sent")
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in path):
        raise bad("the path has a control character")
    if "\\" in path:
        raise bad("the path has a backslash; parts are separated by '/'")
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise bad(f"the path has {'an empty' if not part else repr(part) + ' as a'} part; a scene cannot reach out of its folder")
        if len(part.encode()) > MAX_PART:
            raise bad(f"a part of the path is longer than {MAX_PART} bytes")


def _path_of(uri: Any, where: str) -> Optional[str]:
    """The path that a uri names; None for data inside the file."""
    if not isinstance(uri, str):
        raise Error("bad_input", f"{where}: this is not a string")
    if uri[:5].lower() == "data:":
        return None
    if re.search(r"%(?![0-9A-Fa-f]{2})", uri):
        raise Error("bad_input", f"{where}: a % is not followed by two hexadecimal digits")
    try:
        path = urllib.parse.unquote(uri, errors="strict")
    except UnicodeDecodeError:
        raise Error("bad_input", f"{where}: the percent-encoded text is not UTF-8") from None
    if not path.startswith("/"):   # "./a" and "a//b" are what some exporters write for "a" and "a/b"
        path = "/".join(part for part in path.split("/") if part not in ("", "."))
    check_path(path, where)
    return path


def _document(main: Path) -> dict[str, Any]:
    _check_file(main, str(main))
    try:
        with open(main, "rb") as file:
            # Never more is asked for than there is: read(n) sets n bytes of memory aside.
            size = os.fstat(file.fileno()).st_size
            head = file.read(20)
            if head[:4] == b"glTF":
                if len(head) < 20:
                    raise Error("bad_input", f"{main}: the GLB ends inside its header")
                version, _, length, kind = struct.unpack("<4xIIII", head)
                if version != 2:
                    raise Error("bad_input", f"{main}: GLB version {version}; only 2 is known")
                if kind != 0x4E4F534A:
                    raise Error("bad_input", f"{main}: the first chunk of the GLB is not JSON")
                if length > MAX_JSON:
                    raise Error("bad_input", f"{main}: more than {MAX_JSON >> 20} MiB of JSON")
                if length > size - 20:
                    raise Error("bad_input", f"{main}: the GLB ends inside its JSON")
                text = file.read(length)
            else:
                if size > MAX_JSON:
                    raise Error("bad_input", f"{main}: more than {MAX_JSON >> 20} MiB of JSON")
                text = head + file.read(max(0, size - len(head)))
    except OSError as error:
        raise Error("io", f"{main}: {error.strerror}") from error
    try:
        document = json.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Error("bad_input", f"{main}: neither a GLB nor UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise Error("bad_input", f"{main}: this is not glTF: {error}") from None
    if not isinstance(document, dict):
        raise Error("bad_input", f"{main}: this is not glTF: the JSON is not an object")
    return document


def _check_file(file: Path, where: str) -> None:
    try:
        mode = os.stat(file).st_mode
    except OSError as error:
        raise Error("bad_input", f"{where}: {error.strerror}") from error
    except ValueError:   # a NUL in the name
        raise Error("bad_input", f"{where}: this cannot be a file's name") from None
    if not stat.S_ISREG(mode):   # a pipe or a device would block for ever
        raise Error("bad_input", f"{where}: this is not a file")


def _hash(file: Path) -> tuple[str, int]:
    sha256, size = hashlib.sha256(), 0
    try:
        with open(file, "rb") as source:
            while piece := source.read(1 << 20):
                sha256.update(piece)
                size += len(piece)
    except OSError as error:
        raise Error("io", f"{file}: {error.strerror}") from error
    return sha256.hexdigest(), size


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
