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
from innkeeper.clock import SystemClock
from innkeeper.emulator import Emulator
from innkeeper.emulator.proxy.authority import Authority
from innkeeper.emulator.proxy.server import Proxy
from innkeeper.emulator.world import AppRecord
from innkeeper.net.outbound import HttpTransport
from innkeeper.net.serving import LOCAL, bind, serving
from tests.foreign.program import Launcher
from tests.foreign.proxied import Proxied, ProxiedTransport
from tests.foreign.workspace import Workspace

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
async def proxied(emulator: Emulator, tmp_path: Path) -> AsyncGenerator[Proxied]:
    """The proxy, for clients with Zoom's hosts written into them; they ask for no others."""
    authority = Authority(SystemClock().now())
    authority.write(tmp_path / "ca.pem")
    listener = bind(LOCAL, 0)
    proxied = Proxied(f"http://{LOCAL}:{listener.getsockname()[1]}", tmp_path / "ca.pem")

    def refused(asked: str, why: str) -> None:
        proxied.refused.append((asked, why))

    async with Proxy(emulator.base_url, authority.context(), refused=refused).serving(listener):
        yield proxied
    assert not proxied.refused


@pytest.fixture
async def browser(proxied: Proxied) -> AsyncGenerator[Browser]:
    """A browser that nobody has used yet, and that finds Zoom by the proxy."""
    transport = ProxiedTransport(proxied)
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
async def launcher(
    node: Path, emulator: Emulator, proxied: Proxied, tmp_path: Path
) -> AsyncGenerator[Launcher]:
    """Starts the clients under node/ against the emulator, and stops them afterwards."""
    command = [str(node), "--require", "./guard.cjs"]
    environment = {"EMULATOR_URL": emulator.base_url, **proxied.environment}
    launcher = Launcher(command, _CLIENTS, environment=environment, errors=tmp_path)
    yield launcher
    await launcher.aclose()


@pytest.fixture
async def python_launcher(
    emulator: Emulator, proxied: Proxied, tmp_path: Path
) -> AsyncGenerator[Launcher]:
    """Starts the clients under python/ against the emulator, and stops them afterwards."""
    command = [sys.executable, "-m"]
    environment = {"EMULATOR_URL": emulator.base_url, **proxied.environment}
    launcher = Launcher(command, _ROOT, environment=environment, errors=tmp_path)
    yield launcher
    await launcher.aclose()


@pytest.fixture
def workspace(
    emulator: Emulator, app: AppRecord, browser: Browser, launcher: Launcher
) -> Workspace:
    # As the chatbot's own documentation has it, the deep link to its chat is the redirect URL.
    app.redirect_uris = [f"{emulator.base_url}/launch/chat?jid=robot_{app.bot_jid}"]
    return Workspace(emulator, app, browser=browser, launcher=launcher)


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
