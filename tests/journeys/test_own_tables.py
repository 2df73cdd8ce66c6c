"""A bot with tables of its own: what it keeps in them goes with whoever leaves, and is counted."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from innkeeper import App, Command
from innkeeper.errors import BotRefused
from innkeeper.testing import Zoom

pytestmark = pytest.mark.anyio


class Desk:
    """A front desk with notes and parcels in a database of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode = wal")
        self.db.execute("CREATE TABLE notes (account_id TEXT, user_id TEXT, text TEXT)")
        self.db.execute("CREATE TABLE rooms (number INTEGER)")
        self.app = App("Desk")
        self.app.purge_table("notes", path, user="user_id", account="account_id")

        @self.app.command("note")
        async def note(ctx: Command) -> str:
            self.db.execute(
                "INSERT INTO notes VALUES (?, ?, ?)", (ctx.account_id, ctx.user.id, ctx.text)
            )
            return "Noted."

    def kept(self) -> int:
        ((count,),) = self.db.execute("SELECT count(*) FROM notes")
        return int(count)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "desk.db")
    yield desk
    desk.db.close()


async def test_rows_go_with_whoever_leaves_and_are_counted(desk: Desk) -> None:
    async with Zoom(desk.app) as zoom:
        ana, ben = await zoom.user("Ana"), await zoom.user("Ben")
        for person in (ana, ben):
            await person.add_app()
            await person.says("note canary-7431 towels")
        await ana.says("note canary-7431 keys")
        await ana.removes_app()
        receipt = zoom.receipts.one()
        assert (receipt.steps["bot:notes"], receipt.complete) == (2, True)
        assert desk.kept() == 1
        await ben.removes_app()
        assert desk.kept() == 0
        files = b"".join(file.read_bytes() for file in desk.path.parent.iterdir())
        assert b"canary-7431" not in files


async def test_an_account_goes_as_a_whole(desk: Desk) -> None:
    async with Zoom(desk.app, management="admin") as zoom:
        ana, ben = await zoom.user("Ana"), await zoom.user("Ben")
        await ana.add_app()
        for person in (ana, ben):
            await person.says("note towels")
        await ana.removes_app()
        assert zoom.receipts.one().steps["bot:notes"] == 2
        assert desk.kept() == 0


async def test_a_step_that_fails_first_is_tried_again_and_then_stands_in_the_receipt(
    desk: Desk,
) -> None:
    async with Zoom(desk.app) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.says("note towels")
        desk.db.execute("ALTER TABLE notes RENAME TO moved")
        with capture_logs() as logs:
            await ana.removes_app()
        assert [each["error"] for each in logs if each["event"] == "purge.step_failed"]
        assert zoom.receipts.all() == ()
        await zoom.restart()
        assert zoom.receipts.all() == ()
        desk.db.execute("ALTER TABLE moved RENAME TO notes")
        await zoom.clock.advance(hours=1)
        assert zoom.receipts.one().steps["bot:notes"] == 1
        assert desk.kept() == 0
        assert await zoom.leftovers(ana) == []


@pytest.mark.parametrize(
    ("management", "columns", "fix"),
    [("admin", {"user": "user_id"}, "account="), ("user", {"account": "account_id"}, "user=")],
)
async def test_a_table_in_which_nobody_could_be_found_stops_the_start(
    tmp_path: Path, management: str, columns: dict[str, str], fix: str
) -> None:
    app = App("Desk")
    app.purge_table(
        "notes", tmp_path / "desk.db", user=columns.get("user"), account=columns.get("account")
    )
    with pytest.raises(BotRefused, match=fix):
        async with Zoom(app, management=management):  # type: ignore[arg-type]
            pass


def test_a_table_without_columns_is_refused_where_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(BotRefused, match="neither"):
        App().purge_table("notes", tmp_path / "desk.db")
    with pytest.raises(BotRefused, match="not a name"):
        App().purge_table("", tmp_path / "desk.db", user="user_id")
