import asyncio
import json
import re

import pytest

from tests.emulator.scene import BOT_URL, Scene
from tests.emulator.visit import Visit

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


async def test_a_search_finds_words_in_paths_bodies_and_reasons(scene: Scene) -> None:
    scene.install()
    token = scene.token()
    for text in ("towels", "pillows"):
        body = {
            "robot_jid": scene.app.bot_jid,
            "to_jid": scene.ana.jid,
            "account_id": scene.ana.account_id,
            "content": {"head": {"text": text}},
        }
        await scene.call("POST", "/v2/im/chat/messages", token=token, body=body)
    await scene.call("POST", "/v2/im/chat/messages", token=token, body={})

    async def found(query: str) -> str:
        return (await scene.call("GET", f"/traffic?{query}")).body.decode()

    assert "1 of 3" in await found("q=TOWELS")
    assert "2 of 3" in await found("q=messages+200")
    assert "1 of 3" in await found("only=refused")
    assert "0 of 3" in await found("only=out")
    assert "No request fits" in await found("q=nowhere")
    refused = await found("q=robot_jid+missing")
    assert "accepts the Bot JID of this app" in refused
    assert "curl --request POST" in refused
    assert token.access not in refused


async def test_requests_are_narrowed_to_an_app_a_status_or_a_fault() -> None:
    visit = Visit()
    other = visit.second_app()
    await visit.chatbot_token()
    await visit.token({"grant_type": "client_credentials"}, app=other)
    await visit.token({"grant_type": "nothing"}, app=other)
    await visit.me("no token of ours")
    visit.zoom.faults.order({"do": {"kind": "status", "status": 503}})
    await visit.ask("GET", "/v2/users")

    async def found(query: str) -> str:
        page = (await visit.ask("GET", f"/traffic?{query}")).body.decode()
        counted = re.search(r"(\d+) of 5<", page)
        assert counted
        return counted[1]

    assert await found("client=second_client") == "2"
    assert await found(f"client={visit.app.client_id}") == "1"
    assert await found("client=second_client&status=4xx") == "1"
    assert await found("client=nobody") == "0"
    assert await found("status=2xx") == "2"
    assert await found("status=5xx") == "1"
    assert await found("status=none") == "0"
    assert await found("status=teapot") == "5"
    assert await found("only=fault") == "1"
    page = (await visit.ask("GET", "/traffic?only=fault")).body.decode()
    assert "On purpose: status (fault 1)" in page


async def test_what_is_older_fits_the_same_choice(scene: Scene) -> None:
    for _ in range(130):
        await scene.call("GET", "/v2/nothing")

    page = (await scene.call("GET", "/traffic?status=4xx&q=nothing&only=in")).body.decode()
    assert "/traffic?q=nothing&amp;only=in&amp;status=4xx&amp;before=31" in page


async def test_word_comes_when_something_went_over_the_wire(scene: Scene) -> None:
    await scene.call("GET", "/v2/nothing")
    task = asyncio.ensure_future(scene.call("GET", "/traffic/events?after=1"))
    await asyncio.sleep(0)
    await scene.call("GET", "/v2/nothing")
    await scene.call("GET", "/v2/nothing")
    await asyncio.sleep(0)
    scene.news.close()

    said = (await task).body.decode()
    assert said.startswith("retry: 1000\n\nid: ")
    assert said.endswith("id: 3\nevent: traffic\ndata: 3\n\n")


@pytest.mark.parametrize(("after", "told"), [("", 0), ("x", 0), ("0", 1), ("1", 0)])
async def test_a_page_hears_at_once_of_what_it_does_not_show(
    scene: Scene, after: str, told: int
) -> None:
    await scene.call("GET", "/v2/nothing")
    task = asyncio.ensure_future(scene.call("GET", f"/traffic/events?after={after}"))
    for _ in range(5):
        await asyncio.sleep(0)
    scene.news.close()

    assert (await task).body.decode().count("event: traffic") == told


async def test_older_requests_are_a_page_further(scene: Scene) -> None:
    for _ in range(130):
        await scene.call("GET", "/v2/nothing")

    first = (await scene.call("GET", "/traffic")).body.decode()
    assert "before=31" in first
    older = (await scene.call("GET", "/traffic?before=31")).body.decode()
    assert "Request 30<" in older
    assert "Request 31<" not in older
    assert "before=" not in older


async def test_a_signature_is_explained_with_each_attempt(scene: Scene) -> None:
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {"cmd": "hi"})
    path = f"/traffic/deliveries/{delivery.id}"

    fits = (await scene.call("GET", path)).body.decode()
    scene.app.secret_token = "emu_rotated_since_then"
    not_any_more = (await scene.call("GET", path)).body.decode()

    assert "step by step" in fits
    assert ">fits</span>" in fits
    assert "does not fit</span>" in not_any_more


async def test_everything_can_be_taken_along_as_lines(scene: Scene) -> None:
    await scene.call("GET", "/v2/nothing")
    await scene.call("GET", "/v2/nothing")

    lines = (await scene.call("GET", "/_emulator/traffic.jsonl")).body.splitlines()

    assert [json.loads(line)["seq"] for line in lines] == [1, 2]


async def test_a_delivery_is_told_in_full(scene: Scene) -> None:
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {"cmd": "hi"})

    told = json.loads((await scene.call("GET", f"/_emulator/deliveries/{delivery.id}")).body)

    (attempt,) = told["attempts"]
    assert attempt["exchange"]["request"]["headers"]["clientid"] == scene.app.client_id
    assert attempt["signature"]["fits"] is True
    assert [step["result"] for step in attempt["signature"]["steps"]][-1].startswith("v0=")
    assert (await scene.call("GET", "/_emulator/deliveries/dlv_none")).status == 404
