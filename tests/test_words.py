"""What a person is told of a deletion is what its receipt says."""

from typing import Any

import msgspec
import pytest

from innkeeper.flows.receipts import Statement
from innkeeper.ids import ReceiptId
from innkeeper.store.records import Receipt
from innkeeper.ui import pages
from innkeeper.ui.texts import Texts
from innkeeper.words import problem, proof, steps
from tests.ui.german import GERMAN


def receipt(**changes: Any) -> Receipt:
    values: dict[str, Any] = {
        "format": "1",
        "receipt": "rcp_1",
        "sequence": 1,
        "installation": "ins_1",
        "generation": 1,
        "removed_at": "2026-11-23T12:00:00+00:00",
        "purged_at": "2026-11-23T12:00:05+00:00",
        "steps": {"bot:notes": 3, "grants": 1, "new_step": 2},
        "complete": True,
        "previous": "",
        **changes,
    }
    return Receipt(ReceiptId("rcp_1"), 1, msgspec.json.encode(Statement(**values)), b"s", "key")


def shown(texts: Texts | None = None, **changes: Any) -> str:
    spoken = texts or Texts()
    view = proof(receipt(**changes), spoken, app_name="Porter", public_key="ab")
    return pages.render(view, texts=spoken)


def test_says_that_everything_was_deleted_where_it_was() -> None:
    html = shown()
    assert "<h1>Everything was deleted</h1>" in html
    assert "✓" in html
    assert 'The bot&#39;s own: notes</th><td class="number">3' in html


def test_says_what_was_left_where_it_is() -> None:
    html = shown(complete=False, kept=["bot:notes"], steps={"grants": 1})
    assert "<h1>Some of it was kept</h1>" in html
    assert "✓" not in html
    assert "Everything was deleted" not in html
    assert 'The bot&#39;s own: notes</th><td class="number">kept' in html


def test_says_which_count_may_be_too_low() -> None:
    html = shown(tries={"bot:notes": 2})
    assert (
        'notes</th><td class="number">3 <span class="quiet">or more: begun 2 times</span>' in html
    )
    assert 'Access to Zoom</th><td class="number">1</td>' in html
    assert "oder mehr: 2-mal begonnen" in shown(Texts("de", GERMAN), tries={"bot:notes": 2})


def test_says_that_there_was_nothing() -> None:
    html = shown(outcome="nothing_held", steps={})
    assert "<h1>There was nothing to delete</h1>" in html
    assert "Everything was deleted" not in html


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Alles wurde gelöscht"),
        ({"complete": False, "kept": ["bot:x"]}, "behalten"),
        ({"outcome": "nothing_held"}, "Es gab nichts zu löschen"),
    ],
)
def test_says_it_in_german(changes: Any, said: str) -> None:
    assert said in shown(Texts("de", GERMAN), **changes)


def test_a_step_that_has_no_words_is_called_by_its_name() -> None:
    named = {step.name: step.deleted for step in steps({"new_step": 2, "grants": 1}, Texts())}
    assert named == {"new_step": 2, "Access to Zoom": 1}


def test_a_code_that_has_no_words_gets_those_of_any_refusal() -> None:
    view = problem("never_heard_of", Texts(), restart_url="/install")
    assert (view.title, view.code) == ("The app was not installed", "never_heard_of")
