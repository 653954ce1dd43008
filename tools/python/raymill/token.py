"""Where the bearer token comes from: the same places, in the same order, as the command line looks."""
from __future__ import annotations

import ipaddress
import json
import os
import stat
from pathlib import Path
from typing import Optional

from .errors import Error


def find_token(host: str, port: int) -> str:
    """$RAYMILL_TOKEN; the file $RAYMILL_TOKEN_FILE; where the server is this machine, what a server of the same user left for that address; the user's
    own file. "" where none of them is there: the server then says what it thinks of that. A file that others can read is an error."""
    token = os.environ.get("RAYMILL_TOKEN", "")
    if token:
        return checked(token, "RAYMILL_TOKEN")
    named = os.environ.get("RAYMILL_TOKEN_FILE", "")
    if named:
        return checked(_read_private(Path(named)), named)
    if is_loopback(host):
        left = _rendezvous("127.0.0.1" if host == "localhost" else host, port)
        if left is not None:
            return checked(left, "the server's own file")
    config = os.environ.get("XDG_CONFIG_HOME", "")
    own = (Path(config) if config else _home() / ".config") / "raymill" / "token"
    return checked(_read_private(own), str(own)) if own.exists() else ""


def checked(token: str, where: str) -> str:
    token = token.rstrip("\r\n ")
    if not token or len(token) > 4096 or not all("\x20" < char < "\x7f" for char in token):
        raise Error("usage", f"{where}: this is not a token: one word of at most 4096 letters, digits and signs")
    return token


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _home() -> Path:
    return Path(os.path.expanduser("~"))


def _run_folder() -> Path:
    if own := os.environ.get("RAYMILL_HOME", ""):
        return Path(own) / "run"
    if runtime := os.environ.get("XDG_RUNTIME_DIR", ""):
        return Path(runtime) / "raymill"
    return _home() / ".local/state/raymill/run"


def _rendezvous(host: str, port: int) -> Optional[str]:
    """The token in the file of farm/protocol/rendezvous.hpp, where its server still lives."""
    name = f"http-{host}-{port}.json".replace(":", "_").replace("/", "_")
    try:
        body = json.loads(_read_private(_run_folder() / name))
        if not isinstance(body, dict) or body.get("start") != _start_of(int(body["pid"])):
            return None
        token = body.get("token")
    except (Error, ValueError, KeyError, TypeError):
        return None
    return token if isinstance(token, str) and token else None


def _start_of(pid: int) -> int:
    """Start of a process in clock ticks since boot (field 22 of its stat): with the pid it names one process for ever."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(text[text.rindex(")") + 2:].split(" ")[19])
    except (OSError, ValueError, IndexError):
        return 0


def _read_private(file: Path, limit: int = 8192) -> str:
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as source:
            info = os.fstat(source.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise Error("io", f"{file}: it is not a file")
            if hasattr(os, "geteuid"):   # Windows keeps a user's files apart in other ways
                if info.st_uid != os.geteuid():
                    raise Error("refused", f"{file}: the file belongs to another user")
                if info.st_mode & 0o077:
                    raise Error("refused", f"{file}: others can read this secret; mend it with chmod 600")
            data = source.read(limit + 1)
    except OSError as error:
        raise Error("io", f"{file}: {error.strerror}") from error
    if len(data) > limit:
        raise Error("io", f"{file}: the file is larger than {limit} bytes")
    return data.decode("utf-8", "replace")
