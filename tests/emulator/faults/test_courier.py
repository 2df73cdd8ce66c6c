"""Each fault of an event's way, to a bot in process and to one behind a socket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from innkeeper.emulator.courier.rounds import Courier
from innkeeper.emulator.faultrules import FaultRule, read_order
from innkeeper.errors import SignatureRefused
from innkeeper.net.outbound import HttpTransport
from innkeeper.net.serving import LOCAL, bind, serving
from innkeeper.secret import Secret
from innkeeper.wire import signature
from tests.emulator.scene import BOT_URL, Scene

pytestmark = pytest.mark.anyio


class Way:
    """A courier, and the address of the bot at its end."""

    def __init__(self, scene: Scene, courier: Courier, url: str) -> None:
        self.scene, self.courier, self.url = scene, courier, url
        self.got = scene.bot.got

    def order(self, kind: str, *, on: Any = None, times: int = 1, **rest: Any) -> FaultRule:
        document = {"do": {"kind": kind, **rest}, "on": on or {}, "times": times}
        rules = self.scene.world.faults
        rules.append(FaultRule(len(rules) + 1, read_order(document)))
        return rules[-1]

    async def post(self, *names: str) -> None:
        for name in names:
            self.courier.post(
                self.scene.app, self.url, name, {"accountId": "a/b é"}, event_ts=1_772_442_000_000
            )
        await self.courier.run_due()

    async def later(self, seconds: float) -> None:
        self.scene.clock.advance(seconds)
        await self.courier.run_due()

    @property
    def names(self) -> list[str]:
        return [body["event"] for body in self.scene.bot.bodies]

    def verdict(self, number: int = -1, *, secret: str = "", after: float = 0) -> str:
        headers, body = self.got[number]
        verifier = signature.Verifier([Secret(secret or self.scene.app.secret_token)])
        stamps = [headers[signature.TIMESTAMP_HEADER].encode()]
        signed = [headers[signature.SIGNATURE_HEADER].encode()]
        now = self.scene.clock.now() + timedelta(seconds=after)
        try:
            verifier.verify(body, timestamps=stamps, signatures=signed, now=now)
        except SignatureRefused as refused:
            return refused.reason
        return "accepted"


@asynccontextmanager
async def behind_a_socket(scene: Scene) -> AsyncIterator[Way]:
    listener = bind(LOCAL, 0)
    async with serving(scene.bot, listener):
        courier = Courier(scene.world, HttpTransport(), scene.traffic)
        try:
            yield Way(scene, courier, f"http://{LOCAL}:{listener.getsockname()[1]}/events")
        finally:
            await courier.aclose()


@pytest.fixture(params=["in process", "over a socket"])
async def way(request: pytest.FixtureRequest) -> AsyncIterator[Way]:
    scene = Scene()
    if request.param == "in process":
        yield Way(scene, scene.courier, BOT_URL)
        return
    async with behind_a_socket(scene) as found:
        yield found


async def test_drops_an_attempt_and_tries_again_by_the_schedule(way: Way) -> None:
    way.order("drop")
    await way.post("bot_notification")
    assert way.names == []
    (delivery,) = way.courier.deliveries
    assert delivery.attempts[0].error == "drop, by fault rule 1"
    await way.later(300)
    assert way.names == ["bot_notification"]


async def test_delays_an_event_so_that_later_ones_overtake_it(way: Way) -> None:
    way.order("delay", seconds=10, times=5, on={"event": "bot_notification"})
    await way.post("bot_notification", "bot_installed")
    assert way.names == ["bot_installed"]
    await way.later(9)
    assert way.names == ["bot_installed"]
    await way.later(1)
    assert way.names == ["bot_installed", "bot_notification"]
    assert way.verdict() == "accepted"


async def test_reorders_two_events(way: Way) -> None:
    way.order("reorder")
    await way.post("first", "second", "third")
    assert way.names == ["second", "first", "third"]


async def test_a_reordered_event_without_a_next_one_goes_by_itself(way: Way) -> None:
    rule = way.order("reorder", seconds=5)
    await way.post("first")
    assert way.names == []
    await way.later(5)
    assert (way.names, rule.holding) == (["first"], [])


async def test_duplicates_byte_for_byte(way: Way) -> None:
    way.order("duplicate")
    await way.post("bot_notification")
    assert len(way.got) == 2
    assert way.got[0][1] == way.got[1][1]
    assert way.got[0][0][signature.SIGNATURE_HEADER] == way.got[1][0][signature.SIGNATURE_HEADER]


async def test_bursts_with_events_that_are_each_their_own(way: Way) -> None:
    way.order("burst", count=30)
    await way.post("bot_notification")
    assert len({body for _, body in way.got}) == 30
    assert len({headers[signature.TRACKING_HEADER] for headers, _ in way.got}) == 30
    assert {way.verdict(number) for number in range(30)} == {"accepted"}


async def test_signs_with_a_secret_that_is_not_the_apps(way: Way) -> None:
    way.order("bad_signature")
    await way.post("bot_notification")
    assert way.verdict() == "SignatureMismatch"


async def test_signs_with_the_secret_from_before_the_change(way: Way) -> None:
    old = way.scene.app.secret_token
    way.scene.app.previous_secret_token, way.scene.app.secret_token = old, "emu_the_new_one"
    way.order("old_secret")
    await way.post("bot_notification", "bot_notification")
    assert (way.verdict(0), way.verdict(0, secret=old)) == ("SignatureMismatch", "accepted")
    assert way.verdict(1) == "accepted"


async def test_an_app_without_an_older_secret_is_spared(way: Way) -> None:
    rule = way.order("old_secret")
    await way.post("bot_notification")
    assert (way.verdict(), rule.applied) == ("accepted", 0)


@pytest.mark.parametrize(("kind", "shift"), [("stale", -172_800), ("future", 172_800)])
async def test_stamps_another_time_and_signs_it(way: Way, kind: str, shift: int) -> None:
    way.order(kind, seconds=abs(shift))
    await way.post("bot_notification")
    assert way.verdict() == "TimestampOutOfWindow"
    assert way.verdict(after=shift) == "accepted"


async def test_tampers_after_signing(way: Way) -> None:
    way.order("tamper")
    await way.post("bot_notification")
    assert way.verdict() == "SignatureMismatch"
    assert way.scene.bot.bodies[0]["tampered"] is True


async def test_calls_the_body_something_else(way: Way) -> None:
    way.order("wrong_content_type", content_type="text/html")
    await way.post("bot_notification")
    assert way.got[0][0]["content-type"] == "text/html"
    assert way.verdict() == "accepted"


async def test_writes_the_keys_backwards_and_signs_that(way: Way) -> None:
    await way.post("bot_notification")
    way.order("odd_key_order")
    await way.post("bot_notification")
    usual, odd = (list(json.loads(body)) for _, body in way.got)
    assert odd == list(reversed(usual))
    assert way.verdict() == "accepted"


async def test_writes_json_as_zoom_would_not_and_signs_that(way: Way) -> None:
    await way.post("bot_notification")
    way.order("non_canonical")
    await way.post("bot_notification")
    (_, usual), (_, odd) = way.got
    assert json.loads(usual) == json.loads(odd)
    assert usual != odd
    assert b"a\\/b \\u00e9" in odd
    assert way.verdict() == "accepted"


async def test_writes_each_application_to_the_traffic(way: Way) -> None:
    for kind in ("drop", "delay", "tamper"):
        way.order(kind)
    await way.post("first", "second", "third", "fourth")
    shown = [record.json() for record in way.scene.traffic.records()]
    found = [each["fault"] and (each["fault"]["kind"], each["fault"]["rule"]) for each in shown]
    assert found == [("drop", 1), ("delay", 2), ("tamper", 3), None]
    assert [each["status"] for each in shown] == [0, 0, 200, 200]


@pytest.mark.parametrize(
    ("on", "falls"),
    [
        ({"event": "bot_*"}, True),
        ({"event": "app_*"}, False),
        ({"url": "*/events"}, True),
        ({"url": "*/deauthorize"}, False),
        ({"client_id": "client_dueday"}, True),
        ({"client_id": "client_solo"}, False),
    ],
)
async def test_falls_only_on_what_it_looks_at(way: Way, on: Any, *, falls: bool) -> None:
    way.order("drop", on=on)
    await way.post("bot_notification")
    assert (way.names == []) is falls
