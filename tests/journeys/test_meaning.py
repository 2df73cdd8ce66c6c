"""Rows W109 to W128 of the catalogue of bad inputs: what a signed event says, and when."""

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from innkeeper import Action, App, Card, Command
from innkeeper.net.outbound import Response
from innkeeper.store.records import EventState
from innkeeper.store.sqlite.connection import connect
from innkeeper.testing import Zoom
from tests.journeys.house import NOW, House, notification, running, signed, stamp
from tests.journeys.test_deauthorization import removal
from tests.journeys.test_webhook import TEXTS, installed

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
BODY = notification()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running(tmp_path) as house:
        yield house


# what it is called, and for whom it is


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b'{"event":"%s","payload":{}}' % name, "event_type", id=f"W110-{label}")
        for label, name in {
            "10KB": b"x" * 10_240,
            "newline": b"bot_notification\\n",
            "path": b"../../x",
            "lookup": b"${jndi:ldap://x/a}",
        }.items()
    ]
    + [
        pytest.param(notification(**{field: value}), f"field:{field}", id=f"W112-{field}-{label}")
        for field in ("accountId", "userId", "toJid", "robotJid")
        for label, value in {
            "missing": ...,
            "null": None,
            "int": 7,
            "object": {"id": "x"},
            "10KB": "x" * 10_240,
        }.items()
    ]
    + [
        pytest.param(
            notification(robotJid="v1other@xmpp.zoom.us"), "wrong_robot", id="W113-another-bot"
        )
    ],
)
async def test_what_nobody_can_be_sure_of_is_kept_and_moves_nothing(
    house: House, body: bytes, reason: str
) -> None:
    assert (await house.deliver(body))[0] == 200
    [row] = await house.rows()
    assert (row.state, row.reason) == (EventState.QUARANTINED, reason)
    assert not house.heard
    assert not house.zoom.tried  # no message, no token
    assert not await house.parts.store.installations()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=f"W115-W116-{number}")
        for number, text in enumerate([*TEXTS[1:], "\u200d", "👨‍👩‍👧‍👦", "\u202e</bdi>evil"])
        if text.strip("\u200d") and "\0" not in text
    ],
)
async def test_echoes_what_was_typed_to_the_letter(text: str) -> None:
    app = App("Parrot")

    @app.command()
    async def echo(ctx: Command) -> str:
        return ctx.text

    async with Zoom(app) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await zoom.trigger("bot_notification", {"payload.cmd": text}, by=ana)
        assert ana.chat.last.text == text


# No message is empty, and nobody knows what Zoom shows of NUL; a handler is given both.

# whose button it is


def teller(told: list[tuple[str, bool]]) -> App:
    app = App("Teller")

    @app.command()
    async def ask(ctx: Command) -> Card:
        return Card("Pay?").button("Pay", f"pay {ctx.user.name.split()[0].lower()}")

    @app.action()
    async def pressed(ctx: Action) -> None:
        told.append((ctx.value, ctx.unverified_action))

    return app


@pytest.mark.parametrize(
    ("value", "unverified"),
    [
        pytest.param("pay ana", False, id="W118-hers"),
        pytest.param("pay everybody", True, id="W118-never-issued"),
        pytest.param("pay ben", True, id="W118-another-persons"),
        pytest.param("PAY ANA", True, id="W118-another-case"),
        pytest.param("", True, id="W118-empty"),
    ],
)
async def test_a_value_that_the_message_does_not_offer_is_told(
    value: str, *, unverified: bool
) -> None:
    told: list[tuple[str, bool]] = []
    async with Zoom(teller(told), management="admin") as zoom:
        ana, ben = zoom.person("Ana"), zoom.new_person("Ben Ody")
        await ana.adds_app()
        await ben.says("/bot ask")
        await ana.says("/bot ask")
        message, _ = ana.chat.with_button("Pay")
        assert message.card is not None
        changes: dict[str, Any] = {
            "payload.messageId": message.id,
            "payload.original": message.card,
            "payload.actionItem.value": value,
        }
        await zoom.trigger("interactive_message_actions", changes, by=ana)
        assert told == [(value, unverified)]


# in which order things come


@pytest.mark.parametrize(
    ("again_after", "reason", "generations"),
    [
        pytest.param(timedelta(seconds=30), "removed", [], id="W121-older-than-the-removal"),
        pytest.param(2 * MINUTE, "", [2], id="W121-newer-than-the-removal"),
    ],
)
async def test_an_installation_opens_again_only_by_what_is_newer_than_its_removal(
    house: House, again_after: timedelta, reason: str, generations: list[int]
) -> None:
    await house.deliver(installed())
    house.clock.advance(60)
    await house.deliver(removal(NOW + MINUTE))
    assert not await house.parts.store.installations()
    house.clock.advance(60)
    at = round((NOW + again_after).timestamp() * 1000)
    body = installed(timestamp=at)
    assert (await house.deliver(body, signed(body, timestamp=stamp(120))))[0] == 200
    assert house.heard == ["installed by Noor Haddad"] * (1 + len(generations))
    last = (await house.rows())[0]
    assert (last.name, last.reason) == ("bot_installed", reason)
    found = await house.parts.store.installations()
    assert [each.generation for each in found] == generations


