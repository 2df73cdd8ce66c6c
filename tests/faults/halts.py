"""What if the holder of a lease stands still? Others wait, and then one of them takes over.

The holder is a process that is stopped by SIGSTOP: it has lost nothing, knows nothing of
the time that passes, and goes on where it stood.
"""

import asyncio
from dataclasses import dataclass

from innkeeper.flows.renewal import LEASE
from tests.faults.crossings import Guest
from tests.faults.races import asked_for, is_kept
from tests.faults.rivals import Field, Rival

_POLLS = 3
"""Whoever has looked so often, and found nothing, waits."""
SCENES = (
    ("transport.token:before", "refuse"),
    ("store.save_grant:before", "grace"),
    ("store.save_grant:before", "refuse"),
)
"""At which point the holder halts, and what Zoom does with a refresh token that was spent."""


@dataclass(frozen=True, slots=True)
class Halted:
    """What came of a round in which the holder of the lease stood still."""

    asked_before: int
    """How often Zoom had been asked when the lease ran out."""
    asked: int
    failed: tuple[str, ...]
    """The codes, with a colon before them, of the others who got no token."""
    versions: tuple[int, int]
    """Which version was kept before the holder went on, and after it."""
    agreed: bool
    """Whether in the end all had the same token."""
    kept: bool
    """Whether in the end the grant lives, with the newest refresh token that Zoom gave."""


_TOLD = (":needs_reauth", ":needs_reauth")
HALTED = (
    # Others wait, one takes over, and what the holder brings comes too late.
    Halted(0, 2, failed=(), versions=(2, 2), agreed=True, kept=True),
    Halted(1, 2, failed=(), versions=(2, 2), agreed=True, kept=True),
    # The token is spent, and only the holder has the next: until it comes they are told so.
    Halted(1, 2, failed=_TOLD, versions=(1, 2), agreed=True, kept=True),
)
"""What must come of each scene."""


async def _halted_holder(field: Field, rivals: list[Rival], point: str, reuse: str) -> Halted:
    field.emulator.world.rules.refresh_reuse = reuse  # type: ignore[assignment]  # a switch, by its name
    guest, before = await field.guest(), field.emulator.traffic.newest
    holder, *others = rivals
    wanted = ("token", guest.installation_id)
    await holder.told("halt", point)
    late = await field.begin((holder, *wanted))
    await holder.halted()
    waiting = await field.begin(*((each, *wanted) for each in others))
    for each in others:
        enough = await each.told("waits") + _POLLS
        while await each.told("waits") < enough and not waiting.done():
            pass
    asked_before = asked_for(field, before, "refresh_token")
    field.lapse(hours=(LEASE.total_seconds() + 1) / 3600)
    now = field.clock.now()
    for each in others:
        await each.told("move_clock", now)
    ran = await waiting
    version = await _version(field, guest)
    await holder.go_on(now)
    ran += await late
    again = await field.race(*((each, *wanted) for each in rivals))
    return Halted(
        asked_before,
        asked_for(field, before, "refresh_token"),
        tuple(each.outcome for each in ran[:-1] if each.failed),
        (version, await _version(field, guest)),
        len({each.outcome for each in (ran[-1], *again)}) == 1 and not ran[-1].failed,
        await is_kept(field, guest),
    )


async def _version(field: Field, guest: Guest) -> int:
    kept = await field.parts.store.find_grant(guest.installation_id)
    return 0 if kept is None else kept.version


def halted_holder(url: str, space: str) -> list[Halted]:
    """Have the holder of a lease stand still until it has run out, then let it go on."""

    async def halt() -> list[Halted]:
        async with Field(url, space) as field, field.rivals(3) as rivals:
            return [await _halted_holder(field, rivals, *scene) for scene in SCENES]

    return asyncio.run(halt())
