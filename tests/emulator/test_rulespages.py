import pytest

from innkeeper.emulator.rules import SWITCHES, preset
from innkeeper.emulator.traffic.checks import CHECKS
from tests.emulator.visit import Visit

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


async def test_every_switch_and_every_check_is_listed(visit: Visit):
    page = (await visit.ask("GET", "/rules")).body.decode()

    assert all(f'id="{name}"' in page for name in SWITCHES)
    assert all(f'id="check-{name}"' in page for name in CHECKS)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("decline", "stay", "stay"),
        ("revoke_uninstalls", "true", True),
        ("refresh_days", "30", 30),
        ("expires_in", "3599", 3599),
    ],
)
async def test_a_switch_is_set(visit: Visit, name: str, text: str, value: object):
    answer = await visit.ask("POST", "/rules", form={"rule": name, "value": text})

    assert (answer.status, answer.headers["location"]) == (303, f"/rules?changed={name}#{name}")
    assert getattr(visit.world.rules, name) == value


@pytest.mark.parametrize(
    ("form", "known"),
    [
        ({"rule": "decline", "value": "shout"}, "redirect or stay"),
        ({"rule": "refresh_days", "value": "0"}, "from 1 to 5475"),
        ({"rule": "refresh_days", "value": "many"}, "from 1 to 5475"),
        ({"rule": "gravity", "value": "off"}, "standing_consent"),
        ({}, "standing_consent"),
    ],
)
async def test_an_unknown_value_is_refused_with_what_is_known(
    visit: Visit, form: dict[str, str], known: str
):
    answer = await visit.ask("POST", "/rules", form=form)

    assert answer.status == 400
    assert known in answer.body.decode()
    assert visit.world.rules == preset("zoom")


async def test_a_preset_sets_them_all(visit: Visit):
    await visit.ask("POST", "/rules/preset", form={"preset": "paranoid"})

    assert visit.world.rules == preset("paranoid")
    assert (await visit.ask("POST", "/rules/preset", form={"preset": "lax"})).status == 400
