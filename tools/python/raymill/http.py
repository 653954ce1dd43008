"""One keep-alive connection to a farm, and its patience with a server that is away."""
from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import ssl
import time
import urllib.parse
from typing import Any, Callable, Optional

from .errors import Error
from .token import checked, find_token

MAX_JSON_ANSWER = 64 << 20


class Connection:
    """Used by one thread at a time. Every request of the API may be sent twice, so a broken connection is answered by sending again."""

    def __init__(self, server: str, token: Optional[str], patience: float, timeout: float) -> None:
        parts = urllib.parse.urlsplit(server)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or parts.path not in ("", "/") or parts.query or "@" in parts.netloc:
            raise Error("usage", f"{server}: this is not a server's address: http://HOST[:PORT] or https://HOST[:PORT]")
        self.tls = parts.scheme == "https"
        self.pin = parts.fragment.lower()   # "sha256:HEX" of the one certificate to believe, as `serve` prints it; "" where authorities are believed
        if self.pin and not (self.tls and re.fullmatch("sha256:[0-9a-f]{64}", self.pin)):
            raise Error("usage", f"{server}: behind '#' of an https:// address stands sha256: and the certificate's 64 digits, as serve prints them")
        self.host: str = parts.hostname
        self.port: int = port or (443 if self.tls else 80)
        self.url = server.partition("#")[0].rstrip("/")
        self.token = checked(token, "token") if token else find_token(self.host, self.port)
        self.patience = patience
        self.timeout = timeout
        self.answered = False
        self._connection: Optional[http.client.HTTPConnection] = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def call(self, method: str, path: str, body: Any = None, *, wait_s: float = 0, allow: tuple[int, ...] = ()) -> dict[str, Any]:
        """The answer's JSON object. A failure is an Error, but for the statuses in `allow`: their body is returned as if it were an answer."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        status, text = self._patiently(lambda: self._once(method, path, data, kind, wait_s))
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if status >= 400 and status not in allow:
            raise self._refusal(status, answer)
        if not isinstance(answer, dict):
            raise Error("unreachable", f"{self.url}: the answer is not JSON: is this a Raymill server?")
        return answer

    def download(self, path: str, take: Callable[[bytes], None], size: int) -> None:
        """Hands the `size` bytes of `path` to `take`, piece by piece; a connection that breaks goes on where it was."""
        have = 0

        def once() -> tuple[int, bytes]:
            nonlocal have
            response = self._send("GET", path, None, {"Range": f"bytes={have}-"} if have else {}, 0)
            if response.status >= 400:
                return response.status, response.read(1 << 20)
            if have and response.status != 206:
                self.close()
                raise Error("unreachable", f"{self.url}: the server cannot go on in the middle of a file")
            while piece := response.read(1 << 18):
                if have + len(piece) > size:
                    self.close()
                    raise Error("unreachable", f"{self.url}{path}: more bytes than the {size} announced")
                take(piece)
                have += len(piece)
            if have < size:
                self.close()
                raise ConnectionError("the file ended early")
            return response.status, b""

        status, text = self._patiently(once, progress=lambda: have)
        if status >= 400:
            try:
                answer = json.loads(text)
            except ValueError:
                answer = None
            raise self._refusal(status, answer)

    def _patiently(self, once: Callable[[], tuple[int, bytes]], progress: Callable[[], int] = lambda: 0) -> tuple[int, bytes]:
        """Tries until an answer other than 429 and 503 comes or the patience ends: short before the first answer ever (a wrong address should be
        said soon), `patience` seconds afterwards (a server that restarts). Progress starts it anew."""
        since, pause, reached = time.monotonic(), 0.1, progress()
        while True:
            try:
                status, text = once()
                self.answered = True
                if status not in (429, 503):
                    return status, text
                failure = self._refusal(status, _object(text))
            except ssl.SSLCertVerificationError as error:
                self.close()
                raise Error("unreachable", f"{self.url}: the server's certificate is not trusted: {error.verify_message}") from error
            except (OSError, http.client.HTTPException) as error:
                self.close()
                failure = Error("unreachable", f"{self.url}: the server cannot be reached: {error or type(error).__name__}; is `raymill serve` running there?")
            if progress() > reached:
                since, pause, reached = time.monotonic(), 0.1, progress()
            if time.monotonic() - since + pause > (self.patience if self.answered else min(2.0, self.patience)):
                raise failure
            time.sleep(pause)
            pause = min(pause * 2, 5.0)

    def _once(self, method: str, path: str, data: Optional[bytes], kind: str, wait_s: float) -> tuple[int, bytes]:
        response = self._send(method, path, data, {"Content-Type": kind} if data is not None else {}, wait_s)
        pieces, size = [], 0
        while piece := response.read(1 << 18):   # read(n) sets n bytes aside, however few come
            pieces.append(piece)
            size += len(piece)
            if size > MAX_JSON_ANSWER:
                self.close()
                raise Error("unreachable", f"{self.url}: an answer of more than {MAX_JSON_ANSWER >> 20} MiB")
        return response.status, b"".join(pieces)

    def _send(self, method: str, path: str, data: Optional[bytes], headers: dict[str, str], wait_s: float) -> http.client.HTTPResponse:
        timeout = self.timeout + wait_s
        if self._connection is None:
            self._connection = self._secure(timeout) if self.tls else http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        elif self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        self._connection.request(method, path, data, headers)
        return self._connection.getresponse()

    def _secure(self, timeout: float) -> http.client.HTTPConnection:
        """With a pin the certificate is compared before a byte of a request, and so the token, goes out."""
        if not self.pin:
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=ssl.create_default_context(cafile=os.environ.get("RAYMILL_CA") or None))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False   # a certificate of the server's own names no host and no authority: the pin is all that is asked
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=context)
        connection.connect()
        shown = connection.sock.getpeercert(binary_form=True)
        if "sha256:" + hashlib.sha256(shown or b"").hexdigest() != self.pin:
            connection.close()
            raise Error("refused", f"{self.url}: the server's certificate is not the one behind '#' in its address")
        return connection

    def _refusal(self, status: int, answer: Any) -> Error:
        error = answer.get("error") if isinstance(answer, dict) else None
        message = error.get("message") if isinstance(error, dict) else None
        code = error.get("code") if isinstance(error, dict) else None
        if status == 400:
            code = code if isinstance(code, str) else "usage"
        else:
            code = "refused" if 401 <= status <= 429 else "unreachable"
        if not isinstance(message, str):
            message = f"the server answers {status}"
        if status == 401:
            message += "; give a token (RAYMILL_TOKEN, or Client(token=...))"
        return Error(code, f"{self.url}: {message}")


def _object(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
