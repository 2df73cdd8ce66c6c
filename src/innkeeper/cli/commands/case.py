"""What can be typed about a case? `innkeeper case list|show|keep|purge`."""

import click

from innkeeper.cli.commands import options
from innkeeper.cli.commands.listing import Noun


@click.group(cls=Noun)
def case() -> None:
    """Doubts whether somebody removed the app."""


@case.command("list")
@options.as_json
def case_list(*, as_json: bool) -> None:
    """List every case, open ones first."""
    from innkeeper.cli.orders import list_cases  # noqa: PLC0415  # --help loads no store

    list_cases(as_json=as_json)


@case.command("show")
@options.its_id("case_id")
@options.as_json
def case_show(case_id: str, *, as_json: bool) -> None:
    """Show one case, what it means, and when it ends by itself."""
    from innkeeper.cli.orders import show_case  # noqa: PLC0415

    show_case(case_id, as_json=as_json)


@case.command("keep")
@options.its_id("case_id")
@options.as_json
def case_keep(case_id: str, *, as_json: bool) -> None:
    """Settle a case: the installation stays. Works while the app runs."""
    from innkeeper.cli.orders import keep  # noqa: PLC0415

    keep(case_id, as_json=as_json)


@case.command("purge")
@options.its_id("case_id")
@options.yes
@options.as_json
def case_purge(case_id: str, *, yes: bool, as_json: bool) -> None:
    """Settle a case: the installation is purged. Works while the app runs."""
    from innkeeper.cli.orders import purge  # noqa: PLC0415

    purge(case_id, yes=yes, as_json=as_json)
