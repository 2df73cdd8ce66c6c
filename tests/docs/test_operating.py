"""The units and the Compose file that are shown can be pasted: what they start exists."""

import configparser
import re
import shlex
from pathlib import Path

import pytest
import yaml

from innkeeper.cli.commands import command_line
from tests.docs.blocks import ROOT, Block, blocks

PAGE = ROOT / "docs/how-to/run-on-postgresql.md"
SETTINGS = (ROOT / "docs/reference/settings.md").read_text("utf-8")


def shown(language: str) -> list[Block]:
    return [block for block in blocks(PAGE) if block.language == language]


def unit(block: Block) -> configparser.RawConfigParser:
    class Repeated(dict[str, str]):
        """Some keys of a unit stand there several times."""

        def __setitem__(self, key: str, value: str) -> None:
            if key in self and isinstance(value, list):
                value = [*self[key], *value]
            super().__setitem__(key, value)

    parser = configparser.RawConfigParser(strict=False, dict_type=Repeated)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(block.text)
    return parser


def starts(words: list[str]) -> None:
    """See that a command line is one of ours, with options that exist."""
    assert Path(words[0]).name == "innkeeper"
    command = command_line.commands[words[1]]  # type: ignore[attr-defined]
    known = {name for option in command.params for name in option.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("block", shown("ini"), ids=str)
def test_a_unit_starts_what_exists(block: Block) -> None:
    service = unit(block)["Service"]
    starts(shlex.split(service["ExecStart"]))
    for setting in re.findall(r"INNKEEPER_\w+", block.text):
        assert f"`{setting}`" in SETTINGS
    assert int(service["TimeoutStopSec"]) > 10  # handlers have ten seconds to end


def test_there_is_a_unit_for_each_kind_of_process() -> None:
    starting = [unit(block)["Service"]["ExecStart"].split()[1] for block in shown("ini")]
    assert starting == ["run", "worker"]


def test_the_compose_file_starts_what_exists() -> None:
    (block,) = shown("yaml")
    services = yaml.safe_load(block.text)["services"]
    for kind, command in (("web", "run"), ("worker", "worker")):
        words = shlex.split(services[kind]["command"])
        assert words[1] == command
        starts(words)
    for setting in re.findall(r"INNKEEPER_\w+", block.text):
        assert f"`{setting}`" in SETTINGS
    assert services["worker"]["deploy"]["replicas"] == 3
