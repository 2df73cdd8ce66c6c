"""How do we hold a value that must never be seen?"""

import hmac
from collections.abc import Callable
from typing import NoReturn


class Secret:
    """A value that prints as `Secret(…)` wherever it turns up.

    It has no length, cannot be pickled or hashed, and compares in constant time.

    Example:
        >>> token = Secret("t0p")
        >>> token, f"{token}", token == Secret("t0p")
        (Secret(…), 'Secret(…)', True)
        >>> token.reveal()
        't0p'
    """

    __slots__ = ("_held",)

    def __init__(self, value: str) -> None:
        # By a function: debuggers and inspectors show what attributes hold.
        self._held: Callable[[], str] = lambda: value

    def reveal(self) -> str:
        """Hand out the value itself: for the wire and the seal, never for a log."""
        return self._held()

    def encode(self) -> bytes:
        """Hand out the value as UTF-8 bytes; never fails, for a failure would show the value."""
        return self._held().encode(errors="surrogatepass")

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._held())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.encode(), other.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash would leak through sets and dicts

    def __reduce__(self) -> NoReturn:
        message = "a Secret is not pickled"
        raise TypeError(message)

    __getstate__ = __reduce__
