"""The most exact handler takes a text; two that take the same are refused."""

import pytest

from innkeeper import (
    Action,
    App,
    BotRefused,
    Command,
    Edited,
    Linked,
    Selected,
    Submitted,
)
from innkeeper.bot.matching import Ambiguous, Commands, Values
from innkeeper.bot.table import domains_of
from tests.bot.bots import Tried, answers, event, pressed, typed

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "target", "rest"),
    [
        ("due", "due alone", ""),
        ("DUE ", "due alone", ""),
        ("due friday", "due typed", "friday"),
        ("due friday  ship it ", "due typed", "friday  ship it "),
        ("due soon", "due soon", ""),
        ("due soon enough", "due soon", "enough"),
        ("list all", "list typed", "all"),
        ("list", "list typed", ""),
        ("duet", "other", "duet"),
        ("", "other", ""),
        ("👩\u200d👧 " + "x" * 65_536, "other", "👩\u200d👧 " + "x" * 65_536),
        ("\u200f\u200e", "other", ""),
        ("due \u200f", "due alone", ""),
    ],
)
def test_the_most_words_come_first_then_typed_words_then_any(
    text: str, target: str, rest: str
) -> None:
    commands: Commands[str] = Commands()
    commands.put("due", "due alone", typed=False)
    commands.put("due", "due typed", typed=True)
    commands.put("Due  Soon", "due soon", typed=False)
    commands.put("list", "list typed", typed=True)
    commands.put("", "other", typed=False)
    found = commands.find(text)
    assert found is not None
    assert (found.target, found.rest) == (target, rest)


def test_a_command_that_differs_in_case_alone_is_the_same() -> None:
    commands: Commands[str] = Commands()
    commands.put("Due", "first", typed=False)
    with pytest.raises(Ambiguous) as taken:
        commands.put("due", "second", typed=False)
    assert taken.value.other == "first"
    commands.put("due", "typed", typed=True)


def test_a_buttons_value_is_taken_whole_before_its_words() -> None:
    values: Values[str] = Values()
    values.put("done all", "whole", typed=False)
    values.put("done", "typed", typed=True)
    values.put("", "any", typed=False)
    assert [found.target for found in values.find("done all")] == ["whole", "typed", "any"]
    assert [found.target for found in values.find("done 7")] == ["typed", "any"]
    assert [found.target for found in values.find("Done All")] == ["typed", "any"]
    assert [found.target for found in values.find("")] == ["any", "any"]
    with pytest.raises(Ambiguous):
        values.put("done all", "again", typed=False)


async def test_reads_a_buttons_value_and_leaves_what_does_not_fit_to_any() -> None:
    app, heard = App(), list[str]()

    @app.action("done")
    async def done(_ctx: Action, room: int) -> None:
        heard.append(f"room {room}")

    @app.action()
    async def other(ctx: Action) -> None:
        heard.append(f"other {ctx.value}")

    tried = Tried(app)
    for value in ("done 7", "done soon", "done", "else"):
        assert await tried.hears(pressed(value))
    assert heard == ["room 7", "other done soon", "other done", "other else"]
    assert not tried.cards


async def test_gives_a_command_its_own_words_and_the_others() -> None:
    app = App()

    @app.command("due soon")
    async def due(ctx: Command) -> str:
        return f"{ctx.text!r} {ctx.args}"

    assert await answers(app, "Due  soon ship  it") == ["'Due  soon ship  it' ['ship', 'it']"]


def test_names_both_places_where_two_take_the_same() -> None:
    app = App()

    @app.command("due")
    async def first(ctx: Command, when: int) -> None: ...

    @app.command("DUE")
    async def second(ctx: Command, *what: str) -> None: ...

    with pytest.raises(BotRefused) as refused:
        app.routes()
    for handler in (first, second):
        place = f"{handler.__name__} ({__file__}:{handler.__code__.co_firstlineno})"
        assert place in str(refused.value)


async def test_what_is_named_comes_before_what_is_not() -> None:  # noqa: C901  # many small handlers
    app, heard = App(), list[str]()

    @app.select("lions")
    async def lions(ctx: Selected) -> None:
        heard.append(f"lions {ctx.values}")

    @app.select
    async def selected(ctx: Selected) -> None:
        heard.append(f"selected {ctx.value}")

    @app.form("leave")
    async def leave(ctx: Submitted) -> None:
        heard.append(f"leave {ctx.button}")

    @app.form
    async def form(ctx: Submitted) -> None:
        heard.append(f"form {ctx.form_id}")

    @app.edited("Title")
    async def title(ctx: Edited) -> None:
        heard.append(f"{ctx.key}: {ctx.before} > {ctx.after}")

    @app.edited
    async def edited(ctx: Edited) -> None:
        heard.append(f"{ctx.key}: {ctx.before} > {ctx.after}")

    @app.link("example.com")
    async def ours(ctx: Linked) -> None:
        heard.append(f"ours {ctx.link}")

    @app.link
    async def link(ctx: Linked) -> None:
        heard.append(f"link {ctx.link}")

    tried = Tried(app)
    about = {"messageId": "m1"}

    async def submits(form_id: str) -> None:
        items = [{"actionItem": {"value": "send"}}]
        said = {"to_jid": "u@xmpp.zoom.us", "form_id": form_id, "submit_items": items}
        await tried.hears(event("chat_message.submit", object=said))

    for value in ("lions", "bears"):
        chosen = [{"value": value}]
        await tried.hears(event("interactive_message_select", selectedItems=chosen, **about))
    await submits("leave")
    await submits("other")
    for key in ("Title", "Name"):
        changed = {"key": key, "currentValue": "a", "newValue": "b"}
        kind = "interactive_message_fields_editable"
        await tried.hears(event(kind, fieldEditItem=changed, **about))
    text = {"origin": "c", "target": "d"}
    await tried.hears(event("interactive_message_editable", editItem=text, **about))
    for address in ("https://a.Example.com:8080/x", "https://notexample.com", "//[", "none"):
        await tried.hears(event("team_chat.link_shared", object={"link": address}))
    assert heard == [
        "lions ['lions']",
        "selected bears",
        "leave send",
        "form other",
        "Title: a > b",
        "Name: a > b",
        "None: c > d",
        "ours https://a.Example.com:8080/x",
        "link https://notexample.com",
        "link //[",
        "link none",
    ]


def test_lists_a_links_domains_the_longest_first() -> None:
    assert domains_of("https://a.b.example.com./x") == [
        "a.b.example.com",
        "b.example.com",
        "example.com",
        "com",
    ]
    assert domains_of("mailto:ana@example.com") == []


async def test_what_nobody_waits_for_finds_nobody_and_a_hint() -> None:
    tried = Tried(App())
    for happened in (
        typed("x"),
        pressed("x"),
        event("team_chat.starred"),
        event("meeting.started"),
    ):
        assert not await tried.hears(happened)
        assert tried.bot.hint(happened).startswith("@app.")
