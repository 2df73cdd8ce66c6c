"""The device grant: a code to show, a code to ask with, and every answer on the way."""

from typing import Any

import pytest

from innkeeper.net.outbound import Response
from innkeeper.wire.device import DeviceCode
from tests.emulator.visit import ZOOM, Visit, cookies, hidden, read

pytestmark = pytest.mark.anyio

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def visit() -> Visit:
    visit = Visit()
    visit.app.use_on_device = True
    return visit


async def begin(visit: Visit) -> DeviceCode:
    path = f"/oauth/devicecode?client_id={visit.app.client_id}"
    answer = await visit.ask("POST", path, headers=visit.basic())
    assert answer.status == 200, answer.body
    return DeviceCode.parse(answer.body)


async def poll(visit: Visit, device: DeviceCode, **other: Any) -> Response:
    form = {"grant_type": GRANT, "device_code": device.secret.reveal()}
    return await visit.token(form, **other)


async def decide(visit: Visit, device: DeviceCode, **changes: str) -> Response:
    """Answer the question at the page that the device links to."""
    path = device.verification_uri_complete.removeprefix(ZOOM)
    shown = await visit.ask("GET", path)
    jar = f"emu_browser={cookies(shown)['emu_browser']}"
    form = {"request": hidden(shown, "request"), "user": visit.ana.id, "decision": "allow"}
    return await visit.ask("POST", path, form=form | changes, headers={"cookie": jar})


def _error(answer: Response) -> tuple[str, str]:
    return read(answer)["error"], answer.headers["x-emulator-refused"]


async def test_gives_a_code_to_show_and_a_code_to_ask_with(visit: Visit):
    device = await begin(visit)

    assert (device.expires_in, device.interval) == (900, 5)
    assert device.verification_uri == f"{ZOOM}/oauth_device"
    assert device.verification_uri_complete == f"{ZOOM}/oauth/device/complete/{device.user_code}"
    assert len(device.user_code) == 8
    assert len(device.secret.reveal()) >= 22


async def test_needs_the_feature(visit: Visit):
    visit.app.use_on_device = False

    refused = await visit.ask("POST", "/oauth/devicecode", headers=visit.basic())

    assert _error(refused) == ("unauthorized_client", "device.feature")


async def test_needs_the_client(visit: Visit):
    path = f"/oauth/devicecode?client_id={visit.app.client_id}"

    assert read(await visit.ask("POST", path))["error"] == "invalid_client"


async def test_gives_tokens_once_somebody_allowed_it(visit: Visit):
    device = await begin(visit)
    pending = await poll(visit, device)
    shown = await decide(visit, device)
    given = await poll(visit, device)

    assert _error(pending) == ("authorization_pending", "device.pending")
    assert f"{visit.app.name} is connected" in shown.body.decode()
    assert given.status == 200
    tokens = read(given)
    assert read(await visit.me(tokens["access_token"]))["id"] == visit.ana.id
    assert (await visit.refresh(tokens["refresh_token"])).status == 200
    assert visit.installation.user_id == visit.ana.id


async def test_gives_them_once(visit: Visit):
    device = await begin(visit)
    await decide(visit, device)
    await poll(visit, device)

    assert _error(await poll(visit, device)) == ("invalid_grant", "device.spent")


async def test_says_so_when_somebody_declined(visit: Visit):
    device = await begin(visit)
    shown = await decide(visit, device, decision="decline")

    assert "was not connected" in shown.body.decode()
    assert _error(await poll(visit, device)) == ("access_denied", "device.declined")
    assert not visit.world.installations


@pytest.mark.parametrize("allowed", [True, False])
async def test_lets_a_code_expire_after_fifteen_minutes(visit: Visit, allowed: bool):
    device = await begin(visit)
    if allowed:
        await decide(visit, device)
    await visit.zoom.advance(900)

    assert _error(await poll(visit, device)) == ("expired_token", "device.expired")
    assert (await visit.ask("GET", f"/oauth/device/complete/{device.user_code}")).status == 400


async def test_takes_a_code_until_then(visit: Visit):
    device = await begin(visit)
    await visit.zoom.advance(899)
    await decide(visit, device)

    assert (await poll(visit, device)).status == 200


async def test_slows_a_hasty_device_down(visit: Visit):
    device = await begin(visit)
    asked = []
    for wait in (0, 5, 4, 9, 10):
        await visit.zoom.advance(wait)
        asked.append(read(await poll(visit, device))["error"])

    pending, slow = "authorization_pending", "slow_down"
    assert asked == [pending, pending, slow, slow, slow]
    await visit.zoom.advance(20)
    assert read(await poll(visit, device))["error"] == pending


@pytest.mark.parametrize("code", ["", "unknown"])
async def test_knows_its_codes(visit: Visit, code: str):
    refused = await visit.token({"grant_type": GRANT, "device_code": code})

    assert refused.status == 400
    assert read(refused)["error"] == ("invalid_grant" if code else "invalid_request")


async def test_gives_another_client_nothing(visit: Visit):
    device = await begin(visit)
    await decide(visit, device)

    assert _error(await poll(visit, device, app=visit.second_app()))[1] == "device.unknown"
    assert (await poll(visit, device)).status == 200


@pytest.mark.parametrize("again", [True, False])
async def test_gives_nothing_for_an_app_that_was_removed(visit: Visit, again: bool):
    device = await begin(visit)
    await decide(visit, device)
    await visit.zoom.remove_app(visit.installation.id)
    if again:
        await visit.code()

    assert read(await poll(visit, device))["error"] == "invalid_grant"


async def test_gives_nothing_for_a_user_who_is_gone(visit: Visit):
    device = await begin(visit)
    await decide(visit, device)
    visit.world.accounts[0].users.remove(visit.ana)

    assert _error(await poll(visit, device)) == ("invalid_grant", "device.owner_gone")


async def test_serves_a_public_client(visit: Visit):
    visit.app.public_client_id = "public_client"
    answer = await visit.ask("POST", "/oauth/devicecode?client_id=public_client")
    device = DeviceCode.parse(answer.body)
    await decide(visit, device)

    form = {"grant_type": GRANT, "device_code": device.secret.reveal()}
    given = await visit.token({**form, "client_id": "public_client"}, headers={})

    assert given.status == 200
    assert read(await visit.me(read(given)["access_token"]))["id"] == visit.ana.id
