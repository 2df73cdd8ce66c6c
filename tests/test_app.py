"""The app as a server sees it: it starts once, says why it cannot, and lets go of everything."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from innkeeper import App
from innkeeper.bot.table import Table
from innkeeper.clock import MovableClock, SystemClock
from innkeeper.errors import BotRefused, SettingsRefused, StoreUnavailable
from innkeeper.follow import FollowingTransport
from innkeeper.secret import Secret
from innkeeper.wiring import credentials_of
from tests.doors import LOCAL, NOW, NoZoom, door_of, opened, settings_at, spoken

pytestmark = pytest.mark.anyio

NAMES = (
    "ZOOM_CLIENT_ID",
    "ZOOM_CLIENT_SECRET",
    "ZOOM_BOT_JID",
    "ZOOM_WEBHOOK_SECRET_TOKEN",
    "ZOOM_APP_MANAGEMENT",
    "INNKEEPER_PUBLIC_URL",
)


def configured(directory: Path, **changes: Any) -> App:
    app = App("Porter")
    clock = MovableClock(NOW, frozen=True)
    app.configure(settings_at(LOCAL, directory, **changes), transport=NoZoom(), clock=clock)
    return app


@pytest.fixture
def unconfigured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return App("Porter")


# what a bot registers


async def test_making_an_app_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    App("Porter")
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240  # a test may wait


def anything(_: Any) -> None: ...


def otherwise(_: Any) -> None: ...


Register = Callable[[App], Callable[[Any], Any]]

REGISTERS: dict[str, Register] = {
    "on_install": lambda app: app.on_install,
    "on_deauthorize": lambda app: app.on_deauthorize,
    "on_reauth_needed": lambda app: app.on_reauth_needed,
    "select": lambda app: app.select,
    "form": lambda app: app.form,
    "edited": lambda app: app.edited,
    "mention": lambda app: app.mention,
    "link": lambda app: app.link("example.com"),
    "command": lambda app: app.command("  due   soon "),
    "action": lambda app: app.action("approve"),
}
KEYS = {"command": "due soon", "action": "approve", "link": "example.com"}


@pytest.mark.parametrize("kind", REGISTERS)
async def test_keeps_what_a_bot_registers_and_one_of_each(kind: str) -> None:
    app = App()
    assert REGISTERS[kind](app)(anything) is anything
    [route] = app.routes()
    assert (route.decorator, route.key, route.handler) == (kind, KEYS.get(kind, ""), "anything")
    REGISTERS[kind](app)(otherwise)
    with pytest.raises(BotRefused, match="registered twice") as refused:
        app.routes()
    assert f"{__file__}:{anything.__code__.co_firstlineno}" in str(refused.value)
    assert f"{__file__}:{otherwise.__code__.co_firstlineno}" in str(refused.value)


async def test_keeps_the_steps_of_a_purge_in_their_order() -> None:
    app = App()
    for name in ("notes", "files"):
        app.purge(name)(lambda _: 0)
    assert [step.name for step in Table(app).purges] == ["notes", "files"]
    app.purge("notes")(lambda _: 0)
    with pytest.raises(BotRefused, match="notes"):
        app.routes()


# starting and stopping


async def test_starts_once(tmp_path: Path) -> None:
    app = configured(tmp_path)
    first, second = await asyncio.gather(app.start(background=False), app.start())
    assert first is second
    assert app.worker is not None
    await app.stop()
    with pytest.raises(BotRefused, match="was not started"):
        _ = app.worker
    await app.stop()


def test_stops_with_a_loop_that_nobody_tells_of(tmp_path: Path) -> None:
    app = configured(tmp_path)
    for _ in range(2):
        with asyncio.Runner() as runner:
            answer = runner.run(door_of(app, LOCAL).get("/healthz"))
            assert answer.status == 200
            assert list(tmp_path.glob("*-wal"))
        assert list(tmp_path.glob("*-wal")) == []


def test_what_is_stopped_stays_so_when_its_loop_ends(tmp_path: Path) -> None:
    async def live() -> App:
        app = configured(tmp_path)
        await door_of(app, LOCAL).get("/healthz")
        await app.stop()
        await app.start()
        return app

    with asyncio.Runner() as runner:
        app = runner.run(live())
        assert app.worker is not None
        runner.run(app.stop())


async def test_lives_as_long_as_its_host(tmp_path: Path) -> None:
    app = configured(tmp_path)
    async with app.lifespan(object()):
        assert app.worker is not None
        async with app as same:
            assert same is app
    with pytest.raises(BotRefused, match="was not started"):
        _ = app.worker


async def test_works_in_the_background_until_it_is_stopped(tmp_path: Path) -> None:
    app = configured(tmp_path)
    before = asyncio.all_tasks()
    await app.start()
    assert asyncio.all_tasks() - before
    await app.stop()
    assert not asyncio.all_tasks() - before


async def test_starts_again_on_what_it_kept(tmp_path: Path) -> None:
    app = configured(tmp_path)
    for _ in range(2):
        await app.start(background=False)
        assert (await door_of(app, LOCAL).get("/readyz")).status == 200
        await app.stop()


async def test_lets_go_of_the_files_whatever_fails_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        message = "it broke"
        raise RuntimeError(message)

    app = configured(tmp_path)
    parts = await app.start(background=False)
    monkeypatch.setattr(parts.dispatcher, "close", broken)
    with pytest.raises(RuntimeError, match="it broke"):
        await app.stop()
    await app.start(background=False)
    await app.stop()


async def test_a_start_that_failed_holds_nothing(tmp_path: Path) -> None:
    database = tmp_path / "innkeeper.db"
    database.write_bytes(b"not a database at all " * 1_000)
    app = configured(tmp_path)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"innkeeper\.db cannot be opened"):
            await app.start(background=False)
    database.unlink()
    await app.start(background=False)
    await app.stop()


async def test_reads_the_environment_when_it_starts(unconfigured: App) -> None:
    with pytest.raises(SettingsRefused) as refused:
        await unconfigured.start()
    assert {fault.name for fault in refused.value.faults} == set(NAMES)


# serving


async def test_answers_where_the_server_has_no_lifespan(tmp_path: Path) -> None:
    app = configured(tmp_path)
    answer = await door_of(app, LOCAL).get("/")
    assert answer.status == 200
    await app.stop()


async def test_an_app_that_cannot_start_says_503_and_why_in_the_log_alone(
    unconfigured: App, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOOM_CLIENT_SECRET", "canary ")
    door = door_of(unconfigured, LOCAL)
    for path in ("/", "/install", "/readyz"):
        answer = await door.get(path)
        assert (answer.status, answer.body) == (503, b'{"error":"unavailable"}')
    assert (await door.ask("POST", "/events", body=[b"{}"])).status == 503
    logged = capsys.readouterr().out
    assert "app.not_started" in logged
    assert "ZOOM_CLIENT_ID is missing" in logged
    assert "canary" not in logged


async def test_closes_a_websocket(tmp_path: Path) -> None:
    app = configured(tmp_path)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "websocket", "path": "/events", "headers": []}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def lived(app: App) -> list[dict[str, Any]]:
    """Live through a server's lifespan."""
    waiting = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "lifespan.startup.complete":
            assert (await door_of(app, LOCAL).get("/readyz")).status == 200

    await app({"type": "lifespan"}, receive, send)
    return sent


