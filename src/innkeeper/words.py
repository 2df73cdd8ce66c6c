"""What is a person told? The pages' words for what went wrong, and for what was deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from innkeeper.flows.receipts import Statement, digest, read_statement
from innkeeper.store.records import Receipt
from innkeeper.ui.texts import Texts
from innkeeper.ui.views import ProblemView, ReceiptStepView, ReceiptView


def problem(code: str, texts: Texts, *, restart_url: str) -> ProblemView:
    """Put what went wrong into words for the person in front of it, by its stable code."""
    known = code if f"problem.{code}.title" in texts else "install_refused"
    title, what, why, fix = (
        texts(f"problem.{known}.{part}") for part in ("title", "what", "why", "fix")
    )
    return ProblemView(title, what, why, fix, code, restart_url)


def steps(
    deleted: Mapping[str, int], texts: Texts, *, tries: Mapping[str, int] | None = None
) -> tuple[ReceiptStepView, ...]:
    """Name what a purge deleted, how much of it, and which count may be too low, and why."""
    begun = tries or {}
    return tuple(
        ReceiptStepView(
            _step(name, texts),
            count,
            detail=texts("receipt.tries", count=begun[name]) if name in begun else "",
        )
        for name, count in deleted.items()
    )


def proof(receipt: Receipt, texts: Texts, *, app_name: str, public_key: str) -> ReceiptView:
    """Show a receipt, and how to check it without us. `public_key` is in hex."""
    statement = read_statement(receipt)
    kept = tuple(
        ReceiptStepView(_step(name, texts), 0, done=False, detail=texts("receipt.left"))
        for name in statement.kept
    )
    return ReceiptView(
        receipt.id,
        _state(statement),
        app_name,
        datetime.fromisoformat(statement.removed_at),
        datetime.fromisoformat(statement.purged_at),
        (*steps(statement.steps, texts, tries=statement.tries), *kept),
        signature=receipt.signature.hex(),
        key_id=receipt.key_id,
        digest=digest(receipt),
        verify_command=f"innkeeper receipt verify {receipt.id}.json --key {public_key}",
        download_url="?download=1",
    )


def _state(statement: Statement) -> Literal["complete", "kept", "nothing"]:
    if not statement.complete:
        return "kept"
    return "nothing" if statement.outcome == "nothing_held" else "complete"


def _step(name: str, texts: Texts) -> str:
    kind, colon, own = name.partition(":")
    if colon:
        return texts("step.own", name=own)
    return texts(f"step.{kind}") if f"step.{kind}" in texts else kind
