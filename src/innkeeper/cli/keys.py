"""Which keys of the ring are still needed? And: a new one, and everything wrapped by it."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import click

from innkeeper.cli.kept import NothingKept
from innkeeper.cli.printing import print_columns, print_json
from innkeeper.environment import load_key_service, load_settings
from innkeeper.errors import KeysRefused, StoreInUse
from innkeeper.settings import Settings
from innkeeper.shelf import make_vault
from innkeeper.store.keysource import KeyFile, new_entry

_AT_ONCE: Final = 2000
_PUT_FIRST: Final = "Put one of `innkeeper keys new` before the ones that are there."


def print_new() -> None:
    """Print a fresh key, wrapped if there is a key service.

    Raises:
        SettingsRefused: If a key service is named that cannot be had.
        KeyServiceUnavailable: If it does not wrap the key.
    """
    click.echo(new_entry(load_key_service()))


def show_status(*, as_json: bool) -> None:
    """Print how many keys in the vault each key of the ring wraps.

    Raises:
        NothingKept: If there is no vault.
    """
    settings = load_settings(makes_key=False)
    wrapped = asyncio.run(_counted(settings))
    ids = settings.keys.ids
    if as_json:
        print_json(
            [{"id": each, "newest": each == ids[0], "wraps": wrapped.get(each, 0)} for each in ids]
        )
        return
    print_columns(
        [(each, f"wraps {wrapped.get(each, 0)}", _judged(settings, each, wrapped)) for each in ids]
    )


def rotate(*, as_json: bool) -> None:
    """Make a new key if none was begun with, and have it wrap everything.

    As JSON: the newest key, the older ones, how many keys the newest had to wrap, and whether
    that is done or left to the running app.

    Raises:
        NothingKept: If there is no vault.
        KeysRefused: If a new key has to be put where only the operator can.
    """
    settings = load_settings(makes_key=False)
    left = _left(settings, asyncio.run(_counted(settings)))
    if left:
        _say(f"Going on with {settings.keys.ids[0]}: older keys wrap {left}.")
    else:
        left = _begin(settings)
    try:
        asyncio.run(_wrapped_anew(settings, total=left))
    except StoreInUse:
        _say("The running bot wraps everything anew while it serves, from within a minute on")
        _say("once it has this ring. Watch it: innkeeper keys status")
        done = False
    else:
        older = ", ".join(settings.keys.ids[1:])
        _say(f"{settings.keys.ids[0]} wraps everything. Make a new copy of the vault; then {older}")
        _say("can be taken out of the ring.")
        done = True
    if as_json:
        newest, *rest = settings.keys.ids
        print_json({"newest": newest, "older": rest, "to_wrap": left, "done": done})


def _begin(settings: Settings) -> int:
    """Put a new key first; say how much it will have to wrap."""
    source, ring = settings.key_source, settings.keys
    if not isinstance(source, KeyFile):
        why = f"has no key that is newer than {ring.ids[0]}, which wraps everything"
        raise KeysRefused("INNKEEPER_KEYS", why, _PUT_FIRST)
    made = source.put_first()
    ring.become(source.ring())
    _say(f"{made} is now the first key in {source.path}. Keep a copy of that file somewhere safe.")
    return _left(settings, asyncio.run(_counted(settings)))


async def _counted(settings: Settings) -> dict[str, int]:
    if isinstance(settings.vault, Path) and not settings.vault.is_file():
        raise NothingKept("there is no vault", f"{settings.vault} is not there")
    vault = make_vault(settings, read_only=True)
    await vault.open()
    try:
        return dict(await vault.wrapped_by())
    finally:
        await vault.close()


async def _wrapped_anew(settings: Settings, *, total: int) -> None:
    vault = make_vault(settings, read_only=False)
    await vault.open()
    try:
        with click.progressbar(length=total, label="Wrapping anew", file=sys.stderr) as progress:
            while count := await vault.wrap_anew(limit=_AT_ONCE):
                progress.update(count)
    finally:
        await vault.close()


def _left(settings: Settings, wrapped: dict[str, int]) -> int:
    return sum(wrapped.values()) - wrapped.get(settings.keys.ids[0], 0)


def _judged(settings: Settings, ring_id: str, wrapped: dict[str, int]) -> str:
    if ring_id == settings.keys.ids[0]:
        return "newest"
    return "older, still needed" if wrapped.get(ring_id) else "older, can be taken out"


def _say(text: str) -> None:
    click.echo(text, err=True)
