"""What is no JSON to Zoom's API is refused as Zoom refuses it, and what is JSON is kept."""

import json

import pytest

from tests.emulator.scene import Scene
from tests.wire.odd_bodies import GOOD, events_misread, values_alone, values_within

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PATH = "/v2/im/chat/messages"


@pytest.fixture
def scene() -> Scene:
    return Scene()


def framed(scene: Scene) -> bytes:
    content = {"head": {"text": "hi"}, "odd": 0}
    message = {
        "robot_jid": scene.app.bot_jid,
        "to_jid": scene.ana.jid,
        "account_id": "acc_north",
        "content": content,
    }
    return json.dumps(message, separators=(",", ":")).encode()


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_body_that_is_no_message_is_refused(scene: Scene, method: str) -> None:
    scene.install()
    token = scene.token()
    path = PATH if method == "POST" else f"{PATH}/x"
    for odd in [*values_alone(), *events_misread()]:
        answer = await scene.call(method, path, token=token, body=odd.body)
        assert answer.status == 400, odd.name
        assert json.loads(answer.body)["code"] == 7001, odd.name
    assert scene.messages() == []


async def test_what_is_odd_in_a_card_is_kept_if_it_is_json(scene: Scene) -> None:
    scene.install()
    token = scene.token()
    for odd in values_within(framed(scene)):
        before = len(scene.messages())
        answer = await scene.call("POST", PATH, token=token, body=odd.body)
        assert answer.status in {200, 400}, odd.name
        kept = len(scene.messages()) - before
        assert kept == (answer.status == 200), odd.name
        if odd.reading != GOOD:
            assert answer.status == 400, odd.name
