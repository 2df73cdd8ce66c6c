"""Fault rules come and go over the control API."""

import json
from typing import Any

import pytest

from innkeeper.emulator.faultrules import RULES_LIMIT, FaultRefused
from innkeeper.emulator.faults.levers import FaultUnknown
from innkeeper.net.outbound import Response
from tests.emulator.visit import Visit, read

pytestmark = pytest.mark.anyio
PATH = "/_emulator/faults"
RULE = {"on": {"path": "/oauth/token"}, "do": {"kind": "html"}, "times": 1}


@pytest.fixture
def visit() -> Visit:
    return Visit()


async def add(visit: Visit, document: Any = RULE) -> Response:
    return await visit.ask("POST", PATH, body=json.dumps(document).encode())


async def test_adds_lists_counts_and_removes(visit: Visit) -> None:
    first = await add(visit)
    assert (first.status, read(first)["number"], read(first)["applied"]) == (201, 1, 0)
    await add(visit)
    await visit.chatbot_token()
    listed = read(await visit.ask("GET", PATH))["faults"]
    assert [(each["number"], each["applied"], each["spent"]) for each in listed] == [
        (1, 1, True),
        (2, 0, False),
    ]
    left = read(await visit.ask("DELETE", f"{PATH}/1"))["faults"]
    assert [each["number"] for each in left] == [2]
    assert read(await visit.ask("DELETE", PATH)) == {"faults": []}
    assert read(await add(visit))["number"] == 3
    assert (await visit.chatbot_token()).status == 502


async def test_refuses_an_unknown_kind_and_lists_those_it_knows(visit: Visit) -> None:
    """E16."""
    refused = await add(visit, {"do": {"kind": "explode"}})
    assert (refused.status, read(refused)["error"]) == (400, "fault_refused")
    assert "lost_answer" in read(refused)["fix"]
    assert not visit.world.faults


@pytest.mark.parametrize("body", [b"", b"{", b'{"times": NaN}', b"\xff"])
async def test_refuses_what_is_no_json(visit: Visit, body: bytes) -> None:
    refused = await visit.ask("POST", PATH, body=body)
    assert (refused.status, read(refused)["error"]) == (400, "bad_json")


@pytest.mark.parametrize("number", ["7", "first", "9" * 5_000])
async def test_knows_which_rules_there_are(visit: Visit, number: str) -> None:
    refused = await visit.ask("DELETE", f"{PATH}/{number}")
    assert (refused.status, read(refused)["error"]) == (404, "fault_unknown")
    with pytest.raises(FaultUnknown):
        visit.zoom.faults.remove(7)


async def test_keeps_no_more_than_so_many(visit: Visit) -> None:
    for _ in range(RULES_LIMIT):
        visit.zoom.faults.add("reset")
    with pytest.raises(FaultRefused, match="already"):
        visit.zoom.faults.add("reset")


async def test_shows_rules_to_a_page(visit: Visit) -> None:
    visit.zoom.faults.add({"kind": "slow", "seconds": 5}, on={"path": "/v2/*"}, p=0.5, seed=3)
    visit.zoom.faults.add("drop", times=2, skip=1)
    some, other = visit.zoom.faults.views()
    assert (some.kind, some.looks_at, some.does) == ("slow", "path /v2/*", "seconds 5.0")
    assert some.how_often == "always, chance 0.5 from seed 3"
    assert (other.looks_at, other.how_often) == ("everything", "2 times, after 1")


async def test_a_reset_of_the_emulator_forgets_them(visit: Visit) -> None:
    await add(visit)
    await visit.ask("POST", "/_emulator/reset")
    assert read(await visit.ask("GET", PATH)) == {"faults": []}
