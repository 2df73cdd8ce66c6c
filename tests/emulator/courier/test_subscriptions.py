"""Who hears of an event, and what each subscription wants to see beside the signature."""

import base64
import json
from typing import Any

import pytest

from innkeeper.emulator.planting import plant
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.world import CustomHeaders, Subscription, World
from tests.emulator.scene import BOT_URL, Scene

pytestmark = pytest.mark.anyio

EVENT = "team_chat.channel_message_posted"
TOKEN_URL = "http://bot.test/token"


@pytest.fixture
def scene() -> Scene:
    return Scene()


def subscribe(app: Any, usage: Any = "EVENT_FOR_USER", **headers: Any) -> None:
    number = len(app.subscriptions) + 1
    subscription = Subscription(
        f"sub_{number}", "Posts", BOT_URL, [EVENT], usage, CustomHeaders(**headers)
    )
    app.subscriptions.append(subscription)


async def publish(scene: Scene, *people: Any) -> list[dict[str, str]]:
    """Publish an event about people of the first account; give what the bot was sent."""
    before = len(scene.bot.got)
    ids = [person.id for person in people]
    scene.courier.publish(EVENT, {"object": {}}, account_id=scene.ana.account_id, user_ids=ids)
    await scene.courier.run_due()
    return [headers for headers, _ in scene.bot.got[before:]]


async def test_every_subscription_that_names_the_event_hears_it(scene: Scene):
    scene.world.install(scene.app, scene.ana)
    subscribe(scene.app)
    subscribe(scene.app)
    scene.app.subscriptions.append(Subscription("other", "Other", BOT_URL, ["app.other"]))

    heard = await publish(scene, scene.ana)

    assert len(heard) == 2
    assert {each.subscription_id for each in scene.courier.deliveries} == {"sub_1", "sub_2"}


async def test_nobody_hears_of_an_account_that_did_not_install(scene: Scene):
    subscribe(scene.app, "EVENT_FOR_ADMIN")

    assert await publish(scene, scene.ana) == []


@pytest.mark.parametrize(("usage", "heard"), [("EVENT_FOR_USER", 0), ("EVENT_FOR_ADMIN", 1)])
async def test_a_user_managed_app_hears_of_others_only_for_the_account(
    scene: Scene, usage: Any, heard: int
):
    solo = next(app for app in scene.world.apps.values() if app.management == "user")
    scene.world.install(solo, scene.ana)
    subscribe(solo, usage)

    assert len(await publish(scene, scene.ben)) == heard
    assert len(await publish(scene, scene.ben, scene.ana)) == 1


@pytest.mark.parametrize(
    ("headers", "name", "value"),
    [
        (
            {"kind": "basic", "username": "u", "password": "p:1"},
            "authorization",
            "Basic " + base64.b64encode(b"u:p:1").decode(),
        ),
        ({"kind": "custom", "key": "X-Door", "value": "open"}, "x-door", "open"),
        ({"kind": "default"}, "authorization", None),
    ],
)
async def test_custom_headers(scene: Scene, headers: Any, name: str, value: str | None):
    scene.world.install(scene.app, scene.ana)
    subscribe(scene.app, **headers)

    (sent,) = await publish(scene, scene.ana)

    assert sent.get(name) == value
    assert "x-zm-signature" in sent


def token_url(scene: Scene, answer: Any, status: int = 200) -> list[dict[str, str]]:
    """Let the bot's host give tokens; list the requests for one."""
    asked: list[dict[str, str]] = []

    def give(headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if body == b"grant_type=client_credentials":
            asked.append(headers)
            return status, {}, json.dumps(answer).encode()
        return 200, {}, b""

    scene.bot.answer = give
    return asked


OAUTH = {"kind": "oauth", "client_id": "c", "client_secret": "s", "token_url": TOKEN_URL}
GOOD = {"access_token": "tok_1", "token_type": "bearer", "expires_in": "3599"}


async def test_a_token_is_fetched_once_and_again_when_it_expired(scene: Scene):
    scene.world.install(scene.app, scene.ana)
    subscribe(scene.app, **OAUTH)
    asked = token_url(scene, GOOD)

    for _ in range(2):
        heard = await publish(scene, scene.ana)
        assert heard[-1]["authorization"] == "Bearer tok_1"
    assert [each["authorization"] for each in asked] == [
        "Basic " + base64.b64encode(b"c:s").decode()
    ]
    scene.clock.advance(3599)
    await publish(scene, scene.ana)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        (GOOD, 500, "answered 500"),
        ({}, 200, "no bearer token"),
        (GOOD | {"token_type": "mac"}, 200, "no bearer token"),
        (GOOD | {"expires_in": "soon"}, 200, "no number of seconds"),
        ([], 200, "no bearer token"),
    ],
)
async def test_without_a_token_the_attempt_fails_and_is_tried_again(
    scene: Scene, answer: Any, status: int, why: str
):
    scene.world.install(scene.app, scene.ana)
    subscribe(scene.app, **OAUTH)
    token_url(scene, answer, status)

    await publish(scene, scene.ana)

    (delivery,) = scene.courier.deliveries
    assert delivery.state == "retrying"
    assert why in delivery.attempts[0].error


