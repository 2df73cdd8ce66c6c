"""A bot whose keys come from elsewhere: from a file that changes, from a service that is away."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from innkeeper import App, Command
from innkeeper.environment import read_settings
from innkeeper.errors import KeyMissing
from innkeeper.settings import Settings
from innkeeper.store import keysource
from innkeeper.store.seal import KeyRing
from innkeeper.store.vault import SqliteVault
from innkeeper.testing import Zoom
from tests.doors import door_of
from tests.store.keyservices import FakeService

pytestmark = pytest.mark.anyio

GIVEN = {
    "ZOOM_CLIENT_ID": "client-of-the-journey",
    "ZOOM_CLIENT_SECRET": "a-client-secret-of-the-journey",
    "ZOOM_BOT_JID": "v1bot@xmpp.zoom.us",
    "ZOOM_WEBHOOK_SECRET_TOKEN": "a-secret-token-of-the-journey",
    "ZOOM_APP_MANAGEMENT": "user",
    "INNKEEPER_PUBLIC_URL": "http://127.0.0.1:8701",
}


def bot() -> App:
    app = App("Porter")

    @app.command("remember")
    async def remember(ctx: Command, *what: str) -> str:
        await ctx.state.set("it", list(what))
        return "I will"

    @app.command("what")
    async def what(ctx: Command) -> str:
        return " ".join(await ctx.state.get("it", default=["nothing"]))

    return app


@asynccontextmanager
async def keyed(path: Path, directory: Path) -> AsyncGenerator[Zoom]:
    """Run a bot whose key ring is in a file."""
    zoom = Zoom(bot(), directory=directory)
    configure = zoom.app.configure

    def with_file(settings: Settings, **edges: Any) -> None:
        source = keysource.KeyFile("INNKEEPER_KEYS_FILE", path)
        configure(replace(settings, keys=source.ring(), key_source=source), **edges)

    zoom.app.configure = with_file  # type: ignore[method-assign]  # to give it a file
    async with zoom:
        yield zoom


async def counted(zoom: Zoom) -> dict[str, int]:
    return dict(await zoom.parts.vault.wrapped_by())


async def test_f64_a_bot_lives_through_a_rotation_and_a_broken_file(tmp_path: Path) -> None:
    path, old, new = tmp_path / "ring", KeyRing.generate(), KeyRing.generate()
    path.touch(0o600)
    path.write_text(old)
    (tmp_path / "kept").mkdir()
    async with keyed(path, tmp_path / "kept") as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot remember the milk")
        path.write_text("garbage")
        await zoom.clock.advance(minutes=2)
        await ana.says("/bot what")
        assert ana.chat.last.text == "the milk"
        path.write_text(f"{new},{old}")
        await zoom.clock.advance(minutes=2)
        assert list(await counted(zoom)) == [new.partition(":")[0]]
        path.write_text(new)
        await zoom.clock.advance(minutes=2)
        await zoom.restart()
        await ana.says("/bot what")
        assert ana.chat.last.text == "the milk"
        await ana.removes_app()
        assert zoom.receipts.one().complete
        assert not await zoom.leftovers(ana)


@pytest.mark.sqlite  # it is about the file's own key ring
async def test_f24_a_bot_without_its_key_service_answers_503_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = FakeService()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keysource, "SERVICE_SECONDS", 0.05)
    monkeypatch.setattr("innkeeper.environment.import_module", partial(Services, service))
    given = GIVEN | {"INNKEEPER_KEY_SERVICE": "kms:service", "INNKEEPER_KEYS": service.ring()}
    monkeypatch.setattr("innkeeper.environment.load_settings", partial(read_given, given))
    app = App("Porter")
    door = door_of(app, GIVEN["INNKEEPER_PUBLIC_URL"])
    service.failing = service.hangs
    for path in ("/healthz", "/install", "/events"):
        answer = await door.get(path)
        assert (answer.status, answer.body) == (503, b'{"error":"unavailable"}')
    assert left_in(tmp_path) == []
    service.failing = None
    assert (await door.get("/healthz")).status == 200
    service.failing = service.hangs
    assert (await door.get("/install")).status == 303  # while it runs, nobody is asked
    asked = service.asked.count("unwrap")
    assert asked == 4
    await app.stop()
    service.released.set()
    plain = KeyRing.parse(KeyRing.generate())
    vault = SqliteVault(str(tmp_path / "innkeeper.vault.db"), plain, app=GIVEN["ZOOM_CLIENT_ID"])
    with pytest.raises(KeyMissing):
        await vault.open()


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


class Services:
    """A module with a service in it."""

    def __init__(self, service: FakeService, _name: str) -> None:
        self.service = service


def read_given(given: dict[str, str], directory: Path) -> Settings:
    return read_settings(given, directory)
