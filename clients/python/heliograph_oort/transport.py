"""Questions to the agent, each on a connection of its own."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, BinaryIO, Dict, Optional, Union
from urllib.parse import urlsplit

from .errors import NoAgent, OortError, Refused

_PORT = 2005
ANSWER_SECONDS = 60
FILE_SECONDS = 3_600
"""For what a file goes with: a large one is read, and copied."""
_TRY_PAUSE_SECONDS = 0.05
_BODY_BYTES_MAX = 16 << 20

Body = Union[bytes, BinaryIO]


class Transport:
    """Asks until there is an answer, for ``patience`` seconds at most."""

    def __init__(self, url: str, token: Optional[str], patience: float) -> None:
        parts = urlsplit(url if "//" in url else f"//{url}")
        if parts.scheme not in ("", "http") or not parts.hostname:
            raise ValueError(f"the address of the agent is http://HOST:PORT, not {url!r}")
        self._address = (parts.hostname, parts.port or _PORT)
        self._token = token
        self._patience = patience

    def ask(
        self,
        method: str,
        path: str,
        body: Optional[Body] = None,
        headers: Optional[Dict[str, str]] = None,
        *,
        once: bool = False,
        seconds: float = ANSWER_SECONDS,
    ) -> Dict[str, Any]:
        """What the agent answers, in so many seconds. With ``once``, it is asked again only
        where it cannot have heard."""
        until = time.monotonic() + self._patience
        start = None if body is None or isinstance(body, bytes) else _position(body)
        while True:
            connection = http.client.HTTPConnection(*self._address, timeout=seconds)
            is_heard = False
            try:
                connection.connect()
                is_heard = True
                return self._ask_by(connection, method, path, body, headers or {})
            except Refused as refused:
                is_over = time.monotonic() >= until
                if is_over or refused.retry_after is None or start == _NOWHERE:
                    raise
            except (OSError, http.client.HTTPException) as error:
                is_over = time.monotonic() >= until
                if is_over or (is_heard and (once or start == _NOWHERE)):
                    text = "the agent does not answer at {}:{}".format(*self._address)
                    raise NoAgent(f"{text}: {error}") from error
            finally:
                connection.close()
            if start is not None and start != _NOWHERE:
                body.seek(start)
            time.sleep(_TRY_PAUSE_SECONDS)

    def _ask_by(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: Optional[Body],
        headers: Dict[str, str],
    ) -> Dict[str, Any]:
        sent = {"Accept": "application/json", "Connection": "close", **headers}
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token.strip()}"
        try:
            connection.request(method, path, body, sent)
        except (BrokenPipeError, ConnectionResetError):
            pass  # Where it is refused before all of it is read, the answer says why.
        answer = connection.getresponse()
        return _understood(answer, answer.read(_BODY_BYTES_MAX))


_NOWHERE = -1


def _position(file: BinaryIO) -> int:
    """Where a file stands, so that it can be read again; nowhere for a pipe."""
    return file.tell() if file.seekable() else _NOWHERE


def _understood(answer: http.client.HTTPResponse, octets: bytes) -> Dict[str, Any]:
    kind = (answer.getheader("Content-Type") or "").partition(";")[0]
    try:
        if kind != "application/json":
            raise ValueError(f"it is of type {kind!r}")
        said = json.loads(octets)
        if 200 <= answer.status < 300:
            return said
        after = answer.getheader("Retry-After") or ""
        after = int(after) if after.isdigit() else None
        refused = Refused(answer.status, said["message"], after)
    except (ValueError, KeyError, TypeError) as error:
        text = f"the agent gave an answer that is none: status {answer.status}: {error}"
        raise OortError(text) from error
    raise refused
