"""What if forgetting is cut off, or undone? It is finished, and proven once."""

import shutil
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from innkeeper import UserScope
from innkeeper.errors import ReceiptRefused
from innkeeper.flows.purge import LEASE, Forgetter
from innkeeper.flows.receipts import digest, hand_out, verify_file
from innkeeper.net.outbound import Request
from innkeeper.store.records import Installation
from innkeeper.store.sqlite.connection import connect
from innkeeper.testing import BOT_URL, Zoom
from tests.journeys.bots import Notes, porter

pytestmark = pytest.mark.anyio


class CutOffError(BaseException):
    """Ends the process, as far as the code under test can tell."""


STEPS = [
    ("vault", "bury", 1),
    ("store", "begin_purge", 1),
    *[("store", "begin_step", number) for number in range(1, 8)],
    *[("store", "record_step", number) for number in range(1, 9)],
    *[("store", "erase", number) for number in range(1, 5)],
    ("store", "erase_installation", 1),
    ("vault", "destroy_key", 1),
    ("store", "scrub", 1),
    ("vault", "signing_key", 1),
    ("store", "end_purge", 1),
]


def cut_off(target: Any, name: str, count: int, *, after: bool) -> None:
    """Have the process end just before, or just after, the nth call of a method."""
    real: Callable[..., Awaitable[Any]] = getattr(target, name)
    calls: list[int] = []

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) != count:
            return await real(*args, **kwargs)
        if after:
            await real(*args, **kwargs)
        raise CutOffError

    object.__setattr__(target, name, wrapped)


async def begin_and_run(forgetter: Forgetter, installation: Installation, at: datetime) -> None:
    purge = await forgetter.begin(installation, removed_at=at)
    assert purge is not None
    await forgetter.run(purge)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("part", "name", "count"), STEPS)
async def test_a_purge_that_was_cut_off_is_finished_at_the_next_start(
    engine: str, part: str, name: str, count: int, *, after: bool
) -> None:
    notes = Notes()
    async with Zoom(porter(notes)) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.says("due friday ship it")
        cut_off(getattr(zoom.parts, part), name, count, after=after)
        forgetter, now = zoom.parts.forgetter, zoom.parts.clock.now()
        (installation,) = await zoom.parts.store.installations()
        with pytest.raises(CutOffError):
            await begin_and_run(forgetter, installation, now)
        await zoom.restart()
        if name == "bury" and not after:
            assert len(await zoom.parts.store.installations()) == 1
            return
        if engine == "postgres":  # whoever held it may live, as far as another process can tell
            await zoom.clock.advance(seconds=LEASE.total_seconds())
        assert zoom.receipts.one().complete
        assert not notes.kept
        assert await zoom.leftovers(ana) == []


@pytest.mark.sqlite  # files are put back
async def test_yesterdays_backup_serves_nobody_who_was_forgotten(tmp_path: Path) -> None:
    notes = Notes()
    kept, backup = tmp_path / "kept", tmp_path / "backup"
    kept.mkdir()
    async with Zoom(porter(notes), directory=kept) as zoom:
        ana, ben = await zoom.user("Ana"), await zoom.user("Ben")
        await ana.add_app()
        await ben.add_app()
        await ana.says("due friday ship it")
        await zoom.app.stop()
        shutil.copytree(kept, backup)
        await zoom.restart()
        await ana.removes_app()
        assert zoom.receipts.one().complete
        await zoom.app.stop()
        shutil.copy(backup / "innkeeper.db", kept / "innkeeper.db")
        for name in ("innkeeper.db-wal", "innkeeper.db-shm"):
            (kept / name).unlink(missing_ok=True)
        await zoom.restart()
        (left,) = await zoom.parts.store.installations()
        assert left.person.user_id == ben.user.id
        await ben.says("help")
        assert "Try" in ben.chat.last.text
        assert await zoom.leftovers(ana) == []


class Backup:
    """A backup of the database alone, as it is made and restored while the bot is stopped."""

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self._copy = kept.with_name("backup.db")

    async def make(self, zoom: Zoom) -> None:
        await zoom.app.stop()
        shutil.copy(self._kept / "innkeeper.db", self._copy)
        await zoom.restart()

    async def restore(self, zoom: Zoom) -> None:
        await zoom.app.stop()
        shutil.copy(self._copy, self._kept / "innkeeper.db")
        for name in ("innkeeper.db-wal", "innkeeper.db-shm"):
            (self._kept / name).unlink(missing_ok=True)
        await zoom.restart()


@pytest.fixture
def backup(tmp_path: Path) -> Backup:
    (tmp_path / "kept").mkdir()
    return Backup(tmp_path / "kept")


