"""Each context says what happened, and answers where it happened, against the emulator."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import to_builtins

from innkeeper import (
    Action,
    ApiRefused,
    App,
    Card,
    Command,
    Context,
    Happened,
    Linked,
    MessageId,
    ReauthNeeded,
    Submitted,
)
from innkeeper.ids import user_jid
from innkeeper.net.outbound import Request
from innkeeper.store.records import InstallationStatus, Owner
from innkeeper.testing import ZOOM_URL, Visitor, Zoom
from innkeeper.wire.manifest import Manifest
from tests.bot.bots import Tried, event

pytestmark = pytest.mark.anyio


def teller(seen: list[Any]) -> App:
    """Make a bot that answers everything with what it was."""
    app = App("Teller")

    def tells(ctx: Context, *what: object) -> str:
        seen.append(ctx)
        where = ctx.channel.name if ctx.channel else "alone"
        return " ".join([type(ctx).__name__, ctx.user.name, where, *map(str, what)])

    app.on_install(tells)
    app.command()(lambda ctx: tells(ctx, ctx.text))
    app.action()(lambda ctx: tells(ctx, ctx.value, ctx.unverified_action))
    app.select(lambda ctx: tells(ctx, ctx.value))
    app.edited(lambda ctx: tells(ctx, ctx.key, ctx.before, ctx.after))
    app.form(lambda ctx: tells(ctx, ctx.form_id, ctx.button, len(ctx.items)))
    app.mention(lambda ctx: tells(ctx, ctx.text))
    app.event("team_chat.channel_app_added")(lambda ctx: tells(ctx, ctx.event.name))
    return app


async def trigger(zoom: Zoom, name: str, **changes: Any) -> None:
    """Have the emulated Zoom send an event as it is today."""
    order = json.dumps({"event": name, "set": changes}).encode()
    headers = {"content-type": "application/json", "host": "127.0.0.1:8700"}
    answer = await zoom.transport.send(
        Request("POST", f"{ZOOM_URL}/_emulator/trigger", headers, order), deadline=10
    )
    assert answer.status == 200, answer.body
    await zoom.settle()


ALONE = {
    "bot_installed": "Installed Ana Keller alone",
    "bot_notification": "Command Ana Keller alone hello",
    "interactive_message_actions": "Action Ana Keller alone",
    "interactive_message_select": "Selected Ana Keller alone",
    "interactive_message_editable": "Edited Ana Keller alone None",
    "interactive_message_fields_editable": "Edited Ana Keller alone",
    "chat_message.submit": "Submitted Ana Keller alone form_1 send 2",
}


@pytest.mark.parametrize("name", [name for name in ALONE if name != "bot_installed"])
async def test_answers_a_person_where_they_are(name: str) -> None:
    seen: list[Any] = []
    async with Zoom(teller(seen)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        assert ana.chat.last.text == ALONE["bot_installed"]
        await trigger(zoom, name)
        assert ana.chat.last.text.startswith(ALONE[name])
        ctx = seen[-1]
        assert ctx.raw["event"] == name
        assert ctx.installation.owner == Owner(ana.user.account_id, ana.user.id)
        assert (ctx.user.id, ctx.user.jid) == (ana.user.id, user_jid(ana.user.id))
        assert ctx.deadline > zoom.emulator.world.now()


@pytest.mark.parametrize("name", ["bot_notification", "team_chat.app_mention"])
async def test_answers_in_the_channel_where_it_happened(name: str) -> None:
    seen: list[Any] = []
    async with Zoom(teller(seen)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        channel = next(iter(zoom.emulator.world.channels()))
        if name == "bot_notification":
            await ana.says("/bot hello", in_channel=channel.name)
        else:
            await trigger(zoom, name)
        ctx = seen[-1]
        assert ctx.channel.jid == channel.jid
        assert ctx.user.name == "Ana Keller"
        answer = list(zoom.emulator.world.messages.values())[-1]
        assert answer.conversation.endswith(channel.jid)
        told = " ".join([type(ctx).__name__, "Ana Keller", channel.name])
        assert told in (answer.text or str(answer.card))


async def test_shows_the_answer_to_a_link_beside_it_and_what_follows_below() -> None:
    app = App("Teller")

    @app.link
    async def linked(ctx: Linked) -> AsyncIterator[str]:
        yield f"beside {ctx.link}"
        yield "below"
        with pytest.raises(ApiRefused):
            await ctx.unfurl("again")

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        manifest = zoom.record.manifest
        listed = [{"domain": "b.example", "unfurling": True}]
        command = {"command": "bot", "trust_domain_list": listed}
        zoom.record.manifest = Manifest.parse(
            {
                "display_information": {"display_name": "Teller"},
                "oauth_information": to_builtins(manifest.oauth_information),
                "features": {"team_chat_subscription": {"enable": True, "slash_command": command}},
            }
        )
        await ana.says("see https://a.b.example/c", in_channel="general")
        link, beside, below = list(zoom.emulator.world.messages.values())[-3:]
        assert "beside https://a.b.example/c" in str(beside.card)
        assert beside.reply_to == link.id
        assert "below" in str(below.card)
        assert not below.reply_to


async def test_updates_what_it_answered_and_deletes_it() -> None:
    app = App("Teller")
    sent: list[MessageId] = []

    @app.command("begin")
    async def begin(ctx: Command) -> None:
        sent.append((await ctx.reply("working")).message_id)
        await ctx.update("done", sent[-1])

    @app.command("undo")
    async def undo(ctx: Command) -> None:
        await ctx.delete(sent[-1])

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.says("/bot begin")
        assert (ana.chat.last.text, ana.chat.last.edited) == ("done", True)
        await ana.says("/bot undo")
        assert not [message for message in ana.chat.messages if message.by_bot]


async def test_a_forms_message_is_updated_and_deleted_without_its_id() -> None:
    app = App("Teller")

    @app.form
    async def submitted(ctx: Submitted) -> None:
        await ctx.update(Card("Thank you").button("Undo", "undo"))

    @app.action("undo")
    async def undo(ctx: Action) -> None:
        await ctx.delete()

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await trigger(zoom, "chat_message.submit")
        assert ana.chat.last.text.startswith("Thank you")
        await ana.clicks("Undo")
        assert not [message for message in ana.chat.messages if message.by_bot]


async def test_a_form_that_names_nobody_is_answered_all_the_same() -> None:
    seen: list[Any] = []
    async with Zoom(teller(seen)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        zoom.emulator.world.rules.form_people = "left_out"
        await trigger(zoom, "chat_message.submit")
        assert ana.chat.last.text.startswith("Submitted  alone")
        assert seen[-1].user.id == ""
        assert seen[-1].user.jid == user_jid(ana.user.id)
        with pytest.raises(LookupError, match="belongs to no installation"):
            _ = seen[-1].installation


# without a Zoom


async def test_says_what_it_is_about_and_what_it_is_not() -> None:
    seen: list[Any] = []
    tried = Tried(teller(seen))
    offered = {"body": [{"type": "actions", "items": [{"text": "Yes", "value": "yes"}]}]}
    for value in ("yes", "invented"):
        happened = {"actionItem": {"value": value}, "messageId": "m1", "original": offered}
        await tried.hears(event("interactive_message_actions", **happened))
    assert [ctx.unverified_action for ctx in seen] == [False, True]
    assert seen[0].original.content() == offered
    assert seen[0].message_id == "m1"


async def test_refuses_to_talk_where_nobody_is_named() -> None:
    seen: list[Any] = []
    app = App()

    @app.event("meeting.started")
    async def started(ctx: Happened) -> None:
        seen.append(ctx)

    await Tried(app).hears(event("meeting.started"))
    [ctx] = seen
    assert (ctx.user.id, ctx.user.jid, ctx.account_id, ctx.channel) == ("", "", "", None)
    with pytest.raises(LookupError, match="names no conversation"):
        await ctx.reply("hello")
    with pytest.raises(LookupError, match="names nobody"):
        await ctx.dm("hello")


async def test_a_form_without_a_message_has_nothing_to_update() -> None:
    seen: list[Any] = []
    app = App()

    @app.form
    async def submitted(ctx: Submitted) -> None:
        seen.append(ctx)

    await Tried(app).hears(event("chat_message.submit", object={"to_jid": "u@xmpp.zoom.us"}))
    [ctx] = seen
    assert (ctx.message_id, ctx.form_id, ctx.button, ctx.items) == ("", "", "", [])
    with pytest.raises(LookupError, match="which message"):
        await ctx.update("thanks")


# whose tokens have died


async def lose_tokens(zoom: Zoom, visitor: Visitor) -> Any:
    """Let the person's tokens die for good, and the app find out."""
    user = visitor.user
    for token in zoom.emulator.world.tokens:
        if token.user_id == user.id and token.kind == "user":
            token.revoked, token.refreshed = True, True
    installation = await zoom.parts.store.find_installation(Owner(user.account_id, user.id))
    assert installation is not None
    await zoom.clock.advance(hours=2)
    with pytest.raises(Exception, match="needs_reauth"):
        await zoom.parts.grants.user(installation.id)
    await zoom.settle()
    return await zoom.parts.store.get_installation(installation.id)


