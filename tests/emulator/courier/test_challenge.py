import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from innkeeper.errors import EndpointRefused
from innkeeper.secret import Secret
from innkeeper.wire.signature import Verifier
from tests.emulator.scene import BOT_URL, Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene() -> Scene:
    return Scene()


def challenged(scene: Scene, **changes: Any) -> None:
    """Have the bot answer a challenge rightly, but for what is changed."""

    def answer(_: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        token = json.loads(body)["payload"]["plainToken"]
        made = changes.get("make", hex_of)(scene, token)
        tokens = {"plainToken": changes.get("plain", token), "encryptedToken": made}
        tokens = {key: value for key, value in tokens.items() if value is not None}
        shaped = changes.get("shape", lambda each: each)(tokens)
        raw = shaped if isinstance(shaped, bytes) else json.dumps(shaped).encode()
        return changes.get("status", 200), {}, raw

    scene.bot.answer = answer


def digest(key: str, message: str) -> bytes:
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()


def hex_of(scene: Scene, token: str) -> str:
    return digest(scene.app.secret_token, token).hex()


async def test_an_endpoint_that_proves_the_secret_is_accepted(scene: Scene) -> None:
    challenged(scene)
    await scene.courier.validate_url(scene.app, BOT_URL)
    headers, body = scene.bot.got[0]
    Verifier([Secret(scene.app.secret_token)]).verify(
        body,
        timestamps=[headers["x-zm-request-timestamp"].encode()],
        signatures=[headers["x-zm-signature"].encode()],
        now=scene.clock.now(),
    )
    assert json.loads(body)["event"] == "endpoint.url_validation"
    assert len(json.loads(body)["payload"]["plainToken"]) == 22
    assert scene.courier.deliveries == [], "a validation is no event"
    assert scene.traffic.records()[-1].direction == "out"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": 401}, "answered 401: it did not accept our signature"),
        ({"status": 404}, "answered 404: nothing is at this path"),
        ({"status": 405}, "answered 405: it takes no POST"),
        ({"status": 302}, "answered 302: redirects are not followed"),
        ({"status": 500}, "answered 500: the app failed"),
        ({"status": 204}, "answered 204, not 200"),
        ({"shape": lambda _: b""}, "the answer is empty"),
        ({"shape": lambda _: b"ok"}, "the answer is not JSON"),
        ({"shape": lambda _: [1]}, "not an object"),
        ({"shape": lambda each: {"message": each}}, "stand inside 'message'"),
        ({"shape": lambda _: {"status": "ok"}}, "has no plainToken"),
        ({"plain": "another"}, "another plainToken"),
        ({"make": lambda *_: None}, "has no encryptedToken"),
        ({"make": lambda s, t: hex_of(s, t).upper()}, "not in lower case"),
        (
            {"make": lambda s, t: base64.b64encode(digest(s.app.secret_token, t)).decode()},
            "in base64, not in hex",
        ),
        (
            {"make": lambda _, t: hashlib.sha256(t.encode()).hexdigest()},
            "a bare SHA-256, not an HMAC",
        ),
        ({"make": lambda s, t: digest(t, s.app.secret_token).hex()}, "are swapped"),
        ({"make": lambda s, t: digest(s.app.client_secret, t).hex()}, "the Client Secret"),
        ({"make": lambda s, t: digest(s.other.secret_token, t).hex()}, "another app, Other"),
        ({"make": lambda _, t: digest("whatever", t).hex()}, "made with another secret"),
    ],
)
async def test_says_what_was_wrong_where_zoom_says_try_again_later(
    scene: Scene, changes: dict[str, Any], why: str
) -> None:
    challenged(scene, **changes)
    with pytest.raises(EndpointRefused) as refused:
        await scene.courier.validate_url(scene.app, BOT_URL)
    assert why in refused.value.why
    assert "URL validation failed. Try again later." in str(refused.value)
    assert refused.value.fix
    assert scene.app.secret_token not in str(refused.value)
