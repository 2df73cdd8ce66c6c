"""oauth_checks X-6: what removal leaves behind, and who is told."""

from typing import Any

import pytest

from innkeeper.emulator.marketplace.removal import InstallationUnknown
from innkeeper.emulator.world import Installation
from tests.emulator.visit import BOT, Visit, read

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    visit = Visit()
    visit.app.environment = "production"
    return visit


async def test_kills_every_token_and_code_of_the_installation(visit: Visit) -> None:
    tokens, code = await visit.tokens(), await visit.code()
    tokens = await visit.tokens()
    account = {"grant_type": "account_credentials", "account_id": visit.app.account_id}
    of_account = read(await visit.token(account))
    await visit.zoom.remove_app(visit.installation.id)
    assert (await visit.me(tokens["access_token"])).status == 401
    assert (await visit.me(of_account["access_token"])).status == 401
    assert (await visit.refresh(tokens["refresh_token"])).status == 400
    assert (await visit.exchange(code)).status == 400


async def test_leaves_the_chatbot_token_which_is_the_apps_own(visit: Visit) -> None:
    await visit.tokens()
    await visit.chatbot_token()
    await visit.zoom.remove_app(visit.installation.id)
    assert not visit.world.tokens[-1].revoked


async def test_leaves_the_tokens_and_codes_of_another_app(visit: Visit) -> None:
    other = visit.second_app()
    code = await visit.code(client_id=other.client_id)
    await visit.zoom.remove_app((await _installed(visit)).id)
    tokens = read(await visit.exchange(code, app=other))
    await visit.zoom.remove_app((await _installed(visit)).id)
    assert (await visit.me(tokens["access_token"])).status == 200


async def _installed(visit: Visit) -> Installation:
    await visit.code()
    installation = visit.world.installation_for(visit.app, visit.ana)
    assert installation is not None
    return installation


async def test_leaves_another_users_installation(visit: Visit) -> None:
    visit.app.management = "user"
    hers, his = await visit.tokens(), await visit.tokens(visit.ben)
    first, second = visit.world.installations.values()
    await visit.zoom.remove_app(second.id)
    assert (await visit.me(hers["access_token"])).status == 200
    assert (await visit.me(his["access_token"])).status == 401
    assert list(visit.world.installations) == [first.id]


async def test_tells_a_production_app_once(visit: Visit) -> None:
    """X-6."""
    await visit.tokens()
    removed = await visit.zoom.remove_app(visit.installation.id)
    assert removed.told
    with pytest.raises(InstallationUnknown):
        await visit.zoom.remove_app(removed.installation.id)
    await visit.zoom.settle()
    (event,) = visit.bot.events("app_deauthorized")
    payload: dict[str, Any] = event["payload"]
    assert list(event) == ["event", "event_ts", "payload"]
    assert event["event_ts"] == 1_772_442_000_000
    assert payload["deauthorization_time"] == "2026-03-02T09:00:00.000Z"
    assert payload["account_id"] == visit.ana.account_id
    assert payload["user_id"] == visit.ana.id
    assert payload["client_id"] == visit.app.client_id
    assert len(payload["signature"]) == 64
    assert "user_data_retention" not in payload


async def test_names_the_admin_who_removed_it(visit: Visit) -> None:
    await visit.tokens()
    await visit.zoom.remove_app(visit.installation.id, by=visit.ben)
    await visit.zoom.settle()
    (event,) = visit.bot.events("app_deauthorized")
    assert event["payload"]["user_id"] == visit.ben.id


async def test_tells_a_development_app_nothing(visit: Visit) -> None:
    visit.app.environment = "development"
    await visit.tokens()
    removed = await visit.zoom.remove_app(visit.installation.id)
    await visit.zoom.settle()
    assert not removed.told
    assert "Zoom tells only production apps" in removed.why
    assert not visit.bot.events("app_deauthorized")


async def test_says_that_nobody_could_be_told(visit: Visit) -> None:
    visit.app.deauthorization_endpoint = ""
    await visit.tokens()
    removed = await visit.zoom.remove_app(visit.installation.id)
    assert (removed.told, "no deauthorization endpoint" in removed.why) == (False, True)


async def test_a_silent_app_is_told_again(visit: Visit) -> None:
    await visit.tokens()
    await visit.zoom.settle()
    visit.bot.silent = True
    await visit.zoom.remove_app(visit.installation.id)
    await visit.zoom.settle()
    visit.bot.silent = False
    await visit.zoom.advance(300)
    (event,) = visit.bot.events("app_deauthorized")
    assert event["payload"]["deauthorization_time"] == "2026-03-02T09:00:00.001Z"


async def test_says_so_in_the_chat(visit: Visit) -> None:
    await visit.tokens()
    await visit.zoom.settle()
    await visit.zoom.remove_app(visit.installation.id)
    conversation = visit.zoom.chat.conversations.find(visit.ana, visit.app.bot_jid)
    last = visit.zoom.chat.conversations.messages(conversation)[-1]
    assert "removed" in last.text


async def test_adding_it_again_is_a_new_installation(visit: Visit) -> None:
    await visit.code()
    first = visit.installation.id
    await visit.zoom.remove_app(first)
    await visit.code()
    assert visit.installation.id != first
    await visit.zoom.settle()
    assert len(visit.bot.events("bot_installed")) == 1
    assert visit.zoom.courier.deliveries[0].url == f"{BOT}/deauthorize"


@pytest.mark.parametrize(
    ("variant", "top", "inside"),
    [
        ("current", True, {}),
        ("2025", True, {"user_data_retention": None}),
        ("reference", False, {"event_ts": "2026-03-02 09:00:00"}),
        ("sdk", False, {"event_ts": 1772442000001}),
        ("2020", False, {"user_data_retention": "false"}),
        ("2019", False, {}),
    ],
)
async def test_deauthorization_payload(
    visit: Visit, variant: Any, top: bool, inside: dict[str, Any]
) -> None:
    visit.world.rules.deauthorization_payload = variant
    await visit.tokens()
    await visit.zoom.settle()
    await visit.zoom.remove_app(visit.installation.id)
    await visit.zoom.settle()
    event = visit.bot.heard[-1]
    common = {"account_id", "user_id", "signature", "deauthorization_time", "client_id"}
    assert event["event"] == "app_deauthorized"
    assert ("event_ts" in event) is top
    assert {key: value for key, value in event["payload"].items() if key not in common} == inside


@pytest.mark.parametrize(("rule", "told"), [("silent", False), ("told", True)])
async def test_development_removal(visit: Visit, rule: Any, told: bool) -> None:
    visit.app.environment = "development"
    visit.world.rules.development_removal = rule
    await visit.tokens()
    assert (await visit.zoom.remove_app(visit.installation.id)).told is told
