"""Why something did not come about."""

from __future__ import annotations


class PayloadError(Exception):
    """Any of them."""


class SetupError(PayloadError):
    """What the payload was provisioned with is not as it should be."""


class Unreachable(PayloadError):
    """There is no controller, or it is another one. Nothing was done."""


class Refused(PayloadError):
    """The controller did not take it."""

    def __init__(self, rpc: str, code: int, reason: str) -> None:
        super().__init__(f"{rpc}: the controller says {code}: {reason}")
        self.code = code
        self.reason = reason


class Unknown(PayloadError):
    """Nobody knows whether it was done."""


class NoResult(PayloadError):
    """It was taken, and what came of it was not told in time."""


class Failed(PayloadError):
    """It was taken, and failed."""

    def __init__(self, rpc: str, status: int) -> None:
        super().__init__(f"{rpc}: it was taken, and failed with status {status}")
        self.status = status


class Closed(PayloadError):
    """The channel is closed."""
