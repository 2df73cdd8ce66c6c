"""What the tests of commands share."""

import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from innkeeper import App, cli
from innkeeper.store.seal import KeyRing
from innkeeper.testing import Zoom
from tests.cli.beside import House, Open, Run
from tests.cli.commands import Ended


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, which is sooner done than a process of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def typed(argv: Sequence[str], env: Mapping[str, str]) -> Ended:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["innkeeper", *argv])
            with pytest.raises(SystemExit) as ended:
                cli.main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return typed


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Open:
    ring = KeyRing.generate()
    monkeypatch.setattr(KeyRing, "generate", staticmethod(lambda: ring))

    @asynccontextmanager
    async def opened(app: App) -> AsyncGenerator[House]:
        async with Zoom(app, directory=tmp_path) as zoom:
            await zoom.person("Ana").adds_app()
            yield House(zoom, ring, run)

    return opened
