"""A bot calls Zoom's API, and Zoom does not always do as it should."""

import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from innkeeper import (
    AccountId,
    App,
    Card,
    CardRefused,
    Client,
    Command,
    Jid,
    MessageUnconfirmed,
    NotInstalled,
    ReauthNeeded,
    ScopeNotGranted,
    UserId,
)
from innkeeper.emulator.chat.unfurls import open_trigger
from innkeeper.errors import AnswerLost, ApiRefused, StoreUnavailable
from innkeeper.testing import Visitor, Zoom

pytestmark = pytest.mark.anyio

SENDING = {"path": "/v2/im/chat/messages", "method": "POST"}
EDITING = {"path": "/v2/im/chat/messages/*", "method": "PUT"}


class Scene:
    def __init__(self, zoom: Zoom, ana: Visitor, client: Client) -> None:
        self.zoom, self.ana, self.client = zoom, ana, client

    @property
    def said(self) -> list[str]:
        return [message.text for message in self.ana.chat.messages if message.by_bot]


def bot(time_passes: Callable[[], None]) -> App:
    app = App("Porter")

    @app.command("me")
    async def me(ctx: Command) -> str:
        return f"You are {(await ctx.client.users.me()).email}"

    @app.command("count")
    async def count(ctx: Command) -> Card:
        async with ctx.progress("Counting", text="to ten") as progress:
            for done in range(11):
                await progress.set(done * 10, f"at {done}")
        return Card("Counted")

    @app.command("fail")
    async def fail(ctx: Command) -> None:
        async with ctx.progress("Failing") as progress:
            await progress.set(40)
            raise RuntimeError

    @app.command("slow")
    async def slow(ctx: Command) -> None:
        progress = ctx.progress("Slow")
        with pytest.raises(LookupError):
            _ = progress.message_id
        async with progress:
            for percent in (0, 33.5, 80):
                time_passes()
                await progress.set(percent)
            with pytest.raises(CardRefused):
                await progress.set(101)
            await progress.set(90, "nearly")

    @app.command("show")
    async def show(ctx: Command) -> None:
        async with ctx.progress("Exporting") as progress:
            progress.done(Card("Exported").button("Open", "open"))

    return app


@pytest.fixture(params=["user", "admin"])
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    def time_passes() -> None:
        zoom.emulator.world.clock.advance(2)

    async with Zoom(bot(time_passes), management=request.param) as zoom:
        ana = await zoom.user("Ana")
        zoom.record.scopes += [
            "user:read:list_users:admin",
            "user:read:user:admin",
            "team_chat:read:list_members",
            "team_chat:read:list_user_channels",
        ]
        await ana.adds_app()
        client = await zoom.app.for_install(
            account_id=AccountId(ana.user.account_id), user_id=UserId(ana.user.id)
        )
        yield Scene(zoom, ana, client)


# messages


async def test_sends_edits_and_deletes_when_nothing_has_happened(scene: Scene):
    sent = await scene.client.chat.send("Good morning")
    await scene.client.chat.edit(sent.message_id, Card("Good evening").text("Ana"))
    assert scene.said == ["Good evening\nAna"]

    await scene.client.chat.delete(sent.message_id)
    assert scene.said == []


async def test_writes_to_a_channel_and_in_a_thread(scene: Scene):
    channel = scene.zoom.emulator.world.channels()[0]
    first = await scene.client.chat.send("Hello all", to=Jid(channel.jid))
    await scene.client.chat.send("and again", to=Jid(channel.jid), reply_to=first.message_id)

    last = list(scene.zoom.emulator.world.messages.values())[-1]
    assert last.reply_to == first.message_id


async def test_unfurls_a_link(scene: Scene):
    world, user = scene.zoom.emulator.world, scene.ana.user
    await scene.client.chat.send("Good morning")
    message = next(iter(world.messages.values()))
    trigger = open_trigger(world, scene.zoom.record, user, message)

    await scene.client.chat.unfurl(trigger, Card("A report"), user_id=UserId(user.id))
    assert "A report" in [each.text for each in scene.ana.chat.messages]
    with pytest.raises(ApiRefused):
        await scene.client.chat.unfurl(trigger, "again", user_id=UserId(user.id))
    other = open_trigger(world, scene.zoom.record, user, message)
    scene.zoom.faults.add("lost_answer", on={"path": "*/unfurls/*"})
    with pytest.raises(MessageUnconfirmed):
        await scene.client.chat.unfurl(other, "A report", user_id=UserId(user.id))


