import json
from typing import Any

import pytest

from innkeeper.emulator.traffic.records import NOTES, REFUSAL, Refusal, Traffic, TrafficRecorder
from innkeeper.net.outbound import AsgiTransport, Request, Response
from tests.emulator.scene import BOT_URL, Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene() -> Scene:
    return Scene()


def around(scene: Scene, app: Any) -> AsgiTransport:
    return AsgiTransport({"http://zoom.test": TrafficRecorder(app, scene.traffic, scene.world)})


async def teapot(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    scope[REFUSAL] = Refusal("http.refused", "this is a teapot")
    scope[NOTES] = ["the tea is cold"]
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 418, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"access_', "more_body": True})
    await send({"type": "http.response.body", "body": b'token":"abcdefghijklmnopqrst"}'})


async def test_a_request_is_kept_with_its_answer_and_the_rule_behind_it(scene: Scene) -> None:
    transport = around(scene, teapot)
    answer = await transport.send(
        Request(
            "POST",
            "http://zoom.test/oauth/token?grant_type=x&code=abcdefghijklmnopqrst",
            {"authorization": "Bearer abcdefghijklmnopqrst"},
            b"client_secret=abcdefghijklmnopqrst",
        )
    )
    assert answer.headers["x-emulator-refused"] == "http.refused"
    (record,) = scene.traffic.records()
    assert (record.number, record.direction, record.method) == (1, "in", "POST")
    assert record.url == "/oauth/token?grant_type=x&code=emu_…qrst"
    assert record.request.headers["authorization"] == "Bearer emu_…qrst"
    assert record.request.body == "client_secret=emu_…qrst"
    assert record.answer.body == '{"access_token":"emu_…qrst"}'
    assert record.answer.headers["x-emulator-refused"] == "http.refused"
    assert record.refusal == Refusal("http.refused", "this is a teapot")
    assert record.notes == ("the tea is cold",)
    assert (record.status, record.error) == (418, "")
    assert record.at == scene.clock.now()
    assert "abcdefgh" not in json.dumps(record.json())


@pytest.mark.parametrize("path", ["/chat", "/", "/_emulator/state", "/traffic", "/v2", "/oauthx/y"])
async def test_pages_and_the_control_api_are_not_kept(scene: Scene, path: str) -> None:
    await around(scene, teapot).send(Request("GET", f"http://zoom.test{path}"))
    assert scene.traffic.records() == []


async def test_a_request_that_breaks_the_emulator_is_kept(scene: Scene) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError

    recorder = TrafficRecorder(broken, scene.traffic, scene.world)
    scope: Any = {
        "type": "http",
        "path": "/v2/x",
        "query_string": b"",
        "method": "GET",
        "headers": [],
    }
    with pytest.raises(RuntimeError):
        await recorder(scope, None, None)  # type: ignore[arg-type]
    (record,) = scene.traffic.records()
    assert (record.status, record.error) == (0, "no answer was given")


async def test_other_protocols_pass_by(scene: Scene) -> None:
    seen: list[str] = []

    async def app(scope: Any, *_: Any) -> None:
        seen.append(scope["type"])

    await TrafficRecorder(app, scene.traffic, scene.world)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]


async def test_what_we_post_is_kept_too(scene: Scene) -> None:
    scene.bot.then(200, {"message": scene.app.client_secret})
    delivery = await scene.courier.post_now(
        scene.app, f"{BOT_URL}?token=abcdefghijklmnopqrst", "bot_notification", {"cmd": "hi"}
    )
    (record,) = scene.traffic.records()
    assert (record.direction, record.method, record.status) == ("out", "POST", 200)
    assert record.url == f"{BOT_URL}?token=emu_…qrst"
    assert record.delivery_id == delivery.id
    assert record.client_id == scene.app.client_id
    assert json.loads(record.request.body)["payload"] == {"cmd": "hi"}
    assert json.loads(record.answer.body) == {"message": "emu_…_9x1"}
    assert delivery.attempts[0].record == record.number
    assert "emu_…_9x1" in delivery.attempts[0].answer


def test_numbers_go_on_where_old_records_were_dropped(scene: Scene) -> None:
    traffic = Traffic(scene.world, limit=3)
    for index in range(5):
        traffic.posted(Request("POST", f"{BOT_URL}/{index}"), Response(200), ms=1.0)
    assert [record.number for record in traffic.records()] == [3, 4, 5]
    assert [record.number for record in traffic.records(after=4)] == [5]
    traffic.clear()
    assert traffic.posted(Request("POST", BOT_URL), None, ms=1.0, error="gone") == 6
    assert traffic.records()[0].status == 0


def test_pages_and_long_bodies_are_kept_short(scene: Scene) -> None:
    page = Response(200, {"content-type": "text/html"}, b"<p>" * 100)
    scene.traffic.posted(Request("POST", BOT_URL, body=b"x" * 9000), page, ms=1.0)
    (record,) = scene.traffic.records()
    assert record.answer.body == "(300 bytes of HTML)"
    assert record.request.body.endswith("… (9000 bytes)")
    assert len(record.request.body) < 8300


async def test_a_secret_is_in_no_record_of_a_whole_conversation(scene: Scene) -> None:
    scene.install()
    token = scene.token()
    await scene.chat.says(scene.ana, scene.app.bot_jid, f"my token is {token.access}")
    await scene.call("POST", "/v2/im/chat/messages", token=token, body={"robot_jid": "x"})
    await scene.call("GET", f"/v2/users/me?access_token={token.access}")
    answer = await scene.call("GET", "/_emulator/traffic")
    assert len(json.loads(answer.body)["traffic"]) == 3
    for secret in (token.access, scene.app.secret_token, scene.app.client_secret):
        assert secret.encode() not in answer.body
    assert token.access[-4:].encode() in answer.body
