"""Where does the key ring come from? From a text, or from a file that may change while we run.

Its keys stand there as they are, or wrapped by a key service of the operator's. That service
is asked when the ring is read, and never for an event.
"""

import os
import stat
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, Protocol, runtime_checkable

from innkeeper.errors import KeyServiceUnavailable, KeysRefused
from innkeeper.secret import Secret
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite.connection import FileLock

SERVICE_SECONDS: Final = 10.0
"""How long a key service may take to answer."""
_asking: Final = threading.BoundedSemaphore(8)
"""How many threads may hang at a service that does not answer."""
_LARGEST_BYTES: Final = 1_048_576
_NEW_FIX: Final = "Make one with: innkeeper keys new"
_COPY_FIX: Final = (
    "Put back the copy that you kept: without it nothing that was stored can be read."
)

_MOUNTED_FIX: Final = "Where it is mounted, have it mounted with the mode 0400 or 0440."


@runtime_checkable
class KeyService(Protocol):
    """Wraps the keys of the ring, so that they are written down nowhere as they are.

    A key management service, a hardware module, or whatever you have. Either method may
    wait for a network, in a thread, for at most ten seconds; whatever it raises is taken as
    "not now".
    """

    def wrap(self, key: bytes, /) -> bytes:
        """Wrap 32 bytes."""
        ...

    def unwrap(self, wrapped: bytes, /) -> bytes:
        """Give the bytes that were wrapped."""
        ...


def new_entry(service: KeyService | None) -> str:
    """Draw a key as a ring writes it, wrapped if there is a service to wrap it.

    Raises:
        KeyServiceUnavailable: If the service does not wrap it.
    """
    if service is None:
        return KeyRing.generate()
    return KeyRing.generate_wrapped(partial(_bounded, service, "wrap"))


def _bounded(service: KeyService, method: str, value: bytes) -> bytes:
    """Ask a service, in a thread that is left behind if it does not answer in time."""
    answers: SimpleQueue[bytes | BaseException] = SimpleQueue()
    if not _asking.acquire(blocking=False):
        raise KeyServiceUnavailable(f"the key service did not {method} a key", "it still hangs")

    def ask() -> None:
        try:
            answers.put(bytes(getattr(service, method)(value)))
        except BaseException as error:  # it is told by its kind
            answers.put(error)
        finally:
            _asking.release()

    threading.Thread(target=ask, daemon=True, name="innkeeper key service").start()
    try:
        answer = answers.get(timeout=SERVICE_SECONDS)
    except Empty:
        answer = TimeoutError()
    if isinstance(answer, bytes):
        return answer
    # Nothing of what it says is repeated: it may quote the key.
    raise KeyServiceUnavailable(f"the key service did not {method} a key", type(answer).__name__)


def _read(text: str, service: KeyService | None, *, name: str, fix: str) -> KeyRing:
    unwrap = partial(_bounded, service, "unwrap") if service else None
    try:
        return KeyRing.parse(text, unwrap)
    except ValueError as error:
        raise KeysRefused(name, f"is no key ring: {error}", fix) from None


