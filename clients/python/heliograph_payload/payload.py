"""What a payload does when it is called."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Dict, Optional

from .interface import ReturnCode, message

if TYPE_CHECKING:
    from .channel import Channel

RUNS_MAX = 16
"""Runs of one payload at once; with more, a further one is refused."""


class Payload:
    """A payload. Override what it has use for. Its methods are called from threads of the
    library, several at once: each but :meth:`sequence` and :meth:`shutdown` within the time that
    the controller gives a call, three seconds as a rule."""

    def sequence(self, channel: Channel, run: Run) -> None:
        """Does what that sequence is; in a thread of its own. The controller is told when it
        returns; what it raises is how it failed. A run that is to end early sees it by
        :attr:`Run.is_cancelled`, and raises then."""

    def has_sequence(self, sequence: str) -> bool:
        """Whether there is such a sequence. One that there is not is refused."""
        return True

    def health(self) -> int:
        """How the payload is; anything but success is a failed health check."""
        return ReturnCode.SUCCESS

    def shutdown(self, grace: float, reason: int) -> None:
        """The payload is to end within ``grace`` seconds. Runs have been asked to; when they
        have, and this has returned, the controller is told so."""

    def metrics(self) -> Dict[str, int]:
        """Its counters: names of at most 15 octets, 8 of them at most."""
        return {}

    def message(self, command_id: int, data: bytes) -> int:
        """A message from the spacecraft, as it is."""
        return ReturnCode.NOT_IMPLEMENTED

    def ephemeris(self, ephemeris: Any) -> None:
        """Ephemeris, as :meth:`Channel.start_ephemeris` asked for."""

    def voltage(self, volts: float) -> None:
        """The bus voltage, as :meth:`Channel.start_voltage` asked for."""

    def thermal(self, status: Any) -> None:
        """What the thermal control does, as :meth:`Channel.start_thermal` asked for."""

    def remote_power(self, status: Any) -> None:
        """Another controller was switched."""

    def copied(self, notice: Any) -> None:
        """How far :meth:`Channel.copy_files` is."""

    def intercept(self, rpc: str, asked: Any) -> Optional[int]:
        """Before anything is done with a callback: a code is returned at once, and nothing is
        done. For payloads that write all of it down, or misbehave on purpose."""
        return None


class Run:
    """One run of a sequence."""

    def __init__(self, channel: Channel, started: Any) -> None:
        self.sequence: str = started.sequence_id
        """Which sequence."""
        self.params: str = started.sequence_params
        """With what."""
        self.deadline: int = started.scheduled_deadline
        """Until when it is to be done, in seconds since 1970."""
        self._channel = channel
        self._correlation_id = started.correlation_id
        self._cancelled = threading.Event()

    @property
    def is_cancelled(self) -> bool:
        """Whether it is to end early."""
        return self._cancelled.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits so long, or until it is to end early; whether it is."""
        return self._cancelled.wait(seconds)

    def progress(self, percent: int, text: str = "") -> None:
        """Tells how far it is. A controller that has no ear for it is none the worse."""
        told = message("SequenceProgress")(run=self._named(), percent=percent, text=text)
        self._channel._call_if_known("ReportProgress", told)

    def _named(self) -> Any:
        named = message("SequenceRun")
        return named(sequence_id=self.sequence, correlation_id=self._correlation_id)