@pytest.mark.sqlite  # files are put back
async def test_a_restored_backup_loses_no_receipt_and_forks_no_chain(
    tmp_path: Path, backup: Backup
) -> None:
    """Row D27: one receipt for one removal, before and after."""
    async with Zoom(porter(), directory=tmp_path / "kept") as zoom:
        ana, ben = await zoom.user("Ana"), await zoom.user("Ben")
        for person in (ana, ben):
            await person.add_app()
        await backup.make(zoom)
        await ana.removes_app()
        before = zoom.receipts.one()
        for _ in range(2):
            await backup.restore(zoom)
            assert zoom.receipts.one() == before
            address = f"{BOT_URL}/receipts/{before.receipt}"
            answer = await zoom.transport.send(Request("GET", address))
            assert b"receipt verify" in answer.body
            assert await zoom.leftovers(ana) == []
        await ben.removes_app()
        first, second = await zoom.parts.store.receipts()
        assert [each.sequence for each in zoom.receipts.all()] == [1, 2]
        assert zoom.receipts.all()[1].previous == digest(first)
        assert await zoom.parts.vault.receipts() == [first, second]


@pytest.mark.sqlite  # files are put back
async def test_a_restored_backup_of_an_unfinished_purge_is_finished_without_guessing_whose(
    tmp_path: Path, backup: Backup
) -> None:
    """The backup says that the bot's step is still to do, and nobody knows for whom."""
    app, scopes, fails = porter(), list[object](), [True]

    @app.purge("elsewhere")
    def elsewhere(scope: object) -> int:
        scopes.append(scope)
        if fails:
            raise ConnectionError
        return 1

    async with Zoom(app, directory=tmp_path / "kept") as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.removes_app()
        await backup.make(zoom)
        assert zoom.receipts.all() == ()
        fails.clear()
        await zoom.clock.advance(hours=1)
        before = zoom.receipts.one()
        assert before.steps["bot:elsewhere"] == 1
        asked = len(scopes)
        await backup.restore(zoom)
        await zoom.clock.advance(hours=1)
        assert zoom.receipts.one() == before
        assert await zoom.parts.store.purges() == []
        assert len(scopes) == asked
        assert all(isinstance(scope, UserScope) for scope in scopes)


@pytest.mark.sqlite  # files are put back
async def test_receipts_of_before_the_vault_kept_them_are_taken_over(tmp_path: Path) -> None:
    async with Zoom(porter(), directory=tmp_path) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.removes_app()
        await zoom.app.stop()
        connection = connect(str(tmp_path / "innkeeper.vault.db"))
        connection.run("DELETE FROM receipts")
        connection.close()
        await zoom.restart()
        assert await zoom.parts.vault.receipts() == await zoom.parts.store.receipts()
        assert len(await zoom.parts.vault.receipts()) == 1


async def test_the_receipt_verifies_offline_and_no_altered_one_does() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        page = await ana.add_app()
        (address,) = [link for link in page.links.values() if "/receipts/" in link]
        await ana.removes_app()
        answer = await zoom.transport.send(Request("GET", address, {"accept": "application/json"}))
        (key,) = await zoom.parts.vault.signing_keys()
        statement = verify_file(answer.body, public=key.public)
        assert statement.receipt == address.rpartition("/")[2]
        (receipt,) = await zoom.parts.store.receipts()
        assert hand_out(receipt, public=key.public, keys=[key]) == answer.body
        for altered in (
            answer.body.replace(b'"document": "ey', b'"document": "fy'),
            answer.body[:-3],
            b"{}",
            b"",
        ):
            with pytest.raises(ReceiptRefused):
                verify_file(altered, public=key.public)
        with pytest.raises(ReceiptRefused):
            verify_file(answer.body, public=bytes(32))


async def test_a_receipt_names_nobody() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.removes_app()
        (receipt,) = await zoom.parts.store.receipts()
        for value in (ana.user.id, ana.user.jid, ana.user.name, ana.user.account_id):
            assert value.encode() not in receipt.document


async def test_nothing_can_be_written_for_the_dead() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        (installation,) = await zoom.parts.store.installations()
        await ana.removes_app()
        answer = await zoom.transport.send(Request("GET", f"{BOT_URL}/readyz"))
        assert answer.status == 200
        with pytest.raises(Exception, match="fenced"):
            await zoom.parts.store.set_state(installation.id, "key", b"value")
        with pytest.raises(Exception, match="fenced"):
            await zoom.parts.store.mark_welcomed(installation.id)


async def test_forgets_the_welcome_it_answered_with() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        installed = next(d for d in zoom.emulator.courier.deliveries if d.event == "bot_installed")
        await zoom.emulator.courier.redeliver(installed.id)
        assert installed.attempts[-1].status == 200
        before = zoom.emulator.traffic.records()[-1].answer.body
        await ana.removes_app()
        await zoom.emulator.courier.redeliver(installed.id)
        after = zoom.emulator.traffic.records()[-1].answer.body
        assert "Ana" in before
        assert after == "{}"
        assert not await zoom.parts.store.installations()
