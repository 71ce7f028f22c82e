"""Questions to the service, each on a connection of its own."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any, Dict, Optional, Tuple

from .errors import LinkError, NoService, Refused
from .sent import Link

_ANSWER_SECONDS = 60
"""An answer comes so long after it was waited for on purpose, at most."""
_TRY_PAUSE_SECONDS = 0.05
_BODY_BYTES_MAX = 16 << 20


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Transport:
    """Asks until there is an answer, for ``patience`` seconds at most."""

    def __init__(
        self,
        socket_path: Optional[str],
        address: Optional[Tuple[str, int]],
        token: Optional[str],
        patience: float,
    ) -> None:
        self.socket_path = socket_path
        self.patience = patience
        self._address = address
        self._token = token

    def get(self, path: str, wait: float = 0) -> Dict[str, Any]:
        return self._understood(*self._ask("GET", path, None, wait))

    def find(self, path: str) -> Optional[Dict[str, Any]]:
        """The same; None where there is nothing."""
        status, headers, body = self._ask("GET", path, None, 0)
        return None if status == 404 else self._understood(status, headers, body)

    def post(self, path: str, body: Dict[str, Any]) -> Dict[str, Any]:
        """Whatever is asked so may be asked twice."""
        return self._understood(*self._ask("POST", path, body, 0))

    def _ask(self, method: str, path: str, body: Optional[Dict[str, Any]], wait: float):
        until = time.monotonic() + self.patience
        while True:
            try:
                return self._ask_once(method, path, body, wait)
            except (OSError, http.client.BadStatusLine, http.client.IncompleteRead) as error:
                if time.monotonic() >= until:
                    at = self.socket_path or self._address
                    text = f"the link service does not answer at {at}: {error}"
                    raise NoService(text) from error
            time.sleep(_TRY_PAUSE_SECONDS)

    def _ask_once(self, method: str, path: str, body: Optional[Dict[str, Any]], wait: float):
        timeout = wait + _ANSWER_SECONDS
        if self.socket_path is not None:
            connection = _UnixConnection(self.socket_path, timeout)
        else:
            connection = http.client.HTTPConnection(*self._address, timeout=timeout)
        headers = {"Connection": "close"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        octets = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            octets = json.dumps(body).encode()
        try:
            connection.request(method, path, octets, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read(_BODY_BYTES_MAX)
        finally:
            connection.close()

    @staticmethod
    def _understood(status: int, headers, body: bytes) -> Dict[str, Any]:
        try:
            said = json.loads(body)
            if 200 <= status < 300:
                return said
            link = Link(said)
        except (ValueError, KeyError, TypeError) as error:
            text = f"the link service gave an answer that is none: status {status}: {error}"
            raise LinkError(text) from error
        after = headers.get("Retry-After", "")
        raise Refused(link, int(after) if after.isdigit() else None)
