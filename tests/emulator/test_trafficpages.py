import json

import pytest

from tests.emulator.scene import BOT_URL, Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_the_page_shows_requests_refusals_and_deliveries(scene: Scene) -> None:
    scene.install()
    token = scene.token(kind="user")
    await scene.chat.says(scene.ana, scene.app.bot_jid, "hello")
    await scene.call(
        "POST", "/v2/im/chat/messages", token=token, body={"robot_jid": scene.app.bot_jid}
    )
    answer = await scene.call("GET", "/traffic", user=scene.ana)
    html = answer.body.decode()
    assert answer.status == 200
    assert "bot_notification" in html
    assert "Refused: chatbot.token_kind" in html
    assert "client_credentials" in html, "the rule's reason is told"
    assert token.access not in html
    assert scene.app.secret_token not in html


async def test_a_delivery_has_a_page_with_every_attempt(scene: Scene) -> None:
    scene.bot.then(500, b"first broken").then(200, b"then fine")
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {"cmd": "hi"})
    scene.clock.advance(300)
    await scene.courier.run_due()
    answer = await scene.call("GET", f"/traffic/deliveries/{delivery.id}")
    html = answer.body.decode()
    assert "first broken" in html
    assert "then fine" in html
    assert "x-zm-signature" in html


async def test_the_redeliver_button_tries_again(scene: Scene) -> None:
    scene.bot.then(500)
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    path = f"/traffic/deliveries/{delivery.id}"
    answer = await scene.call("POST", f"{path}/redeliver")
    assert (answer.status, answer.headers["location"]) == (303, path)
    assert delivery.state == "delivered"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/redeliver")])
async def test_an_unknown_delivery_leads_back_to_the_traffic(
    scene: Scene, method: str, path: str
) -> None:
    answer = await scene.call(method, f"/traffic/deliveries/dlv_none{path}")
    assert (answer.status, answer.headers["location"]) == (303, "/traffic")


async def test_a_delivery_that_was_never_sent_has_a_page_too(scene: Scene) -> None:
    delivery = await scene.courier.post_now(scene.app, "http://10.0.0.1/", "bot_notification", {})
    answer = await scene.call("GET", f"/traffic/deliveries/{delivery.id}")
    assert "not on this machine" in answer.body.decode()


async def test_records_are_listed_from_a_number_on(scene: Scene) -> None:
    for _ in range(3):
        await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    answer = await scene.call("GET", "/_emulator/traffic?after=2")
    (record,) = json.loads(answer.body)["traffic"]
    assert (record["seq"], record["direction"], record["status"]) == (3, "out", 200)


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 40, ""])
async def test_an_odd_number_is_refused(scene: Scene, after: str) -> None:
    answer = await scene.call("GET", f"/_emulator/traffic?after={after}")
    assert answer.status == 400
