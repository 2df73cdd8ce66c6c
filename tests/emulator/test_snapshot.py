"""What is kept comes back: T-4, T-5, E17."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from innkeeper.cli.emulate import read_snapshot
from innkeeper.clock import MovableClock
from innkeeper.emulator.snapshot import VERSION, SnapshotRefused, restore, take
from innkeeper.emulator.world import State, World
from tests.emulator.visit import START, Visit, read

pytestmark = pytest.mark.anyio

OUTSIDE = {"ms", "record", "x-emulator-clock-offset"}
"""What is measured, and the numbers of the traffic, which is no state."""
PATHS = ("state", "messages", "deliveries", "rules", "snapshot")


async def live(visit: Visit) -> None:
    """Have something of everything happen."""
    visit.zoom.faults.add("html", on={"path": "/nowhere"}, p=0.5, seed=3)
    visit.app.environment = "production"
    tokens = await visit.tokens()
    await visit.zoom.settle()
    await visit.authorize(user=visit.ben)
    await visit.code()
    await visit.refresh((await visit.tokens())["refresh_token"])
    await visit.me(tokens["access_token"])
    visit.app.use_on_device = True
    await visit.ask("POST", "/oauth/devicecode", headers=visit.basic())
    person = {"client_id": visit.app.client_id, "user": visit.ben.id}
    await visit.ask("POST", "/oauth/approval", form=person)
    visit.bot.silent = True
    visit.world.rules.bot_retries, visit.world.rules.exhausted = "never", "endpoint"
    chat = {"with": visit.app.bot_jid, "text": "/bot help"}
    await visit.ask("POST", "/chat/say", form=chat, user=visit.ana)
    await visit.zoom.settle()
    await visit.ask("PATCH", "/_emulator/rules", body=b'{"decline": "stay"}')
    await visit.zoom.advance(120)
    visit.bot.silent = False
    change = json.dumps({"bot_endpoint": visit.app.bot_endpoint}).encode()
    await visit.ask("PATCH", f"/_emulator/apps/{visit.app.client_id}", body=change)


async def go_on(visit: Visit) -> list[bytes]:
    """Do what draws ids and depends on the past; list what was answered."""
    visit.bot.silent = False
    told = [json.dumps(await visit.tokens()).encode()]
    await visit.zoom.advance(1000)
    told.append((await visit.chatbot_token()).body)
    return told + [(await visit.ask("GET", f"/_emulator/{path}")).body for path in PATHS]


def still(document: bytes) -> Any:
    """Read an answer without what depends on the machine's own time."""
    seen = json.loads(document)
    if "clock" in seen:
        del seen["clock"]["offset_seconds"]

    def walk(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: walk(value) for key, value in part.items() if key not in OUTSIDE}
        return [walk(each) for each in part] if isinstance(part, list) else part

    return walk(seen)


async def shown(visit: Visit) -> list[Any]:
    return [still((await visit.ask("GET", f"/_emulator/{path}")).body) for path in PATHS]


