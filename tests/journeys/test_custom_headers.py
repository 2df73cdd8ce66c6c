"""Deliveries that must carry one of Zoom's custom headers beside the signature."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pytest

from innkeeper import App, Command, Happened, Installed
from innkeeper.emulator.world import CustomHeaders, Subscription
from innkeeper.secret import Secret
from innkeeper.settings import Settings
from innkeeper.testing import Zoom
from innkeeper.testing.zoom import BOT_URL
from innkeeper.wire.credentials import Credential, Demands
from tests.journeys.house import Header, House, notification, running, signed, stamp
from tests.journeys.test_webhook import challenge

pytestmark = pytest.mark.anyio

POSTED = "team_chat.channel_message_posted"
TOKEN_URL = f"{BOT_URL}/events/token"
NEW = {
    "basic": CustomHeaders("basic", "zoom", "a-password-that-is-new"),
    "bearer": CustomHeaders(
        "oauth", client_id="zoom", client_secret="a-client-that-is-new", token_url=TOKEN_URL
    ),
    "header": CustomHeaders("custom", key="X-Door", value="a-value-that-is-new"),
}
OLD = {
    "basic": CustomHeaders("basic", "zoom", "a-password-of-before"),
    "bearer": CustomHeaders(
        "oauth", client_id="zoom", client_secret="a-client-of-before", token_url=TOKEN_URL
    ),
    "header": CustomHeaders("custom", key="X-Door", value="a-value-of-before"),
}
KINDS = sorted(NEW)


def demand(*kinds: CustomHeaders, everywhere: bool = False) -> Demands:
    """Demand what these subscriptions show; any of it is enough."""
    basic = [Credential(each.username, Secret(each.password)) for each in kinds if each.username]
    bearer = [
        Credential(each.client_id, Secret(each.client_secret)) for each in kinds if each.client_id
    ]
    header = [Credential(each.key.lower(), Secret(each.value)) for each in kinds if each.key]
    return Demands(tuple(basic), tuple(bearer), tuple(header), everywhere=everywhere)


class GuardedZoom(Zoom):
    """A Zoom around a bot that demands custom headers."""

    demands = Demands()

    @cached_property
    def _settings(self) -> Settings:
        return replace(super()._settings, demands=self.demands)

    async def demand(self, *kinds: CustomHeaders) -> None:
        """Start the bot again, with other settings and the same keys."""
        self.__dict__["_settings"] = replace(self._settings, demands=demand(*kinds))
        await self.restart()

    def subscribe(self, headers: CustomHeaders) -> Subscription:
        record = self.record
        subscription = Subscription(
            "sub_1", "Posts", f"{BOT_URL}/events", [POSTED], "EVENT_FOR_USER", replace(headers)
        )
        record.subscriptions = [subscription]
        return subscription


def around(*kinds: CustomHeaders) -> tuple[GuardedZoom, list[str]]:
    app, heard = App(), list[str]()

    @app.event(POSTED)
    async def posted(_: Happened) -> None:
        heard.append("posted")

    @app.on_install
    async def hello(_: Installed) -> str:
        return "Welcome"

    @app.command("help")
    async def help_(_: Command) -> str:
        return "Here you are"

    zoom = GuardedZoom(app)
    zoom.demands = demand(*kinds)
    return zoom, heard


@pytest.mark.parametrize("kind", KINDS)
async def test_a_subscription_that_shows_it_is_heard(kind: str) -> None:
    zoom, heard = around(NEW[kind])
    async with zoom:
        zoom.subscribe(NEW[kind])
        await zoom.person("Ana").add_app()
        delivery = await zoom.trigger(POSTED)
        assert (delivery.state, heard) == ("delivered", ["posted"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shown", ["another", "none"])
async def test_a_subscription_that_shows_another_or_none_is_not(kind: str, shown: str) -> None:
    zoom, heard = around(NEW[kind])
    async with zoom:
        zoom.subscribe(CustomHeaders() if shown == "none" else OLD[kind])
        await zoom.person("Ana").add_app()
        delivery = await zoom.trigger(POSTED)
        assert delivery.state == "retrying"
        assert heard == []
        zoom.subscribe(NEW[kind])  # corrected at Zoom
        await zoom.clock.advance(minutes=5)
        assert (delivery.state, heard) == ("delivered", ["posted"])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_secret_is_rotated_without_losing_a_delivery(kind: str) -> None:
    zoom, heard = around(OLD[kind])
    async with zoom:
        await zoom.person("Ana").add_app()
        zoom.subscribe(OLD[kind])
        states = [(await zoom.trigger(POSTED)).state]
        await zoom.demand(NEW[kind], OLD[kind])
        states.append((await zoom.trigger(POSTED)).state)
        zoom.subscribe(NEW[kind])
        states.append((await zoom.trigger(POSTED)).state)
        await zoom.demand(NEW[kind])
        states.append((await zoom.trigger(POSTED)).state)
        assert states == ["delivered"] * 4
        assert len(heard) == 4


async def test_one_kind_is_changed_for_another_in_the_same_way() -> None:
    zoom, heard = around(NEW["basic"], NEW["bearer"])
    async with zoom:
        await zoom.person("Ana").add_app()
        for kind in ("basic", "bearer"):
            zoom.subscribe(NEW[kind])
            assert (await zoom.trigger(POSTED)).state == "delivered"
        assert len(heard) == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_what_zoom_sends_without_one_needs_none(kind: str) -> None:
    zoom, _ = around(NEW[kind])
    async with zoom:
        ana = zoom.person("Ana")
        await ana.add_app()
        assert "Welcome" in ana.chat.last.text
        await ana.says("/bot help")
        assert "Here you are" in ana.chat.last.text
        await ana.removes_app()
        assert zoom.receipts.one().complete


async def test_a_token_is_fetched_anew_when_it_ends() -> None:
    zoom, heard = around(NEW["bearer"])
    async with zoom:
        await zoom.person("Ana").add_app()
        subscription = zoom.subscribe(NEW["bearer"])
        await zoom.trigger(POSTED)
        first = subscription.headers.token
        await zoom.clock.advance(minutes=59)
        await zoom.trigger(POSTED)
        assert subscription.headers.token == first
        await zoom.clock.advance(minutes=1)
        assert (await zoom.trigger(POSTED)).state == "delivered"
        assert subscription.headers.token != first
        assert len(heard) == 3


async def test_a_token_dies_with_the_client_that_is_taken_out() -> None:
    zoom, heard = around(OLD["bearer"])
    async with zoom:
        await zoom.person("Ana").add_app()
        zoom.subscribe(OLD["bearer"])
        await zoom.trigger(POSTED)
        await zoom.demand(NEW["bearer"])
        delivery = await zoom.trigger(POSTED)
        assert (delivery.state, len(heard)) == ("retrying", 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_address_proves_itself_to_the_right_header_or_to_none(kind: str) -> None:
    zoom, _ = around(NEW[kind])
    async with zoom:
        proved: list[bool] = []
        for headers in (NEW[kind], OLD[kind], CustomHeaders()):
            zoom.subscribe(headers)
            validation = await zoom.emulator.courier.validate(zoom.record, f"{BOT_URL}/events")
            proved.append(validation.accepted)
        assert proved == [True, False, True]


# byte by byte

VALUE = b"a-value-that-is-new"
HEADER = (b"x-door", VALUE)
BASIC = (b"authorization", b"Basic " + demand(NEW["basic"]).basic[0].basic.encode())
HEADS: dict[str, tuple[Sequence[Header], str]] = {
    "right": ([HEADER], ""),
    "right, with blanks around": ([(b"x-door", b" \t" + VALUE + b" ")], ""),
    "right Basic": ([BASIC], ""),
    "right Basic, its scheme in capitals": ([(BASIC[0], BASIC[1].replace(b"Basic", b"BASIC"))], ""),
    "right beside another": ([HEADER, (b"authorization", b"Basic d3Jvbmc6d3Jvbmc=")], ""),
    "none": ([], "CustomHeaderMissing"),
    "another name": ([(b"x_door", VALUE)], "CustomHeaderMissing"),
    "the old verification token": (
        [(b"authorization", b"qgg8vlvZRS6UYooatFL8Aw")],
        "CustomHeaderMissing",
    ),
    "another value": ([(b"x-door", VALUE + b"x")], "CustomHeaderMismatch"),
    "a part": ([(b"x-door", VALUE[:-1])], "CustomHeaderMismatch"),
    "empty": ([(b"x-door", b"")], "CustomHeaderMismatch"),
    "in capitals": ([(b"x-door", VALUE.upper())], "CustomHeaderMismatch"),
    "not ASCII": ([(b"x-door", VALUE + b"\xff\xc3\xbc")], "CustomHeaderMismatch"),
    "64 KB": ([(b"x-door", VALUE * 3_500)], "CustomHeaderMismatch"),
    "twice the same": ([HEADER, HEADER], "AmbiguousHeader"),
    "twice, one right": ([HEADER, (b"x-door", b"other")], "AmbiguousHeader"),
    "a list": ([(b"x-door", VALUE + b", " + VALUE)], "CustomHeaderMismatch"),
    "Basic of nothing": ([(b"authorization", b"Basic")], "CustomHeaderMismatch"),
    "Basic no base64": ([(b"authorization", b"Basic \xff\xfe:")], "CustomHeaderMismatch"),
    "Basic 64 KB": ([(b"authorization", b"Basic " + b"A" * 65_536)], "CustomHeaderMismatch"),
    "Bearer of nothing": ([(b"authorization", b"Bearer ")], "CustomHeaderMismatch"),
    "Bearer made up": ([(b"authorization", b"Bearer " + b"A" * 54)], "CustomHeaderMismatch"),
    "Bearer not ASCII": ([(b"authorization", b"Bearer " + b"\xff" * 54)], "CustomHeaderMismatch"),
    "Bearer no base64": ([(b"authorization", b"Bearer " + b"." * 54)], "CustomHeaderMismatch"),
    "Authorization twice": ([BASIC, BASIC], "AmbiguousHeader"),
}
POST = notification().replace(b'"bot_notification"', b'"team_chat.channel_message_posted"')


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running(tmp_path, demands=demand(*NEW.values())) as house:
        yield house


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[House]:
    async with running(tmp_path, demands=demand(*NEW.values(), everywhere=True)) as house:
        yield house


def refusals(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(house.parts.receiver, "_refused", told.append)
    return told


@pytest.mark.parametrize(
    ("shown", "reason"), [pytest.param(*row, id=i) for i, row in HEADS.items()]
)
async def test_looks_at_what_is_shown(
    house: House, shown: Sequence[Header], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = refusals(house, monkeypatch)
    status, answer = await house.deliver(POST, [*signed(POST), *shown])
    assert told == [reason] * bool(reason)
    assert len(await house.rows()) == (0 if reason else 1)
    assert (status, answer) == ((401, b'{"error":"unauthorized"}') if reason else (200, b"{}"))


async def test_a_right_header_replaces_no_signature(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = refusals(house, monkeypatch)
    forged = signed(POST, secret="a-secret-of-somebody-else")
    for head in (forged, signed(POST, timestamp=stamp(-8_000)), signed(POST)[:2], []):
        assert (await house.deliver(POST, [*head, HEADER, BASIC]))[0] == 401
    assert told == [
        "SignatureMismatch",
        "TimestampOutOfWindow",
        "SignatureMissing",
        "TimestampMissing",
    ]
    assert not await house.rows()


async def test_who_cannot_sign_does_not_learn_whether_a_header_is_right(house: House) -> None:
    forged = signed(POST, secret="a-secret-of-somebody-else")
    right = await house.deliver(POST, [*forged, HEADER])
    assert right == await house.deliver(POST, forged) == (401, b'{"error":"unauthorized"}')


@pytest.mark.parametrize("body", [b"", b"garbage", b"[]", b'{"event":7}'])
async def test_what_names_no_event_needs_one(house: House, body: bytes) -> None:
    assert (await house.deliver(body))[0] == 401
    assert (await house.deliver(body, [*signed(body), HEADER]))[0] == 200


async def test_everywhere_it_is_asked_of_every_event(strict: House) -> None:
    for body in (notification(), challenge(), POST):
        assert (await strict.deliver(body))[0] == 401
        assert (await strict.deliver(body, [*signed(body), HEADER]))[0] == 200
    assert strict.heard == ["help"]


@pytest.mark.parametrize("path", ["/events", "/deauthorize"])
async def test_a_removal_that_lacks_it_opens_a_case(
    strict: House, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[bool] = []
    monkeypatch.setattr(strict.parts.receiver, "_removal_refused", lambda: noted.append(True))
    body = b'{"event":"app_deauthorized","payload":{"client_id":"client-of-the-test"}}'
    assert (await strict.deliver(body, path=path))[0] == 401
    assert noted == [True]


async def test_refusals_are_counted_as_any_other(house: House) -> None:
    await house.deliver(POST)
    await house.deliver(POST, [])
    assert house.parts.metrics.deliveries.counts == {("unauthorized",): 2}
