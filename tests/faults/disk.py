"""What if the disk fails? SQLite's files lie on one that may be full, ill or slow, or lose power.

It stands between SQLite and the real files, as a VFS of its own: what it is asked to write
it writes, unless it is told to fail, and it remembers of each file what had been synced.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import apsw

Operation = Literal["write", "sync"]
Fault = Callable[[], None]

_BENEATH = "unix"
_NAME = "innkeeper-disk"


def full() -> None:
    """Have no room left: ENOSPC."""
    raise apsw.FullError("database or disk is full")


def ill() -> None:
    """Fail to write: EIO."""
    raise apsw.IOError("disk I/O error")


def slow(seconds: float) -> Fault:
    """Take so long, and have whoever writes stand still, as a disk does."""
    return lambda: time.sleep(seconds)


class _File(apsw.VFSFile):
    def __init__(self, disk: "Disk", name: Any, flags: Any) -> None:
        super().__init__(_BENEATH, name, flags)
        self._disk = disk
        text = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._path = None if text is None else Path(text)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite's name
        self._disk.passes("write")
        super().xWrite(data, offset)  # pyright: ignore[reportUnknownMemberType]  # newer than it

    def xSync(self, flags: int) -> None:  # noqa: N802  # the same
        self._disk.passes("sync")
        super().xSync(flags)
        if self._path is not None:
            self._disk.synced[self._path] = self._path.read_bytes()


class Disk(apsw.VFS):
    """A disk, on which lies every database that is opened while it is there."""

    def __init__(self) -> None:
        super().__init__(_NAME, _BENEATH, makedefault=True)
        self.synced: dict[Path, bytes] = {}
        self.struck = 0
        """How often it has failed."""
        self._fault: tuple[Operation, Iterator[bool], Fault] | None = None

    def xOpen(self, name: Any, flags: Any) -> _File:  # noqa: N802  # SQLite's name
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: Any) -> None:  # noqa: N802  # the same
        super().xDelete(filename, syncdir)
        self.synced.pop(Path(filename), None)

    def passes(self, operation: Operation) -> None:
        """Fail, if it is time to."""
        if self._fault is None:
            return
        fails, when, fault = self._fault
        if fails == operation and next(when, False):
            self.struck += 1
            fault()

    @contextmanager
    def failing(
        self, operation: Operation, fault: Fault, *, nth: int | None = None
    ) -> Generator[None]:
        """Fail at the nth of these operations from now on, or at each of them."""
        always = iter(lambda: True, None)
        once = iter([False] * (nth - 1) + [True]) if nth else always
        self._fault = (operation, once, fault)
        try:
            yield
        finally:
            self._fault = None

    def lose_power(self, folder: Path, into: Path) -> None:
        """Copy a folder as it is when power comes back: of its databases what was synced."""
        into.mkdir()
        for path in folder.iterdir():
            database = ".db" in path.name and path.suffix != ".lock"
            if not database:
                (into / path.name).write_bytes(path.read_bytes())
            elif path in self.synced:
                (into / path.name).write_bytes(self.synced[path])


@contextmanager
def disk() -> Generator[Disk]:
    """Have all databases that are opened meanwhile on a disk that can fail."""
    one = Disk()
    try:
        yield one
    finally:
        one.unregister()
