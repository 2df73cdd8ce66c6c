"""A key service that does what it should, until it is told otherwise."""

import threading
from collections.abc import Callable

from innkeeper.store.seal import KeyRing


def flipped(value: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in value)


class FakeService:
    """Wraps by turning every bit; `failing` is what happens instead, if anything."""

    def __init__(self) -> None:
        self.failing: Callable[[], bytes] | None = None
        self.asked: list[str] = []
        self.released = threading.Event()

    def wrap(self, key: bytes, /) -> bytes:
        return self._answer("wrap", key)

    def unwrap(self, wrapped: bytes, /) -> bytes:
        return self._answer("unwrap", wrapped)

    def hangs(self) -> bytes:
        self.released.wait(20)
        return b""

    def _answer(self, method: str, value: bytes) -> bytes:
        self.asked.append(method)
        return self.failing() if self.failing else flipped(value)

    def ring(self) -> str:
        """Give a ring of one key that this service wraps, without asking it."""
        return KeyRing.generate_wrapped(flipped)
