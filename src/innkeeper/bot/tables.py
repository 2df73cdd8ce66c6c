"""Which of the bot's own tables are about people? How their rows are found when one leaves."""

from dataclasses import dataclass
from typing import Literal

from innkeeper.bot.purging import purge_step
from innkeeper.errors import BotRefused
from innkeeper.flows.steps import PurgeStep, Scope, UserScope
from innkeeper.store.owned import OwnedTable, quoted


@dataclass(frozen=True, slots=True)
class PurgedTable:
    """A table with the columns that hold Zoom's ids of users and accounts."""

    table: OwnedTable
    user: str | None
    account: str | None
    called: str | None = None
    """What its step is called; as the table, if that is None."""

    def __post_init__(self) -> None:
        """Refuse a table whose rows nobody could find.

        Raises:
            BotRefused: If it names no column, or something that is no name.
        """
        columns = [name for name in (self.user, self.account) if name is not None]
        if not columns:
            why = "names neither the column with users nor the one with accounts"
            raise BotRefused(str(self), why, 'Give it user="…", account="…", or both.')
        try:
            for name in (self.table.name, *columns):
                quoted(name)
        except ValueError as error:
            raise BotRefused(str(self), str(error)) from None

    def __str__(self) -> str:
        return f"app.purge_table({self.table.name!r})"

    @property
    def step_name(self) -> str:
        """What its step is called."""
        return self.called or self.table.name

    def where(self, scope: Scope) -> dict[str, str]:
        """Say which rows a removal covers.

        Raises:
            BotRefused: If the table has no column to find them by.
        """
        fault = self.fault("user" if isinstance(scope, UserScope) else "admin")
        if fault is not None:
            raise fault
        found: dict[str, str] = {}
        if self.user is not None and isinstance(scope, UserScope):
            found[self.user] = scope.user_id
        if self.account is not None:
            found[self.account] = scope.account_id
        return found

    def fault(self, management: Literal["admin", "user"]) -> BotRefused | None:
        """Tell what is missing for an app that is managed so."""
        if management == "user" and self.user is None:
            fix = 'Name the column with Zoom\'s user ids: user="…".'
            return BotRefused(str(self), "an app that users manage is removed by one user", fix)
        if management == "admin" and self.account is None:
            fix = 'Name the column with Zoom\'s account ids: account="…".'
            return BotRefused(str(self), "an app that admins manage is removed by an account", fix)
        return None

    def step(self) -> PurgeStep:
        """Make the step of the purge that deletes the rows, and looks whether any is left."""

        def delete(scope: Scope) -> int:
            return self.table.delete(self.where(scope))

        def is_gone(scope: Scope) -> bool:
            return self.table.count(self.where(scope)) == 0

        return purge_step(self.step_name, delete, is_gone)
