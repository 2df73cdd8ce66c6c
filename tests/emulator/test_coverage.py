"""What claims to be emulated names its tests; what is not answers so, and is counted."""

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from innkeeper.emulator import Emulator, coverage
from innkeeper.emulator.coverage import ROWS, count, row_for
from innkeeper.emulator.world import State
from innkeeper.net.outbound import AsgiTransport
from tests.emulator.visit import Visit, read

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
ZOOMS = ("/oauth/", "/oauth_device", "/v2/", "/launch/", "/.well-known/")
REST = {"/v2/{path:path}", "/oauth/data/compliance"}


def calls() -> set[str]:
    """List every call of Zoom's that the application answers, and not by saying that it cannot."""
    inner: Any = Emulator(transport=AsgiTransport()).app
    while not hasattr(inner, "routes"):
        inner = inner._app
    return {
        f"{method} {route.path}"
        for route in inner.routes
        if isinstance(route, Route) and route.path.startswith(ZOOMS) and route.path not in REST
        for method in (route.methods or set()) - {"HEAD"}
    }


def test_every_address_of_zooms_has_a_row_that_claims_it() -> None:
    claimed = {row.call for row in ROWS if row.status != "none"}
    assert calls() - claimed == set()
    assert {call for call in claimed if re.match(r"[A-Z]+ /", call)} - calls() == set()


def test_no_row_stands_twice() -> None:
    assert len({row.call for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.call)
def test_what_is_claimed_names_tests_that_are_there(row: coverage.Row) -> None:
    if row.status == "none":
        assert row.note
        assert not row.tests
        return
    assert row.tests
    for test in row.tests:
        assert re.search(r"^(async )?def test_", (ROOT / test).read_text("utf-8"), re.MULTILINE)


async def test_answers_for_what_is_not_emulated_and_counts_it() -> None:
    visit = Visit()
    for user in ("u_1", "u_2"):
        answer = await visit.ask("POST", f"/v2/chat/users/{user}/messages")
        assert (answer.status, read(answer)["code"]) == (501, 501)
        assert "page Chat" in read(answer)["message"]
    assert answer.headers["x-emulator-refused"] == "not_emulated"
    await visit.ask("GET", "/v2/moons")
    told = read(await visit.ask("GET", "/_emulator/not-emulated"))
    asked = {row["call"]: row["asked"] for row in told["rows"] if row["asked"]}
    assert asked == {"POST /v2/chat/users/{user_id}/messages": 2}
    assert told["unlisted"] == {"GET /v2/moons": 1}


async def test_an_old_bots_report_of_what_it_deleted_is_counted() -> None:
    visit = Visit()
    answer = await visit.ask("POST", "/oauth/data/compliance", headers=visit.basic(), body=b"{}")
    assert answer.status == 501
    assert "no longer asks" in read(answer)["message"]
    assert visit.world.not_emulated == {"POST /oauth/data/compliance": 1}
    assert (await visit.ask("GET", "/oauth/token")).status == 405


async def test_the_page_shows_what_was_asked_for_in_vain() -> None:
    visit = Visit()
    await visit.ask("GET", "/v2/<b>")
    await visit.ask("POST", "/v2/chat/users/me/messages")
    page = (await visit.ask("GET", "/not-emulated")).body.decode().replace("<wbr>", "")
    assert "asked 1" in page
    assert "GET /v2/&lt;b&gt;" in page
    assert "POST /v2/im/chat/messages" in page


def test_counts_no_more_names_than_it_can_keep() -> None:
    state = State()
    for number in range(2000):
        count(state, "GET", f"/v2/{number}")
    assert len(state.not_emulated) <= 501
    assert sum(state.not_emulated.values()) == 2000


@pytest.mark.parametrize("path", ["/v2/users/me/", "/v2/users", "/v2/users/me/token"])
def test_a_template_stands_for_one_part_of_a_path(path: str) -> None:
    row = row_for("PUT", path)
    assert row is None
