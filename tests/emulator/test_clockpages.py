import re
from typing import Any

import msgspec
import pytest

from tests.emulator.visit import Visit

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


@pytest.mark.parametrize(
    ("form", "seconds"),
    [
        ({"seconds": "7200"}, 7200),
        ({"amount": "2", "unit": "hours"}, 7200),
        ({"amount": "0.5", "unit": "minutes"}, 30),
        ({"amount": "90", "unit": "days"}, 90 * 86_400),
        ({"amount": "0", "unit": "seconds"}, 0),
    ],
)
async def test_a_button_moves_the_clock(visit: Visit, form: dict[str, str], seconds: int):
    before = visit.clock.now()

    answer = await visit.ask("POST", "/clock/advance", form=form)

    assert (answer.status, answer.headers["location"]) == (303, "/clock?done=moved")
    assert (visit.clock.now() - before).total_seconds() == seconds


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"seconds": "soon"},
        {"seconds": "-1"},
        {"seconds": "nan"},
        {"seconds": "inf"},
        {"amount": "1e9", "unit": "days"},
        {"amount": "1", "unit": "moons"},
    ],
)
async def test_an_impossible_move_is_refused_with_the_known_units(
    visit: Visit, form: dict[str, str]
):
    before = visit.clock.now()

    answer = await visit.ask("POST", "/clock/advance", form=form)

    assert answer.status == 400
    assert "seconds, minutes, hours, days" in answer.body.decode()
    assert visit.clock.now() == before


async def test_what_is_due_is_listed_in_its_order(visit: Visit):
    visit.bot.silent = True
    await visit.code()
    chat = {"with": visit.app.bot_jid, "text": "hello"}
    await visit.ask("POST", "/chat/say", form=chat, user=visit.ana)

    page = (await visit.ask("GET", "/clock")).body.decode()

    assert "Attempt 2 at bot_notification" in page
    assert re.search(r"/traffic/deliveries/dlv_[0-9a-f]+", page)
    assert "stands still" in page


async def test_a_reset_must_be_meant(visit: Visit):
    await visit.code()

    refused = await visit.ask("POST", "/clock/reset", form={})
    assert refused.status == 400
    assert visit.world.installations
    done = await visit.ask("POST", "/clock/reset", form={"sure": "yes"})
    assert done.headers["location"] == "/clock?done=reset"
    assert not visit.world.installations


async def test_a_fault_is_ordered_applied_and_taken_back(visit: Visit):
    form = {"kind": "status", "where": "/oauth/token", "times": "1"}
    ordered = await visit.ask("POST", "/clock/faults", form=form)
    assert ordered.headers["location"] == "/clock?done=ordered"

    assert (await visit.chatbot_token()).status >= 400
    assert (await visit.chatbot_token()).status == 200
    page = (await visit.ask("GET", "/clock")).body.decode()
    assert "at path /oauth/token, 1 times" in page
    assert "1 applied, spent" in page

    number = str(visit.world.faults[0].number)
    await visit.ask("POST", "/clock/faults/remove", form={"number": number})
    await visit.ask("POST", "/clock/faults/remove", form={"number": number})
    assert visit.world.faults == []


@pytest.mark.parametrize(
    ("form", "does"),
    [
        ({"kind": "status"}, {"kind": "status", "status": 500}),
        ({"kind": "status", "status": "429", "seconds": "9"}, {"status": 429}),
        ({"kind": "html", "status": "504"}, {"kind": "html", "status": 504}),
        ({"kind": "html", "status": ""}, {"status": 502}),
        ({"kind": "slow", "status": "504", "seconds": "2.5"}, {"kind": "slow", "seconds": 2.5}),
        ({"kind": "reset", "status": "504", "seconds": "1"}, {"kind": "reset"}),
    ],
)
async def test_a_fault_takes_of_the_form_what_fits_it(
    visit: Visit, form: dict[str, str], does: dict[str, Any]
):
    ordered = await visit.ask("POST", "/clock/faults", form=form)
    assert ordered.status == 303

    done = msgspec.to_builtins(visit.world.faults[0].order.do)
    assert {name: done[name] for name in does} == does


async def test_a_fault_at_an_event_looks_at_its_name(visit: Visit):
    await visit.ask("POST", "/clock/faults", form={"kind": "drop", "where": "bot_installed"})

    assert visit.world.faults[0].order.on.event == "bot_installed"


@pytest.mark.parametrize(
    ("form", "known"),
    [
        ({"kind": "explode"}, "lost_answer"),
        ({"kind": "drop", "times": "-1"}, "times"),
        ({"kind": "drop", "times": "many"}, "times"),
        ({"kind": "slow", "seconds": "a while"}, "seconds"),
        ({"kind": "slow", "seconds": "1e9"}, "seconds"),
        ({"kind": "slow", "seconds": "nan"}, "seconds"),
        ({"kind": "status", "status": "99"}, "status"),
    ],
)
async def test_an_impossible_fault_is_refused_with_what_is_known(
    visit: Visit, form: dict[str, str], known: str
):
    answer = await visit.ask("POST", "/clock/faults", form=form)

    assert answer.status == 400
    assert known in answer.body.decode()
    assert visit.world.faults == []
