import asyncio
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

from innkeeper.clock import MovableClock
from innkeeper.emulator.courier.rounds import Courier, DeliveryUnknown
from innkeeper.emulator.traffic.records import Traffic
from innkeeper.errors import AnswerLost, EndpointRefused, SignatureRefused
from innkeeper.net.outbound import Request, Response
from innkeeper.secret import Secret
from innkeeper.wire.signature import Verifier
from tests.emulator.scene import BOT_URL, START, Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene() -> Scene:
    return Scene()


def verify(scene: Scene, headers: dict[str, str], body: bytes) -> None:
    Verifier([Secret(scene.app.secret_token)], past=timedelta(0), future=timedelta(0)).verify(
        body,
        timestamps=[headers["x-zm-request-timestamp"].encode()],
        signatures=[headers["x-zm-signature"].encode()],
        now=scene.clock.now(),
    )


# Signed as Zoom signs


async def test_a_delivery_is_signed_over_its_bytes_at_the_worlds_time(scene: Scene) -> None:
    await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {"cmd": "héllo 🎉"})
    headers, body = scene.bot.got[0]
    verify(scene, headers, body)
    with pytest.raises(SignatureRefused):
        verify(scene, headers, body + b" ")
    assert headers["x-zm-request-timestamp"] == str(int(START.timestamp()))


async def test_a_delivery_carries_zooms_headers(scene: Scene) -> None:
    scene.clock.advance(7200)
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    headers, _ = scene.bot.got[0]
    assert headers["user-agent"] == "Zoom Marketplace/1.0a"
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["clientid"] == scene.app.client_id
    assert headers["accept-encoding"] == "gzip"
    assert headers["x-zm-trackingid"] == delivery.tracking_id
    ahead = scene.clock.offset.total_seconds()
    assert abs(int(headers["x-emulator-clock-offset"]) - ahead) < 2


async def test_a_body_is_compact_json_with_the_keys_in_zooms_order(scene: Scene) -> None:
    await scene.courier.post_now(
        scene.app, BOT_URL, "interactive_message_actions", {"b": "é", "a": 1.0}, event_ts=17
    )
    assert scene.bot.got[0][1].decode() == (
        '{"event":"interactive_message_actions","event_ts":17,"payload":{"b":"é","a":1}}'
    )


# Attempts and their schedule


@pytest.mark.parametrize("status", [200, 204])
async def test_200_and_204_count_as_delivered(scene: Scene, status: int) -> None:
    scene.bot.then(status)
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    assert (delivery.state, delivery.next_at, len(delivery.attempts)) == ("delivered", None, 1)
    assert delivery.attempts[0].error == ""


@pytest.mark.parametrize("status", [199, 201, 202, 301, 302, 307, 308, 400, 401, 404, 429, 500])
async def test_anything_else_is_tried_again_after_five_minutes(scene: Scene, status: int) -> None:
    scene.bot.then(status, location="http://127.0.0.1/elsewhere")
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    assert delivery.state == "retrying"
    assert delivery.next_at == START + timedelta(minutes=5)
    assert str(status) in delivery.attempts[0].error
    assert len(scene.bot.got) == 1, "a redirect is not followed"


async def test_the_whole_schedule_runs_in_virtual_time(scene: Scene) -> None:
    scene.bot.usual = (500, {}, b"broken")
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {"n": 1})
    for minutes in (5, 20, 60):
        scene.clock.advance(minutes * 60 - 1)
        await scene.courier.run_due()
        assert delivery.next_at == scene.clock.now() + timedelta(seconds=1)
        scene.clock.advance(1)
        await scene.courier.run_due()
        verify(scene, *scene.bot.got[-1])
    offsets = [(attempt.at - START).total_seconds() / 60 for attempt in delivery.attempts]
    assert offsets == [0, 5, 25, 85]
    assert (delivery.state, delivery.next_at) == ("gave_up", None)
    assert {body for _, body in scene.bot.got} == {delivery.body}
    stamps = [headers["x-zm-request-timestamp"] for headers, _ in scene.bot.got]
    assert len(set(stamps)) == 4, "every attempt is stamped and signed anew"
    scene.clock.advance(86_400)
    await scene.courier.run_due()
    assert len(scene.bot.got) == 4


async def test_a_clock_moved_by_hours_makes_every_attempt_in_due_order(scene: Scene) -> None:
    scene.bot.usual = (503, {}, b"")
    early = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {"n": "early"})
    scene.clock.advance(120)
    late = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {"n": "late"})
    scene.clock.advance(3 * 3600)
    await scene.courier.run_due()
    order = [body["payload"]["n"] for body in scene.bot.bodies[2:]]
    assert order == ["early", "late"] * 3
    for delivery, began in ((early, 0), (late, 2)):
        offsets = [
            (attempt.at - START).total_seconds() / 60 - began for attempt in delivery.attempts
        ]
        assert offsets == [0, 5, 25, 85]
        assert delivery.state == "gave_up"


