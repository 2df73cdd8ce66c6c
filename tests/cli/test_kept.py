"""What is kept and what was deleted can be looked at, by whoever operates the bot."""

import asyncio
import json
from pathlib import Path
from typing import NamedTuple

import pytest

from innkeeper import App
from innkeeper.store.seal import KeyRing
from innkeeper.testing import Zoom
from tests.cli.commands import CONFIGURED, Ended, innkeeper

pytestmark = pytest.mark.slow


class House(NamedTuple):
    """Where a bot has lived that Ana has added, and that Ben has added and removed."""

    directory: Path
    settings: dict[str, str]
    public_key: str
    ana: str

    def asks(self, *argv: str) -> Ended:
        return innkeeper(*argv, cwd=self.directory, env=self.settings)

    def reads(self, *argv: str) -> object:
        return json.loads(self.asks(*argv, "--json").out)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    directory, ring = tmp_path_factory.mktemp("house"), KeyRing.generate()

    async def live() -> House:
        async with Zoom(App("Doorman"), directory=directory) as zoom:
            for name in ("Ben", "Ana"):
                await zoom.person(name).adds_app()
            await zoom.person("Ben").removes_app()
            settings, [key] = zoom.parts.settings, await zoom.parts.vault.signing_keys()
            configured = CONFIGURED | {
                "ZOOM_CLIENT_ID": settings.client_id,
                "ZOOM_BOT_JID": settings.bot_jid,
                "INNKEEPER_DATABASE_URL": f"sqlite:///{settings.database}",
                "INNKEEPER_KEYS": ring,
            }
            return House(directory, configured, key.public.hex(), zoom.person("Ana").user.id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeyRing, "generate", staticmethod(lambda: ring))
        return asyncio.run(live())


def test_lists_installations_by_our_own_ids(house: House) -> None:
    [hers] = house.reads("installation", "list")
    assert hers["status"] == "live"
    listed = house.asks("installation", "list")
    assert listed.out.startswith(hers["id"])
    assert house.ana not in listed.said


def test_shows_whose_an_installation_is(house: House) -> None:
    [hers] = house.reads("installation", "list")
    shown = house.reads("installation", "show", hers["id"])
    assert (shown["user_id"], shown["name"]) == (house.ana, "Ana Keller")
    assert f"user_id        {house.ana}\n" in house.asks("installation", "show", hers["id"]).out


def test_a_receipt_goes_from_the_list_to_its_proof(house: House) -> None:
    [his] = house.reads("receipt", "list")
    assert his["complete"]
    assert his["steps"]
    assert his["receipt"] in house.asks("receipt", "list").out
    (house.directory / "receipt.json").write_text(house.asks("receipt", "show", his["receipt"]).out)
    proof = house.asks("receipt", "verify", "receipt.json", "--key", house.public_key)
    assert proof.out.startswith(f"valid: receipt {his['receipt']}, number 1\n")


def test_what_is_not_there_is_told_in_a_line(house: House) -> None:
    assert house.reads("purge", "list") == []
    assert house.asks("purge", "list").line == "There are no purges under way."
    for noun in ("installation", "receipt"):
        ended = house.asks(noun, "show", "nobody")
        assert ended.code == 1
        assert f"innkeeper: no such {noun}: nobody." in ended.line


def test_looks_in_no_database_that_is_not_there_and_makes_none(
    house: House, tmp_path: Path
) -> None:
    settings = house.settings | {"INNKEEPER_DATABASE_URL": f"sqlite:///{tmp_path}/none.db"}
    ended = innkeeper("installation", "list", cwd=tmp_path, env=settings)
    assert ended.code == 1
    assert "none.db is not there" in ended.line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "argv",
    [
        ("installation", "list"),
        ("case", "list"),
        ("delivery", "list"),
        ("delivery", "replay", "1"),
        ("purge", "list"),
        ("purge", "run"),
        ("purge", "dry-run"),
        ("receipt", "list"),
        ("keys", "status"),
        ("keys", "rotate"),
        ("store", "status"),
    ],
)
def test_looking_makes_neither_a_key_nor_a_database(argv: tuple[str, ...], tmp_path: Path) -> None:
    ended = innkeeper(*argv, cwd=tmp_path, env=CONFIGURED)
    assert ended.code in (1, 78)
    assert ended.said.startswith("innkeeper: ")
    assert list(tmp_path.iterdir()) == []


def test_another_key_ring_opens_nothing(house: House) -> None:
    settings = house.settings | {"INNKEEPER_KEYS": KeyRing.generate()}
    ended = innkeeper("installation", "list", cwd=house.directory, env=settings)
    assert ended.code == 78
    assert ended.line.startswith("innkeeper: ")
