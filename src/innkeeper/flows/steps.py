"""What of the bot's own goes with a person? What a removal covers, and the steps that delete it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from innkeeper.errors import InnkeeperError
from innkeeper.ids import AccountId, UserId
from innkeeper.store.records import Owner


@dataclass(frozen=True, slots=True)
class UserScope:
    """Delete what you keep about one user of an account."""

    account_id: AccountId = field(repr=False)
    user_id: UserId = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountScope:
    """Delete what you keep about a whole account."""

    account_id: AccountId = field(repr=False)


Scope = UserScope | AccountScope


@dataclass(frozen=True, slots=True)
class PurgeStep:
    """One step of the bot's own deletion, as `@app.purge` registered it."""

    name: str
    delete: Callable[[Scope], Awaitable[int]]
    """Deletes, and says how many things went; run again, it must do no harm."""
    verify: Callable[[Scope], Awaitable[bool]] | None = None
    """Says whether everything is gone."""


class PurgeRefused(InnkeeperError):
    """A purge step left something behind, by its own word."""

    code = "purge_incomplete"
    fix = "Look at what the step's verify found, mend the step; it is tried again by itself."


def scope_of(owner: Owner) -> Scope:
    """Say what a removal by this owner covers."""
    if owner.user_id is None:
        return AccountScope(owner.account_id)
    return UserScope(owner.account_id, owner.user_id)


async def carry_out(step: PurgeStep, scope: Scope) -> int:
    """Run a step, and say how many things it deleted.

    Raises:
        PurgeRefused: If its `verify` says that something is left.
    """
    deleted = await step.delete(scope)
    if step.verify is not None and not await step.verify(scope):
        raise PurgeRefused(f"purge step {step.name}", "its verify says that something is left")
    return deleted
