"""The way to the agent."""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import Any, BinaryIO, Dict, Iterator, Optional, Tuple, Union
from urllib.parse import quote, urlencode

from .errors import NotDelivered, NotEnded, Refused
from .said import AvailableFiles, FileInfo, Item, Receipt
from .transport import ANSWER_SECONDS, FILE_SECONDS, Transport

_URL = "http://127.0.0.1:2005"
_PATIENCE_SECONDS = 10.0
_PAGE = 100
_PAUSE_SECONDS = 0.05
_PAUSE_SECONDS_MAX = 5.0

Path = Union[str, os.PathLike]


class Agent:
    """An agent. While it is away, calls wait for it ``patience`` seconds. Calls raise
    :class:`Refused`, :class:`NoAgent` or another :class:`OortError`."""

    def __init__(
        self,
        url: str = _URL,
        token: Optional[str] = None,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        """At this address, with the token where the agent wants one. Nothing is asked yet."""
        self._transport = Transport(url, token, patience)

    def send_file(
        self,
        path: Path,
        topic: str,
        *,
        destination: str = "ground",
        ttl: Optional[Tuple[int, int, int]] = None,
        reliable: bool = True,
        tags: Optional[Dict[str, str]] = None,
        delivery_hints: Optional[Dict[str, Any]] = None,
        key: Optional[str] = None,
    ) -> str:
        """Hands a file over: it is queued, also after a power cut, and gone from its path.
        Gives its identifier.

        ``ttl`` are the seconds in the urgent, bulk and surplus stage; zero skips one. Of
        requests with the same ``key``, one is done: an app that does not know whether it
        asked before it crashed, asks again.
        """
        body: Dict[str, Any] = {
            "destination": destination,
            "filepath": os.path.abspath(os.fspath(path)),
            "topic": topic,
        }
        options = _options(ttl, reliable, tags, delivery_hints)
        if options:
            body["options"] = options
        answer = self._post("/sdk/v1/send_file", body, _key(key), seconds=FILE_SECONDS)
        return answer["UUID"]

    def send_body(
        self,
        body: Union[bytes, BinaryIO],
        topic: str,
        name: str = "file",
        *,
        destination: str = "ground",
        ttl: Optional[Tuple[int, int, int]] = None,
        reliable: bool = True,
        tags: Optional[Dict[str, str]] = None,
        delivery_hints: Optional[Dict[str, Any]] = None,
        key: Optional[str] = None,
    ) -> str:
        """Hands over octets, or what a binary file has from where it stands; the rest as
        :meth:`send_file`."""
        query = {"topic": topic, "name": name, "destination": destination}
        options = _options(ttl, reliable, tags, delivery_hints)
        if options:
            query["options"] = json.dumps(options)
        headers = {"Content-Type": "application/octet-stream", **_key(key)}
        path = f"/sdk/v2/files?{urlencode(query)}"
        answer = self._transport.ask("POST", path, body, headers, seconds=FILE_SECONDS)
        return answer["UUID"]

    def query_available_files(self, topic: str) -> AvailableFiles:
        """The oldest 50 files of the topic that came up."""
        said = self._get(f"/sdk/v1/query_available_files/{quote(topic, '')}")
        files = AvailableFiles(FileInfo(each) for each in said["files"])
        files.overflow = said.get("overflow", False)
        return files

    def retrieve_file(self, file_id: str, save_path: Path) -> FileInfo:
        """Moves a file that came up to where nothing is. It is not asked twice: after
        :class:`NoAgent` it may be there."""
        body = {"id": file_id, "save_path": os.path.abspath(os.fspath(save_path))}
        path = "/sdk/v1/retrieve_file"
        return FileInfo(self._post(path, body, once=True, seconds=FILE_SECONDS))

    def adcs(self) -> Dict[str, Any]:
        """How the attitude is: ``mode``, ``age`` in seconds, ``hk``."""
        return self._get("/sdk/v1/adcs")

    def command_adcs(self, command: str, **words: Any) -> Dict[str, Any]:
        """Asks for another attitude: ``IDLE``, ``NADIR`` or ``TRACK``, with ``aperture``,
        ``target``. The answer's ``status`` is ``OK`` or ``FAIL``."""
        return self._post("/sdk/v1/adcs", {"command": command, **words}, once=True)

    def tfrs(self) -> Dict[str, Any]:
        """Time and place: ``utc_time``, ``age``, ``ecef_pos_x`` to ``ecef_vel_z``."""
        return self._get("/sdk/v1/tfrs")

    def status(self, item: str) -> Optional[Item]:
        """How something that was handed over stands; None where it is not known."""
        said = self._find(f"/sdk/v2/files/{quote(item, '')}")
        return None if said is None else Item(said)

    def wait(self, item: str, timeout: Optional[float] = None) -> Item:
        """Waits until the ground has it, or a collector took it; ``timeout`` seconds at most.

        Raises :class:`NotDelivered` when it ended without that, :class:`NotEnded` when it
        has not ended in that time, and goes on.
        """
        until = None if timeout is None else time.monotonic() + timeout
        pause = _PAUSE_SECONDS
        while True:
            stands = Item(self._get(f"/sdk/v2/files/{quote(item, '')}"))
            if stands.is_ok:
                return stands
            if stands.has_ended:
                raise NotDelivered(stands)
            left = pause if until is None else until - time.monotonic()
            if left <= 0:
                raise NotEnded(stands)
            time.sleep(min(pause, left))
            pause = min(pause * 2, _PAUSE_SECONDS_MAX)

    def list(self, topic: Optional[str] = None, state: Optional[str] = None) -> Iterator[Item]:
        """All that was handed over and is known, by the second in which it was; or only what
        is of a topic, in a state."""
        query = {"limit": str(_PAGE)}
        query.update({"topic": topic} if topic is not None else {})
        query.update({"state": state} if state is not None else {})
        while True:
            page = self._get(f"/sdk/v2/files?{urlencode(query)}")
            yield from (Item(said) for said in page["files"])
            if page.get("next") is None:
                return
            query["cursor"] = page["next"]

    def cancel(self, item: str) -> Item:
        """It is not to be sent any more."""
        return Item(self._post(f"/sdk/v2/files/{quote(item, '')}/cancel", {}, once=True))

    def reprioritise(self, item: str, stage: str) -> Item:
        """Puts it in another stage: ``urgent``, ``bulk`` or ``surplus``."""
        return Item(self._post(f"/sdk/v2/files/{quote(item, '')}/priority", {"stage": stage}))

    def receipt(self, item: str) -> Optional[Receipt]:
        """The ground's word that it has it; None where there is none."""
        said = self._find(f"/sdk/v2/files/{quote(item, '')}/receipt")
        return None if said is None else Receipt(said)

    def _get(self, path: str) -> Dict[str, Any]:
        return self._transport.ask("GET", path)

    def _find(self, path: str) -> Optional[Dict[str, Any]]:
        try:
            return self._get(path)
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    def _post(
        self,
        path: str,
        body: Dict[str, Any],
        headers: Optional[Dict[str, str]] = None,
        *,
        once: bool = False,
        seconds: float = ANSWER_SECONDS,
    ) -> Dict[str, Any]:
        octets = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **(headers or {})}
        return self._transport.ask(
            "POST", path, octets, headers, once=once, seconds=seconds
        )


def _options(ttl, reliable, tags, delivery_hints) -> Dict[str, Any]:
    options: Dict[str, Any] = {}
    if ttl is not None:
        urgent, bulk, surplus = ttl
        options["TTLParams"] = {"urgent": urgent, "bulk": bulk, "surplus": surplus}
    if not reliable:
        options["reliable"] = False
    if tags:
        options["tags"] = dict(tags)
    if delivery_hints:
        options["delivery_hints"] = dict(delivery_hints)
    return options


def _key(key: Optional[str]) -> Dict[str, str]:
    """Where the caller has none, one of this call: its tries are one request."""
    return {"Idempotency-Key": str(uuid.uuid4()) if key is None else key}
