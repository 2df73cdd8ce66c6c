"""What does an operator decide? It is written beside the running app, which carries it out.

A command deletes nothing itself: the bot's own steps, which belong to every purge, run in
the app. If the app does not run, its next start does what was decided, before it serves.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, TypeVar

import click
from click.exceptions import Exit

from innkeeper.cli.codes import MISUSED
from innkeeper.cli.kept import MOST, NothingKept, look, moment, opened, print_rows, tell
from innkeeper.cli.printing import print_json
from innkeeper.clock import SystemClock
from innkeeper.errors import InnkeeperError
from innkeeper.flows.cases import EVIDENCE, Reason
from innkeeper.flows.sweep import ANSWER_WITHIN
from innkeeper.ids import InstallationId
from innkeeper.store.base import Store
from innkeeper.store.records import Case, Outcome

ORDERED: Final = "The running app does it within seconds; if none runs, its next start does."
_MEANING: Final[dict[str, str]] = {
    Reason.GRANT_DIED: "Zoom no longer renews the person's tokens, before their time was over.",
    Reason.SEND_REFUSED: "Zoom says that the person has not installed the app (7004).",
    Reason.REMOVED_BEFORE: "Zoom told of a removal that is older than the authorization.",
    Reason.REMOVAL_REFUSED: "Somebody told of a removal, and Zoom did not sign it in time.",
    Reason.UNREADABLE: "Zoom told of a removal that cannot be understood.",
    Reason.ORDERED: "Somebody ordered that the installation be revoked.",
}

T = TypeVar("T")


class CaseRefused(InnkeeperError):
    """A case that cannot be settled so."""

    code = "case_refused"
    fix = "Look at it with: innkeeper case show."


# looking


def list_cases(*, as_json: bool) -> None:
    """Print every case, open ones first."""
    found = look(lambda store, _: store.cases(limit=MOST))
    if as_json:
        print_json([_case(each) for each in found])
        return
    rows = [
        (
            each.id,
            each.outcome.value if each.outcome else "open",
            each.reason,
            each.installation_id or "no installation",
            f"opened {moment(each.opened_at)}",
            f"purged after {moment(ends)}" if (ends := _ends_at(each)) else "",
        )
        for each in found
    ]
    print_rows(rows, "no cases")


def show_case(case_id: str, *, as_json: bool) -> None:
    """Print one case.

    Raises:
        NothingKept: If there is none with this id.
    """
    found = look(lambda store, _: store.get_case(case_id))
    tell(_case(_there(found, case_id)), as_json=as_json)


# deciding


def keep(case_id: str, *, as_json: bool) -> None:
    """Settle a case: the installation stays.

    Raises:
        NothingKept: If there is no such case.
        CaseRefused: If it is settled already.
    """

    async def settle(store: Store) -> Case:
        _there(await store.get_case(case_id), case_id)
        return await _settled(store, case_id, Outcome.KEPT)

    tell(_case(order(settle)), as_json=as_json)


def purge(case_id: str, *, yes: bool, as_json: bool) -> None:
    """Settle a case: the installation is purged.

    Raises:
        NothingKept: If there is no such case.
        CaseRefused: If it is settled already, or is about no installation.
    """
    _sure(yes=yes)

    async def settle(store: Store) -> Case:
        case = _there(await store.get_case(case_id), case_id)
        if case.installation_id is None:
            raise CaseRefused("nothing is purged", "the case is about no installation")
        return await _settled(store, case_id, Outcome.PURGE)

    tell(_case(order(settle)), as_json=as_json)
    click.echo(ORDERED, err=True)


def revoke(installation_id: str, *, yes: bool, as_json: bool) -> None:
    """Have an installation's tokens ended at Zoom, and purge it as if it had been removed.

    Raises:
        NothingKept: If there is no such installation.
        Fenced: If it is being purged already.
    """
    _sure(yes=yes)

    async def decide(store: Store) -> Case:
        found = await store.get_installation(InstallationId(installation_id))
        if found is None:
            raise NothingKept("no such installation", installation_id[:80])
        now = SystemClock().now()
        case = await store.open_case(Reason.ORDERED, installation_id=found.id, now=now)
        return await _settled(store, case.id, Outcome.PURGE)

    tell(_case(order(decide)), as_json=as_json)
    click.echo(ORDERED, err=True)


def run_purges(*, as_json: bool) -> None:
    """Have every purge that waits for its next attempt tried again now."""
    hastened = order(lambda store: store.hasten_purges(now=SystemClock().now()))
    if as_json:
        print_json({"hastened": hastened})
    elif hastened:
        click.echo(f"{hastened} {'purge' if hastened == 1 else 'purges'} will be tried again.")
        click.echo(ORDERED, err=True)
    else:
        click.echo("There are no purges that wait.", err=True)


def _sure(*, yes: bool) -> None:
    if not yes:
        click.echo("innkeeper: this deletes for good; if you mean it, add --yes.", err=True)
        raise Exit(MISUSED)


async def _settled(store: Store, case_id: str, outcome: Outcome) -> Case:
    done = await store.close_case(case_id, outcome=outcome, now=SystemClock().now())
    case = _there(await store.get_case(case_id), case_id)
    if not done:
        how = case.outcome.value if case.outcome else "by somebody else"
        raise CaseRefused("the case is settled already", how)
    return case


def order(decide: Callable[[Store], Awaitable[T]]) -> T:
    """Write down what was decided, also while the app runs.

    Raises:
        NothingKept: If there is no database.
        StoreUnavailable: If it cannot be written.
    """

    async def ordered() -> T:
        async with opened(guest=True) as (store, _):
            return await decide(store)

    return asyncio.run(ordered())


def _there(case: Case | None, case_id: str) -> Case:
    if case is None:
        raise NothingKept("no such case", case_id[:80])
    return case


def _ends_at(case: Case) -> datetime | None:
    waits = case.closed_at is None and case.reason in EVIDENCE
    return case.opened_at + ANSWER_WITHIN if waits else None


def _case(case: Case) -> dict[str, Any]:
    ends = _ends_at(case)
    return {
        "id": case.id,
        "reason": case.reason,
        "meaning": _MEANING.get(case.reason, ""),
        "installation": case.installation_id,
        "opened_at": moment(case.opened_at),
        "purged_after": moment(ends) if ends else None,
        "closed_at": moment(case.closed_at) if case.closed_at else None,
        "outcome": case.outcome.value if case.outcome else None,
    }
