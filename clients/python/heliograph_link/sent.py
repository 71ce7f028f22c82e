"""Requests that were made."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Optional
from urllib.parse import quote

from .errors import NotDelivered, NotEnded

_ASK_SECONDS = 30
"""The service is asked at least so often."""
_PAUSE_SECONDS = 0.02


class Link:
    """How a request stands, or why it was refused."""

    def __init__(self, said: Dict[str, Any]) -> None:
        header = said.get("responseHeader") or {}
        asked = said.get("linkRequest") or {}
        self.said = said
        """All that the service said."""
        self.code: str = said["code"]
        """``ACCEPTED`` until it has ended; ``OK`` where all recipients have it; else why not."""
        self.id: str = said.get("id") or ""
        """The service's number of it; empty where it was refused."""
        self.status: str = header.get("status") or ""
        """The original's name of the code."""
        self.message: str = header.get("message") or ""
        self.tracking_id: str = header.get("trackingId") or ""
        self.correlation_id: str = header.get("correlationId") or ""
        self.metadata: Dict[str, str] = header.get("metadata") or {}
        self.bytes: int = said.get("fileSizeBytes") or 0
        self.files: List[str] = [each["name"] for each in said.get("files") or []]
        self.recipients: Dict[str, str] = {
            each["appId"]: each["code"] for each in said.get("recipients") or []
        }
        """The code of each recipient."""
        self.subdirectory: str = asked.get("subdirectory") or ""
        self.is_known: bool = said.get("isKnown") or False
        """It was made before."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.code != "ACCEPTED"

    @property
    def is_ok(self) -> bool:
        """Whether all recipients have it."""
        return self.code == "OK"

    def __repr__(self) -> str:
        return f"Link({self.id!r}, {self.code!r})"


class Sent:
    """A request that was accepted. It goes on without this."""

    def __init__(self, transport, link: Link, placed=()) -> None:
        self._transport = transport
        self._placed = placed
        self.link = link
        """How it stood when it was handed in."""

    @property
    def id(self) -> str:
        """The service's number of it."""
        return self.link.id

    def status(self) -> Link:
        """How it stands."""
        return self._ask(0)

    def wait(self, timeout: Optional[float] = None) -> Link:
        """Waits until all recipients have it, for ``timeout`` seconds at most.

        Raises :class:`NotDelivered` when it ended without that, :class:`NotEnded` when
        it has not ended in that time, and goes on.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _ASK_SECONDS if until is None else max(0, until - time.monotonic())
            link = self._ask(min(left, _ASK_SECONDS))
            if link.has_ended:
                return self._outcome(link)
            if left == 0:
                raise NotEnded(link)
            if left < 1:
                # The service waits for whole seconds.
                time.sleep(min(left, _PAUSE_SECONDS))

    def cancel(self) -> Link:
        """It is not to be delivered. Who has it already, has it."""
        return Link(self._transport.post(f"/v1/links/{quote(self.id, '')}/cancel", {}))

    def _ask(self, wait: float) -> Link:
        path = f"/v1/links/{quote(self.id, '')}?waitSeconds={int(wait)}"
        return Link(self._transport.get(path, wait))

    def _outcome(self, link: Link) -> Link:
        if link.is_ok:
            return link
        for each in self._placed:
            each.take_back()
        raise NotDelivered(link)

    def __repr__(self) -> str:
        return f"Sent({self.link!r})"
