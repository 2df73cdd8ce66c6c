"""Two workers on one store: each event is handled once, and what one deletes the other forgets."""

import pytest

from innkeeper import App, Command
from innkeeper.errors import Fenced, NeedsReauth
from innkeeper.flows.tokens import LOOKED_AT_EVERY
from innkeeper.testing import Zoom
from innkeeper.work import Parts

pytestmark = [pytest.mark.anyio, pytest.mark.zoom(workers=2)]


@pytest.fixture
def innkeeper_app() -> App:
    app = App("Doorman")

    @app.command()
    async def count(ctx: Command) -> str:
        total = await ctx.state.get("total", 0) + 1
        await ctx.state.set("total", total)
        return f"That makes {total}."

    return app


def running(zoom: Zoom) -> list[Parts]:
    return zoom._running  # pyright: ignore[reportPrivateUsage]  # it shows only the first


async def test_share_the_work_and_one_token(zoom: Zoom) -> None:
    ana = zoom.person("Ana")
    await ana.adds_app()
    for total in (1, 2, 3, 4):
        await ana.says("again")
        ana.chat.expect(f"That makes {total}.")
    assert [token.kind for token in zoom.emulator.world.tokens].count("chatbot") == 1


async def test_a_repeated_delivery_is_handled_once_whoever_gets_it(zoom: Zoom) -> None:
    ana = zoom.person("Ana")
    await ana.adds_app()
    signed = zoom.signed("bot_notification", {"payload.cmd": "again"}, by=ana)
    for _ in range(4):
        assert (await zoom.posts(signed)).status == 200
    assert [each.text for each in ana.chat.messages if each.by_bot] == ["That makes 1."]


async def test_whom_one_forgets_the_other_does_not_serve(zoom: Zoom) -> None:
    ana = zoom.person("Ana")
    await ana.adds_app()
    for _ in range(2):  # both know her
        await ana.says("again")
    late = [zoom.signed("bot_notification", {"payload.cmd": f"late {n}"}, by=ana) for n in (1, 2)]
    await ana.removes_app()
    last = ana.chat.last
    for signed in late:
        assert (await zoom.posts(signed)).status == 200
    ana.chat.expect_silence(after=last)
    assert zoom.receipts.one().complete
    assert not await zoom.leftovers(ana)


async def test_one_serves_whom_another_let_in_again(zoom: Zoom) -> None:
    ana = zoom.person("Ana")
    await ana.adds_app()
    for _ in range(2):  # both know her
        await ana.says("again")
    await ana.removes_app()
    await ana.adds_app()
    for total in (1, 2, 3, 4):
        await ana.says("again")
        ana.chat.expect(f"That makes {total}.")


async def test_no_one_uses_the_tokens_of_whom_another_forgot_or_let_in_anew(zoom: Zoom) -> None:
    ana = zoom.person("Ana")
    await ana.adds_app()
    [installation] = await zoom.parts.store.installations()
    workers = [parts.grants for parts in running(zoom)]
    first = {(await each.user(installation.id)).token.reveal() for each in workers}
    await ana.installs()  # authorized anew, by one of the two
    await zoom.clock.advance(seconds=LOOKED_AT_EVERY.total_seconds())
    again = {(await each.user(installation.id)).token.reveal() for each in workers}
    assert len(first) == len(again) == 1
    assert first != again
    await ana.removes_app()
    await zoom.clock.advance(seconds=LOOKED_AT_EVERY.total_seconds())
    for each in workers:
        with pytest.raises((Fenced, NeedsReauth)):
            await each.user(installation.id)


async def test_all_of_them_start_again(zoom: Zoom) -> None:
    ana = zoom.person("Ana")
    await ana.adds_app()
    await zoom.restart()
    await ana.says("again")
    ana.chat.expect("That makes 1.")
