"""What is typed after a command becomes values, or is answered with how it is used."""

from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal, NewType

import pytest

from innkeeper import App, BotRefused, Card, Command
from innkeeper.bot.functions import origin_of, parameters_of
from innkeeper.bot.words import WordsRefused, plain, read_words, reader_of, word_of
from tests.bot.bots import NOW, Tried, answers, typed

pytestmark = pytest.mark.anyio
TODAY = NOW.date()  # a Wednesday


class Size(Enum):
    SINGLE = "single"
    DOUBLE = "Double bed"


class Floor(Enum):
    GROUND = 0
    FIRST = 1


RoomId = NewType("RoomId", str)


@pytest.mark.parametrize(
    ("kind", "word", "value"),
    [
        (str, "any", "any"),
        (RoomId, "any", "any"),
        (Annotated[int, "documented"], "7", 7),
        (int, "-7", -7),
        (int, "\u200f7\u200e", 7),
        (int, "\u0667", 7),
        (float, "7.5", 7.5),
        (float, "1e3", 1000.0),
        (bool, "Yes", True),
        (bool, "off", False),
        (date, "2030-01-31", date(2030, 1, 31)),
        (date, "today", TODAY),
        (date, "Tomorrow,", date(2026, 11, 26)),
        (date, "friday", date(2026, 11, 27)),
        (date, "wed", date(2026, 12, 2)),
        (Size, "DOUBLE", Size.DOUBLE),
        (Size, "single", Size.SINGLE),
        (Floor, "first", Floor.FIRST),
        (Floor, "0", Floor.GROUND),
        (Literal["open", "shut"], "OPEN", "open"),
        (Literal[1, 2], "2", 2),
        (int | None, "3", 3),
    ],
)
def test_reads_a_word_as_its_type(kind: Any, word: str, value: object) -> None:
    reader = reader_of(kind)
    assert reader is not None
    read, _ = reader
    assert read(word, TODAY) == value


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (int, "seven"),
        (int, "7.0"),
        (int, "1_000"),
        (int, "9" * 65_536),
        (float, "nan"),
        (float, "inf"),
        (float, "1e999"),
        (bool, "maybe"),
        (date, "2026-02-30"),
        (date, "20260101"),
        (date, "someday"),
        (date, "\u0662026-01-01"),
        (Size, "triple"),
        (Literal["open"], ""),
    ],
)
def test_refuses_a_word_that_is_none(kind: Any, word: str) -> None:
    reader = reader_of(kind)
    assert reader is not None
    with pytest.raises(ValueError):  # noqa: PT011  # it is told in our own words
        reader[0](word, TODAY)


@pytest.mark.parametrize("kind", [bytes, list[int], int | str, object, type(None), "nowhere"])
def test_knows_what_no_word_can_be(kind: Any) -> None:
    assert reader_of(kind) is None


def read(function: Any, text: str) -> list[Any]:
    words = [word_of(each, origin_of(function)) for each in parameters_of(function)]
    return read_words(words, text, TODAY)


def test_gives_each_parameter_a_word_and_the_last_the_rest() -> None:
    def due(when: date, *what: str) -> None: ...
    def book(guest: str, nights: int = 1, late: bool = False) -> None: ...

    assert read(due, "friday  ship\tit") == [date(2026, 11, 27), "ship", "it"]
    assert read(due, "friday") == [date(2026, 11, 27)]
    assert read(book, '"Ana Keller" 3') == ["Ana Keller", 3, False]
    assert read(book, "“Ana Keller” 3 yes") == ["Ana Keller", 3, True]
    assert read(book, '"Ana') == ['"Ana', 1, False]
    assert read(book, '"Ana"Keller') == ['"Ana"Keller', 1, False]
    assert read(book, "👩\u200d👩\u200d👧") == ["👩\u200d👩\u200d👧", 1, False]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "GUEST is missing: any word, or several between quotation marks."),
        ("Ana many", "“many” does not fit NIGHTS: a whole number."),
        ("Ana 3 4", "“4” is too much."),
        ("Ana " + "x" * 65_536, f"“{'x' * 39}…” does not fit NIGHTS: a whole number."),
        ("Ana \u202egnirts", "“gnirts” does not fit NIGHTS: a whole number."),
    ],
)
def test_says_what_does_not_fit_and_shows_little_of_it(text: str, why: str) -> None:
    def book(guest: str, nights: int = 1) -> None: ...

    with pytest.raises(WordsRefused) as refused:
        read(book, text)
    assert str(refused.value) == why


