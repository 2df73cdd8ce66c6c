"""Does the how-to for other languages do what it says? Every block of it is run, in its order."""

import asyncio
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from innkeeper.emulator import Emulator
from innkeeper.emulator.world import AppRecord
from innkeeper.net.serving import LOCAL, bind
from tests.docs.blocks import ROOT, Block, blocks
from tests.foreign.program import Program
from tests.foreign.proxied import Proxied
from tests.foreign.workspace import Workspace, person

pytestmark = [pytest.mark.anyio, pytest.mark.node, pytest.mark.slow]

HOW_TO = ROOT / "docs/how-to/develop-a-bot-in-another-language-against-the-emulator.md"
CLIENTS = Path(__file__).with_name("node")
# What the fixtures have done already, and what is installed as package-lock.json pins it.
DONE = ["innkeeper emulator start", "innkeeper emulator proxy", "npm install @zoom/rivet"]


class Terminal:
    """A shell in the folder of the bot, for one block after the other.

    Args:
        addresses: What to put in the place of the addresses of the page.
    """

    def __init__(
        self, folder: Path, addresses: dict[str, str], environment: dict[str, str]
    ) -> None:
        self._folder = folder
        self._addresses = addresses
        self._environment = environment
        self._programs: list[Program] = []
        self.left = [block for block in blocks(HOW_TO) if block.language in {"sh", "js"}]

    def next(self, begins: str) -> str:
        """Take the next block of the page, which begins with this."""
        block: Block = self.left.pop(0)
        assert block.text.startswith(begins), block.text
        text = block.text
        for shown, real in self._addresses.items():
            text = text.replace(shown, real)
        return text

    def write(self, name: str, text: str) -> None:
        """Save a block as a file."""
        (self._folder / name).write_text(text, "utf-8")

    async def run(self, text: str) -> str:
        """Run a block to its end, and give what it printed."""
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", text),
            cwd=self._folder,
            env=self._environment,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
        printed, complaints = await process.communicate()
        assert process.returncode == 0, (text, printed, complaints)
        return printed.decode()

    async def start(self, text: str) -> Program:
        """Begin a block that ends with a program which goes on running."""
        before, program = text.rstrip().rsplit("\n", 1)
        errors = self._folder / "stderr"
        with errors.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *("bash", "-c", f"{before}\nexec {program}"),
                cwd=self._folder,
                env=self._environment,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=stderr,
            )
        self._programs.append(Program(process, errors))
        return self._programs[-1]

    async def aclose(self) -> None:
        """Stop what still runs."""
        for program in self._programs:
            await program.stop()


@pytest.fixture
async def terminal(
    node: Path, emulator: Emulator, proxied: Proxied, tmp_path: Path
) -> AsyncGenerator[Terminal]:
    if shutil.which("curl") is None:
        pytest.skip("NOT RUN, so the how-to has proved nothing: there is no curl here")
    with bind(LOCAL, 0) as free:
        port = free.getsockname()[1]
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    (tmp_path / "innkeeper-ca.pem").symlink_to(proxied.ca_file)
    addresses = {
        "http://127.0.0.1:8700": emulator.base_url,
        "http://127.0.0.1:8702": proxied.url,
        "3000": str(port),
    }
    environment = {
        "PATH": f"{node.parent}:/usr/bin:/bin",
        "NODE_OPTIONS": f"--require {CLIENTS / 'guard.cjs'}",
    }
    terminal = Terminal(tmp_path, addresses, environment)
    yield terminal
    await terminal.aclose()


async def test_every_block_of_the_how_to_works_as_it_stands(
    emulator: Emulator, app: AppRecord, terminal: Terminal, workspace: Workspace
) -> None:
    for command in DONE:
        terminal.next(command)
    terminal.write("bot.mjs", terminal.next("// bot.mjs"))
    await terminal.run(terminal.next("curl -s http://127.0.0.1:8700/_emulator/state"))
    bot = await terminal.start(terminal.next("export HTTPS_PROXY"))
    endpoint = (await bot.said("listening")).removeprefix("at ")

    await terminal.run(terminal.next(". ./bot.env"))
    assert app.bot_endpoint == endpoint
    await workspace.add_app(person(emulator, "Ana"))
    await workspace.say("/bot hello")
    await workspace.reply("Hello, Ana Keller")

    await terminal.run(terminal.next(". ./bot.env"))
    led_to = await terminal.run(terminal.next(". ./bot.env"))
    callback = re.escape(endpoint.replace("/zoom/events", "/oauth/callback"))
    assert re.fullmatch(rf"{callback}\?code=[\w.-]+&state=s1\n", led_to)

    before = emulator.world.now()
    await terminal.run(terminal.next("curl -s -X POST http://127.0.0.1:8700/_emulator/clock"))
    assert (emulator.world.now() - before).total_seconds() >= 7200

    assert not terminal.left
