"""The pages where a device is let in: the same rules as at the consent page."""

import pytest

from tests.emulator.oauth.test_device_grant import begin, decide, poll
from tests.emulator.visit import ZOOM, Visit, cookies, hidden, location, read

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    visit = Visit()
    visit.app.use_on_device = True
    return visit


async def test_asks_for_the_code(visit: Visit):
    shown = await visit.ask("GET", "/oauth_device")

    assert shown.status == 200
    assert 'name="user_code"' in shown.body.decode()


async def test_leads_from_the_code_to_the_question(visit: Visit):
    device = await begin(visit)
    for typed in (device.user_code, f" {device.user_code[:4]}-{device.user_code[4:].lower()} "):
        gone = await visit.ask("POST", "/oauth_device", form={"user_code": typed})
        assert location(gone) == device.verification_uri_complete.removeprefix(ZOOM)
    shown = (await visit.ask("GET", location(gone))).body.decode()
    assert f"Allow {visit.app.name}?" in shown
    assert "your device" in shown


@pytest.mark.parametrize("typed", ["", "AAAAAAAA", "<script>"])
async def test_says_that_no_device_waits(visit: Visit, typed: str):
    refused = await visit.ask("POST", "/oauth_device", form={"user_code": typed})

    assert refused.status == 400
    assert refused.headers["x-emulator-refused"] == "device.user_code"
    assert "<script>" not in refused.body.decode()


async def test_takes_an_answer_once(visit: Visit):
    device = await begin(visit)
    await decide(visit, device)

    again = await visit.ask("GET", f"/oauth/device/complete/{device.user_code}")

    assert again.status == 400


async def test_takes_an_answer_only_from_the_browser_that_was_asked(visit: Visit):
    device = await begin(visit)
    path = f"/oauth/device/complete/{device.user_code}"
    shown = await visit.ask("GET", path)
    form = {"request": hidden(shown, "request"), "user": visit.ana.id, "decision": "allow"}

    foreign = await visit.ask("POST", path, form=form, headers={"cookie": "emu_browser=another"})
    made_up = await visit.ask("POST", path, form=form | {"request": "x"})
    elsewhere = await visit.ask("POST", path, form=form, headers={"origin": "https://evil.test"})

    assert foreign.headers["x-emulator-refused"] == "consent.replayed"
    assert made_up.headers["x-emulator-refused"] == "consent.replayed"
    assert elsewhere.status == 403
    assert read(await poll(visit, device))["error"] == "authorization_pending"


async def test_takes_no_answer_to_another_question(visit: Visit):
    device = await begin(visit)
    other = await visit.authorize()
    jar = {"cookie": f"emu_browser={cookies(other)['emu_browser']}"}
    form = {"request": hidden(other, "request"), "user": visit.ana.id, "decision": "allow"}

    path = f"/oauth/device/complete/{device.user_code}"
    refused = await visit.ask("POST", path, form=form, headers=jar)

    assert refused.headers["x-emulator-refused"] == "consent.replayed"


async def test_its_question_is_no_answer_at_the_consent_page(visit: Visit):
    device = await begin(visit)
    shown = await visit.ask("GET", f"/oauth/device/complete/{device.user_code}")
    form = {"request": hidden(shown, "request"), "user": visit.ana.id, "decision": "allow"}

    refused = await visit.ask("POST", "/oauth/authorize", form=form)

    assert refused.status == 400
    assert not visit.world.installations


@pytest.mark.parametrize("changes", [{"decision": "maybe"}, {"user": "nobody"}])
async def test_understands_only_allow_and_decline_by_somebody(
    visit: Visit, changes: dict[str, str]
):
    refused = await decide(visit, await begin(visit), **changes)

    assert refused.headers["x-emulator-refused"] == "consent.decision"


async def test_lets_only_an_admin_install_for_an_account(visit: Visit):
    refused = await decide(visit, await begin(visit), user=visit.ben.id)

    assert (refused.status, bool(visit.world.installations)) == (403, False)