async def test_lives_as_long_as_its_server(tmp_path: Path) -> None:
    sent = await lived(configured(tmp_path))
    kinds = [message["type"] for message in sent]
    assert kinds == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_tells_its_server_why_it_cannot_start(
    unconfigured: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOOM_CLIENT_SECRET", "canary ")
    [failed] = await lived(unconfigured)
    assert failed["type"] == "lifespan.startup.failed"
    assert all(name in failed["message"] for name in NAMES)
    assert "canary" not in failed["message"]


async def test_tells_its_server_of_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "innkeeper.db").write_bytes(b"not a database at all " * 1_000)
    [failed] = await lived(configured(tmp_path))
    assert "innkeeper.db cannot be opened" in failed["message"]


# what it is made of


async def test_lets_go_of_the_way_to_zoom(tmp_path: Path) -> None:
    app, zoom = App(), NoZoom()
    app.configure(settings_at(LOCAL, tmp_path), transport=zoom)
    await app.start(background=False)
    await app.stop()
    assert zoom.closed == 1


@pytest.mark.parametrize("beside", [True, False])
async def test_follows_the_emulators_clock_only_beside_an_emulator(
    beside: bool, tmp_path: Path
) -> None:
    emulator = {"oauth_url": "http://127.0.0.1:8700", "api_url": "http://127.0.0.1:8700"}
    app = App()
    settings = settings_at(LOCAL, tmp_path, **(emulator if beside else {}))
    app.configure(settings, transport=NoZoom())
    parts = await app.start(background=False)
    assert isinstance(parts.clock, MovableClock if beside else SystemClock)
    assert isinstance(parts.transport, FollowingTransport) == beside
    await app.stop()


async def test_account_tokens_have_credentials_of_their_own_if_given(tmp_path: Path) -> None:
    own = credentials_of(settings_at(LOCAL, tmp_path, account_id="acc", s2s_client_id="s2s"))
    assert (own.account_id, own.s2s_client_id) == ("acc", "s2s")
    secret = Secret("a-secret-of-another-app")
    other = credentials_of(settings_at(LOCAL, tmp_path, s2s_client_secret=secret))
    assert other.s2s_client_secret == secret
    assert other.account_id == ""


async def test_warns_of_a_key_that_was_just_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(tmp_path, warnings=("innkeeper.key was made",)):
        pass
    assert "innkeeper.key was made" in capsys.readouterr().out


async def test_a_pages_failure_does_not_end_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with opened(tmp_path) as (door, parts):
        with monkeypatch.context() as patch:
            patch.setattr(type(parts.store), "get_receipt", broken, raising=False)
            assert (await door.get("/receipts/rcp_x")).status == 500
        assert (await door.get("/receipts/rcp_x")).status == 404


async def test_an_unknown_kind_of_call_is_let_be(tmp_path: Path) -> None:
    answer = await spoken(configured(tmp_path), {"type": "carrier.pigeon"})
    assert (answer.status, answer.error) == (0, None)
