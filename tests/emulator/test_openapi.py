"""The control API's document: every route is in it, and the answers are as it says."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.routing import Route

from innkeeper.emulator import Emulator
from innkeeper.emulator.openapi import document
from innkeeper.emulator.operations import OPERATIONS
from innkeeper.net.outbound import AsgiTransport
from tests.emulator.visit import Visit, read

pytestmark = pytest.mark.anyio

TYPES: Mapping[str, Any] = {
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "null": type(None),
}


def routes() -> set[str]:
    inner: Any = Emulator(transport=AsgiTransport()).app
    while not hasattr(inner, "routes"):
        inner = inner._app
    return {
        f"{method} {route.path}"
        for route in inner.routes
        if isinstance(route, Route) and route.path.startswith("/_emulator")
        for method in (route.methods or set()) - {"HEAD"}
    }


def faults(value: Any, schema: Mapping[str, Any], at: str = "$") -> list[str]:
    """List where a value is not as its schema says; for the words that our schemas use."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return faults(value, document()["components"]["schemas"][name], at)
    if "anyOf" in schema:
        each = [faults(value, inner, at) for inner in schema["anyOf"]]
        return [] if [] in each else each[0]
    if "enum" in schema or "const" in schema:
        allowed = schema.get("enum", [schema.get("const")])
        return [] if value in allowed else [f"{at}: {value!r} is none of {allowed}"]
    kind = schema.get("type")
    if kind in {"integer", "number"}:
        numeric = int if kind == "integer" else (int, float)
        fits = isinstance(value, numeric) and not isinstance(value, bool)
        return [] if fits else [f"{at}: {value!r} is no {kind}"]
    if kind is not None and not isinstance(value, TYPES[kind]):
        return [f"{at}: {value!r} is no {kind}"]
    return _inside(value, schema, at)


def _inside(value: Any, schema: Mapping[str, Any], at: str) -> list[str]:
    if isinstance(value, list):
        inner = schema.get("items", {})
        return [bad for i, each in enumerate(value) for bad in faults(each, inner, f"{at}[{i}]")]
    if not isinstance(value, dict):
        return []
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [f"{at}: no {name}" for name in schema.get("required", ()) if name not in value]
    for name, part in value.items():
        if name in known or isinstance(rest, Mapping):
            found += faults(part, known.get(name, rest), f"{at}.{name}")
        elif rest is False:
            found.append(f"{at}: unknown {name}")
    return found


def test_every_route_of_the_control_api_is_described_and_no_other() -> None:
    described = {each.call for each in OPERATIONS}
    assert routes() - described == set(), "describe it in emulator/operations.py"
    assert described - routes() == set()
    assert len(described) == len(OPERATIONS)


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(document())
    names = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= document()["components"]["schemas"].keys()


def test_every_operation_has_a_name_of_its_own_and_its_parameters() -> None:
    operations = [
        (path, each) for path, methods in document()["paths"].items() for each in methods.values()
    ]
    assert len({each["operationId"] for _, each in operations}) == len(OPERATIONS)
    for path, each in operations:
        given = {one["name"] for one in each.get("parameters", ()) if one["in"] == "path"}
        assert given == {part[1:-1] for part in path.split("/") if part.startswith("{")}


async def test_gives_the_document() -> None:
    told = read(await Visit().ask("GET", "/_emulator/openapi.json"))
    assert told["openapi"].startswith("3.1")
    assert told == json.loads(json.dumps(document()))


