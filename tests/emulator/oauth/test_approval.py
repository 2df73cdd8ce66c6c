"""Disabled apps, pre-approval, and the reasons for which tokens are over."""

import json
from typing import Any

import pytest

from innkeeper.emulator.world import Subscription
from innkeeper.net.outbound import Response
from tests.emulator.visit import BOT, Visit, cookies, hidden, location, read

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


async def _change(visit: Visit, **changes: Any) -> Response:
    path = f"/_emulator/accounts/{visit.ana.account_id}"
    return await visit.ask("PATCH", path, body=json.dumps(changes).encode())


async def _allow(visit: Visit) -> Response:
    shown = await visit.authorize()
    jar = f"emu_browser={cookies(shown)['emu_browser']}"
    form = {"request": hidden(shown, "request"), "user": visit.ana.id, "decision": "allow"}
    return await visit.ask("POST", "/oauth/authorize", form=form, headers={"cookie": jar})


def _refused(answer: Response) -> str:
    return answer.headers.get("x-emulator-refused", "")


async def test_a_disabled_app_can_do_nothing(visit: Visit):
    """4717."""
    tokens = await visit.tokens()
    visit.app.disabled = True

    page, token, call = (
        await visit.authorize(user=visit.ana),
        await visit.refresh(tokens["refresh_token"]),
        await visit.me(tokens["access_token"]),
    )

    assert (page.status, _refused(page)) == (403, "authorize.disabled")
    assert "The app has been disabled" in page.body.decode()
    assert (token.status, _refused(token)) == (400, "client.disabled")
    assert read(token) == {"reason": "The app has been disabled", "error": "invalid_client"}
    assert (call.status, _refused(call)) == (401, "token.disabled")


async def test_a_disabled_public_client_can_do_nothing(visit: Visit):
    visit.app.public_client_id, visit.app.disabled = "public_client", True

    refused = await visit.ask("POST", "/oauth/token", form={"client_id": "public_client"})

    assert _refused(refused) == "client.disabled"


async def test_an_app_is_disabled_by_whoever_steers(visit: Visit):
    path = f"/_emulator/apps/{visit.app.client_id}"

    changed = await visit.ask("PATCH", path, body=b'{"disabled": true}')

    assert read(changed)["disabled"] is True
    assert visit.app.disabled


async def test_asks_for_approval_before_an_app_can_be_added(visit: Visit):
    await _change(visit, approval_required=True)

    refused = await _allow(visit)

    assert (refused.status, _refused(refused)) == (403, "authorize.not_approved")
    assert f"You cannot authorize {visit.app.name}" in refused.body.decode()
    assert not visit.world.installations


async def test_lets_an_approved_app_in(visit: Visit):
    await _change(visit, approval_required=True, approved_apps=[visit.app.client_id])

    assert location(await _allow(visit)).startswith(f"{BOT}/oauth/callback?code=")


async def test_withdrawing_an_approval_kills_what_it_allowed(visit: Visit):
    """4738."""
    await _change(visit, approval_required=True, approved_apps=[visit.app.client_id])
    tokens = await visit.tokens()
    visit.world.rules.earlier_tokens = "exchange"
    code = await visit.code()

    await _change(visit, approved_apps=[])

    assert _refused(await visit.me(tokens["access_token"])) == "token.revoked"
    over = await visit.refresh(tokens["refresh_token"])
    assert (over.status, _refused(over)) == (400, "refresh.revoked")
    assert _refused(await visit.exchange(code)) == "code.spent"
    assert {token.ended for token in visit.world.tokens} == {4738}


async def test_approving_again_revives_nothing(visit: Visit):
    tokens = await visit.tokens()
    await _change(visit, approval_required=True)
    await _change(visit, approval_required=False)

    assert (await visit.me(tokens["access_token"])).status == 401


async def test_tells_a_newer_authorization_from_a_removal(visit: Visit):
    """4741, 4737."""
    first = await visit.tokens()
    second = await visit.tokens()
    await visit.zoom.remove_app(visit.installation.id)

    ended = {token.access: token.ended for token in visit.world.tokens}
    assert ended[first["access_token"]] == 4741
    assert ended[second["access_token"]] == 4737


def _hears(visit: Visit, *events: str) -> None:
    visit.app.subscriptions.append(
        Subscription(id="sub_1", name="Requests", event_types=list(events), url=f"{BOT}/events")
    )


async def test_a_request_for_approval_is_told_and_can_be_declined(visit: Visit):
    _hears(visit, "app.authorization_request_created", "app.authorization_request_declined")
    await visit.code()
    await visit.zoom.settle()
    await _change(visit, approval_required=True)
    page = (await _allow(visit)).body.decode()
    assert 'action="/oauth/approval"' in page

    form = {"client_id": visit.app.client_id, "user": visit.ben.id}
    assert (await visit.ask("POST", "/oauth/approval", form=form)).status == 200
    (asked,) = read(await visit.ask("GET", "/_emulator/state"))["approvals"]
    declined = await visit.ask("DELETE", f"/_emulator/approvals/{asked['id']}")
    await visit.zoom.settle()

    assert read(declined) == {"id": asked["id"], "declined": True}
    (created,) = visit.bot.events("app.authorization_request_created")
    assert created["payload"]["requester_name"] == visit.ben.name
    assert created["event_ts"].isdigit()
    assert len(visit.bot.events("app.authorization_request_declined")) == 1
    again = await visit.ask("DELETE", f"/_emulator/approvals/{asked['id']}")
    assert (again.status, read(again)["error"]) == (404, "unknown_approval")


async def test_an_approval_answers_the_request(visit: Visit):
    await _change(visit, approval_required=True)
    form = {"client_id": visit.app.client_id, "user": visit.ana.id}
    await visit.ask("POST", "/oauth/approval", form=form)

    await _change(visit, approved_apps=[visit.app.client_id])

    assert not visit.world.approvals


@pytest.mark.parametrize("changes", [{"client_id": "unknown"}, {"user": "nobody"}])
async def test_takes_a_request_only_for_what_is_there(visit: Visit, changes: dict[str, str]):
    form = {"client_id": visit.app.client_id, "user": visit.ana.id} | changes

    refused = await visit.ask("POST", "/oauth/approval", form=form)

    assert (refused.status, _refused(refused)) == (404, "approval.unknown")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"\xff", "bad_json"),
        (b"[]", "bad_value"),
        (b'{"nothing": 1}', "bad_value"),
        (b'{"approved_apps": ["unknown"]}', "change_refused"),
    ],
)
async def test_refuses_a_change_that_makes_no_sense(visit: Visit, body: bytes, code: str):
    refused = await visit.ask("PATCH", f"/_emulator/accounts/{visit.ana.account_id}", body=body)

    assert (refused.status, read(refused)["error"]) == (400, code)
    assert read(refused)["fix"]


async def test_knows_its_accounts(visit: Visit):
    refused = await visit.ask("PATCH", "/_emulator/accounts/unknown", body=b"{}")

    assert (refused.status, read(refused)["error"]) == (404, "unknown_account")
