"""How is somebody else's client run? As a process of its own, all of whose Zoom is the emulator."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path

from innkeeper.emulator.world import AppRecord

_PATIENCE_SECONDS = 20.0


class Program:
    """A running client that tells its news in lines on stdout."""

    def __init__(self, process: Process, errors: Path) -> None:
        self._process = process
        self._errors = errors

    async def said(self, word: str) -> str:
        """Wait for a line that begins with a word, and give the rest of it."""
        stdout = self._process.stdout
        assert stdout is not None
        heard: list[str] = []
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while line := (await stdout.readline()).decode():
                heard.append(line)
                first, _, rest = line.strip().partition(" ")
                if first == word:
                    return rest
        message = f"it ended without saying {word!r}: {''.join(heard)}{self.complaints()}"
        raise AssertionError(message)

    def complaints(self) -> str:
        """Give what it wrote on stderr."""
        return self._errors.read_text()

    async def stop(self) -> None:
        """End it, by its own id, and wait until it is gone."""
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.communicate()


class Launcher:
    """Starts clients with nothing of this process's environment but PATH.

    Args:
        command: What runs a script.
        folder: Where it is run.
        environment: How it finds the emulator.
        errors: A directory for what they write on stderr.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        *,
        environment: Mapping[str, str],
        errors: Path,
    ) -> None:
        self._command = command
        self._folder = folder
        self._environment = environment
        self._errors = errors
        self._programs: list[Program] = []

    async def start(self, script: str, app: AppRecord, **changes: str) -> tuple[Program, str]:
        """Start a client with an app's credentials; give it and where it listens.

        Args:
            changes: Other values for its environment.
        """
        environment = {
            "PATH": str(Path(self._command[0]).parent),
            **self._environment,
            "ZOOM_CLIENT_ID": app.client_id,
            "ZOOM_CLIENT_SECRET": app.client_secret,
            "ZOOM_WEBHOOK_SECRET_TOKEN": app.secret_token,
            **changes,
        }
        errors = self._errors / f"{script}.stderr"
        with errors.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                script,
                cwd=self._folder,
                env=environment,
                stdout=PIPE,
                stderr=stderr,
            )
        program = Program(process, errors)
        self._programs.append(program)
        return program, f"http://127.0.0.1:{await program.said('ready')}"

    async def aclose(self) -> None:
        """Stop all that was started."""
        for program in self._programs:
            await program.stop()