@dataclass(frozen=True, slots=True)
class KeyText:
    """A key ring that was given as a text, and does not change."""

    name: str
    text: Secret
    service: KeyService | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What no log line may hold."""
        entries = self.text.reveal().split(",")
        return tuple(Secret(entry.strip().rpartition(":")[2]) for entry in entries)

    def changed(self) -> bool:
        """Say no."""
        return False

    def ring(self) -> KeyRing:
        """Read the ring.

        Raises:
            KeysRefused: If it is no key ring.
            KeyServiceUnavailable: If a key cannot be unwrapped now.
        """
        return _read(self.text.reveal(), self.service, name=self.name, fix=_NEW_FIX)


@dataclass(slots=True)
class KeyFile:
    """A file with a key ring, which may be changed while the app runs.

    Args:
        name: What it is called where it is refused.
        ours: It was made beside the database, so that nobody but its owner needs it. Another
            may be a link, and its group may read it: secrets are mounted so.
    """

    name: str
    path: Path
    service: KeyService | None = None
    ours: bool = False
    _stamp: tuple[int, ...] | None = field(default=None, init=False)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Say nothing: the keys in the file turn up in no environment."""
        return ()

    def changed(self) -> bool:
        """Tell whether the file is another one, or cannot be found, since the ring was read."""
        return self._stamp is None or self._look() != self._stamp

    def ring(self) -> KeyRing:
        """Read the ring.

        Raises:
            KeysRefused: If the file cannot be read, others can read it, or it holds no key ring.
            KeyServiceUnavailable: If a key cannot be unwrapped now.
        """
        stamp = self._look()
        fix = _COPY_FIX if self.ours else _NEW_FIX
        ring = _read(self._content(), self.service, name=self.name, fix=fix)
        self._stamp = stamp
        return ring

    def make(self) -> None:
        """Make the file with a new key.

        Raises:
            KeysRefused: If it cannot be made.
            KeyServiceUnavailable: If the key cannot be wrapped now.
        """
        entry = new_entry(self.service)
        try:
            _write(self.path, f"{entry}\n", 0o600)
        except OSError as error:
            raise self._not("made", error) from None

    def put_first(self) -> str:
        """Put a new key before the ones that are there, at one stroke; say its id.

        Raises:
            KeysRefused: If the file cannot be replaced.
            KeyServiceUnavailable: If a key cannot be wrapped or unwrapped now.
            StoreUnavailable: If somebody else is doing the same.
        """
        if self.path.is_symlink():
            fix = "Put a key of `innkeeper keys new` first where it comes from, and a comma after."
            raise KeysRefused(self.name, "is a link to where it comes from", fix)
        lock = FileLock(str(self.path))
        try:
            text = self._content()
            _read(text, self.service, name=self.name, fix=_COPY_FIX)
            entry = new_entry(self.service)
            new = self.path.with_name(f"{self.path.name}.new")
            new.unlink(missing_ok=True)
            _write(new, f"{entry},\n{text}\n", 0o600, like=self.path.stat())
            new.replace(self.path)
            _sync(self.path.parent)
        except OSError as error:
            raise self._not("written", error) from None
        finally:
            lock.release()
        return entry.partition(":")[0]

    def _content(self) -> str:
        forbidden = 0o077 if self.ours else 0o037
        try:
            status = self.path.lstat() if self.ours else self.path.stat()
            if not stat.S_ISREG(status.st_mode) or status.st_mode & forbidden:
                why = "is not a plain file that only its owner can read"
                fix = f"Run: chmod 600 {self.path.name}"
                raise KeysRefused(self.name, why, fix if self.ours else f"{fix}. {_MOUNTED_FIX}")
            if status.st_uid not in {0, os.geteuid()}:
                fix = (
                    "Run this as the user to whom it belongs, or give it to the one who runs this."
                )
                raise KeysRefused(self.name, "belongs to another user", fix)
            with self.path.open("rb") as file:
                return file.read(_LARGEST_BYTES).decode("ascii", errors="replace").strip()
        except OSError as error:
            raise self._not("read", error) from None

    def _look(self) -> tuple[int, ...] | None:
        with suppress(OSError):
            found = self.path.stat()
            return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
        return None

    def _not(self, done: str, error: OSError) -> KeysRefused:
        fix = "Check the rights of the file and of its directory."
        return KeysRefused(self.name, f"cannot be {done}: {error.strerror}", fix)


KeySource = KeyText | KeyFile
"""Where a key ring comes from."""


def _write(path: Path, text: str, mode: int, *, like: os.stat_result | None = None) -> None:
    """Write a file that is not there yet, through to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        if like is not None:
            with suppress(PermissionError):  # not ours to give away: then it is ours already
                os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
