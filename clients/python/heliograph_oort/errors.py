"""What goes wrong."""

from __future__ import annotations

from typing import Optional


class OortError(Exception):
    """Something was not done."""


class NoAgent(OortError, ConnectionError):
    """The agent does not answer. What was asked may have been done all the same."""


class Refused(OortError):
    """The agent did not do it: nothing has become of it."""

    def __init__(self, status: int, message: str, retry_after: Optional[int] = None) -> None:
        super().__init__(message)
        self.status = status
        """Of HTTP: 507, for one, where there is no room for the file."""
        self.message = message
        self.retry_after = retry_after
        """When it may be done, in seconds, where that is known."""


class NotDelivered(OortError):
    """It ended, and the ground has not got it."""

    def __init__(self, item) -> None:
        super().__init__(f"it ended as {item.state}: {item.reason or 'no reason was said'}")
        self.item = item
        """How it stands, an :class:`Item`."""


class NotEnded(OortError, TimeoutError):
    """It has not ended in that time, and goes on."""

    def __init__(self, item) -> None:
        super().__init__(f"{item.uuid} has not ended yet; it goes on")
        self.item = item
