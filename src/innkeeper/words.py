"""What is a person told? The pages' words for what went wrong, and for what was deleted."""

from collections.abc import Mapping
from datetime import datetime

from innkeeper.flows.receipts import digest, read_statement
from innkeeper.store.records import Receipt
from innkeeper.ui.views import ProblemView, ReceiptStepView, ReceiptView


def problem(code: str, fix: str, *, restart_url: str) -> ProblemView:
    """Put what went wrong into words for the person in front of it, by its stable code."""
    title, what, why = PROBLEMS.get(code, PROBLEMS["install_refused"])
    return ProblemView(title, what, why, fix, code, restart_url)


def steps(deleted: Mapping[str, int]) -> tuple[ReceiptStepView, ...]:
    """Name what a purge deleted, and how much of it."""
    return tuple(ReceiptStepView(_step(name), count) for name, count in deleted.items())


def proof(receipt: Receipt, *, app_name: str, public_key: str) -> ReceiptView:
    """Show a receipt, and how to check it without us. `public_key` is in hex."""
    statement = read_statement(receipt)
    return ReceiptView(
        receipt.id,
        "complete",
        app_name,
        datetime.fromisoformat(statement.removed_at),
        datetime.fromisoformat(statement.purged_at),
        steps(statement.steps),
        signature=receipt.signature.hex(),
        key_id=receipt.key_id,
        digest=digest(receipt),
        verify_command=f"innkeeper receipt verify {receipt.id}.json --key {public_key}",
        download_url="?download=1",
    )


def _step(name: str) -> str:
    kind, colon, own = name.partition(":")
    return f"The bot's own: {own}" if colon else _STEPS.get(kind, kind)


_STEPS = {
    "grants": "Access to Zoom",
    "state": "Values the bot kept",
    "inbox": "Events not yet handled",
    "cases": "Open questions",
    "installation": "The installation itself",
    "data_key": "The key to all of it",
}

PROBLEMS: Mapping[str, tuple[str, str, str]] = {
    "install_refused": (
        "The app was not installed",
        "Something in the way back from Zoom was not as it should be.",
        "The app could not tell what Zoom answered.",
    ),
    "callback_malformed": (
        "The app was not installed",
        "The address that brought you back is not one that Zoom makes.",
        "Some of its parts stand there twice, or contradict each other.",
    ),
    "state_unknown": (
        "This installation is not open",
        "The app does not know the attempt you came back from.",
        "It was finished already, or it was begun somewhere else, or in another tab.",
    ),
    "state_expired": (
        "This installation took too long",
        "You came back, but the attempt was over.",
        "For your safety an attempt is open for ten minutes only.",
    ),
    "cookie_missing": (
        "This browser did not begin the installation",
        "The app could not recognise your browser.",
        "You began in another browser, or yours keeps no cookies for this site.",
    ),
    "code_missing": (
        "Zoom sent nothing to finish with",
        "You came back from Zoom without an authorization.",
        "Zoom left out the code that stands for it.",
    ),
    "issuer_mismatch": (
        "The app was not installed",
        "The answer does not come from the Zoom this app belongs to.",
        "It names another issuer.",
    ),
    "state_dropped": (
        "Zoom does not bring the installation back whole",
        "The app began anew, and you came back without its mark a second time.",
        "The redirect URL that Zoom uses drops what the app adds to it.",
    ),
    "token_exchange_failed": (
        "Zoom did not confirm the authorization",
        "You allowed the app, but Zoom gave it no access.",
        "The authorization was used already, was too old, or belongs to another app.",
    ),
    "install_unavailable": (
        "The app cannot save anything just now",
        "You allowed the app, but it could not write that down.",
        "Its database took no write. Nothing was kept, and the access was given back.",
    ),
    "receipt_unknown": (
        "There is no such receipt",
        "The address names a receipt that this app does not know.",
        "It was mistyped, or it belongs to another app.",
    ),
    "page_unknown": (
        "There is no such page",
        "The address leads nowhere in this app.",
        "It was mistyped, or the link to it is out of date.",
    ),
    "method_not_allowed": (
        "This page is only to be looked at",
        "Something else was asked of it.",
        "A form or a program was pointed at this address by mistake.",
    ),
    "page_failed": (
        "The app cannot show this just now",
        "Something went wrong on the app's side.",
        "Whoever runs the app finds more in its log.",
    ),
}
"""By code: the title, what happened, and why."""
