"""Every switch is described, chosen by presets, and used."""

import re
from pathlib import Path

import msgspec
import pytest

from innkeeper.emulator import rules
from innkeeper.emulator.rules import PRESETS, SWITCHES, Rules, preset

ROOT = Path(rules.__file__).parents[1]
USED = "\n".join(path.read_text("utf-8") for path in ROOT.rglob("*.py") if path.name != "rules.py")


def test_zoom_is_what_stands_without_a_word():
    assert preset("zoom") == Rules()


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_chooses_only_what_is_allowed(name: rules.Preset):
    chosen = msgspec.structs.asdict(preset(name))

    assert msgspec.convert(chosen, Rules) == preset(name)


def test_every_switch_has_a_mark_and_a_sentence():
    for switch in SWITCHES.values():
        assert switch.about.endswith(".")
        assert switch.mark in {"C", "S", "A", "D"}
        assert (switch.bounds is None) == bool(switch.values)


def test_the_stricter_presets_differ_from_the_default():
    assert preset("rfc") != Rules()
    assert preset("paranoid") != preset("rfc")


def test_no_switch_is_without_effect():
    assert [name for name in SWITCHES if not re.search(rf"rules\.{name}\b", USED)] == []