def sample(kind: Any) -> Any:
    """Make a value of a type, for what the scenario leaves empty."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Annotated, Literal}:
        return inner[-1] if origin is Literal else sample(inner[0])
    if origin in {UnionType, Union}:
        return sample(next(each for each in inner if each is not NoneType))
    if origin in {dict, list}:
        parts = [sample(each) for each in inner]
        return dict([parts]) if origin is dict else parts
    if is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        return kind(**{each.name: sample(hints[each.name]) for each in fields(kind) if each.init})
    plain = {str: "text", int: 7, float: 0.5, bool: True, bytes: b"raw", datetime: START, Any: "x"}
    return plain[kind]


async def test_every_field_of_the_state_survives() -> None:
    visit = Visit()
    await live(visit)
    lived = [each.name for each in fields(State) if getattr(visit.world, each.name)]
    kinds = get_type_hints(State, include_extras=True)
    for name in {each.name for each in fields(State)} - {*lived}:
        setattr(visit.world, name, sample(kinds[name]))
    kept = msgspec.json.decode(msgspec.json.encode(take(visit.world)))
    other = World(MovableClock(START, frozen=True))
    restore(kept, other)
    for each in fields(State):
        assert getattr(other, each.name) == getattr(visit.world, each.name)
    assert {"codes", "consent_requests", "deliveries", "messages", "tokens"} <= {*lived}


async def test_restoring_what_was_just_kept_changes_nothing() -> None:
    """T-5."""
    visit = Visit()
    await live(visit)
    before = await shown(visit)
    kept = (await visit.ask("GET", "/_emulator/snapshot")).body
    answer = await visit.ask("POST", "/_emulator/restore", body=kept)
    assert answer.status == 200
    assert await shown(visit) == before


async def test_a_fresh_emulator_goes_on_as_the_old_one_would() -> None:
    """T-5."""
    visit, fresh = Visit(random_seed=7), Visit(random_seed=99)
    await live(visit)
    await fresh.ask("POST", "/_emulator/restore", body=msgspec.json.encode(take(visit.world)))
    fresh.bot.secret = fresh.app.secret_token
    expected = [still(each) for each in await go_on(visit)]
    assert [still(each) for each in await go_on(fresh)] == expected


async def test_goes_back_to_what_was_kept_whatever_happened_since() -> None:
    visit = Visit()
    await live(visit)
    kept, before = take(visit.world), await shown(visit)
    await go_on(visit)
    await visit.zoom.restore(kept)
    assert await shown(visit) == before


async def test_a_reset_equals_a_fresh_start() -> None:
    """T-4."""
    visit = Visit()
    fresh = await shown(visit)
    await live(visit)
    await visit.ask("POST", "/_emulator/reset")
    again = await shown(visit)
    for seen in (*fresh, *again):
        seen.pop("clock", None)
    assert again == fresh


async def test_a_running_clock_gets_its_lead_back() -> None:
    ahead = World(MovableClock())
    ahead.clock.advance(7200)
    kept, other = take(ahead), World(MovableClock())
    restore(kept, other)
    assert 7199 <= other.clock.offset.total_seconds() <= 7201


BREAKS: list[tuple[str, Callable[[Any], Any]]] = [
    ("is of version 2", lambda kept: kept | {"version": VERSION + 1}),
    ("is of version '1'", lambda kept: kept | {"version": "1"}),
    ("there is no version", lambda _: {}),
    ("unknown field", lambda kept: kept | {"colour": "red"}),
    ("no position", lambda kept: kept | {"chance": "AAAA"}),
    ("no position", lambda kept: kept | {"chance": "?"}),
    ("no time", lambda kept: kept | {"clock": kept["clock"] | {"now": "2026-03-02T09:00:00"}}),
    ("no time", lambda kept: kept | {"clock": kept["clock"] | {"now": "3500-03-02T09:00:00Z"}}),
    ("is missing", lambda kept: kept | {"state": {}}),
    ("no such part", lambda kept: kept | {"state": kept["state"] | {"colours": []}}),
    ("expected `array`", lambda kept: kept | {"state": kept["state"] | {"tokens": 7}}),
    ("missing required", lambda kept: kept | {"state": kept["state"] | {"tokens": [{}]}}),
]


@pytest.mark.parametrize(("why", "broken"), BREAKS, ids=[why for why, _ in BREAKS])
async def test_refuses_garbage_before_anything_is_changed(
    why: str, broken: Callable[[Any], Any]
) -> None:
    visit = Visit()
    await live(visit)
    kept, before = take(visit.world), await shown(visit)
    await visit.tokens()
    there = await shown(visit)
    body = json.dumps(broken(json.loads(json.dumps(kept)))).encode()
    refused = await visit.ask("POST", "/_emulator/restore", body=body)
    assert (refused.status, read(refused)["error"]) == (400, "snapshot_refused")
    assert why in read(refused)["message"]
    assert await shown(visit) == there != before


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'{"version": 1, "version": 1}'])
async def test_refuses_what_is_no_object(body: bytes) -> None:
    refused = await Visit().ask("POST", "/_emulator/restore", body=body)
    assert refused.status == 400


@pytest.mark.parametrize("content", [None, b"{"])
async def test_the_command_line_says_what_is_wrong_with_a_file(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "kept.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SnapshotRefused, match=r"kept\.json"):
        read_snapshot(file)
    assert read_snapshot(None) is None


async def transcript(steps: Callable[[Visit], Awaitable[Any]]) -> bytes:
    visit = Visit()
    await steps(visit)
    seen = still((await visit.ask("GET", "/_emulator/traffic")).body)
    return json.dumps([seen, *await shown(visit)], sort_keys=True).encode()


async def test_a_seeded_run_repeats_itself_byte_for_byte() -> None:
    """T-3, E17."""
    assert await transcript(live) == await transcript(live)


async def test_is_healthy() -> None:
    visit = Visit()
    assert read(await visit.ask("GET", "/_emulator/health")) == {
        "status": "ok",
        "now": START.isoformat(),
    }
