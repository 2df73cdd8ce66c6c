"""What can be typed about a case? `innkeeper case list|show|keep|purge`."""

import typer

from innkeeper.cli.options import AsJson, CaseId, Yes

case = typer.Typer(no_args_is_help=True, help="Doubts whether somebody removed the app.")


@case.command("list")
def case_list(*, as_json: AsJson = False) -> None:
    """List every case, open ones first."""
    from innkeeper.cli.orders import list_cases  # noqa: PLC0415  # --help loads no store

    list_cases(as_json=as_json)


@case.command("show")
def case_show(case_id: CaseId, *, as_json: AsJson = False) -> None:
    """Show one case, what it means, and when it ends by itself."""
    from innkeeper.cli.orders import show_case  # noqa: PLC0415

    show_case(case_id, as_json=as_json)


@case.command("keep")
def case_keep(case_id: CaseId, *, as_json: AsJson = False) -> None:
    """Settle a case: the installation stays. Works while the app runs."""
    from innkeeper.cli.orders import keep  # noqa: PLC0415

    keep(case_id, as_json=as_json)


@case.command("purge")
def case_purge(case_id: CaseId, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Settle a case: the installation is purged. Works while the app runs."""
    from innkeeper.cli.orders import purge  # noqa: PLC0415

    purge(case_id, yes=yes, as_json=as_json)