@pytest.mark.parametrize("status", [201, 202, 226])
async def test_any_2xx_counts_on_a_retry(scene: Scene, status: int) -> None:
    scene.bot.then(500).then(status)
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    scene.clock.advance(300)
    await scene.courier.run_due()
    assert [attempt.status for attempt in delivery.attempts] == [500, status]
    assert delivery.state == "delivered"


async def test_a_queued_event_waits_for_run_due(scene: Scene) -> None:
    delivery = scene.courier.post(scene.app, BOT_URL, "app_deauthorized", {})
    assert (delivery.state, scene.courier.next_due()) == ("pending", START)
    assert not scene.bot.got
    await scene.courier.run_due()
    assert delivery.state == "delivered"
    assert scene.courier.next_due() is None


async def test_a_retry_is_signed_with_the_secret_of_that_moment(scene: Scene) -> None:
    scene.bot.then(500)
    await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    scene.app.secret_token = "emu_a_rotated_secret_token"
    scene.clock.advance(300)
    await scene.courier.run_due()
    verify(scene, *scene.bot.got[1])


async def test_redelivering_tries_once_more_and_leaves_the_schedule(scene: Scene) -> None:
    scene.bot.then(500).then(500)
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    await scene.courier.redeliver(delivery.id)
    assert (len(delivery.attempts), delivery.state) == (2, "retrying")
    assert delivery.next_at == START + timedelta(minutes=5)
    await scene.courier.redeliver(delivery.id)
    assert (delivery.state, delivery.next_at) == ("delivered", None)


async def test_what_was_given_up_can_be_redelivered(scene: Scene) -> None:
    scene.bot.usual = (500, {}, b"")
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    scene.clock.advance(6000)
    await scene.courier.run_due()
    assert delivery.state == "gave_up"
    answer = await scene.call("POST", f"/_emulator/deliveries/{delivery.id}/redeliver")
    assert json.loads(answer.body)["state"] == "gave_up"
    scene.bot.usual = (202, {}, b"")
    answer = await scene.call("POST", f"/_emulator/deliveries/{delivery.id}/redeliver")
    assert json.loads(answer.body)["state"] == "delivered"
    assert len(delivery.attempts) == 6


async def test_redelivering_what_never_was_says_so(scene: Scene) -> None:
    with pytest.raises(DeliveryUnknown):
        await scene.courier.redeliver("dlv_none")
    answer = await scene.call("POST", "/_emulator/deliveries/dlv_none/redeliver")
    assert answer.status == 404


async def test_the_control_api_lists_deliveries_with_their_attempts(scene: Scene) -> None:
    scene.bot.then(500, b"oh no")
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {"cmd": "x"})
    answer = await scene.call("GET", "/_emulator/deliveries")
    (listed,) = json.loads(answer.body)["deliveries"]
    assert listed["id"] == delivery.id
    assert (listed["client_id"], listed["url"]) == (scene.app.client_id, BOT_URL)
    assert (listed["event"], listed["state"]) == ("bot_notification", "retrying")
    assert listed["next_at"] == "2026-03-02T09:05:00+00:00"
    assert json.loads(listed["body"])["payload"] == {"cmd": "x"}
    (attempt,) = listed["attempts"]
    assert (attempt["at"], attempt["status"]) == ("2026-03-02T09:00:00+00:00", 500)
    assert attempt["answer"] == "oh no"
    assert attempt["ms"] >= 0


# What stands in the way


