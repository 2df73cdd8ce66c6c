"""Who wins if many come at once? Exactly one, in every round.

On SQLite one process writes to a file, so the many are workers of one process, each with
nothing in common with the others but the store. On PostgreSQL they are processes.
"""

import asyncio
from dataclasses import dataclass

from tests.faults.crossings import Guest, Stage
from tests.faults.rivals import Field, Ran
from tests.faults.shelves import Shelves

_AT_ONCE = 10
"""So many callbacks come at once, each of them twice."""


@dataclass(slots=True)
class Raced:
    """What came of the rounds."""

    rounds: int = 0
    asked: int = 0
    """How often Zoom was asked for tokens."""
    wrong: int = 0
    """In how many rounds it was not exactly once, or not everybody was served."""
    apart: int = 0
    """In how many rounds one process was done before another had begun: they prove little."""


async def _callbacks(rounds: int, workers: int, shelves: Shelves | None) -> Raced:
    raced = Raced()
    async with Stage(shelves=shelves, workers=workers) as stage:
        for number in range(rounds):
            user = stage.new_person(f"Guest {number}").user
            callback = await stage.authorized_anew(user)
            before = stage.emulator.traffic.newest
            both = [stage.workers[(number + each) % workers] for each in range(2)]
            served = await asyncio.gather(*(callback.to(parts) for parts in both))
            asked = asked_for(stage, before, "authorization_code")
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
            asked = asked_for(stage, before, "refresh_token")
            raced.rounds += 1
            raced.asked += asked
            raced.wrong += asked != 1 or len({each.token.reveal() for each in given}) != 1
    return raced


def asked_for(stage: Stage, since: int, grant_type: str) -> int:
    """Count how often Zoom was asked for tokens since then."""
    wanted = f"grant_type={grant_type}"
    return sum(wanted in each.request.body for each in stage.emulator.traffic.records(after=since))


def _apart(ran: list[Ran]) -> bool:
    return max(each.began for each in ran) > min(each.ended for each in ran)


async def _callbacks_of_processes(rounds: int, url: str, space: str) -> Raced:
    raced = Raced()
    async with Field(url, space) as field, field.rivals(3) as rivals:
        while raced.rounds < rounds:
            count = min(_AT_ONCE, rounds - raced.rounds)
            users = [field.new_person(f"Guest {raced.rounds + each}").user for each in range(count)]
            callbacks = [await field.authorized_anew(user) for user in users]
            before = field.emulator.traffic.newest
            # Each process leaves out every third, so that two have each.
            shares = [[i for i in range(count) if i % 3 != left_out] for left_out in range(3)]
            ran = await field.race(
                *(
                    (rival, "callbacks", [callbacks[i] for i in share])
                    for rival, share in zip(rivals, shares, strict=True)
                )
            )
            served = [0] * count
            for share, each in zip(shares, ran, strict=True):
                for i, won in zip(share, each.outcome, strict=True):
                    served[i] += won == "1"
            asked = asked_for(field, before, "authorization_code")
            given = [_given(field, user.id) for user in users]
            wrong = sum(pair != (1, 1) for pair in zip(served, given, strict=True))
            raced.rounds += count
            raced.asked += asked
            raced.wrong += max(wrong, abs(asked - count))
            raced.apart += count * _apart(ran)
    return raced


async def _expiry_of_processes(rounds: int, url: str, space: str) -> Raced:
    raced = Raced()
    async with Field(url, space) as field, field.rivals(8) as rivals:
        for _ in range(rounds):
            guest = await field.guest()
            before = field.emulator.traffic.newest
            ran = await field.race(*((each, "token", guest.installation_id) for each in rivals))
            asked = asked_for(field, before, "refresh_token")
            served = len({each.outcome for each in ran}) == 1 and not ran[0].failed
            raced.rounds += 1
            raced.asked += asked
            raced.wrong += asked != 1 or not served or not await is_kept(field, guest)
            raced.apart += _apart(ran)
    return raced


def _given(stage: Stage, user_id: str) -> int:
    """Count how often Zoom gave somebody tokens."""
    return sum(each.user_id == user_id for each in stage.emulator.world.tokens)


async def is_kept(stage: Stage, guest: Guest) -> bool:
    """Tell whether the grant lives, with the newest refresh token that Zoom gave."""
    kept = await stage.parts.store.find_grant(guest.installation_id)
    *_, newest = (each for each in stage.emulator.world.tokens if each.user_id == guest.user.id)
    if kept is None or kept.dead or kept.refresh_token is None:
        return False
    return kept.refresh_token.reveal() == newest.refresh


def callbacks_of_processes(rounds: int, url: str, space: str) -> Raced:
    """Let callbacks come twice at once, on two of three processes, ten of them at a time."""
    return asyncio.run(_callbacks_of_processes(rounds, url, space))


def expiry_of_processes(rounds: int, url: str, space: str) -> Raced:
    """Let eight processes need one token at the moment it has expired."""
    return asyncio.run(_expiry_of_processes(rounds, url, space))


def double_callbacks(rounds: int, *, workers: int = 3, shelves: Shelves | None = None) -> Raced:
    """Let each callback come twice at once, on different workers."""
    return asyncio.run(_callbacks(rounds, workers, shelves))


def one_expiry(rounds: int, *, workers: int = 8, shelves: Shelves | None = None) -> Raced:
    """Let all workers need one token at the moment it has expired."""
    return asyncio.run(_expiry(rounds, workers, shelves))
