"""What proves in a test that somebody was forgotten? The receipts that the app has signed."""

from collections.abc import Sequence

from innkeeper.flows.receipts import Statement
from innkeeper.testing.expected import Unexpected


class Receipts:
    """The proofs of deletion that the app has signed."""

    def __init__(self) -> None:
        self._statements: list[Statement] = []

    def one(self) -> Statement:
        """Give the only receipt.

        Raises:
            Unexpected: If there is none, or more than one.
        """
        if len(self._statements) != 1:
            raise Unexpected("not one receipt", f"there are {len(self._statements)}")
        return self._statements[0]

    def all(self) -> Sequence[Statement]:
        """Give every receipt, in the order of their chain."""
        return tuple(self._statements)

    def fill(self, statements: Sequence[Statement]) -> None:
        """Take what the store holds now."""
        self._statements = list(statements)
