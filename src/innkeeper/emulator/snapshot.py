"""How is an emulated Zoom kept and brought back? As one JSON document with a version.

It holds every field of `State`, the clock, and how far the chance of a seeded world was
drawn, so what comes after a restore is what would have come without. The traffic is a log
and no state: it is not kept, and restoring leaves it alone.
"""

import base64
import struct
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, cast, get_type_hints

import msgspec
from msgspec import Meta

from innkeeper.emulator.places import locate
from innkeeper.emulator.world import State, World
from innkeeper.errors import InnkeeperError

VERSION: Final = 1
_WORDS: Final = 625
"""How many numbers a Mersenne Twister's state has: 624 words, and the place among them."""
_EARLIEST, _LATEST = 1971, 2998
"""The years that a clock can show, whatever the zone."""
_CHANCE: Final = struct.Struct(f"<{_WORDS}I")


class SnapshotRefused(InnkeeperError, ValueError):
    """A snapshot that cannot be restored; nothing was changed."""

    code = "snapshot_refused"

    def __init__(self, path: str, why: str, fix: str) -> None:
        self.path = path
        self.fix = fix
        super().__init__(f"the snapshot, at ${path}", why)


class _Time(msgspec.Struct, forbid_unknown_fields=True):
    now: datetime
    offset_seconds: Annotated[float, Meta(ge=-1e9, le=1e10)]


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    clock: _Time
    state: dict[str, Any]
    seed: Annotated[str, Meta(pattern=r"^-?[0-9]{1,60}$")] | None = None
    chance: str | None = None


def take(world: World) -> dict[str, Any]:
    """Write a world down, as JSON."""
    chance = world.chance()
    return {
        "version": VERSION,
        "clock": {
            "now": world.now().isoformat(),
            "offset_seconds": world.clock.offset.total_seconds(),
        },
        "seed": None if world.seed is None else str(world.seed),
        "chance": base64.b64encode(_CHANCE.pack(*chance)).decode() if chance else None,
        "state": {
            each.name: msgspec.to_builtins(getattr(world, each.name), str_keys=True)
            for each in fields(State)
        },
    }


def restore(document: Any, world: World) -> None:
    """Make a world what a snapshot says; all of it, or nothing.

    A clock that runs gets its lead over the machine's back, one that stands the very time.

    Raises:
        SnapshotRefused: If it is of another version, or no snapshot at all.
    """
    read = _read(document)
    state = _state(read.state)
    chance = _drawn(read.chance)
    for name, value in state.items():
        setattr(world, name, value)
    world.draw_on(None if read.seed is None else int(read.seed), chance)
    if world.clock.frozen:
        world.clock.stand_at(read.clock.now)
    else:
        world.clock.follow(timedelta(seconds=read.clock.offset_seconds))


def _read(document: Any) -> _Document:
    version = cast("dict[str, Any]", document).get("version") if isinstance(document, dict) else 0
    if version != VERSION:
        found = "there is no version" if not version else f"it is of version {version!r:.40}"
        fix = f"Give a snapshot of version {VERSION}, as this emulator writes them."
        raise SnapshotRefused(".version", found, fix)
    try:
        read = msgspec.convert(document, _Document)
    except msgspec.ValidationError as error:
        raise _broken(error) from None
    if (
        read.clock.now.tzinfo is None or not 1970 < read.clock.now.year < 2999
    ):  # what a clock can show
        raise SnapshotRefused(".clock.now", "it is no time that a clock can show", _FIX)
    return read


_FIX: Final = "Give the document of GET /_emulator/snapshot, unchanged."


def _broken(error: msgspec.ValidationError, above: str = "") -> SnapshotRefused:
    what, path = locate(error)
    return SnapshotRefused(above + path, what, _FIX)


def _state(document: dict[str, Any]) -> dict[str, Any]:
    kinds = get_type_hints(State, include_extras=True)
    names = [each.name for each in fields(State)]
    for name in {*names} ^ {*document}:
        why = "it is missing" if name in names else "there is no such part"
        raise SnapshotRefused(f".state.{name}", why, _FIX)
    state: dict[str, Any] = {}
    for name in names:
        try:
            state[name] = msgspec.convert(document[name], kinds[name], str_keys=True)
        except msgspec.ValidationError as error:
            raise _broken(error, f".state.{name}") from None
    return state


def _drawn(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        words = _CHANCE.unpack(base64.b64decode(text, validate=True))
    except (ValueError, struct.error):
        raise SnapshotRefused(".chance", "it is no position of a seeded chance", _FIX) from None
    if not 1 <= words[-1] < _WORDS:
        raise SnapshotRefused(".chance", "it is no position of a seeded chance", _FIX)
    return words