async def test_a_list_of_another_shape_counts_as_lost(scene: Scene):
    scene.zoom.faults.add(
        {"kind": "status", "status": 200, "body": '{"users": {"id": 5}}'}, on={"path": "/v2/users"}
    )
    with pytest.raises(AnswerLost, match="no known shape"):
        [user async for user in scene.client.users.all()]


async def test_a_card_that_zoom_would_not_take_is_never_sent(scene: Scene):
    asked = scene.zoom.faults.add("slow", on=SENDING, skip=1000)

    for card in (Card(), Card("x").text("x" * 100_000)):
        with pytest.raises(CardRefused):
            await scene.client.chat.send(card)
    assert asked.seen == 0


@pytest.mark.parametrize("limit", ["per_second", "daily"])
async def test_waits_as_zoom_asks_and_then_says_it_once(
    scene: Scene, limit: str, monkeypatch: pytest.MonkeyPatch
):
    # The moment that Zoom names is a whole second: five may be six, and half of it by chance.
    monkeypatch.setattr(scene.zoom.parts.speaker._caller._gates, "_chance", lambda: 0.5)
    order = {"kind": "status", "status": 429, "limit": limit, "wait": 5}
    rule = scene.zoom.faults.add(order, on=SENDING, times=2)
    began = scene.zoom.emulator.world.now()

    await scene.client.chat.send("Good morning")

    waited = (scene.zoom.emulator.world.now() - began).total_seconds()
    assert rule.applied == 2
    assert 8 < waited < 16  # up to half as long again, so that not all come back at once
    assert scene.said == ["Good morning"]


async def test_a_day_is_not_waited_for(scene: Scene):
    order = {"kind": "status", "status": 429, "limit": "daily", "wait": 40_000}
    rule = scene.zoom.faults.add(order, on=SENDING)

    for _ in range(3):
        with pytest.raises(ApiRefused) as caught:
            await scene.client.chat.send("Good morning")
        assert caught.value.zoom_code == 429
        assert caught.value.retry_at is not None
    assert rule.seen == 1  # all but the first were told without asking
    assert (await scene.client.users.me()).email == scene.ana.user.email  # no chatbot's call


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("lost_answer", id="K46-accepted-then-lost"),
        pytest.param("slow", id="K46-accepted-then-late"),
        "truncate",
        "bad_json",
        "reset",
        "empty",
    ],
)
async def test_a_message_whose_answer_was_lost_is_not_sent_again(scene: Scene, kind: str):  # F52
    order: dict[str, Any] = {"kind": kind} | ({"seconds": 60} if kind == "slow" else {})
    rule = scene.zoom.faults.add(order, on=SENDING)

    with pytest.raises(MessageUnconfirmed):
        await scene.client.chat.send("Good morning")

    assert rule.applied == 1
    assert len(scene.said) == (kind in {"lost_answer", "slow", "truncate"})


@pytest.mark.parametrize("kind", ["lost_answer", "slow", "reset", "empty", "html"])
async def test_an_edit_whose_answer_was_lost_is_made_again(scene: Scene, kind: str):
    sent = await scene.client.chat.send("Good morning")
    order: dict[str, Any] = {"kind": kind} | ({"seconds": 60} if kind == "slow" else {})
    rule = scene.zoom.faults.add(order, on=EDITING, times=2)

    await scene.client.chat.edit(sent.message_id, "Good evening")

    assert rule.applied == 2
    assert scene.said == ["Good evening"]


@pytest.mark.parametrize("status", [500, 503])
async def test_a_message_that_zoom_says_it_did_not_take_is_sent_again(scene: Scene, status: int):
    scene.zoom.faults.add({"kind": "status", "status": status}, on=SENDING, times=3)

    await scene.client.chat.send("Good morning")

    assert scene.said == ["Good morning"]


async def test_a_gateways_page_leaves_a_message_unconfirmed(scene: Scene):
    scene.zoom.faults.add("html", on=SENDING)

    with pytest.raises(MessageUnconfirmed):
        await scene.client.chat.send("Good morning")


async def test_works_when_every_token_has_expired(scene: Scene):
    await scene.zoom.clock.advance(hours=2)

    await scene.client.chat.send("Good evening")
    assert (await scene.client.users.me()).id == scene.ana.user.id


