"""A rule counts, draws and wears out; what it does not know it refuses."""

import json
from typing import Any

import msgspec
import pytest

from innkeeper.emulator.faultrules import (
    API_KINDS,
    COURIER_KINDS,
    FaultRefused,
    FaultRule,
    first,
    read_order,
)

ASKED = {"path": "/oauth/token", "method": "POST"}


def rule(number: int = 1, **order: Any) -> FaultRule:
    return FaultRule(number, read_order({"do": {"kind": "reset"}, **order}))


def falls(rules: list[FaultRule], times: int) -> list[int]:
    found = (first(rules, ASKED, API_KINDS) for _ in range(times))
    return [each.number if each else 0 for each in found]


def test_the_first_match_wins_until_it_is_spent():
    assert falls([rule(1, times=2), rule(2, times=1)], 4) == [1, 1, 2, 0]


def test_skips_as_many_as_it_is_told():
    assert falls([rule(times=1, skip=2)], 4) == [0, 0, 1, 0]


def test_a_rule_without_times_never_wears_out():
    assert falls([rule()], 3) == [1, 1, 1]


def test_chance_repeats_itself_from_its_seed():
    drawn = falls([rule(p=0.5, seed=7)], 200)
    assert drawn == falls([rule(p=0.5, seed=7)], 200)
    assert drawn != falls([rule(p=0.5, seed=8)], 200)
    assert 60 < sum(drawn) < 140


def test_chance_goes_on_where_a_snapshot_was_taken():
    whole = falls([rule(p=0.5, seed=7)], 40)
    begun = rule(p=0.5, seed=7)
    before = falls([begun], 17)
    restored = msgspec.json.decode(msgspec.json.encode(begun), type=FaultRule)
    assert before + falls([restored], 23) == whole


@pytest.mark.parametrize("chance", [0, 1])
def test_a_certain_chance_is_certain(chance: int):
    assert falls([rule(p=chance, seed=1)], 20) == [chance] * 20


@pytest.mark.parametrize("kind", [*API_KINDS, *COURIER_KINDS])
def test_every_kind_needs_no_more_than_its_name(kind: str):
    do = {"kind": kind} | ({"status": 503} if kind == "status" else {})
    order = read_order({"do": do})
    assert FaultRule(1, order).kind == kind
    assert msgspec.json.decode(msgspec.json.encode(order), type=type(order)) == order


REFUSED: list[Any] = [
    None,
    [],
    {},
    {"do": {}},
    {"do": "reset"},
    {"do": {"kind": "explode"}},
    {"do": {"kind": "reset", "hard": True}},
    {"do": {"kind": "reset"}, "when": "now"},
    {"do": {"kind": "reset"}, "on": {"host": "x"}},
    {"do": {"kind": "reset"}, "on": {"path": 5}},
    {"do": {"kind": "reset"}, "on": {"path": "x" * 2_049}},
    {"do": {"kind": "reset"}, "times": 0},
    {"do": {"kind": "reset"}, "times": -1},
    {"do": {"kind": "reset"}, "times": 10**9},
    {"do": {"kind": "reset"}, "times": 1.5},
    {"do": {"kind": "reset"}, "times": True},
    {"do": {"kind": "reset"}, "skip": -1},
    {"do": {"kind": "reset"}, "skip": 10**18},
    {"do": {"kind": "reset"}, "p": 0.5},
    {"do": {"kind": "reset"}, "seed": 5},
    {"do": {"kind": "reset"}, "p": 1.1, "seed": 5},
    {"do": {"kind": "reset"}, "p": float("nan"), "seed": 5},
    {"do": {"kind": "reset"}, "p": 0.5, "seed": -1},
    {"do": {"kind": "status"}},
    {"do": {"kind": "status", "status": 99}},
    {"do": {"kind": "status", "status": 600}},
    {"do": {"kind": "status", "status": 503, "headers": {"x": "a\r\nb"}}},
    {"do": {"kind": "status", "status": 503, "headers": {"x": "a\n"}}},
    {"do": {"kind": "status", "status": 503, "headers": {"x y": "a"}}},
    {"do": {"kind": "status", "status": 503, "body": "x" * 65_537}},
    {"do": {"kind": "status", "status": 429, "limit": "hourly"}},
    {"do": {"kind": "status", "status": 429, "wait": -1}},
    {"do": {"kind": "redirect", "location": "x\r\ny: z"}},
    {"do": {"kind": "redirect", "status": 200}},
    {"do": {"kind": "slow", "seconds": -1}},
    {"do": {"kind": "slow", "seconds": 3_601}},
    {"do": {"kind": "slow", "seconds": float("nan")}},
    {"do": {"kind": "slow", "seconds": float("inf")}},
    {"do": {"kind": "delay", "seconds": -0.1}},
    {"do": {"kind": "delay", "seconds": 10**9}},
    {"do": {"kind": "burst", "count": 10**9}},
    {"do": {"kind": "burst", "count": 0}},
    {"do": {"kind": "stale", "seconds": 1e300}},
]


@pytest.mark.parametrize("document", REFUSED, ids=lambda each: str(each)[:60])
def test_refuses_what_it_does_not_know_and_names_what_it_does(document: Any):
    """E16."""
    with pytest.raises(FaultRefused) as refused:
        read_order(document)
    assert refused.value.why
    assert refused.value.fix.startswith(("Known", "Give"))


def test_lists_the_kinds_and_the_keys_of_the_one_that_was_meant():
    with pytest.raises(FaultRefused) as refused:
        read_order({"do": {"kind": "burst", "amount": 5}})
    assert "count" in refused.value.fix
    assert all(kind in refused.value.fix for kind in (*API_KINDS, *COURIER_KINDS))


@pytest.mark.parametrize(
    ("kind", "matcher"),
    [("reset", "event"), ("reset", "url"), ("drop", "path"), ("drop", "method")],
)
def test_looks_only_at_what_its_side_can_see(kind: str, matcher: str):
    with pytest.raises(FaultRefused, match=matcher):
        read_order({"do": {"kind": kind}, "on": {matcher: "x"}})


def test_tells_its_counts():
    one = rule(times=1, skip=1)
    falls([one], 2)
    assert json.loads(json.dumps(one.json())) == {
        "number": 1,
        "seen": 2,
        "applied": 1,
        "spent": True,
        "do": {"kind": "reset"},
        "on": {},
        "times": 1,
        "skip": 1,
        "p": None,
        "seed": None,
    }
