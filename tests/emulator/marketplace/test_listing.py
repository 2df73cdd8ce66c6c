"""What may be changed about an app: all of it or nothing."""

import pytest

from innkeeper.emulator.marketplace.listing import ChangeRefused, read_change
from tests.emulator.visit import BOT, Visit

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


async def test_tells_who_listens_only_of_a_change(visit: Visit) -> None:
    heard: list[str] = []
    visit.world.listeners.append(lambda kind, _: heard.append(kind))
    await visit.zoom.listing.change(visit.app, read_change({"name": visit.app.name}))
    assert heard == []
    await visit.zoom.listing.change(visit.app, read_change({"name": "Porter"}))
    assert heard == ["app"]


async def test_asks_each_address_once(visit: Visit) -> None:
    both = {"bot_endpoint": f"{BOT}/all", "deauthorization_endpoint": f"{BOT}/all"}
    await visit.zoom.listing.change(visit.app, read_change(both))
    assert len(visit.zoom.traffic.records()) == 1
    assert visit.app.consent_version == 2


@pytest.mark.parametrize(("revalidate", "asked"), [(False, 0), (True, 1)])
async def test_asks_an_address_that_stays_only_where_told(
    visit: Visit, revalidate: bool, asked: int
) -> None:
    same = read_change({"bot_endpoint": visit.app.bot_endpoint})
    await visit.zoom.listing.change(visit.app, same, revalidate=revalidate)
    assert len(visit.zoom.traffic.records()) == asked
    assert visit.app.consent_version == 1


async def test_an_endpoint_can_be_taken_away(visit: Visit) -> None:
    visit.bot.silent = True
    gone = read_change({"bot_endpoint": "", "deauthorization_endpoint": ""})
    await visit.zoom.listing.change(visit.app, gone)
    assert (visit.app.bot_endpoint, visit.app.deauthorization_endpoint) == ("", "")


async def test_names_the_endpoint_that_failed_and_changes_neither(visit: Visit) -> None:
    before = visit.app.bot_endpoint
    one_bad = {
        "bot_endpoint": f"{BOT}/fine",
        "deauthorization_endpoint": "http://127.0.0.1:1/nothing",
    }
    with pytest.raises(ChangeRefused) as refused:
        await visit.zoom.listing.change(visit.app, read_change(one_bad))
    assert refused.value.key == "deauthorization_endpoint"
    assert visit.app.bot_endpoint == before


async def test_lists_each_value_once(visit: Visit) -> None:
    uris = [f"{BOT}/a", f"{BOT}/b", f"{BOT}/a"]
    change = read_change({"scopes": ["a", "b", "a"], "redirect_uris": uris})
    await visit.zoom.listing.change(visit.app, change)
    assert (visit.app.scopes, visit.app.redirect_uris) == (["a", "b"], uris[:2])
