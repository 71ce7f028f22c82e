"""What the agent says."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

_QUEUED = ("waiting", "out")
_DONE = ("delivered", "collected")


class FileInfo:
    """A file that came up."""

    def __init__(self, said: Dict[str, Any]) -> None:
        self.said = said
        """All that the agent said."""
        self.id: str = said["id"]
        self.path: str = said["path"]
        """Where it was when it was sent."""
        self.size: int = said["size"]
        """Octets."""
        self.crc32: str = said["crc32"]
        self.delivery_hints: Dict[str, Any] = said.get("delivery_hints") or {}

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def __repr__(self) -> str:
        return f"FileInfo({self.id!r}, {self.path!r})"


class AvailableFiles(List[FileInfo]):
    """The oldest files of a topic that came up."""

    overflow = False
    """There are more: they are named once some of these are retrieved."""


class Receipt:
    """The ground's word that it has a file. The agent has checked its signature."""

    def __init__(self, said: Dict[str, Any]) -> None:
        self.said = said
        """All of it, as it was signed."""
        self.uuid: str = said["uuid"]
        self.sha256: str = said["sha256"]
        self.size: int = said["size"]
        self.bucket: str = said["bucket"]
        self.key: str = said["key"]
        """Its name in the bucket."""
        self.time: int = said["time"]
        """Since when: s since 1970."""

    def __repr__(self) -> str:
        return f"Receipt({self.uuid!r}, {self.bucket!r}, {self.key!r})"


class Item:
    """How something that was handed over stands. Times are s since 1970."""

    def __init__(self, said: Dict[str, Any]) -> None:
        receipt = said.get("receipt")
        self.said = said
        """All that the agent said."""
        self.uuid: str = said["uuid"]
        self.topic: str = said["topic"]
        self.state: str = said["state"]
        """``waiting``, ``out``, or how it ended: ``delivered``, ``collected``, ``expired``,
        ``evicted``, ``cancelled``, ``failed``."""
        self.stage: Optional[str] = said.get("stage")
        """``urgent``, ``bulk`` or ``surplus``, until it has ended."""
        self.stage_until: Optional[int] = said.get("stage_until")
        self.handed_over: int = said["handed_over"]
        self.ended: Optional[int] = said.get("ended")
        self.size: int = said["size"]
        """Octets."""
        self.reason: str = said.get("reason") or ""
        """Why it ended."""
        self.receipt: Optional[Receipt] = None if receipt is None else Receipt(receipt)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.state not in _QUEUED

    @property
    def is_ok(self) -> bool:
        """Whether the ground has it, or a collector took it to bring it there."""
        return self.state in _DONE

    def __repr__(self) -> str:
        return f"Item({self.uuid!r}, {self.state!r})"