class BrokenTransport:
    """Loses every answer, and keeps what it was told about deadlines."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure
        self.asked: list[tuple[float, int, str]] = []

    async def send(
        self, request: Request, *, deadline: float = 0, limit_bytes: int = 0
    ) -> Response:
        self.asked.append((deadline, limit_bytes, request.url))
        raise self.failure

    async def aclose(self) -> None:
        self.asked.clear()


async def test_a_lost_answer_is_a_failed_attempt(scene: Scene) -> None:
    transport = BrokenTransport(AnswerLost("no answer in time", BOT_URL))
    courier = Courier(scene.world, transport, scene.traffic, allow_hosts={"bot.test"})
    delivery = await courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    assert transport.asked == [(3.0, 65_536, BOT_URL)]
    assert (delivery.state, delivery.attempts[0].status) == ("retrying", 0)
    assert "no answer in time" in delivery.attempts[0].error
    await courier.aclose()
    assert transport.asked == []


async def test_an_app_that_is_not_there_is_a_failed_attempt(scene: Scene) -> None:
    delivery = await scene.courier.post_now(scene.app, "http://gone.test/x", "bot_installed", {})
    assert delivery.state == "retrying"
    assert scene.traffic.records()[-1].error


async def test_an_answer_beyond_the_limit_is_a_failed_attempt(scene: Scene) -> None:
    scene.bot.then(200, b"x" * 65_537)
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    assert "too large" in delivery.attempts[0].error


async def test_a_compressed_answer_is_read(scene: Scene) -> None:
    heard: list[bytes] = []
    scene.bot.then(200, gzip.compress(b'{"content":{}}'), content_encoding="gzip")
    scene.courier.hear("due", lambda _, answer: heard.append(answer.body))
    await scene.courier.post_now(scene.app, BOT_URL, "due", {})
    assert heard == [b'{"content":{}}']


async def test_a_compressed_bomb_is_cut_at_the_limit(scene: Scene) -> None:
    heard: list[bytes] = []
    scene.bot.then(200, gzip.compress(b"0" * 10_000_000), content_encoding="gzip")
    scene.courier.hear("due", lambda _, answer: heard.append(answer.body))
    await scene.courier.post_now(scene.app, BOT_URL, "due", {})
    assert len(heard[0]) == 65_536


async def test_what_only_claims_to_be_compressed_stays_as_it_is(scene: Scene) -> None:
    heard: list[bytes] = []
    scene.bot.then(200, b"plain", content_encoding="gzip")
    scene.courier.hear("due", lambda _, answer: heard.append(answer.body))
    await scene.courier.post_now(scene.app, BOT_URL, "due", {})
    assert heard == [b"plain"]


async def test_only_the_first_good_answer_is_heard(scene: Scene) -> None:
    heard: list[int] = []
    scene.bot.then(500).then(201).then(200)
    scene.courier.hear("due", lambda _, answer: heard.append(answer.status))
    delivery = await scene.courier.post_now(scene.app, BOT_URL, "due", {})
    scene.clock.advance(300)
    await scene.courier.run_due()
    await scene.courier.redeliver(delivery.id)
    assert heard == [201]


async def test_posts_nowhere_but_to_this_machine(scene: Scene) -> None:
    transport = BrokenTransport(AnswerLost("must not be asked"))
    courier = Courier(scene.world, transport, scene.traffic)
    url = "http://169.254.169.254/latest/meta-data"
    with pytest.raises(EndpointRefused, match="not on this machine"):
        await courier.validate_url(scene.app, url)
    delivery = await courier.post_now(scene.app, url, "bot_notification", {})
    assert transport.asked == []
    assert "not on this machine" in delivery.attempts[0].error


async def test_forgets_finished_deliveries_rather_than_grow(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("innkeeper.emulator.courier.rounds.KEPT", 3)
    waiting = scene.courier.post(scene.app, BOT_URL, "app_deauthorized", {})
    for _ in range(5):
        await scene.courier.post_now(scene.app, BOT_URL, "bot_notification", {})
    assert len(scene.courier.deliveries) == 3
    assert waiting in scene.courier.deliveries, "what is still due is not forgotten"
    scene.world.deliveries.clear()
    assert scene.courier.deliveries == []
    assert scene.courier.next_due() is None


# In the background


async def until(condition: Any) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("it did not happen")


async def test_the_loop_delivers_what_is_queued_and_retries_when_the_clock_moves(
    scene: Scene,
) -> None:
    scene.bot.then(500)
    loop = asyncio.create_task(scene.courier.run())
    await asyncio.sleep(0)
    delivery = scene.courier.post(scene.app, BOT_URL, "app_deauthorized", {})
    await until(lambda: len(delivery.attempts) == 1)
    scene.clock.advance(299)
    await asyncio.sleep(0)
    assert delivery.state == "retrying"
    scene.clock.advance(1)
    await until(lambda: delivery.state == "delivered")
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


async def test_an_attempt_that_was_broken_off_is_still_due(scene: Scene) -> None:
    entered = asyncio.Event()

    async def hang(*_: object) -> None:
        entered.set()
        await asyncio.Event().wait()

    scene.transport.apps["http://bot.test"] = hang
    delivery = scene.courier.post(scene.app, BOT_URL, "app_deauthorized", {})
    loop = asyncio.create_task(scene.courier.run())
    await entered.wait()
    assert delivery.next_at is None, "nobody else may make the same attempt"
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
    assert delivery.next_at == START


async def test_an_endpoint_where_nobody_listens_is_refused(scene: Scene) -> None:
    with pytest.raises(EndpointRefused, match="no application"):
        await scene.courier.validate_url(scene.app, "http://gone.test/events")


async def test_a_seeded_world_sends_the_same_bytes_twice() -> None:
    bodies: list[bytes] = []
    for _ in range(2):
        scene = Scene()
        scene.install()
        await scene.chat.says(scene.ana, scene.app.bot_jid, "hello")
        bodies.append(scene.bot.got[0][1])
    assert bodies[0] == bodies[1]


async def test_a_running_clock_wakes_the_loop_by_itself() -> None:
    scene = Scene()
    clock = MovableClock()
    scene.world.clock = clock
    scene.bot.then(500)
    courier = Courier(scene.world, scene.transport, Traffic(scene.world), allow_hosts={"bot.test"})
    loop = asyncio.create_task(courier.run())
    delivery = courier.post(scene.app, BOT_URL, "app_deauthorized", {})
    await until(lambda: len(delivery.attempts) == 1)
    clock.advance(300)
    await until(lambda: delivery.state == "delivered")
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
