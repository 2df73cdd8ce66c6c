"""What must never be seen: looked for in everything that a whole life leaves behind."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from innkeeper import Card, CardRefused, Command
from innkeeper.logs import configure
from innkeeper.net.outbound import Request
from innkeeper.secret import Secret
from innkeeper.testing import BOT_URL, Zoom
from tests.journeys.bots import porter

pytestmark = pytest.mark.anyio

NAME = "Zoë 'the Boss' O'Hara 🛎️"
LEAST = 6


def hidden(zoom: Zoom) -> dict[str, str]:
    """List every secret there is by now."""
    record, world = zoom.record, zoom.emulator.world
    found = {"client secret": record.client_secret, "secret token": record.secret_token}
    for number, token in enumerate(world.tokens):
        found[f"access token {number}"] = token.access
        found[f"refresh token {number}"] = token.refresh or token.access
    found |= {f"code {number}": code for number, code in enumerate(world.codes)}
    return found


def personal(zoom: Zoom) -> dict[str, str]:
    user = zoom.emulator.world.users()[0]
    return {"id": user.id, "jid": user.jid, "email": user.email, "name": user.name}


def everything_in(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir()).lower()


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    yield
    structlog.reset_defaults()


async def test_shows_no_secret_and_nobody_anywhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = porter()

    @app.command("break")
    async def broken(ctx: Command) -> None:
        raise RuntimeError(f"{ctx.user.name} {ctx.user.id} {ctx.text}")

    @app.command("refuse")
    async def refused(ctx: Command) -> None:
        with pytest.raises(CardRefused) as refusal:
            Card(ctx.user.name).field("key", "value").text("x", link="not a link")
        assert ctx.user.name not in str(refusal.value)
        await ctx.dm("and on it goes")

    async with Zoom(app, directory=tmp_path) as zoom:
        zoom.emulator.world.users()[0].name = NAME
        configure([Secret(zoom.record.client_secret)], level=logging.DEBUG)
        ana = await zoom.user(NAME)
        pages = [(await ana.add_app()).html]
        for text in ("due friday ship it", "break me", "refuse", "unknown words"):
            await ana.says(text)
        await zoom.clock.advance(hours=2)
        await ana.clicks("Approve")
        for path in ("/", "/oauth/callback?code=c&state=s", "/launch", "/receipts/rcp_x"):
            answer = await zoom.transport.send(Request("GET", BOT_URL + path))
            pages.append(answer.body.decode())
        secrets, person = hidden(zoom), personal(zoom)
        kept = everything_in(tmp_path)
        await ana.removes_app()
        after = everything_in(tmp_path)
        (receipt,) = await zoom.parts.store.receipts()
        shown = repr(zoom.parts.settings) + repr(await zoom.parts.store.installations())
    printed = "".join(capfd.readouterr()) + caplog.text + shown + "".join(pages)
    for what, value in (secrets | person).items():
        assert len(value) >= LEAST, what
        assert value not in printed, what
        assert value.lower().encode() not in kept, what
        assert value.lower().encode() not in after, what
        assert value.encode() not in receipt.document, what
