"""What the documents show works, as it stands there."""

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from innkeeper import App
from innkeeper.cli.commands import command_line
from innkeeper.cli.serve import load_bot
from innkeeper.testing import Zoom
from tests.docs.blocks import BOT, MORE_BOT, ROOT, TESTS, Block, Story, all_blocks, stories

STORIES = stories()
README = next(story for story in STORIES if story.path == ROOT / "README.md")
_COMMAND = re.compile(r"^(?:\w+=\S+ )*innkeeper (?P<words>[^#\n]*)", re.MULTILINE)


def load(story: Story, folder: Path) -> App:
    file = folder / "bot.py"
    file.write_text(story.bot, "utf-8")
    return load_bot(file)


@pytest.mark.anyio
@pytest.mark.parametrize("story", STORIES, ids=str)
async def test_every_bot_in_the_documents_lives_and_is_forgotten(story: Story, tmp_path: Path):
    async with Zoom(load(story, tmp_path)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.says("/bot towels 7")
        await ana.removes_app()

        assert zoom.receipts.one().complete
        assert not await zoom.leftovers(ana)


@pytest.mark.anyio
async def test_the_bot_of_the_readme_does_what_it_says(tmp_path: Path):
    async with Zoom(load(README, tmp_path)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()

        assert ana.chat.last.text == "Thanks for adding me!\nHi Ana Keller, try: towels 7"
        for room, count in ((7, 1), (8, 2)):
            await ana.says(f"/bot towels {room}")
            assert ana.chat.last.text == (
                f"Towels for room {room}. That is request number {count}."
            )


def test_the_bot_of_the_readme_has_ten_lines():
    code = [line for line in README.bot.splitlines() if line.strip() and line != BOT]

    assert len(code) == 10


TESTED = [story for story in STORIES if story.tests]


@pytest.mark.anyio
@pytest.mark.parametrize("story", TESTED, ids=str)
async def test_the_tests_in_the_documents_pass(story: Story, tmp_path: Path):
    app = load(story, tmp_path)
    run = []
    for text in story.tests:
        names: dict[str, Any] = {}
        exec(compile(text, str(story), "exec"), names)  # noqa: S102  # our own documents
        for name, test in names.items():
            if name.startswith("test_"):
                await with_fixtures(test, app)
                run.append(name)

    assert run


async def with_fixtures(test: Any, app: App) -> None:
    """Run a test as our pytest plugin would, without a pytest around it."""
    wanted = inspect.signature(test).parameters
    if not wanted:
        await test()
        return
    async with Zoom(app) as zoom:
        await test(
            **{name: zoom if name == "zoom" else zoom.person(name.title()) for name in wanted}
        )


@pytest.mark.slow
def test_the_tests_of_the_tutorial_run_with_pytest_as_it_says(tmp_path: Path):
    story = next(story for story in TESTED if story.path.parent.name == "tutorial")
    (tmp_path / "bot.py").write_text(story.bot, "utf-8")
    (tmp_path / "test_bot.py").write_text(story.tests[0], "utf-8")

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:asyncio",
            "-W",
            "error",
            ".",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", all_blocks("python"), ids=str)
def test_every_piece_of_python_compiles(block: Block):
    compile(block.text, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_a_named_block_is_named_as_the_tests_know_it():
    named = [b.first_line for b in all_blocks("python") if re.match(r"#.*\w\.py\b", b.first_line)]

    assert set(named) <= {BOT, MORE_BOT, TESTS}
    assert named


@pytest.mark.parametrize("block", all_blocks("json"), ids=str)
def test_every_piece_of_json_is_json(block: Block):
    json.loads(block.text)


def typed_commands() -> list[tuple[str, list[str]]]:
    return [
        (str(block), found["words"].split())
        for block in all_blocks("sh")
        for found in _COMMAND.finditer(block.text)
    ]


@pytest.mark.parametrize(("where", "words"), typed_commands())
def test_every_command_that_is_shown_exists(where: str, words: list[str]):
    command = command_line
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, where
        command = command.commands[words.pop(0)]

    known = {name for option in command.params for name in option.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, where
