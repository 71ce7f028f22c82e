"""The way to the service."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union
from urllib.parse import quote

from .delivery import Delivery, deliveries
from .errors import NotSendable, Refused
from .outbox import Place, name_and_subdirectory, put_all, take_back, tracking_id
from .sent import Link, Sent
from .transport import Transport

SOCKET_VARIABLE = "HELIOGRAPH_LINK_SOCKET"
"""The environment variable that says where the app's socket is."""

_SOCKET = "link.sock"
_PATIENCE_SECONDS = 10.0
_PAGE = 100
_TRIES_MAX = 10_000


Path = Union[str, os.PathLike]


class LinkClient:
    """A client of the link service, as one app. Which app it is says the socket, or the
    token. While the service is away, calls wait for it ``patience`` seconds."""

    def __init__(self, socket_path: Path, patience: float = _PATIENCE_SECONDS) -> None:
        """At an app's socket. Nothing is asked yet."""
        self._transport = Transport(os.fspath(socket_path), None, None, patience)

    @classmethod
    def from_env(cls) -> LinkClient:
        """At the app's socket that ``HELIOGRAPH_LINK_SOCKET`` names; without it, at
        ``link.sock`` in the current directory."""
        return cls(os.environ.get(SOCKET_VARIABLE, _SOCKET))

    @classmethod
    def tcp(
        cls, address: Tuple[str, int], token: str, patience: float = _PATIENCE_SECONDS
    ) -> LinkClient:
        """At host and port of the service, with the app's token."""
        client = cls("", patience)
        client._transport = Transport(None, address, token.strip(), patience)
        return client

    def send(
        self,
        to: Union[str, Sequence[str]],
        path: Union[Path, Sequence[Path]],
        *,
        priority: str = "MEDIUM",
        overwrite: bool = False,
        leave_source: bool = False,
        expires_in: Optional[float] = None,
        subdirectory: str = "",
        tracking_id: str = "",
        correlation_id: str = "",
        metadata: Optional[Dict[str, str]] = None,
        link_type: Optional[str] = None,
    ) -> Sent:
        """Sends a file to an app, or to several, and says that it is accepted. Several
        files arrive as one, in a directory of their own, or not at all.

        A file that is not in the outbox is copied there; one that is in a directory of
        the outbox comes to such a one of the inbox. ``expires_in`` is in seconds.
        With a ``tracking_id`` the same id is the same request, whatever became of it.
        Raises :class:`LinkError` or :class:`OSError`.
        """
        recipients = [to] if isinstance(to, str) else list(to)
        if link_type is None:
            is_remote = any("@" in recipient for recipient in recipients)
            link_type = "CROSSLINK" if is_remote else "APP2APP"
        body: Dict[str, Any] = {
            "requestHeader": {
                "trackingId": tracking_id,
                "correlationId": correlation_id,
                "metadata": dict(metadata or {}),
            },
            "linkType": link_type,
            "priority": priority,
            "subdirectory": subdirectory,
            "destinationAppIds": recipients,
            "overwrite": overwrite,
            "leaveSourceFile": leave_source,
        }
        if expires_in is not None:
            body["expiresInSeconds"] = int(expires_in)
        paths = [path] if isinstance(path, (str, os.PathLike)) else path
        return self._send([os.fspath(each) for each in paths], body)

    def downlink(self, path: Union[Path, Sequence[Path]], **words: Any) -> Sent:
        """Sends a file to the ground; the rest as :meth:`send`."""
        return self.send("ground", path, link_type="DOWNLINK", **words)

    def crosslink(self, to: str, path: Union[Path, Sequence[Path]], **words: Any) -> Sent:
        """Sends a file to an app of another spacecraft, ``app@node``; the rest as
        :meth:`send`."""
        return self.send(to, path, link_type="CROSSLINK", **words)

    def receive(self, timeout: Optional[float] = None) -> Iterator[Delivery]:
        """What arrives for this app, the oldest first: for ever, or until nothing has come
        for ``timeout`` seconds. What is not acknowledged comes once, and again with the
        next ``receive``."""
        return deliveries(self, timeout)

    def status(self, link_id: str) -> Optional[Link]:
        """How a request of this app stands, by its number or ``tracking:`` and its
        tracking id; None where there is none."""
        said = self._transport.find(f"/v1/links/{quote(link_id, ':')}")
        return None if said is None else Link(said)

    def list(self, open_only: bool = False) -> List[Link]:
        """All requests of this app that are known, the oldest first; or only those that
        have not ended."""
        links: List[Link] = []
        path = f"/v1/links?limit={_PAGE}" + ("&state=open" if open_only else "")
        page = self._transport.get(path)
        while True:
            links.extend(Link(said) for said in page["links"])
            if page.get("next") is None:
                return links
            page = self._transport.get(f"{path}&from={quote(page['next'], '')}")

    def cancel(self, link_id: str) -> Link:
        """It is not to be delivered. Who has it already, has it."""
        return Link(self._transport.post(f"/v1/links/{quote(link_id, ':')}/cancel", {}))

    def directories(self) -> Dict[str, str]:
        """``root``, ``inbox`` and ``outbox`` of this app. Those beside the socket are
        taken, so that they are right in a container as well; without them it is what the
        service says."""
        return self._directories_beside_socket() or self._directories_of_service()

    def _directories_of_service(self) -> Dict[str, str]:
        return self._transport.get("/v1/directories")

    def _directories_beside_socket(self) -> Optional[Dict[str, str]]:
        if self._transport.socket_path is None:
            return None
        root = os.path.dirname(os.path.abspath(self._transport.socket_path))
        inbox, outbox = os.path.join(root, "inbox"), os.path.join(root, "outbox")
        if not (os.path.isdir(inbox) and os.path.isdir(outbox)):
            return None
        return {"root": root, "inbox": inbox, "outbox": outbox}

    def _send(self, paths: List[str], body: Dict[str, Any]) -> Sent:
        header = body["requestHeader"]
        known = self._known(header["trackingId"]) if header["trackingId"] else None
        if known is not None:
            return Sent(self._transport, known)
        outbox = self.directories()["outbox"]
        places: List[Place] = []
        try:
            for path in paths:
                places.append(Place(path, outbox, body["subdirectory"]))
                # All are in the directory of the first.
                body["subdirectory"] = places[0].subdirectory
        except FileNotFoundError:
            known = self._under_way(paths, outbox, body)
            if known is None:
                raise
            return Sent(self._transport, known)
        body["fileNames"] = [place.name for place in places]
        if not all(place.is_in_outbox for place in places):
            body["leaveSourceFile"] = False
        if not header["trackingId"]:
            known = self._derive_tracking_id(places, body)
            if known is not None:
                return Sent(self._transport, known)
        placed = put_all(places, self._transport.patience)
        try:
            link = Link(self._transport.post("/v1/links", body))
        except Refused:
            take_back(placed)
            raise
        if link.is_known:
            # Somebody sent the same at the same time, and these copies are too many.
            take_back(placed)
        return Sent(self._transport, link, placed)

    def _derive_tracking_id(
        self, places: List[Place], body: Dict[str, Any]
    ) -> Optional[Link]:
        """The id of these files and these words; the request that has it already, but not
        one that failed."""
        first = tracking_id(places, json.dumps(body, sort_keys=True).encode())
        for number in range(1, _TRIES_MAX):
            header = body["requestHeader"]
            header["trackingId"] = first if number == 1 else f"{first}-{number}"
            known = self._known(header["trackingId"])
            if known is None or not known.has_ended or known.is_ok:
                return known
        raise NotSendable(f"cannot send {places[0].source}: it failed {_TRIES_MAX} times")

    def _known(self, tracking_id: str) -> Optional[Link]:
        return self.status(f"tracking:{tracking_id}")

    def _under_way(
        self, paths: List[str], outbox: str, body: Dict[str, Any]
    ) -> Optional[Link]:
        """The request that took the files out of the outbox, and has not ended."""
        inside = [name_and_subdirectory(path, outbox) for path in paths]
        for link in reversed(self.list(open_only=True)):
            is_it = inside == [(name, link.subdirectory) for name in link.files]
            if is_it and list(link.recipients) == body["destinationAppIds"]:
                return link
        return None
