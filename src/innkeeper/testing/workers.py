"""How do several workers share a store in one process? Copies of a bot, each by itself.

What one of them knows by heart and another has changed shows here, before it shows on many
machines.
"""

import copy
import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from innkeeper.app import App
from innkeeper.net.outbound import Receive, Scope, Send
from innkeeper.shelf import Shelf
from innkeeper.store.base import Store, Vault
from innkeeper.work import Parts


class InTurn:
    """Copies of one bot behind one address: each request goes to the next."""

    def __init__(self, apps: Sequence[App]) -> None:
        self._next = itertools.cycle(apps)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the next one answer."""
        await next(self._next)(scope, receive, send)


class _Lent:
    """A store or a vault that somebody else opens, closes and cleans up."""

    def __init__(self, owned: object) -> None:
        self._owned = owned

    def __getattr__(self, name: str) -> Any:
        return getattr(self._owned, name)

    async def open(self) -> None:
        """Leave that to its owner."""

    async def close(self) -> None:
        """Leave that to its owner."""

    async def reclaim(self, *, now: datetime) -> int:  # noqa: ARG002  # a store's signature
        """Take nothing back: the other workers live."""
        return 0


def lend(parts: Parts) -> Shelf:
    """Let another worker use what one has opened."""
    return Shelf(cast("Store", _Lent(parts.store)), cast("Vault", _Lent(parts.vault)))


def copies(app: App, count: int) -> list[App]:
    """Make a bot so many times: the same handlers, nothing else in common."""
    return [app, *(copy.copy(app) for _ in range(count - 1))]
