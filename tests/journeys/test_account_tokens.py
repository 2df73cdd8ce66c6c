"""The account's token, shared by two workers: at Zoom a newer one may end the older."""

import pytest

from innkeeper import App, Command
from innkeeper.testing import Visitor, Zoom

pytestmark = [pytest.mark.anyio, pytest.mark.zoom(workers=2)]

WHO = {"path": "/v2/users/me"}


@pytest.fixture
def innkeeper_app() -> App:
    app = App("Bookkeeper")

    @app.command()
    async def who(ctx: Command) -> str:
        me = await ctx.client.request("GET", "/users/me", token="account")
        return f"This is {me['id']}'s account."

    return app


def issued(zoom: Zoom) -> int:
    return [token.kind for token in zoom.emulator.world.tokens].count("account")


async def asks_both(ana: Visitor) -> None:
    for _ in range(2):  # each request goes to the next worker
        said = len(ana.chat.messages)
        await ana.says("who")
        assert len(ana.chat.messages) == said + 2
        assert ana.chat.last.text.startswith("This is ")


async def begun(zoom: Zoom) -> Visitor:
    """Have Ana add the app, and both workers know the account's token."""
    zoom.emulator.world.rules.account_tokens = "newest"
    visitor = zoom.person("Ana")
    await visitor.adds_app()
    await asks_both(visitor)
    return visitor


async def test_is_asked_for_once_for_both(zoom: Zoom) -> None:
    ana = await begun(zoom)
    await asks_both(ana)
    assert issued(zoom) == 1


async def test_is_renewed_once_for_both_before_it_ends(zoom: Zoom) -> None:
    ana = await begun(zoom)
    refused = zoom.faults.add("slow", on=WHO, skip=1000)
    await zoom.clock.advance(minutes=56)
    assert issued(zoom) == 2
    await asks_both(ana)
    assert issued(zoom) == 2
    assert refused.seen == 2  # who knew the older one by heart has looked again


async def test_one_that_another_worker_had_to_replace_costs_no_third(zoom: Zoom) -> None:
    ana = await begun(zoom)
    for token in zoom.emulator.world.tokens:
        token.revoked = token.revoked or token.kind == "account"
    await asks_both(ana)
    assert issued(zoom) == 2
    await asks_both(ana)
    assert issued(zoom) == 2