async def test_w121_a_second_notice_of_one_installation_changes_nothing(house: House) -> None:
    await house.deliver(installed())
    [before] = await house.parts.store.installations()
    body = installed(timestamp=int(stamp(1)) * 1000)
    assert await house.deliver(body) == (200, b"{}")
    [after] = await house.parts.store.installations()
    assert (after.id, after.generation) == (before.id, before.generation)
    assert house.heard == ["installed by Noor Haddad"]


async def test_w125_a_hundred_at_once_to_two_workers_are_one_event() -> None:
    heard: list[str] = []
    app = App("Desk")

    @app.command()
    async def anything(ctx: Command) -> None:
        heard.append(ctx.text)

    async with Zoom(app, workers=2) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        delivery = zoom.signed("bot_notification", {"payload.cmd": "once"}, by=ana)
        answers = await asyncio.gather(*(zoom.posts(delivery) for _ in range(100)))
        assert [answer.status for answer in answers] == [200] * 100
        assert heard == ["once"]
        rows = await zoom.parts.store.inbox_rows()
        assert [row.name for row in rows].count("bot_notification") == 1


@pytest.mark.parametrize("workers", [1, 2])
async def test_w127_a_press_before_the_bot_knows_its_message_is_handled_like_any(
    workers: int,
) -> None:
    """No row of a message is needed: the event itself says which one it is about."""
    app, order = App("Desk"), list[str]()

    @app.command("ask")
    async def ask(ctx: Command) -> None:
        order.append("posts")
        sent = await ctx.reply(Card("Room 7?").button("Yes", "yes"))
        order.append("knows its message")
        assert pressed_in == [sent.message_id]

    pressed_in: list[str] = []
    pressed = asyncio.Event()

    @app.action("yes")
    async def yes(ctx: Action) -> None:
        order.append("is pressed")
        pressed_in.append(ctx.message_id)
        pressed.set()
        await ctx.update("Room 7.")

    async with Zoom(app, workers=workers) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        send = zoom.transport.send
        first: list[asyncio.Task[None]] = []

        async def late(request: Any, **limits: Any) -> Response:
            """Give Zoom's answer about the message when somebody has pressed its button."""
            answer = await send(request, **limits)
            if request.method == "POST" and "/im/chat/messages" in request.url and not first:
                message, button = ana.chat.with_button("Yes")
                press = zoom.emulator.chat.clicks(ana.user, message.id, str(button["value"]))
                first.append(asyncio.ensure_future(press))
                await pressed.wait()
            return answer

        zoom.transport.send = late  # type: ignore[method-assign]  # Zoom's answers take their time
        await ana.says("/bot ask")
        assert order == ["posts", "is pressed", "knows its message"]
        assert ana.chat.last.text == "Room 7."


# when nothing can be kept


@contextmanager
def full_disk(_house: House, _folder: Path) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def locked(_house: House, folder: Path) -> Iterator[None]:
    other = connect(str(folder / "innkeeper.db"))
    other.run("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.run("COMMIT")
        other.close()


@pytest.mark.sqlite
@pytest.mark.slow
@pytest.mark.parametrize(
    "fails",
    [
        pytest.param(full_disk, id="W128-F36-disk-full"),
        pytest.param(locked, id="W128-F35-locked-for-2s"),
    ],
)
async def test_what_cannot_be_kept_is_sent_again_and_is_one_event(
    house: House, tmp_path: Path, fails: Any
) -> None:
    with fails(house, tmp_path):
        for _ in range(2):
            status, headers, answer = await house.request("POST", "/events", signed(BODY), BODY)
            assert (status, answer) == (503, b'{"error":"unavailable"}')
            assert int(headers["retry-after"][0]) > 0
        assert not house.heard
    assert not await house.rows()
    assert (await house.deliver(BODY))[0] == 200  # Zoom's retry
    assert (await house.deliver(BODY))[0] == 200
    assert house.heard == ["help"]
    [row] = await house.rows()
    assert row.state is EventState.DONE


async def test_w128_a_store_that_is_gone_is_never_answered_with_200(house: House) -> None:
    await house.parts.store.close()
    status, headers, _ = await house.request("POST", "/events", signed(BODY), BODY)
    assert (status, headers["retry-after"]) == (503, ["5"])
    await house.parts.store.open()
    assert (await house.deliver(BODY))[0] == 200
    assert house.heard == ["help"]
    assert len(await house.rows()) == 1
