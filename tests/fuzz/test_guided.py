"""Atheris, for less than a minute on all surfaces together; `make soak` plays half an hour."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import guided
from tests.fuzz.seeds import SAID, corpus
from tests.fuzz.surfaces import SURFACES

SURFACE_SECONDS = 2
"""With what it takes to instrument our modules, three quarters of a minute for all."""

# Both in one process, for instrumenting takes as long as two surfaces are played.
_PLAY = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from tests.fuzz.guided import Guide

guide, kept = Guide(), Path(sys.argv[1])

def play(name, seconds):
    print(json.dumps(asdict(guide.play(name, seconds=seconds, seed=11, kept=kept))), flush=True)

for name in guide.names:
    play(name, float(sys.argv[2]))
sys.modules["tests.fuzz.surfaces"].BodyRefused = ZeroDivisionError  # so a refusal is unforeseen
play("JSON", 20)
try:
    guide.again("JSON", (kept / "found-JSON").read_bytes())
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.slow
@pytest.mark.skipif(not guided.belongs_here(), reason=guided.NEEDS)
def test_nothing_unforeseen_is_found_by_its_branches_but_what_was_planted(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _PLAY, tmp_path, str(SURFACE_SECONDS)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2_000:]
    *lines, again = run.stdout.splitlines()
    *came, planted = [json.loads(line) for line in lines]
    assert [each["wrong"] for each in came] == [""] * len(SURFACES)
    assert all(each["played"] > 1 for each in came)
    assert "BodyRefused" in planted["wrong"]
    assert again == "BodyRefused"


@pytest.mark.slow
def test_what_is_right_comes_first() -> None:
    named = {surface.name: surface for surface in SURFACES}
    assert SAID.keys() <= named.keys()
    for name, said in SAID.items():
        first = corpus(named[name])
        with named[name].open() as play:
            for example in said.examples:
                assert b"=" + example in first
                play(said.read(example))
