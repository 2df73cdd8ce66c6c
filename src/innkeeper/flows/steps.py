"""What of the bot's own goes with a person? What a removal covers, and the steps that delete it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from innkeeper.errors import InnkeeperError
from innkeeper.ids import AccountId, UserId
from innkeeper.store.records import Owner

T = TypeVar("T")

DATA_KEY = "data_key"
"""The step that destroys the key: it is the vault's, and not counted by the store."""
_OWN = "bot:"
STEP_SECONDS = 60.0
"""How long a step may take, and its `verify` as long again; then it has failed."""


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


class PurgeOverdue(InnkeeperError):
    """A purge step did not end in time."""

    code = "purge_overdue"
    fix = "Have the step delete less at a time, or find what it waits for; it is tried again."


class PurgeRefused(InnkeeperError):
    """A purge step left something behind, by its own word."""

    code = "purge_incomplete"
    fix = "Look at what the step's verify found, mend the step; it is tried again by itself."


def own_name(step: PurgeStep) -> str:
    """Name one of the bot's own steps, as purges and receipts do."""
    return _OWN + step.name


def is_own(name: str) -> bool:
    """Tell whether such a name is that of one of the bot's own steps."""
    return name.startswith(_OWN)


def scope_of(owner: Owner) -> Scope:
    """Say what a removal by this owner covers."""
    if owner.user_id is None:
        return AccountScope(owner.account_id)
    return UserScope(owner.account_id, owner.user_id)


async def carry_out(
    step: PurgeStep, scope: Scope, *, deleted: Callable[[int], Awaitable[object]]
) -> None:
    """Run a step, each half of it for at most `STEP_SECONDS`.

    Args:
        deleted: Told how many things it deleted, before its `verify` is asked.

    Raises:
        PurgeOverdue: If it does not end in time.
        PurgeRefused: If its `verify` says that something is left.
    """
    await deleted(await _in_time(step, step.delete(scope)))
    if step.verify is not None and not await _in_time(step, step.verify(scope)):
        raise PurgeRefused(f"purge step {step.name}", "its verify says that something is left")


async def _in_time(step: PurgeStep, work: Awaitable[T]) -> T:
    limit = asyncio.timeout(STEP_SECONDS)
    try:
        async with limit:
            return await work
    except TimeoutError:
        if not limit.expired():  # one of its own
            raise
        raise PurgeOverdue(f"purge step {step.name}", f"no end in {STEP_SECONDS:g} s") from None
