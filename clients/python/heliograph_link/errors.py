"""What goes wrong."""

from __future__ import annotations


class LinkError(Exception):
    """Something was not done. ``code`` is the service's, where it gave one."""

    code = ""


class NoService(LinkError, ConnectionError):
    """The service does not answer."""


class NotSendable(LinkError, ValueError):
    """The file is none that can be sent, or is in another subdirectory than was said."""


class NameTaken(LinkError, FileExistsError):
    """Another file in the outbox has the name, and no request takes it away."""


class _Told(LinkError):
    def __init__(self, link, text: str) -> None:
        super().__init__(text)
        self.link = link
        """What the service said, a :class:`Link`."""
        self.code = link.code


class Refused(_Told):
    """The service did not do it: nothing has become of it."""

    def __init__(self, link, retry_after=None) -> None:
        super().__init__(link, f"{link.code}: {link.message}")
        self.retry_after = retry_after
        """When it may be taken, in seconds, where that is known."""


class NotDelivered(_Told):
    """It ended, and not all recipients have it."""

    def __init__(self, link) -> None:
        super().__init__(link, f"it ended as {link.code}: {link.message}")


class NotEnded(LinkError, TimeoutError):
    """It has not ended in that time, and goes on."""

    def __init__(self, link) -> None:
        super().__init__(f"request {link.id} has not ended yet; it goes on")
        self.link = link