async def test_says_what_zooms_numbers_mean(scene: Scene):
    with pytest.raises(ApiRefused) as caught:
        await scene.client.chat.send("Hi", to=Jid("nobody@xmpp.zoom.us"))
    assert caught.value.zoom_code == 7004
    assert "may not write there" in caught.value.meaning
    assert "not installed" in caught.value.fix


# everything else


async def test_looks_users_up(scene: Scene):
    me = await scene.client.users.me()
    ben = (await scene.zoom.user("Ben")).user

    assert (me.id, me.name, me.email) == (
        scene.ana.user.id,
        scene.ana.user.name,
        scene.ana.user.email,
    )
    assert (await scene.client.users.get(UserId(ben.id))).jid == ben.jid
    assert (await scene.client.users.get(ben.email)).id == ben.id
    assert {user.id async for user in scene.client.users.all()} >= {me.id, ben.id}
    with pytest.raises(ApiRefused) as caught:
        await scene.client.users.get("nobody@example.com")
    assert caught.value.zoom_code == 1001


async def test_makes_any_call_with_the_token_it_needs(scene: Scene):
    client, world = scene.client, scene.zoom.emulator.world
    channel = world.channels()[0]

    found = await client.request("GET", "/v2/chat/channels/{}/members", channel.id)
    assert found["total_records"] == len(found["members"])
    rows = client.pages(
        "/chat/channels/{}/members", channel.id, items="members", query={"page_size": 1}
    )
    assert [row["id"] async for row in rows] == [row["id"] for row in found["members"]]

    body = {
        "robot_jid": scene.zoom.record.bot_jid,
        "to_jid": scene.ana.user.jid,
        "user_jid": scene.ana.user.jid,
        "account_id": scene.ana.user.account_id,
        "content": {"head": {"text": "By hand"}},
    }
    sent = await client.request("POST", "/im/chat/messages", body=body, shape=dict[str, Any])
    assert sent["to_jid"] == scene.ana.user.jid
    assert scene.said == ["By hand"]
    with pytest.raises(ApiRefused) as caught:
        await client.request("POST", "/im/chat/messages", body=body, token="user")
    assert caught.value.zoom_code == 7010
    with pytest.raises(AnswerLost, match="makes no sense"):
        await client.request("GET", "/users/me", shape=list[int])


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("users/me", ()),
        ("//evil.example/users", ()),
        ("/users/me?x=1", ()),
        ("/users/../accounts", ()),
        ("/users/{}", ()),
        ("/users/{}", ("",)),
        ("/users/me", ("extra",)),
        ("https://evil.example/", ()),
    ],
)
async def test_a_path_leads_nowhere_else(scene: Scene, path: str, ids: tuple[str, ...]):
    with pytest.raises(ValueError, match="path"):
        await scene.client.request("GET", path, *ids)


def page(token: str) -> dict[str, Any]:
    body = f'{{"users": [{{"id": "u"}}], "next_page_token": "{token}"}}'
    return {"kind": "status", "status": 200, "body": body}


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        pytest.param(["again"], "circle", id="K47-itself"),
        pytest.param(["there", "back"], "circle", id="K47-to-and-fro"),
        pytest.param(["t" * 4097], "no end", id="K47-long"),
    ],
)
async def test_a_list_without_an_end_ends(scene: Scene, tokens: list[str], why: str):
    users = {"path": "/v2/users"}
    for _ in range(2):
        for token in tokens:
            scene.zoom.faults.add(page(token), on=users, times=1)
    with pytest.raises(AnswerLost, match=why):
        [user async for user in scene.client.users.all()]


