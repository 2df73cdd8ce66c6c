"""What can be typed about a delivery? `innkeeper delivery list|show|replay`."""

from typing import Annotated

import typer

from innkeeper.cli.codes import MISUSED
from innkeeper.cli.options import AsJson, EventId
from innkeeper.store.records import EventState

delivery = typer.Typer(no_args_is_help=True, help="What Zoom sent, and what became of it.")

State = Annotated[
    list[EventState] | None, typer.Option("--state", help="Only those that stand so.")
]


@delivery.command("list")
def delivery_list(
    *,
    state: State = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what waits and what was set aside; with --state others, such as done."""
    from innkeeper.cli.deliveries import list_deliveries  # noqa: PLC0415  # --help loads no store

    list_deliveries(state or [], limit=limit, as_json=as_json)


@delivery.command("show")
def delivery_show(
    event_id: EventId,
    *,
    body: Annotated[bool, typer.Option("--body", help="Print its body, as Zoom sent it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one delivery: what became of it, and why."""
    from innkeeper.cli.deliveries import show_body, show_delivery  # noqa: PLC0415

    if body:
        show_body(event_id)
    else:
        show_delivery(event_id, as_json=as_json)


@delivery.command("replay")
def delivery_replay(
    event_ids: Annotated[
        list[str] | None, typer.Argument(help="Ids, as in the list and the log.")
    ] = None,
    *,
    state: State = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Replay all of a state; without it they are counted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Have the bot handle again what it could not. Works while the app runs."""
    from innkeeper.cli.deliveries import replay, replay_all  # noqa: PLC0415

    if bool(event_ids) == bool(state):
        typer.echo("innkeeper: name either ids or a --state.", err=True)
        raise typer.Exit(MISUSED)
    if state:
        replay_all(state, yes=yes, as_json=as_json)
    else:
        replay(event_ids or [], as_json=as_json)