async def test_answers_as_the_document_says() -> None:
    visit = Visit()
    visit.app.environment = "production"
    await visit.tokens()
    await visit.zoom.settle()
    await visit.ask("GET", "/v2/moons")
    await visit.ask("POST", "/oauth/token")
    delivery = next(iter(visit.world.deliveries))
    app = f"/_emulator/apps/{visit.app.client_id}"
    kept = (await visit.ask("GET", "/_emulator/snapshot")).body
    manifest = (await visit.ask("GET", f"{app}/manifest")).body
    calls: list[tuple[str, str, str, bytes]] = [
        (each.call.split(" ")[0], each.call.split(" ")[1], each.call.split(" ")[1], b"")
        for each in OPERATIONS
        if each.call.startswith("GET") and "{" not in each.call
    ]
    one = "/_emulator/apps/{client_id}"
    calls += [
        ("GET", f"{one}/manifest", f"{app}/manifest", b""),
        ("POST", "/_emulator/apps", "/_emulator/apps", manifest),
        ("PATCH", one, app, b'{"name": "Changed"}'),
        ("PATCH", one, app, b'{"colour": "red"}'),
        ("PATCH", one, "/_emulator/apps/nobody", b"{}"),
        ("PATCH", "/_emulator/rules", "/_emulator/rules", b'{"preset": "rfc"}'),
        ("PATCH", "/_emulator/rules", "/_emulator/rules", b'{"preset": "lax"}'),
        ("POST", "/_emulator/clock", "/_emulator/clock", b'{"advance": 60}'),
        ("POST", "/_emulator/clock", "/_emulator/clock", b'{"retreat": 60}'),
        (
            "GET",
            "/_emulator/deliveries/{delivery_id}",
            f"/_emulator/deliveries/{delivery}",
            b"",
        ),
        ("GET", "/_emulator/deliveries/{delivery_id}", "/_emulator/deliveries/dlv_none", b""),
        (
            "POST",
            "/_emulator/deliveries/{delivery_id}/redeliver",
            f"/_emulator/deliveries/{delivery}/redeliver",
            b"",
        ),
        (
            "DELETE",
            "/_emulator/installations/{installation_id}",
            f"/_emulator/installations/{visit.installation.id}",
            b"",
        ),
        (
            "POST",
            "/_emulator/validations",
            "/_emulator/validations",
            json.dumps({"url": visit.app.bot_endpoint}).encode(),
        ),
        ("POST", "/_emulator/validations", "/_emulator/validations", b"{}"),
        ("GET", "/_emulator/validations", "/_emulator/validations", b""),
        (
            "GET",
            "/_emulator/validations/{validation_id}",
            "/_emulator/validations/val_none",
            b"",
        ),
        ("POST", "/_emulator/faults", "/_emulator/faults", b'{"do": {"kind": "drop"}}'),
        ("POST", "/_emulator/faults", "/_emulator/faults", b'{"do": {"kind": "explode"}}'),
        ("DELETE", "/_emulator/faults/{number}", "/_emulator/faults/1", b""),
        ("DELETE", "/_emulator/faults", "/_emulator/faults", b""),
        ("POST", "/_emulator/restore", "/_emulator/restore", kept),
        ("POST", "/_emulator/restore", "/_emulator/restore", b"{}"),
        ("POST", "/_emulator/reset", "/_emulator/reset", b""),
    ]
    for method, template, path, body in calls:
        answer = await visit.ask(method, path, body=body)
        described = document()["paths"][template][method.lower()]["responses"]
        ((media, content),) = described[str(answer.status)]["content"].items()
        assert answer.headers["content-type"].partition(";")[0] == media
        parts = answer.body.splitlines() if media == "application/jsonl" else [answer.body]
        assert parts
        for part in parts:
            assert faults(json.loads(part), content["schema"]) == [], (method, path)


def test_the_check_itself_finds_faults() -> None:
    clock = {"now": "x", "offset_seconds": "0", "frozen": True}
    assert faults(clock, {"$ref": "#/components/schemas/Clock"}) == [
        "$.offset_seconds: '0' is no number"
    ]
    assert faults({}, {"$ref": "#/components/schemas/Refusal"}) == [
        "$: no error",
        "$: no message",
        "$: no fix",
    ]
    assert faults({"decline": 1, "x": 2}, {"$ref": "#/components/schemas/RulesChange"}) != []
