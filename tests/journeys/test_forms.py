"""A form goes out, is filled in, and comes back typed; or whoever filled it in is told."""

from collections.abc import AsyncIterator

import pytest

from innkeeper import App, Card, Command, Filled, Form, Submitted, number_input, text_input
from innkeeper.testing import Visitor, Zoom
from tests.bot.test_forms import FULL, Stay

pytestmark = pytest.mark.anyio


class Order(Form, form_id="order"):
    towels: int = number_input(minimum=1, maximum=4)
    note: str = text_input("A note", required=False)


@pytest.fixture(params=["sent", "missing"])
async def ana(request: pytest.FixtureRequest) -> AsyncIterator[Visitor]:
    app = App()

    @app.command("order")
    def order(ctx: Command) -> Card:
        return Order.card("Towels", value=f"room {ctx.args[0]}")

    @app.form(Order)
    async def ordered(ctx: Filled[Order]) -> str:
        await ctx.update(Card("Ordered").field("Towels", str(ctx.values.towels)))
        return f"{ctx.values.towels + 1} for {ctx.button}: {ctx.values.note!r}"

    @app.command("stay")
    def stay(_ctx: Command) -> Card:
        return Stay.card("Your stay")

    @app.form(Stay)
    def stayed(ctx: Filled[Stay]) -> str:
        return "the same" if ctx.values == FULL else repr(ctx.values)

    @app.command("hand")
    def by_hand(_ctx: Command) -> Card:
        card = Card("By hand", settings={"form": True, "form_id": "hand"})
        return card.text_input("it", "It").button("Send", "send", submit=True)

    @app.form
    def any_form(ctx: Submitted) -> str:
        return f"some form {ctx.form_id}"

    async with Zoom(app) as zoom:
        if request.param == "missing":
            zoom.emulator.world.rules.form_people = "missing"
        someone = await zoom.user("Ana")
        await someone.adds_app()
        yield someone


def said(ana: Visitor) -> list[str]:
    return [message.text for message in ana.chat.messages if message.by_bot]


async def test_what_was_filled_in_comes_back_typed(ana: Visitor):
    await ana.says("order 7")
    await ana.submits("Send", Order(towels=2, note="soft"))

    assert said(ana) == ["Ordered\nTowels: 2", "3 for room 7: 'soft'"]


async def test_every_kind_of_input_makes_the_way_there_and_back(ana: Visitor):
    await ana.says("stay")
    world_jids = dict(zip(("friend", "room"), _jids(ana), strict=True))
    form = Stay(**{**{name: getattr(FULL, name) for name in Stay.inputs}, **world_jids})
    await ana.submits("Send", form)

    assert said(ana)[-1] == repr(form)


def _jids(ana: Visitor) -> tuple[str, str]:
    world = ana._zoom.emulator.world
    return ana.user.jid, world.channels()[0].jid


@pytest.mark.parametrize(("towels", "note"), [("5", "x"), ("", ""), ("many", "")])
async def test_whoever_fills_it_in_wrongly_is_told_which_field(
    ana: Visitor, towels: str, note: str
):
    await ana.says("order 7")
    await ana.submits("Send", towels=towels, note=note)

    assert said(ana)[-1] == (
        "Please look at the form again\n! Towels: please write a whole number from 1 to 4."
    )
    await ana.submits("Send", Order(towels=1, note=""))
    assert said(ana)[-1] == "2 for room 7: ''"


async def test_another_form_goes_to_whoever_takes_any(ana: Visitor):
    await ana.says("hand")
    await ana.submits("Send", it="x")

    assert said(ana)[-1] == "some form hand"