async def test_a_token_that_was_refused_is_not_used_again(scene: Scene):
    scene.world.install(scene.app, scene.ana)
    subscribe(scene.app, **OAUTH)
    given = iter(["tok_1", "tok_2", "tok_3"])

    def endpoint(headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if body == b"grant_type=client_credentials":
            return 200, {}, json.dumps(GOOD | {"access_token": next(given)}).encode()
        return (200 if headers["authorization"] == "Bearer tok_3" else 401), {}, b""

    scene.bot.answer = endpoint
    await publish(scene, scene.ana)
    (delivery,) = scene.courier.deliveries
    assert (delivery.state, delivery.attempts[0].status) == ("retrying", 401)

    validation = await scene.courier.validate(scene.app, BOT_URL)
    assert (validation.status, next(given)) == (401, "tok_3"), "the second went with the question"
    given = iter(["tok_3"])
    scene.clock.advance(300)
    await scene.courier.run_due()

    assert delivery.state == "delivered"


@pytest.mark.parametrize("status", [403, 500])
async def test_a_token_stays_where_something_else_was_wrong(scene: Scene, status: int):
    scene.world.install(scene.app, scene.ana)
    subscribe(scene.app, **OAUTH)
    asked = token_url(scene, GOOD)
    good = scene.bot.answer
    scene.bot.answer = lambda headers, body: (
        good(headers, body) if body.startswith(b"grant") else (status, {}, b"")
    )

    await publish(scene, scene.ana)
    await publish(scene, scene.ana)

    assert len(asked) == 1


async def test_what_a_subscription_wants_to_see_is_hidden_in_the_traffic(scene: Scene):
    scene.world.install(scene.app, scene.ana)
    subscribe(scene.app, kind="custom", key="X-Door", value="open-sesame-42")

    await publish(scene, scene.ana)

    assert "open-sesame-42" not in str([each.json() for each in scene.traffic.records()])


def test_subscriptions_come_from_the_manifest_of_the_environment():
    event = {
        "subscription_id": "s1",
        "subscription_name": "Posts",
        "event_types": [EVENT],
        "development_webhook_url": BOT_URL,
        "production_webhook_url": "",
        "event_usage": "EVENT_FOR_ADMIN",
        "custom_header_type": 1,
        "development": {"username": "u", "password": "p"},
    }
    manifest = {
        "display_information": {"display_name": "Posts"},
        "oauth_information": {"usage": "ADMIN_MANAGEMENT"},
        "features": {"event_subscription": {"enable": True, "events": [event]}},
    }

    def planted(environment: str) -> list[Subscription]:
        app = {"manifest": manifest, "environment": environment}
        accounts = [{"users": [{"name": "Ana", "role": "admin"}]}]
        world = World()
        plant(Seed.parse({"accounts": accounts, "apps": [app]}), world)
        return next(iter(world.apps.values())).subscriptions

    wanted = CustomHeaders("basic", "u", "p")
    assert planted("development") == [
        Subscription("s1", "Posts", BOT_URL, [EVENT], "EVENT_FOR_ADMIN", wanted)
    ]
    assert planted("production") == []


async def test_a_token_that_was_fetched_is_no_change_of_the_subscription(scene: Scene):
    scene.world.install(scene.app, scene.ana)
    subscribe(scene.app, **OAUTH)
    before = CustomHeaders(**OAUTH)
    token_url(scene, GOOD)

    await publish(scene, scene.ana)

    assert scene.app.subscriptions[0].headers.token == "tok_1"
    assert scene.app.subscriptions[0].headers == before
