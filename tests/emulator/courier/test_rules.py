"""Both sides of every switch about webhooks."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from innkeeper.emulator.planting import plant
from innkeeper.emulator.seed import Seed, SeedRefused
from innkeeper.emulator.world import World
from innkeeper.errors import EndpointRefused, SignatureRefused
from innkeeper.secret import Secret
from innkeeper.wire.signature import Verifier, encrypt_token
from tests.emulator.scene import BOT_URL, Scene

pytestmark = pytest.mark.anyio

STAMP, SIGNATURE, TRACKING = "x-zm-request-timestamp", "x-zm-signature", "x-zm-trackingid"


@pytest.fixture
def scene() -> Scene:
    return Scene()


def prove(scene: Scene, *, as_base64: bool = False) -> None:
    """Let the fake bot answer URL validations rightly, from now on."""

    def answer(_: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        event = json.loads(body)
        if event["event"] != "endpoint.url_validation":
            return 200, {}, b""
        plain = event["payload"]["plainToken"]
        mac = encrypt_token(plain, Secret(scene.app.secret_token))
        if as_base64:
            mac = base64.b64encode(bytes.fromhex(mac)).decode()
        return 200, {}, json.dumps({"plainToken": plain, "encryptedToken": mac}).encode()

    scene.bot.answer = answer


async def post(scene: Scene, event: str = "bot_notification", url: str = BOT_URL) -> Any:
    delivery = scene.courier.post(scene.app, url, event, {"cmd": "due"})
    await scene.courier.run_due()
    return delivery


async def retry(scene: Scene) -> None:
    scene.clock.advance(300)
    await scene.courier.run_due()


@pytest.mark.parametrize(
    ("rule", "status", "state"),
    [
        ("any", 400, "retrying"),
        ("any", 500, "retrying"),
        ("5xx", 400, "gave_up"),
        ("5xx", 302, "gave_up"),
        ("5xx", 500, "retrying"),
    ],
)
async def test_retried_statuses(scene: Scene, rule: Any, status: int, state: str):
    scene.world.rules.retried_statuses = rule
    scene.bot.then(status)

    assert (await post(scene)).state == state


@pytest.mark.parametrize(
    ("rule", "event", "state"),
    [
        ("schedule", "bot_notification", "retrying"),
        ("never", "bot_notification", "gave_up"),
        ("never", "app_deauthorized", "retrying"),
    ],
)
async def test_bot_retries(scene: Scene, rule: Any, event: str, state: str):
    scene.world.rules.bot_retries = rule
    scene.bot.then(500)

    assert (await post(scene, event)).state == state


@pytest.mark.parametrize(("rule", "same"), [("new", False), ("first", True)])
async def test_retry_stamp(scene: Scene, rule: Any, same: bool):
    scene.world.rules.retry_stamp = rule
    scene.bot.then(500)
    await post(scene)
    await retry(scene)

    (first, _), (second, _) = scene.bot.got
    assert (first[STAMP] == second[STAMP]) is same
    assert (first[SIGNATURE] == second[SIGNATURE]) is same


@pytest.mark.parametrize(("rule", "same"), [("event", True), ("attempt", False)])
async def test_tracking(scene: Scene, rule: Any, same: bool):
    scene.world.rules.tracking = rule
    scene.bot.then(500)
    await post(scene)
    await retry(scene)

    (first, _), (second, _) = scene.bot.got
    assert (first[TRACKING] == second[TRACKING]) is same


@pytest.mark.parametrize(("rule", "heard"), [("event", 5), ("endpoint", 4)])
async def test_exhausted(scene: Scene, rule: Any, heard: int):
    scene.world.rules.exhausted = rule
    for _ in range(4):
        scene.bot.then(500)
    await post(scene)
    for minutes in (5, 20, 60):
        scene.clock.advance(minutes * 60)
        await scene.courier.run_due()

    later = await post(scene)

    assert len(scene.bot.got) == heard
    assert later.state == ("delivered" if rule == "event" else "gave_up")
    await post(scene, "another_event")
    assert len(scene.bot.got) == heard + 1


@pytest.mark.parametrize(("rule", "signed"), [("signed", True), ("unsigned", False)])
async def test_challenge_signature(scene: Scene, rule: Any, signed: bool):
    scene.world.rules.challenge_signature = rule
    prove(scene)
    await scene.courier.validate_url(scene.app, BOT_URL)

    ((headers, _),) = scene.bot.got
    assert (SIGNATURE in headers) is signed


async def test_challenge_answer(scene: Scene):
    prove(scene, as_base64=True)
    with pytest.raises(EndpointRefused, match="base64"):
        await scene.courier.validate_url(scene.app, BOT_URL)

    scene.world.rules.challenge_answer = "hex_or_base64"
    await scene.courier.validate_url(scene.app, BOT_URL)


async def test_bot_validation(scene: Scene):
    with pytest.raises(EndpointRefused):
        await scene.courier.validate_url(scene.app, BOT_URL)

    scene.world.rules.bot_validation = "lenient"
    await scene.courier.validate_url(scene.app, BOT_URL)
    with pytest.raises(EndpointRefused):
        await scene.courier.validate_url(scene.app, scene.app.deauthorization_endpoint)


@pytest.mark.parametrize("rule", ["valid", "mismatched"])
async def test_deauthorization_signature(scene: Scene, rule: Any):
    scene.world.rules.deauthorization_signature = rule
    await post(scene, "app_deauthorized")
    await post(scene)
    verifier = Verifier([Secret(scene.app.secret_token)], past=timedelta(0), future=timedelta(0))

    def verify(got: tuple[dict[str, str], bytes]) -> None:
        headers, body = got
        verifier.verify(
            body,
            timestamps=[headers[STAMP].encode()],
            signatures=[headers[SIGNATURE].encode()],
            now=scene.clock.now(),
        )

    removal, other = scene.bot.got
    verify(other)
    if rule == "valid":
        verify(removal)
    else:
        with pytest.raises(SignatureRefused):
            verify(removal)


@pytest.mark.parametrize(("rule", "seen"), [("absent", None), ("sent", "legacy_token_1")])
async def test_verification_token(scene: Scene, rule: Any, seen: str | None):
    """client_quirks 9: old samples compare `authorization` and `clientid`."""
    scene.world.rules.verification_token = rule
    scene.app.verification_token = "legacy_token_1"
    await post(scene)

    ((headers, _),) = scene.bot.got
    assert headers.get("authorization") == seen
    assert headers["clientid"] == scene.app.client_id


async def asked_again(scene: Scene, times: int) -> None:
    for _ in range(times):
        scene.clock.advance(72 * 3600)
        await scene.courier.run_due()


async def test_an_endpoint_is_asked_again_every_three_days(scene: Scene):
    prove(scene)
    await scene.courier.validate_url(scene.app, BOT_URL)

    await asked_again(scene, 3)

    assert [each["event"] for each in scene.bot.bodies] == ["endpoint.url_validation"] * 4
    assert scene.courier.next_due() == scene.clock.now() + timedelta(hours=72)


@pytest.mark.parametrize("failures", [1, 3])
async def test_revalidation_failures(scene: Scene, failures: int):
    scene.world.rules.revalidation_failures = failures
    prove(scene)
    await scene.courier.validate_url(scene.app, BOT_URL)
    scene.bot.answer = None

    await asked_again(scene, failures - 1)
    assert (await post(scene)).state == "delivered"
    await asked_again(scene, 1)
    dropped = await post(scene)

    assert (dropped.state, dropped.attempts) == ("gave_up", [])
    assert "disabled" in dropped.diagnostics[0]
    assert scene.courier.next_due() is None
    prove(scene)
    await scene.courier.validate_url(scene.app, BOT_URL)
    assert (await post(scene)).state == "delivered"


async def test_a_retry_does_not_reach_an_endpoint_that_was_disabled_meanwhile(scene: Scene):
    scene.world.rules.revalidation_failures = 1
    prove(scene)
    await scene.courier.validate_url(scene.app, BOT_URL)
    scene.clock.advance(72 * 3600 - 60)
    scene.bot.answer = None
    scene.bot.then(500)
    delivery = await post(scene)
    assert delivery.state == "retrying"

    scene.clock.advance(60)
    await scene.courier.run_due()
    assert scene.world.endpoints[0].disabled
    await retry(scene)

    assert (delivery.state, len(delivery.attempts)) == ("gave_up", 1)


async def test_a_good_answer_forgives_earlier_failures(scene: Scene):
    prove(scene)
    await scene.courier.validate_url(scene.app, BOT_URL)
    scene.bot.answer = None
    await asked_again(scene, 2)
    prove(scene)
    await asked_again(scene, 1)
    scene.bot.answer = None
    await asked_again(scene, 2)

    assert not any(each.disabled for each in scene.world.endpoints)


async def test_an_address_that_was_given_up_is_not_asked_again(scene: Scene):
    prove(scene)
    await scene.courier.validate_url(scene.app, BOT_URL)
    scene.app.bot_endpoint = ""

    await asked_again(scene, 2)

    assert len(scene.bot.got) == 1
    assert scene.world.endpoints == []


@pytest.mark.parametrize(("limit", "fits"), [(20, True), (10, False)])
def test_subscriptions_limit(limit: Any, fits: bool):
    events = [
        {
            "subscription_name": f"Number {number}",
            "event_types": ["team_chat.channel_message_posted"],
            "development_webhook_url": f"{BOT_URL}/{number}",
        }
        for number in range(11)
    ]
    manifest = {
        "display_information": {"display_name": "Many"},
        "oauth_information": {"usage": "ADMIN_MANAGEMENT"},
        "features": {"event_subscription": {"enable": True, "events": events}},
    }
    seed = Seed.parse(
        {
            "accounts": [{"users": [{"name": "Ana", "role": "admin"}]}],
            "apps": [{"manifest": manifest}],
            "rules": {"subscriptions_limit": limit},
        }
    )
    world = World()

    if fits:
        plant(seed, world)
        assert len(next(iter(world.apps.values())).subscriptions) == 11
    else:
        with pytest.raises(SeedRefused, match="11 event subscriptions"):
            plant(seed, world)


@pytest.mark.parametrize("rule", ["served", "cut_off"])
async def test_unvalidated_urls(scene: Scene, rule: Any):
    scene.world.rules.unvalidated_urls = rule
    before = await post(scene)
    assert before.state == ("delivered" if rule == "served" else "gave_up")
    assert ("never passed" in " ".join(before.diagnostics)) is (rule == "cut_off")

    prove(scene)
    await scene.courier.validate(scene.app, BOT_URL)

    assert (await post(scene)).state == "delivered"
