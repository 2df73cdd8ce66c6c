"""Who wins if many come at once? Exactly one, in every round.

On SQLite one process writes to a file, so the many are workers of one process, each with
nothing in common with the others but the store.
"""

import asyncio
from dataclasses import dataclass

from tests.faults.crossings import Stage
from tests.faults.shelves import Shelves


@dataclass(slots=True)
class Raced:
    """What came of the rounds."""

    rounds: int = 0
    asked: int = 0
    """How often Zoom was asked for tokens."""
    wrong: int = 0
    """In how many rounds it was not exactly once, or not everybody was served."""


async def _callbacks(rounds: int, workers: int, shelves: Shelves | None) -> Raced:
    raced = Raced()
    async with Stage(shelves=shelves, workers=workers) as stage:
        for number in range(rounds):
            user = stage.new_person(f"Guest {number}").user
            callback = await stage.authorized_anew(user)
            before = stage.emulator.traffic.newest
            both = [stage.workers[(number + each) % workers] for each in range(2)]
            served = await asyncio.gather(*(callback.to(parts) for parts in both))
            asked = _asked(stage, before, "authorization_code")
            raced.rounds += 1
            raced.asked += asked
            raced.wrong += asked != 1 or sum(served) != 1
    return raced


async def _expiry(rounds: int, workers: int, shelves: Shelves | None) -> Raced:
    raced = Raced()
    async with Stage(shelves=shelves, workers=workers) as stage:
        for _ in range(rounds):
            guest = await stage.guest()
            before = stage.emulator.traffic.newest
            given = await asyncio.gather(
                *(parts.grants.user(guest.installation_id) for parts in stage.workers)
            )
            asked = _asked(stage, before, "refresh_token")
            raced.rounds += 1
            raced.asked += asked
            raced.wrong += asked != 1 or len({each.token.reveal() for each in given}) != 1
    return raced


def _asked(stage: Stage, since: int, grant_type: str) -> int:
    wanted = f"grant_type={grant_type}"
    return sum(wanted in each.request.body for each in stage.emulator.traffic.records(after=since))


def double_callbacks(rounds: int, *, workers: int = 3, shelves: Shelves | None = None) -> Raced:
    """Let each callback come twice at once, on different workers."""
    return asyncio.run(_callbacks(rounds, workers, shelves))


def one_expiry(rounds: int, *, workers: int = 8, shelves: Shelves | None = None) -> Raced:
    """Let all workers need one token at the moment it has expired."""
    return asyncio.run(_expiry(rounds, workers, shelves))
