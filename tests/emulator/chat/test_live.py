import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from innkeeper.emulator.chat.conversations import Conversation
from innkeeper.emulator.chat.live import Live
from innkeeper.emulator.streams import EventStream
from innkeeper.emulator.world import Message
from innkeeper.net.outbound import Response
from tests.emulator.scene import Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene() -> Scene:
    return Scene()


def draw(message: Message) -> str | None:
    return None if message.visible_to else f"<p>{message.text}</p>"


def say(scene: Scene, text: str) -> Message:
    return scene.chat.conversations.say(Conversation(scene.ana, app=scene.app), text)


async def take(stream: AsyncIterator[bytes], count: int) -> list[str]:
    return [(await anext(stream)).decode() for _ in range(count)]


async def test_sends_changes_as_they_come_with_ids(scene: Scene) -> None:
    stream = scene.live.stream(draw)
    assert await take(stream, 1) == ["retry: 1000\n\n"]
    waiting = asyncio.ensure_future(take(stream, 2))
    await asyncio.sleep(0)
    say(scene, "one")
    say(scene, "two")
    assert await waiting == [
        "id: 1\nevent: message\ndata: <p>one</p>\n\n",
        "id: 2\nevent: message\ndata: <p>two</p>\n\n",
    ]


async def test_what_came_before_is_not_sent_unless_asked_for(scene: Scene) -> None:
    say(scene, "before")
    stream = scene.live.stream(draw)
    await take(stream, 1)
    waiting = asyncio.ensure_future(take(stream, 1))
    await asyncio.sleep(0)
    say(scene, "after")
    assert await waiting == ["id: 2\nevent: message\ndata: <p>after</p>\n\n"]


async def test_replays_what_was_missed(scene: Scene) -> None:
    for text in ("one", "two", "three"):
        say(scene, text)
    stream = scene.live.stream(draw, after=1)
    got = await take(stream, 3)
    assert [re.findall(r"id: (\d)|<p>(\w+)", each) for each in got[1:]] == [
        [("2", ""), ("", "two")],
        [("3", ""), ("", "three")],
    ]


@pytest.mark.parametrize("after", [0, 99])
async def test_sends_everything_when_too_much_was_missed_or_numbers_began_anew(
    scene: Scene, after: int
) -> None:
    live = Live(scene.world, kept=2)
    for text in ("one", "two", "three", "four"):
        say(scene, text)
    got = await take(live.stream(draw, after=after), 5)
    assert [re.search(r"<p>(\w+)", each)[1] for each in got[1:]] == ["one", "two", "three", "four"]  # type: ignore[index]
    assert {re.search(r"id: (\d)", each)[1] for each in got[1:]} == {"4"}  # type: ignore[index]


async def test_an_edit_arrives_as_the_message_then_stands(scene: Scene) -> None:
    message = say(scene, "one")
    message.text = "one, mended"
    scene.chat.conversations.edit(message, {}, markdown=False)
    got = await take(scene.live.stream(draw, after=0), 3)
    assert all("one, mended" in each for each in got[1:])


async def test_what_changes_while_a_reader_is_slow_is_not_lost(scene: Scene) -> None:
    say(scene, "one")
    stream = scene.live.stream(draw, after=0)
    await take(stream, 2)
    say(scene, "two")
    assert "two" in (await take(stream, 1))[0]


async def test_what_is_not_for_these_eyes_is_not_sent(scene: Scene) -> None:
    scene.chat.conversations.note(Conversation(scene.ana, app=scene.app), "secret")
    say(scene, "open")
    got = await take(scene.live.stream(draw, after=0), 2)
    assert "open" in got[1]


async def test_lines_stay_within_one_event(scene: Scene) -> None:
    say(scene, "a\nb\r\nc\rd")
    (_, got) = await take(scene.live.stream(draw, after=0), 2)
    assert got == "id: 1\nevent: message\ndata: <p>a\ndata: b\ndata: c\ndata: d</p>\n\n"


async def test_other_news_are_no_messages(scene: Scene) -> None:
    scene.world.announce("removed", object())
    assert scene.live.last == 0


async def test_closing_ends_every_stream(scene: Scene) -> None:
    async def read() -> list[bytes]:
        return [chunk async for chunk in scene.live.stream(draw)]

    reading = asyncio.ensure_future(read())
    await asyncio.sleep(0)
    scene.live.close()
    assert await reading == [b"retry: 1000\n\n"]


async def test_a_reader_who_leaves_ends_the_stream(scene: Scene) -> None:
    gone = asyncio.Event()
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    answer = EventStream(scene.live.stream(draw))
    running = asyncio.ensure_future(answer({}, receive, send))  # type: ignore[arg-type]
    for _ in range(5):
        await asyncio.sleep(0)
    say(scene, "one")
    for _ in range(5):
        await asyncio.sleep(0)
    gone.set()
    await running
    assert [each["type"] for each in sent] == ["http.response.start", *["http.response.body"] * 2]
    assert dict(sent[0]["headers"])[b"content-type"].startswith(b"text/event-stream")  # type: ignore[call-overload]
    assert sent[2]["body"] == b"id: 1\nevent: message\ndata: <p>one</p>\n\n"
    assert say(scene, "nobody listens")


# The page's stream


async def listen(scene: Scene, path: str, headers: dict[str, str] | None = None) -> Response:
    """Take part until the streams are closed."""
    task = asyncio.ensure_future(scene.call("GET", path, user=scene.ana, headers=headers))
    for _ in range(5):
        await asyncio.sleep(0)
    scene.live.close()
    return await task


async def test_the_page_hears_of_its_conversation_alone(scene: Scene) -> None:
    scene.install()
    await scene.chat.says(scene.ana, scene.app.bot_jid, "to the bot")
    await scene.chat.says(scene.ana, "c0general@conference.xmpp.zoom.us", "to the channel")
    await scene.chat.says(scene.ben, scene.app.bot_jid, "his own")
    answer = await listen(scene, f"/chat/events?with={scene.app.bot_jid}&after=0")
    text = answer.body.decode()
    assert text.count("event: message") == 1
    assert 'data: <article class="message' in text
    assert "to the bot" in text


async def test_the_browsers_last_event_id_counts_more_than_the_address(scene: Scene) -> None:
    scene.install()
    for text in ("one", "two", "three"):
        await scene.chat.says(scene.ana, scene.app.bot_jid, text)
    answer = await listen(
        scene, f"/chat/events?with={scene.app.bot_jid}&after=0", {"last-event-id": "2"}
    )
    text = answer.body.decode()
    assert "three" in text
    assert "two" not in text


@pytest.mark.parametrize("after", ["-1", "x", "", "1e3", "9" * 40, "%C2%B2"])
async def test_an_odd_number_means_from_now_on(scene: Scene, after: str) -> None:
    scene.install()
    await scene.chat.says(scene.ana, scene.app.bot_jid, "one")
    answer = await listen(scene, f"/chat/events?with={scene.app.bot_jid}&after={after}")
    assert answer.status == 200
    assert b"event: message" not in answer.body


async def test_a_stream_needs_a_person_and_a_conversation(scene: Scene) -> None:
    answer = await scene.call("GET", f"/chat/events?with={scene.app.bot_jid}")
    assert answer.status == 401
    answer = await scene.call("GET", "/chat/events?with=nobody", user=scene.ana)
    assert answer.status == 404