async def test_k47_a_list_has_a_thousand_pages_at_most(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    asked = itertools.count()

    async def ever_new(*_: object, **__: object) -> dict[str, Any]:
        return {"users": [], "next_page_token": f"page-{next(asked)}"}

    monkeypatch.setattr(Client, "request", ever_new)
    with pytest.raises(AnswerLost, match="no end"):
        [user async for user in scene.client.users.all()]
    assert next(asked) == 1001


# scopes


async def test_a_scope_that_was_not_granted_is_asked_for_once(scene: Scene):
    channels, members = "/chat/users/me/channels", "/chat/channels/{}/members"
    for token in scene.zoom.emulator.world.tokens:
        token.scopes.clear()
    for _ in range(3):
        with pytest.raises(ScopeNotGranted) as caught:
            await scene.client.request("GET", channels)
        await scene.zoom.settle()
    assert "team_chat:read:list_user_channels" in caught.value.scopes
    assert caught.value.install_url == "http://127.0.0.1:8701/install"
    assert [each for each in scene.said if "allow this app again" in each] == [scene.said[-1]]
    assert "permission that you have not given" in scene.ana.chat.last.text

    with pytest.raises(ScopeNotGranted):
        await scene.client.request("GET", members, "channel")
    await scene.zoom.settle()
    assert len([each for each in scene.said if "allow this app again" in each]) == 2

    await scene.ana.installs()
    assert await scene.client.request("GET", channels)


async def test_a_scope_that_cannot_be_asked_for_is_missing_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    async def full(*_: object, **__: object) -> None:
        raise StoreUnavailable("disk full")

    for token in scene.zoom.emulator.world.tokens:
        token.scopes.clear()
    monkeypatch.setattr(scene.zoom.parts.store, "accept", full)
    with pytest.raises(ScopeNotGranted):
        await scene.client.users.me()


async def test_a_chatbot_that_lacks_its_scope_asks_nobody(scene: Scene):
    order = {"kind": "status", "status": 400}
    body = '{"code": 4711, "message": "does not contain scopes:[imchat:bot]."}'
    scene.zoom.faults.add({**order, "body": body}, on=SENDING, times=1)
    with pytest.raises(ScopeNotGranted) as caught:
        await scene.client.chat.send("Good morning")
    await scene.zoom.settle()
    assert caught.value.scopes == ("imchat:bot",)
    assert scene.said == []


async def test_the_bot_may_ask_for_a_scope_in_its_own_words():
    app = App("Porter")

    @app.on_reauth_needed
    async def ask(ctx: ReauthNeeded) -> str:
        return f"I need {' or '.join(ctx.scopes)}: {ctx.install_url}"

    @app.command("who")
    async def who(ctx: Command) -> str:
        try:
            return (await ctx.client.users.me()).name
        except ScopeNotGranted:
            return "One moment."

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.installs()
        for token in zoom.emulator.world.tokens:
            token.scopes[:] = ["imchat:bot"]
        await ana.says("/bot who")
        said = [each.text for each in ana.chat.messages if each.by_bot]
        assert sorted(said[-2:]) == [
            "I need user:read or user:read:user: http://127.0.0.1:8701/install",
            "One moment.",
        ]


async def test_there_is_a_client_only_where_the_app_is_installed(scene: Scene):
    user = scene.ana.user
    with pytest.raises(NotInstalled):
        await scene.zoom.app.for_install(account_id=AccountId("nowhere"), user_id=UserId("nobody"))
    if scene.zoom.record.management == "user":
        with pytest.raises(NotInstalled, match="none was named"):
            await scene.zoom.app.for_install(account_id=AccountId(user.account_id))
    else:
        assert await scene.zoom.app.for_install(account_id=AccountId(user.account_id))

    await scene.ana.removes_app()
    with pytest.raises(NotInstalled):
        await scene.zoom.app.for_install(
            account_id=AccountId(user.account_id), user_id=UserId(user.id)
        )


# in a handler


async def test_a_handler_calls_for_whoever_wrote(scene: Scene):
    await scene.ana.says("me")

    assert scene.said == [f"You are {scene.ana.user.email}"]


async def test_progress_is_shown_in_one_message_and_seldom_edited(scene: Scene):
    edits = scene.zoom.faults.add("slow", on=EDITING, skip=1000)
    await scene.ana.says("count")

    assert scene.said == ["Counting\n100%\nat 10", "Counted"]
    assert edits.seen == 1


async def test_progress_moves_as_time_passes(scene: Scene):
    edits = scene.zoom.faults.add("slow", on=EDITING, skip=1000)
    await scene.ana.says("slow")

    assert scene.said == ["Slow\n100%\nnearly"]
    assert edits.seen == 4


@pytest.mark.parametrize("kind", ["lost_answer", "html", "reset"])
async def test_work_goes_on_though_its_progress_cannot_be_shown(scene: Scene, kind: str):
    scene.zoom.faults.add(kind, on=EDITING)
    await scene.ana.says("slow")
    await scene.ana.says("count")

    assert scene.said[-1] == "Counted"
    assert scene.said.count("Counted") == 1


async def test_progress_says_how_it_ended(scene: Scene):
    await scene.ana.says("show")
    await scene.ana.says("fail")

    assert scene.said == [
        "Exported\n[Open]",
        "Failing\n40%\n! This was not finished.",
    ]
