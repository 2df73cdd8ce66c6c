"""Choosing rules: a preset, then names; what is unknown is refused with what is known."""

from typing import Any

import pytest

from innkeeper.emulator import Emulator
from innkeeper.emulator.choices import RuleRefused, choose
from innkeeper.emulator.rules import PRESETS, SWITCHES, Rules, preset
from innkeeper.emulator.seed import Seed
from innkeeper.net.outbound import AsgiTransport
from tests.emulator.visit import Visit, read

PEOPLE = [{"users": [{"name": "Dana", "role": "admin"}]}]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_them_all(name: Any) -> None:
    assert choose({"preset": name}, now=Rules(decline="stay")) == preset(name)


def test_names_have_their_way_over_the_preset_beside_them() -> None:
    chosen = choose({"decline": "stay", "preset": "rfc"}, now=Rules())
    assert (chosen.decline, chosen.query_parameters) == ("stay", "refuse")


def test_what_is_not_named_stays() -> None:
    assert choose({"issuer": "sent"}, now=Rules(decline="stay")).decline == "stay"


@pytest.mark.parametrize(
    ("document", "fix"),
    [
        ({"preset": "lax"}, "zoom, rfc or paranoid"),
        ({"preset": None}, "zoom, rfc or paranoid"),
        ({"preset": ["rfc"]}, "zoom, rfc or paranoid"),
        ({"decline": "shout"}, "redirect or stay"),
        ({"decline": ["stay"]}, "redirect or stay"),
        ({"refresh_days": True}, "whole number from"),
        ({"refresh_days": 10**9}, "whole number from"),
        ({"refresh_days": "90"}, "whole number from"),
        ({"declined": "stay"}, "decline"),
        ([], "preset, decline"),
    ],
)
def test_refuses_with_what_is_known(document: Any, fix: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        choose(document, now=Rules())
    assert fix in refused.value.fix


def test_a_seed_chooses_a_preset() -> None:
    seed = Seed.parse({"accounts": PEOPLE, "rules": {"preset": "rfc", "decline": "stay"}})
    assert Emulator(seed=seed, transport=AsgiTransport()).world.rules == choose(
        {"decline": "stay"}, now=preset("rfc")
    )


@pytest.mark.anyio
async def test_the_control_api_lists_every_switch_as_it_stands() -> None:
    visit = Visit()
    body = b'{"preset": "paranoid", "decline": "stay"}'
    assert (await visit.ask("PATCH", "/_emulator/rules", body=body)).status == 200
    listed = read(await visit.ask("GET", "/_emulator/rules"))
    rows = {row["name"]: row for row in listed["rules"]}
    assert list(rows) == list(SWITCHES)
    assert rows["decline"]["value"] == "stay"
    assert rows["decline"]["values"] == ["redirect", "stay"]
    assert rows["pkce"]["value"] == "required"
    assert {"mark", "about", "area", "presets", "bounds", "source"} <= rows["pkce"].keys()


@pytest.mark.anyio
async def test_a_refused_change_changes_nothing() -> None:
    visit = Visit()
    body = b'{"preset": "rfc", "decline": "shout"}'
    refused = await visit.ask("PATCH", "/_emulator/rules", body=body)
    assert (refused.status, read(refused)["error"]) == (400, "rule_refused")
    assert "redirect or stay" in read(refused)["fix"]
    assert visit.world.rules == Rules()
