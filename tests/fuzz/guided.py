"""What does Atheris find, which sees the branches that an input takes?

Our modules are instrumented once. Each surface is then played by a process of its own: for
libFuzzer ends the one that it runs in, whatever came of it.
"""

import io
import os
import platform
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

NEEDS: Final = "Atheris is not here: it has wheels for Linux on x86-64 and Python before 3.14"
_PLAYED = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_WRONG = re.compile(r"=== Uncaught Python exception: ===\n(.*?)\n(?:Traceback|==)", re.DOTALL)
_TOLD: Final = 2_000


def belongs_here() -> bool:
    """Say whether the lock brings Atheris here: where it does, its absence is a failure."""
    here = (sys.platform, platform.machine())
    return here == ("linux", "x86_64") and sys.version_info < (3, 14)


@dataclass(frozen=True, slots=True)
class Guided:
    """What came of a surface."""

    name: str
    played: int
    seconds: float
    wrong: str
    """What went wrong; empty if nothing did."""


class Guide:
    """Plays surfaces, each in a child of this process; everything has to be imported by it.

    Raises:
        ModuleNotFoundError: If there is no Atheris.
    """

    def __init__(self) -> None:
        self._atheris: Any = import_module("atheris")
        with (
            redirect_stderr(io.StringIO()),
            self._atheris.instrument_imports(include=["innkeeper"]),
        ):
            self._surfaces = import_module("tests.fuzz.surfaces")
            self._seeds = import_module("tests.fuzz.seeds")
        self.names: list[str] = [surface.name for surface in self._surfaces.SURFACES]

    def play(self, name: str, *, seconds: float, seed: int, kept: Path) -> Guided:
        """Play a surface for so long, or until something goes wrong.

        Args:
            seed: libFuzzer's; 0 for another one each time.
            kept: Where an input is left with which something went wrong.
        """
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as named:
            folder = Path(named)
            corpus = folder / "corpus"
            corpus.mkdir()
            for number, data in enumerate(self._seeds.corpus(self._surface(name))):
                (corpus / str(number)).write_bytes(data)
            options = {
                "max_total_time": max(1, round(seconds)),
                "seed": seed,
                "timeout": 60,
                "print_final_stats": 1,
                "artifact_prefix": f"{kept}{os.sep}",
            }
            argv = [f"-{option}={value}" for option, value in options.items()]
            code = _in_a_child(lambda: self._fuzz(name, [*argv, str(corpus)], kept), folder)
            heard = (folder / "said").read_text("utf-8", "replace")
        played = _PLAYED.search(heard)
        count = int(played[1]) if played else 0
        return Guided(name, count, time.monotonic() - began, _wrong(code, count, heard))

    def again(self, name: str, data: bytes) -> None:
        """Play one input that was kept, and raise what it raises."""
        surface = self._surface(name)
        with surface.open() as play:
            self._seeds.by_bytes(surface, play)(data)

    def _surface(self, name: str) -> Any:
        (surface,) = [each for each in self._surfaces.SURFACES if each.name == name]
        return surface

    def _fuzz(self, name: str, argv: list[str], kept: Path) -> None:
        surface = self._surface(name)
        with surface.open() as play:
            put_in = self._seeds.by_bytes(surface, play)

            def one(data: bytes) -> None:
                try:
                    put_in(data)
                except Exception:  # libFuzzer keeps none of what it begins with
                    (kept / f"found-{name.replace(' ', '-')}").write_bytes(data)
                    raise

            self._atheris.Setup([sys.argv[0], *argv], one)
            self._atheris.Fuzz()  # and never comes back


def _wrong(code: int, played: int, heard: str) -> str:
    if code == 0 and played:
        return ""
    named = _WRONG.search(heard)
    return named[1].strip() if named else heard[-_TOLD:] or f"it ended with {code}"


def _in_a_child(run: Callable[[], None], folder: Path) -> int:
    """Run it in a child that leaves nothing outside of a folder, and says all in its `said`."""
    child = os.fork()
    if child == 0:
        said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(said, 1)
        os.dup2(said, 2)
        tempfile.tempdir = str(folder)
        with suppress(BaseException):  # it is this copy's whole life
            try:
                run()
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
                raise
        os._exit(1)  # libFuzzer ends it before
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
