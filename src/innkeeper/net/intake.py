"""Where do webhooks go that come in past ASGI?"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from innkeeper.net.inbound import Headers


class Reply(Protocol):
    """What a delivery is answered with."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def body(self) -> bytes:
        """JSON."""
        ...


Take = Callable[[bytes], Awaitable[Reply]]
"""Takes a delivery's body, and says what is answered."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Where deliveries go.

    Args:
        paths: The addresses they come to.
        look: Looks at a head: an answer if it is refused, else what takes the body.
    """

    paths: frozenset[bytes]
    look: Callable[[Headers], Reply | Take]
