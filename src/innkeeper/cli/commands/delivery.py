"""What can be typed about a delivery? `innkeeper delivery list|show|replay`."""

from collections.abc import Sequence
from typing import Final

import click

from innkeeper.cli.codes import MISUSED
from innkeeper.cli.commands import options
from innkeeper.cli.commands.listing import Noun

STATES: Final = ("ready", "claimed", "done", "dead", "quarantined", "ignored", "dropped")
"""Those of `EventState`, written out: --help loads no store."""

_of_a_state = click.option(
    "--state", "states", multiple=True, type=click.Choice(STATES), help="Only those that stand so."
)


@click.group(cls=Noun)
def delivery() -> None:
    """What Zoom sent, and what became of it."""


@delivery.command("list")
@_of_a_state
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, help="How many, the newest first."
)
@options.as_json
def delivery_list(*, states: Sequence[str], limit: int, as_json: bool) -> None:
    """List what waits and what was set aside; with --state others, such as done."""
    from innkeeper.cli.deliveries import list_deliveries  # noqa: PLC0415
    from innkeeper.store.records import EventState  # noqa: PLC0415

    list_deliveries([*map(EventState, states)], limit=limit, as_json=as_json)


@delivery.command("show")
@options.its_id("event_id")
@click.option("--body", is_flag=True, help="Print its body, as Zoom sent it.")
@options.as_json
def delivery_show(event_id: str, *, body: bool, as_json: bool) -> None:
    """Show one delivery: what became of it, and why."""
    from innkeeper.cli.deliveries import show_body, show_delivery  # noqa: PLC0415

    if body:
        show_body(event_id)
    else:
        show_delivery(event_id, as_json=as_json)


@delivery.command("replay")
@click.argument("event_ids", metavar="[ID]...", nargs=-1, help="Ids, as in the list and the log.")
@_of_a_state
@click.option("--yes", is_flag=True, help="Replay all of a state; without it they are counted.")
@options.as_json
def delivery_replay(
    event_ids: Sequence[str], *, states: Sequence[str], yes: bool, as_json: bool
) -> int | None:
    """Have the bot handle again what it could not. Works while the app runs."""
    from innkeeper.cli.deliveries import replay, replay_all  # noqa: PLC0415
    from innkeeper.store.records import EventState  # noqa: PLC0415

    if bool(event_ids) == bool(states):
        click.echo("innkeeper: name either ids or a --state.", err=True)
        return MISUSED
    if states:
        replay_all([*map(EventState, states)], yes=yes, as_json=as_json)
    else:
        replay(event_ids, as_json=as_json)
    return None
