"""The names of the original's client, at the app's socket that the environment names."""

from __future__ import annotations

from typing import Dict

from .client import LinkClient
from .sent import Link


def get_xfer_directories() -> Dict[str, str]:
    """``inbox``, ``outbox`` and ``root`` of this app."""
    return LinkClient.from_env().directories()


def send_file_to_app(
    destination_app_id: str,
    filepath: str,
    overwrite_destination_file: bool = False,
    response_timeout_seconds: float = 30,
) -> Link:
    """Sends a file to an app, and waits until it has it. Raises :class:`NotEnded` when it
    has not in that time, and goes on: the same call made again is the same request."""
    link = LinkClient.from_env()
    sent = link.send(destination_app_id, filepath, overwrite=overwrite_destination_file)
    return sent.wait(response_timeout_seconds)


def downlink_file(
    destination_app_id: str,
    filepath: str,
    overwrite_destination_file: bool = False,
    response_timeout_seconds: float = 30,
) -> Link:
    """As :func:`send_file_to_app`, to the ground. ``destination_app_id`` means nothing, as
    in the original."""
    sent = LinkClient.from_env().downlink(filepath, overwrite=overwrite_destination_file)
    return sent.wait(response_timeout_seconds)


def crosslink_file(
    destination_app_id: str,
    filepath: str,
    overwrite_destination_file: bool = False,
    response_timeout_seconds: float = 30,
) -> Link:
    """As :func:`send_file_to_app`, to an app of another spacecraft: ``app@node``."""
    link = LinkClient.from_env()
    sent = link.crosslink(
        destination_app_id, filepath, overwrite=overwrite_destination_file
    )
    return sent.wait(response_timeout_seconds)