async def test_a_person_whose_tokens_have_died_gets_the_link() -> None:
    async with Zoom(App("Porter")) as zoom:
        ana = await zoom.user("Ana")
        await ana.installs()
        installation = await lose_tokens(zoom, ana)
        assert installation.status is InstallationStatus.NEEDS_REAUTH
        assert ana.chat.last.text.startswith("Please allow this app again")
        assert "http://127.0.0.1:8701/install" in str(ana.chat.last.card)
        await ana.removes_app()
        assert not await zoom.leftovers(ana)


async def test_a_bot_may_say_it_itself_once() -> None:
    app = App("Porter")

    @app.on_reauth_needed
    async def again(ctx: ReauthNeeded) -> str:
        return f"{ctx.user.name}: {ctx.install_url}"

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.installs()
        before = len(ana.chat.messages)
        await lose_tokens(zoom, ana)
        assert ana.chat.last.text == "Ana Keller: http://127.0.0.1:8701/install"
        await lose_tokens(zoom, ana)
        assert len(ana.chat.messages) == before + 1
        await ana.installs()
        await lose_tokens(zoom, ana)
        assert len(ana.chat.messages) == before + 2


async def test_whoever_authorizes_again_needs_to_no_more() -> None:
    async with Zoom(App("Porter")) as zoom:
        ana = await zoom.user("Ana")
        await ana.installs()
        installation = await lose_tokens(zoom, ana)
        await ana.installs()
        found = await zoom.parts.store.get_installation(installation.id)
        assert found is not None
        assert found.status is InstallationStatus.LIVE
