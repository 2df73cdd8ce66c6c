"""What waits, what failed and why? And: have the bot handle it again.

Looking writes nothing. A replay is written down beside the running app, which handles it
within seconds; if none runs, its next start does.
"""

import asyncio
import sys
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click
from click.exceptions import Exit

from innkeeper.cli.codes import MISUSED
from innkeeper.cli.kept import MOST, NothingKept, look, moment, print_rows, tell
from innkeeper.cli.orders import ORDERED, order
from innkeeper.cli.printing import fit, print_json
from innkeeper.errors import InnkeeperError
from innkeeper.ids import EventId
from innkeeper.store.base import Store
from innkeeper.store.records import EventState, InboxRow

_AT_ONCE: Final = 100
_ASIDE: Final = (EventState.DEAD, EventState.QUARANTINED)
_OPEN: Final = (EventState.READY, EventState.CLAIMED, *_ASIDE)
_MEANING: Final = {
    EventState.READY: "It waits to be handled, or to be tried again.",
    EventState.CLAIMED: "It is being handled, or was just now.",
    EventState.DONE: "It was handled.",
    EventState.DEAD: "The bot failed at it for good. Replay it once the bot is mended.",
    EventState.QUARANTINED: "It cannot be understood, or is meant for another app.",
    EventState.IGNORED: "The bot has no handler for it, or need not handle it.",
    EventState.DROPPED: "Nothing was done: it is of somebody who removed the app, or too old.",
}


class ReplayRefused(InnkeeperError):
    """A delivery that cannot be handled again."""

    code = "replay_refused"
    fix = "Look at it with: innkeeper delivery show."


# looking


def list_deliveries(states: Collection[EventState], *, limit: int, as_json: bool) -> None:
    """Print deliveries, newest first; those that wait or were set aside, if no state is named."""
    wanted = states or _OPEN
    found = look(lambda store, _: store.inbox_rows(limit=limit, states=wanted))
    if as_json:
        print_json([_delivery(each) for each in found])
        return
    rows = [
        (
            each.id,
            each.state.value,
            each.name,
            each.reason or "-",
            f"attempts {each.attempts}",
            f"received {moment(each.received_at)}",
            each.installation_id or "no installation",
            f"due {moment(each.due_at)}" if each.due_at else "",
        )
        for each in found
    ]
    print_rows(rows, f"no deliveries that are {_either(wanted)}")
    if len(found) == limit:
        click.echo(f"These are the newest {limit}; --limit shows more.", err=True)


def show_delivery(event_id: str, *, as_json: bool) -> None:
    """Print one delivery, without its body.

    Raises:
        NothingKept: If there is none with this id.
    """
    found = look(lambda store, _: _there(store, event_id))
    tell(_delivery(found) | {"meaning": _MEANING[found.state]}, as_json=as_json)


def show_body(event_id: str) -> None:
    """Print the body of one delivery: it holds what somebody wrote.

    It is written byte for byte, unless a terminal reads it.

    Raises:
        NothingKept: If there is none with this id, or its body is not kept.
    """

    async def body(store: Store) -> bytes:
        row = await _there(store, event_id)
        found = await store.read_body(row.id)
        if found is None:
            raise NothingKept("no body is kept", f"delivery {row.id} is {row.state.value}")
        return found

    found = look(lambda store, _: body(store))
    if sys.stdout.isatty():
        click.echo(fit(found.decode(errors="backslashreplace")))
    else:
        click.echo(found)


# deciding


def replay(event_ids: Sequence[str], *, as_json: bool) -> None:
    """Have the bot handle these again, all of them or none.

    Raises:
        NothingKept: If one is not there.
        ReplayRefused: If one has not ended, or its body is not kept.
    """

    async def decide(store: Store) -> list[EventId]:
        found = [await _there(store, each) for each in event_ids]
        for row in found:
            if row.state in {EventState.READY, EventState.CLAIMED}:
                why = f"delivery {row.id} waits to be handled, or is being handled"
                raise ReplayRefused("nothing is replayed", why)
            if await store.read_body(row.id) is None:
                why = f"the body of delivery {row.id}, which is {row.state.value}, is not kept"
                raise ReplayRefused("nothing is replayed", why)
        return await _revived(store, found)

    _tell_replayed(order(decide), as_json=as_json)


def replay_all(states: Collection[EventState], *, yes: bool, as_json: bool) -> None:
    """Have the bot handle all again that stand so; without `yes`, say how many there are."""
    found = look(lambda store, _: store.inbox_rows(limit=MOST, states=states))
    if not yes:
        click.echo(
            f"innkeeper: {len(found)} would be replayed; if you mean it, add --yes.", err=True
        )
        raise Exit(MISUSED)
    _tell_replayed(order(lambda store: _revived(store, found[::-1])), as_json=as_json)


async def _revived(store: Store, rows: Sequence[InboxRow]) -> list[EventId]:
    """Make them ready, due since they came, in that order: whatever clock the app goes by."""

    async def revive(row: InboxRow) -> bool:
        return await store.revive(row.id, now=row.received_at)

    revived = list[EventId]()
    bar = click.progressbar(
        length=len(rows),
        label="Replaying",
        file=sys.stderr,
        hidden=len(rows) == 1 or not sys.stderr.isatty(),
    )
    with bar as progress, _told_if_stopped(revived):
        for some in (rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE)):
            done = await asyncio.gather(*map(revive, some))  # they share commits
            revived += [row.id for row, ready in zip(some, done, strict=True) if ready]
            progress.update(len(some))
    return revived


@contextmanager
def _told_if_stopped(revived: Sequence[EventId]) -> Generator[None]:
    try:
        yield
    except asyncio.CancelledError:  # Ctrl-C
        click.echo(
            f"\ninnkeeper: stopped; {len(revived)} or a few more will be handled again. "
            "The same command goes on with the rest.",
            err=True,
        )
        raise


def _tell_replayed(replayed: Sequence[EventId], *, as_json: bool) -> None:
    if as_json:
        print_json({"replayed": replayed})
    elif replayed:
        count = len(replayed)
        click.echo(f"{count} {'delivery' if count == 1 else 'deliveries'} will be handled again.")
        click.echo(ORDERED, err=True)
    else:
        click.echo("There is nothing to replay.", err=True)


async def _there(store: Store, event_id: str) -> InboxRow:
    found = await store.inbox_row(EventId(event_id))
    if found is None:
        raise NothingKept("no such delivery", event_id[:80])
    return found


def _either(states: Collection[EventState]) -> str:
    return " or ".join(each.value for each in states)


def _delivery(found: InboxRow) -> dict[str, Any]:
    return {
        "id": found.id,
        "event": found.name,
        "state": found.state.value,
        "reason": found.reason,
        "attempts": found.attempts,
        "received_at": moment(found.received_at),
        "due_at": moment(found.due_at) if found.due_at else None,
        "installation": found.installation_id,
    }
