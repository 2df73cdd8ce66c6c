"""What an operator decides is carried out by the app, also while it runs."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from innkeeper import AccountScope, App, UserScope
from innkeeper.flows.cases import Reason
from innkeeper.store.records import Case, InstallationStatus, Outcome
from innkeeper.store.seal import KeyRing
from tests.cli import commands
from tests.cli.beside import (
    Open,
    Run,
    environment_of,
    installed_body,
    opened_house,
    post,
)
from tests.cli.commands import CONFIGURED, free_ports, innkeeper, started
from tests.contracts.houses import NOW, PostgresHouse, opened
from tests.postgres import Server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BOT = """\
from innkeeper import App, UserScope

app = App("Doorman")


@app.purge("notes")
async def notes(scope: UserScope) -> int:
    return 0
"""


async def test_a_case_is_looked_at_and_kept(house: Open) -> None:
    async with house(App("Doorman")) as place:
        assert (await place.types("case", "list")).line == "There are no cases."
        await place.refused_message()
        (case,) = await place.reads("case", "list")
        listed = (await place.types("case", "list")).out
        assert listed.startswith(f"{case['id']}  open  send_refused  {case['installation']}")
        assert case["purged_after"] is not None
        assert "7004" in (await place.types("case", "show", case["id"])).out
        kept = await place.reads("case", "keep", case["id"])
        assert kept["outcome"] == "kept"
        assert await place.reads("case", "show", case["id"]) == kept
        for verb in (("keep",), ("purge", "--yes")):
            again = await place.types("case", *verb, case["id"])
            assert again.code == 1
            assert again.line.startswith("innkeeper: the case is settled already: kept.")
        await place.zoom.settle()
        assert len(await place.zoom.parts.store.installations()) == 1


async def test_a_case_is_ended_by_a_purge_while_the_app_runs(house: Open) -> None:
    async with house(App("Doorman")) as place:
        await place.refused_message()
        (case,) = await place.reads("case", "list")
        unsure = await place.types("case", "purge", case["id"])
        assert unsure.code == 2
        assert unsure.line == "innkeeper: this deletes for good; if you mean it, add --yes."
        ended = await place.types("case", "purge", case["id"], "--yes")
        assert ended.code == 0
        assert ended.err.startswith("The running app does it within seconds")
        await place.zoom.settle()
        assert place.zoom.receipts.one().complete
        assert await place.zoom.leftovers(place.zoom.person("Ana")) == []


async def test_an_installation_is_revoked_while_the_app_runs(house: Open) -> None:
    async with house(App("Doorman")) as place:
        (hers,) = await place.reads("installation", "list")
        assert (await place.types("installation", "revoke", hers["id"])).code == 2
        argv = ("installation", "revoke", hers["id"], "--yes", "--json")
        process = await asyncio.to_thread(innkeeper, *argv, cwd=place.zoom.directory, env=place.env)
        ordered = json.loads(process.out)
        assert (ordered["reason"], ordered["outcome"]) == ("revoke_ordered", "purge")
        await place.zoom.settle()
        tokens = place.zoom.emulator.world.tokens
        assert all(token.revoked for token in tokens if token.kind == "user")
        assert place.zoom.receipts.one().complete
        gone = await place.types("installation", "revoke", hers["id"], "--yes")
        assert (gone.code, gone.line[:34]) == (1, "innkeeper: no such installation: i")


async def test_what_was_ordered_while_no_app_ran_is_done_at_the_next_start(
    house: Open,
) -> None:
    async with house(App("Doorman")) as place:
        (hers,) = await place.reads("installation", "list")
        await place.zoom.app.stop()
        assert (await place.types("installation", "revoke", hers["id"], "--yes")).code == 0
        await place.zoom.restart()
        assert place.zoom.receipts.one().complete


async def test_a_case_about_nobody_is_kept_and_purges_nobody(house: Open) -> None:
    async with house(App("Doorman")) as place:
        store, now = place.zoom.parts.store, place.zoom.clock.now()
        case = await store.open_case(Reason.REMOVAL_REFUSED, installation_id=None, now=now)
        refused = await place.types("case", "purge", case.id, "--yes")
        assert refused.code == 1
        assert "about no installation" in refused.line
        assert "no installation" in (await place.types("case", "list")).out
        await place.types("case", "keep", case.id)
        assert [each.outcome for each in await store.cases()] == [Outcome.KEPT]
        for verb in (("show",), ("keep",), ("purge", "--yes")):
            ended = await place.types("case", *verb, "case_nobody")
            assert ended.line.startswith("innkeeper: no such case: case_nobody.")


async def test_a_dry_run_counts_and_changes_nothing(house: Open) -> None:
    async with house(App("Doorman")) as place:
        (hers,) = await place.reads("installation", "list")
        (place.zoom.directory / "bot.py").write_text(BOT)
        await place.zoom.parts.store.set_state(hers["id"], "last", b"towels")
        before = _digest(place.zoom.directory)
        assert await place.reads("purge", "dry-run") == []
        (counted,) = await place.reads("purge", "dry-run", hers["id"], "--bot", "bot.py")
        assert counted["installation"] == hers["id"]
        assert list(counted["steps"]) == [
            *("grants", "state", "inbox", "cases", "bot:notes", "installation", "data_key")
        ]
        assert counted["steps"]["bot:notes"] is None
        assert (counted["steps"]["grants"], counted["steps"]["state"]) == (1, 1)
        told = await place.types("purge", "dry-run", hers["id"])
        assert f"{hers['id']}  state         1 to delete" in told.out
        assert _digest(place.zoom.directory) == before
        (left,) = await place.zoom.parts.store.installations()
        assert left.status is InstallationStatus.LIVE
        await place.zoom.parts.forgetter.begin(left, removed_at=place.zoom.clock.now())
        await place.zoom.settle()
        done = dict(place.zoom.receipts.one().steps)
        assert {step: count for step, count in counted["steps"].items() if count is not None} == {
            step: count for step, count in done.items() if not step.startswith("bot:")
        }
        nobody = await place.types("purge", "dry-run", "ins_nobody")
        assert nobody.line.startswith("innkeeper: no such installation: ins_nobody.")


async def test_a_purge_that_waits_is_tried_again_at_once(house: Open) -> None:
    app, broken = App("Doorman"), [True]

    @app.purge("notes")
    async def notes(_scope: UserScope | AccountScope) -> int:
        if broken:
            raise OSError("disk")
        return 7

    async with house(app) as place:
        assert (await place.types("purge", "run")).line == "There are no purges that wait."
        await place.zoom.clock.advance(hours=3)  # its clock is not the command's
        await place.zoom.person("Ana").removes_app()
        assert not place.zoom.receipts.all()
        (dry,) = await place.reads("purge", "dry-run")
        assert dry["under_way"]
        assert dry["steps"]["installation"] == 1
        broken.clear()
        assert await place.reads("purge", "run") == {"hastened": 1}
        await place.zoom.settle()
        assert place.zoom.receipts.one().steps["bot:notes"] == 7


def _digest(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name.endswith((".db", ".db-wal"))
    }


def test_decides_in_postgresql_as_well(postgres: Server, run: Run) -> None:
    async def doubt(house: PostgresHouse) -> Case:
        async with opened_house(house) as store:
            ana = await opened(store)
            return await store.open_case(Reason.SEND_REFUSED, installation_id=ana, now=NOW)

    async def decided(house: PostgresHouse) -> Sequence[Case]:
        async with opened_house(house) as store:
            return await store.unsettled_cases(limit=9)

    with postgres.space() as space:
        house = PostgresHouse(postgres, space)
        case = asyncio.run(doubt(house))
        env = environment_of(postgres, space, house)
        [listed] = json.loads(run(("case", "list", "--json"), env).out)
        assert listed["id"] == case.id
        assert run(("case", "purge", case.id, "--yes"), env).code == 0
        [settled] = asyncio.run(decided(house))
        assert settled.outcome is Outcome.PURGE


def test_every_command_works_on_postgresql(postgres: Server, run: Run) -> None:
    async def lives(house: PostgresHouse) -> str:
        async with opened_house(house) as store:
            return await opened(store)

    with postgres.space() as space:
        house = PostgresHouse(postgres, space)
        ana = asyncio.run(lives(house))
        env = environment_of(postgres, space, house)

        def read(*argv: str) -> Any:
            ended = run((*argv, "--json"), env)
            assert ended.code == 0, ended.said
            return json.loads(ended.out)

        assert [each["id"] for each in read("installation", "list")] == [ana]
        assert read("installation", "show", ana)["id"] == ana
        [counted] = read("purge", "dry-run", ana)
        assert counted["steps"]["data_key"] == 1
        assert read("purge", "list") == read("receipt", "list") == []
        assert read("purge", "run") == {"hastened": 0}
        [key] = read("keys", "status")
        assert key["wraps"] >= 2
        env["INNKEEPER_KEYS"] = f"{KeyRing.generate()},{house.ring}"
        told = read("keys", "rotate")
        assert (told["to_wrap"], told["done"], told["older"]) == (key["wraps"], True, [key["id"]])
        assert [each["wraps"] for each in read("keys", "status")] == [key["wraps"], 0]
        assert read("installation", "revoke", ana, "--yes")["outcome"] == "purge"


def test_a_process_that_serves_finds_what_another_has_decided(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    (tmp_path / "bot.py").write_text(commands.BOT)
    env = CONFIGURED | {"INNKEEPER_USER_OAUTH": "off"}
    with started("run", "--port", str(port), port=port, cwd=tmp_path, env=env) as server:
        server.wait_until_it_answers()
        assert post(port, installed_body(env)) == 200

        def asks(*argv: str) -> Any:
            ended = innkeeper(*argv, "--json", cwd=tmp_path, env=env)
            assert ended.code == 0, ended.said
            return json.loads(ended.out)

        (hers,) = asks("installation", "list")
        asks("installation", "revoke", hers["id"], "--yes")
        receipts: list[Any] = []
        for _ in range(20):
            receipts = receipts or asks("receipt", "list")
        assert receipts[0]["installation"] == hers["id"]
        assert asks("installation", "list") == []
        assert server.end().code == 0
