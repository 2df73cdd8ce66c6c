"""What happens within what? Spans: told to whoever traces, and to nobody where nobody does."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, Protocol


class Tracer(Protocol):
    """Takes spans and their facts, of which none is a secret or names a person."""

    def span(
        self, name: str, *, since: datetime | None = None, **facts: str | int
    ) -> AbstractContextManager[None]:
        """Tell that something goes on while the block runs.

        Args:
            since: When it began, if not now.
        """
        ...

    def tell(self, **facts: str | int) -> None:
        """Add facts to the span that goes on."""
        ...


class Untraced:
    """Tells nobody."""

    __slots__ = ()

    def span(
        self,
        name: str,  # noqa: ARG002  # a tracer's parameters
        *,
        since: datetime | None = None,  # noqa: ARG002
        **facts: str | int,  # noqa: ARG002
    ) -> AbstractContextManager[None]:
        """Do nothing."""
        return _NOTHING

    def tell(self, **facts: str | int) -> None:
        """Do nothing."""


class _Nothing:
    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: object, trace: object) -> None: ...


_NOTHING: Final = _Nothing()
UNTRACED: Final = Untraced()
