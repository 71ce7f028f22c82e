"""Hands messages for the ground to a Heliograph service, and tells what became of them.

The service offers this where ``submit`` is configured; "For mission apps" in the
book has the octets. No dependencies; Python 3.9 or newer. Copy the file.

    from heliograph_submit import SubmitClient

    with SubmitClient.unix("/run/heliograph/submit.sock") as client:
        receipt = client.send(13011, b"battery 7.4 V")
        if receipt.state == "sent":
            print("the radio has it")
        elif receipt.try_again:
            print("later, then:", receipt.message)
        else:
            print("it came to nothing:", receipt)

Also a program: ``python3 heliograph_submit.py unix:/run/… 13011 < message``.
"""

from __future__ import annotations

import base64
import json
import socket
import sys
from dataclasses import dataclass
from typing import Optional, Tuple

__all__ = ["Receipt", "SubmitClient"]

_RECEIPT_BYTES_MAX = 65_536


@dataclass(frozen=True)
class Receipt:
    """Word of a message."""

    id: Optional[int]
    """Which message, from :meth:`SubmitClient.submit`; None where the service did
    not understand a line, or has no room for one more client."""
    state: str
    """``queued``, then one of ``sent``, ``refused``, ``expired``, ``dropped``; after
    ``sent``, where it is waited for, ``heard`` or ``not-heard``."""
    reason: str = ""
    """Name of the reason, of ``refused`` and ``dropped``."""
    message: str = ""
    """The same in words, of ``refused``."""
    try_again: bool = False
    """Whether the same may be taken later, of ``refused``."""

    def is_last(self, heard_within_ms: Optional[int] = None) -> bool:
        """Whether no further receipt follows of that message."""
        if self.state == "sent":
            return heard_within_ms is None
        return self.state != "queued"


class SubmitClient:
    """A connection to a service. Not for several threads at once."""

    def __init__(self, connected: socket.socket) -> None:
        """Takes over a connected stream socket."""
        self._socket = connected
        self._octets = b""
        self._next_id = 1

    @classmethod
    def unix(cls, path: str, timeout: Optional[float] = None) -> SubmitClient:
        """Connects to a Unix socket. Calls wait ``timeout`` seconds, or for ever."""
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        return cls._connect(connected, path, timeout)

    @classmethod
    def tcp(
        cls, address: Tuple[str, int], timeout: Optional[float] = None
    ) -> SubmitClient:
        """Connects to host and port. Calls wait ``timeout`` seconds, or for ever."""
        connected = socket.create_connection(address, timeout)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(connected)

    @classmethod
    def _connect(
        cls, connected: socket.socket, path: str, timeout: Optional[float]
    ) -> SubmitClient:
        try:
            connected.settimeout(timeout)
            connected.connect(path)
        except OSError:
            connected.close()
            raise
        return cls(connected)

    def submit(
        self,
        port: int,
        payload: bytes,
        ttl_ms: Optional[int] = None,
        heard_within_ms: Optional[int] = None,
    ) -> int:
        """Hands a message over, to go down by downlink port ``port``; gives its id.

        It is worth sending for ``ttl_ms``, else as long as the port says. Once it was
        sent, the ground's report that it was heard is waited for as long as
        ``heard_within_ms``, else not at all. Raises :class:`OSError` when the
        connection is lost.
        """
        message_id = self._next_id
        self._next_id += 1
        submit = {
            "id": message_id,
            "port": port,
            "payload": base64.b64encode(payload).decode("ascii"),
        }
        if ttl_ms is not None:
            submit["ttl-ms"] = ttl_ms
        if heard_within_ms is not None:
            submit["heard-within-ms"] = heard_within_ms
        line = json.dumps({"submit": submit}) + "\n"
        self._socket.sendall(line.encode("ascii"))
        return message_id

    def receipt(self) -> Receipt:
        """The next receipt, of whichever message.

        Receipts are to be read: the service cuts off who never does. Raises
        :class:`TimeoutError` (``socket.timeout``) when none comes in time,
        :class:`ConnectionError` when the connection was closed.
        """
        while b"\n" not in self._octets:
            if len(self._octets) > _RECEIPT_BYTES_MAX:
                raise ValueError("a line of the service is too long")
            received = self._socket.recv(4096)
            if not received:
                raise ConnectionError("the service closed the connection")
            self._octets += received
        line, _, self._octets = self._octets.partition(b"\n")
        said = json.loads(line)
        return Receipt(
            id=said["id"],
            state=said["state"],
            reason=said.get("reason", ""),
            message=said.get("message", ""),
            try_again=said.get("try-again", False),
        )

    def send(
        self,
        port: int,
        payload: bytes,
        ttl_ms: Optional[int] = None,
        heard_within_ms: Optional[int] = None,
    ) -> Receipt:
        """As :meth:`submit`, and waits for the last receipt. Receipts of other
        messages that come meanwhile are passed over."""
        message_id = self.submit(port, payload, ttl_ms, heard_within_ms)
        while True:
            receipt = self.receipt()
            ours = receipt.id is None or receipt.id == message_id
            if ours and receipt.is_last(heard_within_ms):
                return receipt

    def close(self) -> None:
        """Closes the connection. What was submitted goes down nevertheless."""
        self._socket.close()

    def __enter__(self) -> SubmitClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _main() -> int:
    if len(sys.argv) != 3:
        print("usage: heliograph_submit.py unix:PATH|HOST:PORT DOWNLINK-PORT", file=sys.stderr)
        return 2
    where, port = sys.argv[1], int(sys.argv[2])
    if where.startswith("unix:"):
        client = SubmitClient.unix(where[len("unix:") :])
    else:
        host, _, tcp_port = where.rpartition(":")
        client = SubmitClient.tcp((host, int(tcp_port)))
    with client:
        receipt = client.send(port, sys.stdin.buffer.read())
    print(receipt.state, receipt.reason, receipt.message)
    return 0 if receipt.state == "sent" else 1


if __name__ == "__main__":
    sys.exit(_main())
