"""Sends files to other apps, the ground and other spacecraft, and receives them, by the
Heliograph link service. No dependencies; Python 3.9 or newer. Copy the directory.

    import heliograph_link as link

    link.send("analyser", "/tmp/image.raw").wait()
    link.downlink("/tmp/report.pdf")

and on the other side

    for f in link.receive():
        look_at(f.path)
        f.ack()

The functions of this module are those of one :class:`LinkClient` at the app's socket, which
``HELIOGRAPH_LINK_SOCKET`` names; without it that is ``link.sock`` in the current directory.

A file that is sent again, unchanged and with the same words, is the same request: an app
that does not know whether it sent it before it crashed, sends it. What was refused or failed
is tried anew.
"""

from __future__ import annotations

from .client import LinkClient
from .delivery import DeliveredFile, Delivery
from .errors import (
    LinkError,
    NameTaken,
    NoService,
    NotDelivered,
    NotEnded,
    NotSendable,
    Refused,
)
from .original import (
    crosslink_file,
    downlink_file,
    get_xfer_directories,
    send_file_to_app,
)
from .sent import Link, Sent

__all__ = [
    "DeliveredFile",
    "Delivery",
    "Link",
    "LinkClient",
    "LinkError",
    "NameTaken",
    "NoService",
    "NotDelivered",
    "NotEnded",
    "NotSendable",
    "Refused",
    "Sent",
    "cancel",
    "crosslink",
    "crosslink_file",
    "downlink",
    "downlink_file",
    "get_xfer_directories",
    "list_links",
    "receive",
    "send",
    "send_file_to_app",
    "status",
]


def send(*args, **kwargs) -> Sent:
    """As :meth:`LinkClient.send`."""
    return LinkClient.from_env().send(*args, **kwargs)


def downlink(*args, **kwargs) -> Sent:
    """As :meth:`LinkClient.downlink`."""
    return LinkClient.from_env().downlink(*args, **kwargs)


def crosslink(*args, **kwargs) -> Sent:
    """As :meth:`LinkClient.crosslink`."""
    return LinkClient.from_env().crosslink(*args, **kwargs)


def receive(timeout=None):
    """As :meth:`LinkClient.receive`."""
    return LinkClient.from_env().receive(timeout)


def status(link_id: str):
    """As :meth:`LinkClient.status`."""
    return LinkClient.from_env().status(link_id)


def list_links(open_only: bool = False):
    """As :meth:`LinkClient.list`."""
    return LinkClient.from_env().list(open_only)


def cancel(link_id: str) -> Link:
    """As :meth:`LinkClient.cancel`."""
    return LinkClient.from_env().cancel(link_id)
