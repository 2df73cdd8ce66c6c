"""What happens within what? Spans, told to whoever traces; where nobody does there is no tracer."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol


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
