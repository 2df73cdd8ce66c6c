"""What clients that others wrote meet here: an emulator on a real socket, a browser, Node."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from innkeeper.browser import Browser
from innkeeper.emulator import Emulator
from innkeeper.emulator.world import AppRecord
from innkeeper.net.outbound import HttpTransport
from innkeeper.net.serving import LOCAL, bind, serving
from tests.foreign.program import Launcher

_ROOT = Path(__file__).parents[2]
_CLIENTS = Path(__file__).with_name("node")
_OLDEST = 20


@pytest.fixture
async def emulator() -> AsyncGenerator[Emulator]:
    """An emulator with the default seed, reached over loopback."""
    listener = bind(LOCAL, 0)
    url = f"http://{LOCAL}:{listener.getsockname()[1]}"
    emulator = Emulator(transport=HttpTransport(), base_url=url)
    await emulator.start()
    try:
        async with serving(emulator.app, listener):
            yield emulator
    finally:
        await emulator.aclose()


@pytest.fixture
def app(emulator: Emulator) -> AppRecord:
    """The app of the default seed: admin-managed, in development."""
    return next(iter(emulator.world.apps.values()))


@pytest.fixture
async def browser() -> AsyncGenerator[Browser]:
    """A browser that nobody has used yet."""
    transport = HttpTransport()
    yield Browser(transport)
    await transport.aclose()


@pytest.fixture(scope="session")
def node() -> Path:
    """Node, with the clients that package-lock.json pins beside it.

    INNKEEPER_NO_NODE=1 allows a machine to be without; otherwise that is a failure, for
    a client that nobody ran has proved nothing.
    """
    try:
        return _node()
    except FileNotFoundError as error:
        if os.environ.get("INNKEEPER_NO_NODE") == "1":
            pytest.skip(f"NOT RUN, so the clients for Node have proved nothing: {error}")
        pytest.fail(f"{error}; run `make node`, or do without by INNKEEPER_NO_NODE=1")


@pytest.fixture
async def launcher(node: Path, emulator: Emulator, tmp_path: Path) -> AsyncGenerator[Launcher]:
    """Starts the clients under node/ against the emulator, and stops them afterwards."""
    command = [str(node), "--require", "./redirect.cjs"]
    launcher = Launcher(command, _CLIENTS, zoom_url=emulator.base_url, errors=tmp_path)
    yield launcher
    await launcher.aclose()


@pytest.fixture
async def python_launcher(emulator: Emulator, tmp_path: Path) -> AsyncGenerator[Launcher]:
    """Starts the clients under python/ against the emulator, and stops them afterwards."""
    command = [sys.executable, "-m"]
    launcher = Launcher(command, _ROOT, zoom_url=emulator.base_url, errors=tmp_path)
    yield launcher
    await launcher.aclose()


def _node() -> Path:
    """Find the program itself: what stands in PATH may be a script around it."""
    places = [str(Path(sys.executable).parent), str(_ROOT / ".venv" / "bin"), os.environ["PATH"]]
    found = shutil.which("node", path=os.pathsep.join(places))
    if found is None:
        raise FileNotFoundError("there is no Node here")
    asked = [found, "--print", "`${process.versions.node} ${process.execPath}`"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=True)
    version, _, program = answer.stdout.strip().partition(" ")
    if int(version.partition(".")[0]) < _OLDEST:
        raise FileNotFoundError(f"Node is {version}, older than {_OLDEST}")
    pinned = json.loads((_CLIENTS / "package.json").read_text())["dependencies"]
    if not all((_CLIENTS / "node_modules" / name).is_dir() for name in pinned):
        raise FileNotFoundError("what tests/foreign/node/package-lock.json pins is not installed")
    return Path(program)
