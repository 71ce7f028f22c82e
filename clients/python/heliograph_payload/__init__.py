"""What a payload application is written with: its channel to the Heliograph payload
controller. Needs ``grpcio`` and ``protobuf``; Python 3.9 or newer. Copy the directory.

    import heliograph_payload as hosted

    class Camera(hosted.Payload):
        def sequence(self, channel, run):
            place = channel.current_location()
            print(run.sequence, place.latitude, place.longitude)

    channel = hosted.create_channel(hosted.Files.installed(), Camera())
    channel.register(restart_on_failed_health=True)
    channel.wait_for_shutdown()
    channel.delete_channel()

Calls wait for what comes of them, and no longer than :class:`Patience` says. Whoever calls the
payload is to have the controller's certificate. Each sequence runs in a thread of its own; what
it raises is how it failed.
"""

from __future__ import annotations

from .channel import Channel, create_channel, create_insecure_channel
from .errors import (
    Closed,
    Failed,
    NoResult,
    PayloadError,
    Refused,
    SetupError,
    Unknown,
    Unreachable,
)
from .interface import Band, Priority, ReturnCode, message
from .payload import RUNS_MAX, Payload, Run
from .provisioned import Files, Patience, Setup

__all__ = [
    "RUNS_MAX",
    "Band",
    "Channel",
    "Closed",
    "Failed",
    "Files",
    "NoResult",
    "Patience",
    "Payload",
    "PayloadError",
    "Priority",
    "Refused",
    "ReturnCode",
    "Run",
    "Setup",
    "SetupError",
    "Unknown",
    "Unreachable",
    "create_channel",
    "create_insecure_channel",
    "message",
]
