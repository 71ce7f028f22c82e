"""A file gets into the outbox, under its name and in the place of none."""

from __future__ import annotations

import errno
import filecmp
import hashlib
import os
import secrets
import shutil
import stat
import time
from typing import List, Optional, Tuple

from .errors import NameTaken, NotSendable

_PART = (".link-client-", ".part")
_LOOK_PAUSE_SECONDS = 0.02


def name_and_subdirectory(path: str, outbox: str) -> Optional[Tuple[str, str]]:
    """Where a path is in the outbox; None where it is elsewhere."""
    within = os.path.realpath(os.path.dirname(os.path.abspath(path)))
    beneath = os.path.relpath(within, os.path.realpath(outbox))
    if beneath == os.pardir or beneath.startswith(os.pardir + os.sep):
        return None
    return os.path.basename(path), "" if beneath == os.curdir else beneath


class Placed:
    """A file that is in the outbox."""

    def __init__(self, path: str, copy: Optional[int]) -> None:
        self._path = path
        self._copy = copy
        """The inode, where it is a copy that was made to be sent."""

    def take_back(self) -> None:
        """Removes such a copy, where it is in the outbox still or again."""
        try:
            if self._copy is not None and os.lstat(self._path).st_ino == self._copy:
                os.unlink(self._path)
        except OSError:
            pass  # It is only in the way.


class Place:
    """A file that is there, and where it is to be."""

    def __init__(self, path: str, outbox: str, subdirectory: str) -> None:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise NotSendable(f"cannot send {path}: it is no regular file")
        self.source = os.path.join(
            os.path.realpath(os.path.dirname(os.path.abspath(path))), os.path.basename(path)
        )
        self.facts = (found.st_size, found.st_mtime_ns, found.st_ino)
        inside = name_and_subdirectory(path, outbox)
        self.is_in_outbox = inside is not None
        self.name = os.path.basename(path)
        self.subdirectory = subdirectory
        if inside is not None:
            if subdirectory not in ("", inside[1]):
                raise NotSendable(f"cannot send {path}: it is in another subdirectory")
            self.subdirectory = inside[1]
        parts = self.subdirectory.split("/") if self.subdirectory else []
        if any(not part or part.startswith(".") for part in parts):
            raise NotSendable(f"cannot send {path}: its subdirectory leads nowhere")
        self._directory = os.path.join(os.path.realpath(outbox), *parts)

    def put(self, patience: float) -> Placed:
        """Puts a copy into the outbox, or finds it there. While another file has its name,
        it waits for ``patience`` seconds that this one is taken."""
        path = os.path.join(self._directory, self.name)
        if self.is_in_outbox:
            _sync(path)
            _sync(self._directory)
            return Placed(path, None)
        os.makedirs(self._directory, exist_ok=True)
        part = os.path.join(self._directory, secrets.token_hex(8).join(_PART))
        try:
            placed = Placed(path, self._put_by(part, path, patience))
        finally:
            try:
                os.unlink(part)
            except FileNotFoundError:
                pass
        _sync(self._directory)
        return placed

    def _put_by(self, part: str, path: str, patience: float) -> Optional[int]:
        with open(self.source, "rb") as source, open(part, "xb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
            number = os.fstat(copy.fileno()).st_ino
        until = time.monotonic() + patience
        while True:
            try:
                _name_if_free(part, path)
                return number
            except FileExistsError:
                pass
            # What an earlier try left is as good.
            if _is_same(part, path):
                _remove_other_names(path)
                return None
            if time.monotonic() >= until:
                text = f"{path} is there already, with other octets: send or remove it"
                raise NameTaken(text)
            time.sleep(_LOOK_PAUSE_SECONDS)


def tracking_id(places: List[Place], words: bytes) -> str:
    """The same for the same files and the same words."""
    of = repr([(place.source, place.facts) for place in places]).encode() + b"\0" + words
    return "file-" + hashlib.sha256(of).hexdigest()[:32]


def put_all(places: List[Place], patience: float) -> List[Placed]:
    """Puts files into the outbox, all or none."""
    placed: List[Placed] = []
    try:
        for place in places:
            placed.append(place.put(patience))
    except BaseException:
        take_back(placed)
        raise
    return placed


def take_back(placed: List[Placed]) -> None:
    """Removes copies that were made to be sent."""
    for each in placed:
        each.take_back()


def _sync(path: str) -> None:
    """A request that is accepted survives a power cut: so is its file to."""
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    except OSError as error:
        # Shares whose server does that of its own, for directories.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(number)


def _name_if_free(part: str, path: str) -> None:
    """A second name first: unlike a rename, that takes the place of no other file."""
    try:
        os.link(part, path)
    except OSError as error:
        # Shares know no second names.
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        if os.path.lexists(path):
            raise FileExistsError(path) from error
        os.rename(part, path)


def _is_same(part: str, path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode) and filecmp.cmp(part, path, shallow=False)
    except OSError:
        return False


def _remove_other_names(path: str) -> None:
    """A crash may have left a copy with both names; such a file is not sent."""
    number = os.lstat(path).st_ino
    with os.scandir(os.path.dirname(path)) as entries:
        for entry in entries:
            is_part = entry.name.startswith(_PART[0]) and entry.name.endswith(_PART[1])
            if is_part and entry.inode() == number:
                os.unlink(entry.path)
