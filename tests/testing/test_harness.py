"""The harness leaves nothing behind, whether it is entered, refused or never used."""

from pathlib import Path

import pytest

from innkeeper import App, Command
from innkeeper.errors import BotRefused
from innkeeper.testing import Unexpected, Zoom
from innkeeper.testing import zoom as harness

pytestmark = pytest.mark.anyio


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have temporary directories made here."""
    monkeypatch.setattr(harness, "in_memory", lambda: str(tmp_path))
    return tmp_path


def made_in(place: Path) -> list[Path]:
    return list(place.iterdir())


async def test_its_directory_lives_as_long_as_it_is_entered(place: Path) -> None:
    zoom = Zoom(App("Porter"))
    assert made_in(place) == []
    with pytest.raises(Unexpected, match="no directory yet"):
        _ = zoom.directory
    async with zoom:
        assert made_in(place) == [zoom.directory]
        assert (zoom.directory / "innkeeper.db").exists()
    assert made_in(place) == []


async def test_a_directory_of_ones_own_stays(tmp_path: Path) -> None:
    zoom = Zoom(App("Porter"), directory=tmp_path)
    assert zoom.directory == tmp_path
    async with zoom:
        pass
    assert (tmp_path / "innkeeper.db").exists()


async def test_a_bot_that_cannot_start_leaves_nothing(place: Path) -> None:
    app = App("Porter")

    for _ in range(2):

        @app.command("help")
        async def answered_twice(_ctx: Command) -> None: ...

    with pytest.raises(BotRefused):
        await Zoom(app).__aenter__()
    assert made_in(place) == []


async def test_a_bot_that_zoom_does_not_reach_is_stopped(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoom = Zoom(App("Porter"))

    async def unreachable(*_: object) -> None:
        assert zoom.running
        raise ConnectionError

    monkeypatch.setattr(harness, "point_at", unreachable)
    with pytest.raises(ConnectionError):
        await zoom.__aenter__()
    assert not zoom.running
    assert made_in(place) == []
