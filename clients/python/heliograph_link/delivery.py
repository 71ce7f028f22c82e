"""What arrives."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Set
from urllib.parse import quote

_ASK_SECONDS = 30
_PAGE = 100
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class DeliveredFile:
    """A file that arrived."""

    name: str
    path: str
    size: int
    blake3: str


class Delivery:
    """What arrived, as one."""

    def __init__(self, transport, said: Dict[str, Any], here) -> None:
        self._transport = transport
        self.id: str = said["id"]
        """The service's number of it."""
        self.sender: str = said["fromAppId"]
        """Which app sent it."""
        self.files: List[DeliveredFile] = [
            DeliveredFile(
                each["name"], here(each["path"]), each["size"], each.get("blake3") or ""
            )
            for each in said["files"]
        ]
        self.tracking_id: str = said.get("trackingId") or ""
        self.correlation_id: str = said.get("correlationId") or ""
        self.metadata: Dict[str, str] = said.get("metadata") or {}
        self.delivered: str = said.get("deliveredTime") or ""
        """When it arrived: RFC 3339."""

    @property
    def path(self) -> str:
        """Where the file is; of a batch, the first one."""
        return self.files[0].path if self.files else ""

    def ack(self) -> None:
        """It is done with: its files are removed from the inbox, and it does not come
        again."""
        self._acknowledge(True)

    def keep(self) -> None:
        """It does not come again, and its files stay."""
        self._acknowledge(False)

    def _acknowledge(self, remove: bool) -> None:
        path = f"/v1/inbox/{quote(self.id, '')}/ack"
        self._transport.post(path, {"remove": remove})

    def __repr__(self) -> str:
        return f"Delivery({self.id!r}, {self.sender!r}, {[f.name for f in self.files]})"


def deliveries(client, timeout: Optional[float]) -> Iterator[Delivery]:
    """Deliveries, the oldest first; until nothing has come for ``timeout`` seconds. One
    that is not acknowledged comes once."""
    transport = client._transport
    here = _here(client)
    seen: Set[str] = set()
    until = None if timeout is None else time.monotonic() + timeout
    while True:
        left = _ASK_SECONDS if until is None else max(0, until - time.monotonic())
        wait = int(min(left, _ASK_SECONDS))
        path = f"/v1/inbox?waitSeconds={wait}&limit={len(seen) + _PAGE}"
        said = transport.get(path, wait)["deliveries"]
        new = [each for each in said if each["id"] not in seen]
        # What is gone was acknowledged, here or elsewhere.
        seen = {each["id"] for each in said}
        for each in new:
            yield Delivery(transport, each, here)
        if new:
            until = None if timeout is None else time.monotonic() + timeout
        elif left == 0:
            return
        elif said or wait == 0:
            time.sleep(min(left, _PAUSE_SECONDS))


def _here(client):
    """From the inbox as the service sees it to that of this app."""
    beside = client._directories_beside_socket()
    if beside is None:
        return lambda path: path
    theirs = os.path.join(client._directories_of_service()["inbox"], "")

    def here(path: str) -> str:
        if not path.startswith(theirs):
            return path
        return os.path.join(beside["inbox"], path[len(theirs) :])

    return here
