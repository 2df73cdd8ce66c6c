"""Faults that have a name: F22, F29, F33 and F34, each in its small form."""

import asyncio
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from innkeeper import AccountScope, App, Command, UserScope
from innkeeper.errors import NeedsReauth
from innkeeper.net.outbound import Request
from innkeeper.store.records import Installation, InstallationStatus
from innkeeper.testing import Visitor, Zoom
from tests.journeys.bots import porter

pytestmark = pytest.mark.anyio

ROWS = 3_000
OTHERS = 50


@pytest.mark.sqlite  # files are put back
async def test_f22_a_backup_restored_while_she_consents_exchanges_no_code(tmp_path: Path) -> None:
    kept, copy, exchanged = tmp_path / "kept", tmp_path / "copy.db", list[str]()
    kept.mkdir()
    async with Zoom(porter(), directory=kept) as zoom:
        ana = await zoom.user("Ana")
        await zoom.app.stop()
        shutil.copy(kept / "innkeeper.db", copy)
        await zoom.restart()
        real = zoom.transport.send

        async def restoring(request: Request, **how: Any) -> Any:
            if "/oauth/callback" in request.url and not restored:
                restored.append(True)
                await zoom.app.stop()
                shutil.copy(copy, kept / "innkeeper.db")
                for name in ("innkeeper.db-wal", "innkeeper.db-shm"):
                    (kept / name).unlink(missing_ok=True)
                await zoom.restart()
            if request.url.endswith("/oauth/token"):
                exchanged.append(request.url)
            return await real(request, **how)

        restored: list[bool] = []
        zoom.transport.send = restoring  # type: ignore[method-assign]
        page = await ana.installs()
        assert restored
        assert "state_unknown" in page.text
        assert exchanged == []
        for each in await zoom.parts.store.installations():  # Zoom told of it besides
            with pytest.raises(NeedsReauth):
                await zoom.parts.grants.user(each.id)
        await ana.installs()
        [hers] = await zoom.parts.store.installations()
        assert await zoom.parts.grants.user(hers.id)


class Elsewhere:
    """A service that keeps files, and deletes them as it likes."""

    def __init__(self) -> None:
        self.there = True
        self.answers: list[str] = []
        self.asked = 0

    def delete(self, _scope: object) -> int:
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else "ok"
        if answer == "timeout":
            raise TimeoutError
        if answer == "500":
            raise ConnectionError
        self.there = answer == "lie"
        return 1

    def is_gone(self, _scope: object) -> bool:
        return not self.there


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(["timeout"], id="F29-timeout"),
        pytest.param(["500"] * 5, id="F29-500-five-times"),
        pytest.param(["lie", "lie"], id="F29-lies"),
    ],
)
async def test_f29_is_not_proven_before_what_stands_elsewhere_is_gone(answers: list[str]) -> None:
    elsewhere, app = Elsewhere(), porter()
    elsewhere.answers = [*answers]

    @app.purge("files", verify=elsewhere.is_gone)
    def files(scope: UserScope | AccountScope) -> int:
        return elsewhere.delete(scope)

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.removes_app()
        assert zoom.receipts.all() == ()
        assert elsewhere.there
        for _ in answers:
            await zoom.clock.advance(hours=1)
        assert not elsewhere.there
        assert elsewhere.asked == len(answers) + 1
        receipt = zoom.receipts.one()
        assert receipt.steps["bot:files"] == 1 + answers.count("lie")  # what it said, summed up
        assert receipt.tries["bot:files"] == len(answers) + 1
        assert await zoom.leftovers(ana) == []


@pytest.mark.slow
@pytest.mark.parametrize("block", range(6))
async def test_f33_a_reinstall_that_races_the_purge_stays_whole(block: int) -> None:
    """300 rounds on the two engines, each a turn of the loop later: before, in or behind it.

    Every order of their steps there is, one by one: see F28-reinstall in tests/faults.
    """
    async with Zoom(porter()) as zoom:
        for turns in range(25):
            guest = zoom.new_person(f"Guest {block} {turns}")
            await guest.adds_app()
            old = await living(zoom, guest)
            removed_at = zoom.clock.now() + timedelta(seconds=1)
            await zoom.clock.advance(minutes=1)
            await raced(zoom, guest, old, removed_at=removed_at, turns=turns)
            new = await living(zoom, guest)
            assert new.status is InstallationStatus.LIVE
            assert await zoom.parts.grants.user(new.id)
            told = {each.installation for each in zoom.receipts.all()}
            assert (old.id in told) == (new.id != old.id)
        assert told.isdisjoint(each.id for each in await zoom.parts.store.installations())


async def living(zoom: Zoom, visitor: Visitor) -> Installation:
    """Find somebody's only installation."""
    found = await zoom.parts.store.installations()
    [only] = [each for each in found if each.person.user_id == visitor.user.id]
    return only


async def raced(
    zoom: Zoom, visitor: Visitor, old: Installation, *, removed_at: datetime, turns: int
) -> None:
    """Have somebody install again while the removal from before is carried out.

    By us, or by the bot's own worker, if that looks just when it has begun.
    """

    async def purge() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        begun = await zoom.parts.forgetter.begin(old, removed_at=removed_at)
        if begun is not None:
            await zoom.parts.forgetter.run(begun)

    await asyncio.gather(visitor.installs(), purge())
    await zoom.settle()


@pytest.mark.slow
async def test_f34_others_are_served_while_much_is_purged() -> None:
    app, purging, served = App("Desk"), asyncio.Event(), list[bool]()

    @app.command()
    async def hello(ctx: Command) -> str:
        await ctx.state.set("said", ctx.text)
        served.append(purging.is_set())
        return "Hello!"

    async def says(zoom: Zoom, ben: Visitor, number: int) -> int:
        signed = zoom.signed("bot_notification", {"payload.cmd": f"hello {number}"}, by=ben)
        return (await zoom.posts(signed)).status

    async with Zoom(app) as zoom:
        ana, ben = await zoom.user("Ana"), await zoom.user("Ben")
        for person in (ana, ben):
            await person.adds_app()
        hers = [
            each
            for each in await zoom.parts.store.installations()
            if each.person.user_id == ana.user.id
        ]
        store = zoom.parts.store
        await asyncio.gather(*(store.set_state(hers[0].id, f"k{n}", b"v") for n in range(ROWS)))
        begun = await zoom.parts.forgetter.begin(hers[0], removed_at=zoom.clock.now())
        assert begun is not None
        purging.set()
        purge = asyncio.create_task(zoom.parts.forgetter.run(begun))
        statuses = [await says(zoom, ben, number) for number in range(OTHERS)]
        assert await purge is not None
        await zoom.settle()
        assert statuses == [200] * OTHERS
        assert served == [True] * OTHERS
        assert zoom.receipts.one().steps["state"] == ROWS
        assert await zoom.leftovers(ana) == []
