"""One bot with Rivet and with Innkeeper: what is shown is what is run, and ours is short."""

from pathlib import Path

import pytest

from innkeeper.testing import Zoom
from tests.docs.blocks import BOT, ROOT, blocks, stories
from tests.docs.test_code import load

PAGE = ROOT / "docs" / "how-to" / "come-from-rivet.md"
SAMPLE = ROOT / "tests" / "foreign" / "node" / "sample.mjs"


def lines(code: str) -> int:
    return len([line for line in code.splitlines() if line.strip() and line != BOT])


def block(language: str) -> str:
    [found] = [each.text for each in blocks(PAGE) if each.language == language]
    return found


def test_what_is_shown_of_rivet_is_what_is_run():
    assert block("js") == SAMPLE.read_text("utf-8")


def test_ours_has_a_third_of_the_lines():
    assert 3 * lines(block("python")) <= lines(block("js"))


@pytest.mark.anyio
async def test_ours_says_the_same(tmp_path: Path):
    [story] = [each for each in stories() if each.path == PAGE]
    async with Zoom(load(story, tmp_path)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.says("/bot todo buy milk")
        asked = ana.chat.last
        assert asked.text == "To do\nbuy milk\n[Done]"
        await ana.clicks("Done")
        assert (ana.chat.last.id, ana.chat.last.text) == (asked.id, "Done\nby Ana Keller")
