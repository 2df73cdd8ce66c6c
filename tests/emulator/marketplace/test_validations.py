"""An address is validated on demand, on the app's page and over the control API."""

import json
from typing import Any

import pytest

from innkeeper.emulator.courier.validations import KEPT
from innkeeper.emulator.world import CustomHeaders, Subscription
from innkeeper.net.outbound import Response
from tests.emulator.visit import BOT, Visit, location, read

pytestmark = pytest.mark.anyio

POSTS = f"{BOT}/posts"
PASSED = ["passed"] * 7
UNKNOWN = "validation_unknown"


@pytest.fixture
def visit() -> Visit:
    visit = Visit()
    posted = ["team_chat.channel_message_posted"]
    visit.app.subscriptions.append(Subscription("s1", "Posts", POSTS, posted))
    return visit


async def validate(visit: Visit, **order: Any) -> Response:
    return await visit.ask("POST", "/_emulator/validations", body=json.dumps(order).encode())


def verdicts(told: Any) -> list[str]:
    return [each["verdict"] for each in told["checks"]]


async def test_a_subscription_that_proves_itself_enters_the_round(visit: Visit) -> None:
    answer = await validate(visit, url=POSTS)

    told = read(answer)
    assert (answer.status, told["accepted"], told["status"]) == (201, True, 200)
    assert verdicts(told) == PASSED
    assert told["plain_token"] in told["exchange"]["request"]["body"]
    assert told["plain_token"] in told["exchange"]["answer"]["body"]
    assert told["signature"]["fits"] is True
    await visit.zoom.advance(72 * 3600)
    kept = read(await visit.ask("GET", "/_emulator/validations"))["validations"]
    assert [each["url"] for each in kept] == [POSTS, POSTS]
    assert kept[0]["plain_token"] != kept[1]["plain_token"]


async def test_each_check_has_its_verdict(visit: Visit) -> None:
    visit.bot.secret = "emu_of_somebody_else"
    told = read(await validate(visit, url=POSTS, app=visit.app.client_id))
    assert (told["accepted"], verdicts(told)) == (False, [*PASSED[:6], "failed"])
    assert told["checks"][6]["why"] == "encryptedToken was made with another secret"
    assert visit.app.secret_token not in json.dumps(told)

    visit.bot.silent = True
    told = read(await validate(visit, url=POSTS))
    late = ["failed", *["not_reached"] * 3]
    assert verdicts(told) == [*PASSED[:3], *late]
    assert (told["status"], told["exchange"]["status"]) == (500, 500)

    visit.app.subscriptions[0].url = "http://203.0.113.7/posts"
    told = read(await validate(visit, url="http://203.0.113.7/posts"))
    assert verdicts(told)[:2] == ["failed", "not_reached"]
    assert told["checks"][0]["why"] == "203.0.113.7 is not on this machine"
    assert (told["exchange"], told["signature"]) == (None, None)
    assert visit.world.endpoints == [], "whoever failed is in no round"


async def test_a_subscriptions_own_credentials_are_a_check(visit: Visit) -> None:
    wanted = CustomHeaders("oauth", client_id="c", client_secret="s", token_url=f"{BOT}/token")
    visit.app.subscriptions[0].headers = wanted
    visit.bot.silent = True

    told = read(await validate(visit, url=POSTS))

    assert verdicts(told)[:3] == ["passed", "failed", "not_reached"]
    assert told["checks"][1]["why"] == "the token URL answered 500"


async def test_a_disabled_endpoint_works_again(visit: Visit) -> None:
    await validate(visit, url=POSTS)
    visit.world.endpoints[0].disabled = True

    await validate(visit, url=POSTS)

    assert not visit.world.endpoints[0].disabled


async def test_gives_one_again_until_it_is_forgotten(visit: Visit) -> None:
    first = read(await validate(visit, url=POSTS))
    path = f"/_emulator/validations/{first['id']}"
    assert read(await visit.ask("GET", path)) == first
    for _ in range(KEPT):
        await visit.zoom.courier.validate(visit.app, POSTS)
    gone = await visit.ask("GET", path)
    assert (gone.status, read(gone)["error"]) == (404, "validation_unknown")
    assert len(visit.world.validations) == KEPT


@pytest.mark.parametrize(
    ("order", "code", "fix"),
    [
        ({"url": "http://127.0.0.1:1/x"}, UNKNOWN, f"{BOT}/events, {BOT}/deauthorize, {POSTS}"),
        ({"url": POSTS, "app": "nobody"}, UNKNOWN, "Known are: "),
        ({"url": 7}, "bad_value", "url, app"),
        ({"adress": POSTS}, "bad_value", "url, app"),
        ([], "bad_value", "url, app"),
    ],
)
async def test_refuses_what_is_no_address_of_an_app(
    visit: Visit, order: Any, code: str, fix: str
) -> None:
    raw = json.dumps(order).encode()
    refused = await visit.ask("POST", "/_emulator/validations", body=raw)
    assert (refused.status, read(refused)["error"]) == (400, code)
    assert fix in read(refused)["fix"]
    bad = await visit.ask("POST", "/_emulator/validations", body=b"{")
    assert (bad.status, read(bad)["error"]) == (400, "bad_json")
    assert visit.world.validations == []


async def test_the_page_validates_and_shows_each_check(visit: Visit) -> None:
    browser = visit.browser()
    page = await browser.open(visit.app_page())
    assert "Not validated yet." in page.text
    page = await browser.press(page, "Validate", url=POSTS)
    assert "Validated. It is asked again in 72 hours." in page.text

    visit.bot.secret = "emu_of_somebody_else"
    page = await browser.press(page, "Validate", url=POSTS)
    assert "URL validation failed: encryptedToken was made with another secret." in page.text


async def test_the_page_validates_nothing_but_the_apps_addresses(visit: Visit) -> None:
    path = f"/marketplace/apps/{visit.app.client_id}"
    sent = await visit.ask("POST", f"{path}/validate", form={"url": "http://127.0.0.1:1/x"})
    assert location(sent) == path
    lost = await visit.ask("POST", "/marketplace/apps/nobody/validate", form={"url": POSTS})
    assert lost.status == 404
    assert visit.world.validations == []


async def test_the_state_lists_subscriptions_without_their_secrets(visit: Visit) -> None:
    visit.app.subscriptions[0].headers = CustomHeaders("custom", key="X-Door", value="open-42")
    state = await visit.ask("GET", "/_emulator/state")
    (told,) = read(state)["apps"][0]["subscriptions"]
    assert (told["id"], told["url"], told["headers"]) == ("s1", POSTS, "custom")
    assert b"open-42" not in state.body