def test_many_quotation_marks_take_no_time() -> None:
    def book(guest: str, *rest: str) -> None: ...

    assert len(read(book, "“ " * 32_768)) == 32_768


def test_compares_words_without_case_and_what_nobody_sees() -> None:
    assert plain("\u202bHELP\u202c\ufeff") == "help"
    assert plain("Straße") == plain("STRASSE")
    assert plain("👩\u200d👧") != plain("👩👧")


# through a bot


async def test_answers_what_does_not_fit_with_how_the_command_is_used() -> None:
    app = App()

    @app.command("due")
    async def due(_ctx: Command, when: date, *what: str) -> str:
        """Remember something for a day."""
        return f"{when} {what}"

    assert await answers(app, "due friday ship it") == ["2026-11-27 ('ship', 'it')"]
    tried = Tried(app)
    await tried.hears(typed("due someday"))
    [card] = tried.cards
    assert card == (
        Card("“someday” does not fit WHEN: a day, such as 2030-01-31, tomorrow or friday.")
        .text("Usage: due WHEN [WHAT…]")
        .field("WHEN", "a day, such as 2030-01-31, tomorrow or friday")
        .field("WHAT", "any word, or several between quotation marks")
        .text("Remember something for a day.")
    )


async def test_a_weekday_is_counted_from_the_day_of_the_event() -> None:
    app = App()

    @app.command("due")
    async def due(_ctx: Command, when: date) -> str:
        return str(when)

    tried = Tried(app)
    again = typed("due thursday")
    await tried.hears(again)
    await tried.hears(again)  # tried again, it means the same day
    assert tried.said == ["2026-11-26", "2026-11-26"]


def refused(handler: Any) -> str:
    app = App()
    app.command("x")(handler)
    with pytest.raises(BotRefused) as refusal:
        app.routes()
    assert __file__ in str(refusal.value)
    return str(refusal.value)


def test_refuses_parameters_that_no_word_fills() -> None:
    async def unreadable(ctx: Command, what: bytes) -> None: ...
    async def keyword(ctx: Command, *, what: str) -> None: ...
    async def order(ctx: Command, first: int = 1, *, second: int) -> None: ...
    async def needed_last(ctx: Command, first: int | None, what: bytes) -> None: ...

    assert "`what` that no typed word fills" in refused(unreadable)
    assert "`what` that nothing fills" in refused(keyword)
    assert "`second` that nothing fills" in refused(order)
    assert "`what`" in refused(needed_last)


def test_a_parameter_with_a_default_that_no_word_can_be_is_left_alone() -> None:
    app = App()

    @app.command("x")
    async def handler(ctx: Command, number: int, settings: bytes = b"kept") -> None: ...

    assert [route.usage for route in app.routes()] == ["x NUMBER"]


async def test_a_rest_can_stand_behind_what_is_left_alone() -> None:
    app = App()

    @app.command("x")
    async def handler(_ctx: Command, settings: bytes = b"kept", *numbers: int) -> str:
        return f"{settings!r} {numbers}"

    assert await answers(app, "x 1 2") == ["b'kept' (1, 2)"]


def test_what_stands_between_quotation_marks_is_one_word_of_the_rest() -> None:
    def quote(first: str, *rest: str) -> None: ...

    assert read(quote, 'x "a b" c') == ["x", "a b", "c"]
