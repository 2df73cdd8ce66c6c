"""What can be asked under /_emulator/? The control API as an OpenAPI 3.1 document.

Every address of the control API has an operation; a test holds the two together.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import msgspec

from innkeeper.emulator.choices import PRESET
from innkeeper.emulator.delivery import State
from innkeeper.emulator.faultrules import Order
from innkeeper.emulator.marketplace.listing import AppChange
from innkeeper.emulator.operations import (
    ANY,
    MOMENT,
    NUMBER,
    OPERATIONS,
    TEXT,
    TRUTH,
    WHOLE,
    Operation,
    Schema,
    listed,
    mapped,
    or_null,
    ref,
    shape,
)
from innkeeper.emulator.rules import PRESETS, SWITCHES, Switch
from innkeeper.emulator.seed import Document
from innkeeper.emulator.validation import CHECKS, Verdict


def _shapes() -> dict[str, Schema]:
    return {
        "Refusal": shape(error=TEXT, message=TEXT, fix=TEXT),
        "Clock": shape(now=MOMENT, offset_seconds=NUMBER, frozen=TRUTH),
        "Account": shape(
            id=TEXT,
            name=TEXT,
            plan={"enum": ["free", "pro", "business"]},
            channels=listed(ref("Channel")),
        ),
        "Channel": shape(id=TEXT, account_id=TEXT, name=TEXT, jid=TEXT),
        "User": shape(
            id=TEXT,
            account_id=TEXT,
            name=TEXT,
            email=TEXT,
            role={"enum": ["admin", "member"]},
            jid=TEXT,
            member_id=TEXT,
        ),
        "Installation": shape(
            id=TEXT,
            client_id=TEXT,
            account_id=TEXT,
            user_id=TEXT,
            authorized_at=MOMENT,
            consent_version=WHOLE,
            scopes=listed(TEXT),
        ),
        "App": _app(),
        "State": shape(
            clock=ref("Clock"),
            seed=or_null(WHOLE),
            rules=ref("Rules"),
            accounts=listed(ref("Account")),
            users=listed(ref("User")),
            apps=listed(ref("App")),
            installations=listed(ref("Installation")),
        ),
        "Manifest": shape(
            display_information={"type": "object"}, oauth_information={"type": "object"}
        ),
        "Snapshot": shape(
            version=WHOLE,
            clock=shape(now=MOMENT, offset_seconds=NUMBER),
            seed=or_null(TEXT),
            chance=or_null(TEXT),
            state={"type": "object"},
        ),
        **_rules(),
        **_records(),
    }


def _app() -> Schema:
    texts = ("name", "description", "client_id", "client_secret", "secret_token", "bot_jid")
    more = ("account_id", "bot_endpoint", "deauthorization_endpoint", "command")
    return shape(
        **dict.fromkeys((*texts, *more), TEXT),
        redirect_uris=listed(TEXT),
        environment={"enum": ["development", "production"]},
        management={"enum": ["admin", "user"]},
        scopes=listed(TEXT),
        welcome=shape(mode=TEXT, title=TEXT, body=TEXT),
        subscriptions=listed(
            shape(
                id=TEXT,
                name=TEXT,
                url=TEXT,
                event_types=listed(TEXT),
                usage=TEXT,
                headers=TEXT,
            )
        ),
        consent_version=WHOLE,
        notes=listed(TEXT),
    )


def _rules() -> dict[str, Schema]:
    switches = {name: _switch(switch) for name, switch in SWITCHES.items()}
    change: dict[str, Schema] = {PRESET: {"enum": list(PRESETS)}, **switches}
    return {
        "Rules": {**shape(**switches), "additionalProperties": False},
        "RulesChange": {"type": "object", "properties": change, "additionalProperties": False},
        "Switch": shape(
            name=TEXT,
            value=ANY,
            area=TEXT,
            mark={"enum": ["C", "S", "A", "D"]},
            about=TEXT,
            source=TEXT,
            values=listed(ANY),
            bounds=or_null(listed(WHOLE)),
            presets=mapped(ANY),
        ),
    }


def _switch(switch: Switch) -> Schema:
    kind: Schema = {"enum": list(switch.values)}
    if switch.bounds is not None:
        kind = {"type": "integer", "minimum": switch.bounds[0], "maximum": switch.bounds[1]}
    return {**kind, "description": switch.about, "default": switch.presets["zoom"]}


def _records() -> dict[str, Schema]:
    half = shape(headers=mapped(TEXT), body=TEXT)
    refusal = shape(rule=TEXT, why=TEXT, accepts=TEXT)
    in_full: dict[str, Schema] = {
        "exchange": or_null(ref("Exchange")),
        "signature": or_null(ref("Signature")),
    }
    attempt: dict[str, Schema] = {
        "at": MOMENT,
        "status": WHOLE,
        "error": TEXT,
        "ms": NUMBER,
        "answer": TEXT,
    }
    delivery: dict[str, Schema] = {
        "id": TEXT,
        "client_id": TEXT,
        "subscription_id": TEXT,
        "url": TEXT,
        "event": TEXT,
        "state": {"enum": list(get_args(State))},
        "created_at": MOMENT,
        "next_at": or_null(MOMENT),
        "diagnostics": listed(TEXT),
        "body": TEXT,
    }
    verdict: Schema = {"enum": list(get_args(Verdict))}
    validation: dict[str, Schema] = {
        "id": TEXT,
        "client_id": TEXT,
        "url": TEXT,
        "at": MOMENT,
        "plain_token": TEXT,
        "accepted": TRUTH,
        "status": WHOLE,
        "ms": NUMBER,
        "checks": listed(shape(name={"enum": list(CHECKS)}, verdict=verdict, why=TEXT, fix=TEXT)),
    }
    return {
        "Exchange": shape(
            seq=WHOLE,
            at=MOMENT,
            direction={"enum": ["in", "out"]},
            method=TEXT,
            url=TEXT,
            request=half,
            answer=half,
            status=WHOLE,
            ms=NUMBER,
            error=TEXT,
            refusal=or_null(refusal),
            notes=listed(TEXT),
            delivery_id=TEXT,
            client_id=TEXT,
            fault=or_null(shape(kind=TEXT, rule=WHOLE)),
        ),
        "FaultRule": shape(
            number=WHOLE,
            seen=WHOLE,
            applied=WHOLE,
            spent=TRUTH,
            do=shape(kind=TEXT),
            on={"type": "object"},
            times=or_null(WHOLE),
            skip=WHOLE,
            p=or_null(NUMBER),
            seed=or_null(WHOLE),
        ),
        "Attempt": shape(**attempt),
        "AttemptInFull": shape(**attempt, **in_full),
        "Delivery": shape(**delivery, attempts=listed(ref("Attempt"))),
        "DeliveryInFull": shape(**delivery, attempts=listed(ref("AttemptInFull"))),
        "Validation": shape(**validation),
        "ValidationInFull": shape(**validation, **in_full),
        "Signature": shape(steps=listed(shape(what=TEXT, result=TEXT)), fits=TRUTH, verdict=TEXT),
        "CoverageRow": shape(
            area=TEXT,
            call=TEXT,
            status={"enum": ["full", "partial", "none"]},
            note=TEXT,
            tests=listed(TEXT),
            asked=WHOLE,
        ),
    }


@cache
def document() -> Mapping[str, Any]:
    """Write the whole document."""
    _, read = msgspec.json.schema_components(
        (AppChange, Document, Order), ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        method, path = each.call.split(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(each, path)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The control API of Innkeeper's emulator",
            "version": "1",
            "description": "JSON on this machine only; no request from another site's page.",
        },
        "paths": paths,
        "components": {"schemas": {**read, **_shapes()}},
    }


def _operation(each: Operation, path: str) -> dict[str, Any]:
    done = {"description": "Done.", "content": {each.media: {"schema": each.answer}}}
    found: dict[str, Any] = {
        "operationId": _name(each.call),
        "summary": each.summary,
        "responses": {
            **{str(status): done for status in each.statuses},
            **{str(status): _content("Refused.", ref("Refusal")) for status in each.refusals},
        },
    }
    parameters = [
        *({"name": name, "in": "path", "required": True} for name in re.findall(r"{(\w+)}", path)),
        *({"name": name, "in": "query", "required": False} for name in each.query),
    ]
    if parameters:
        found["parameters"] = [{**each, "schema": TEXT} for each in parameters]
    if each.body is not None:
        found["requestBody"] = {"required": True, "content": _json(each.body)}
    return found


def _content(said: str, schema: Schema) -> dict[str, Any]:
    return {"description": said, "content": _json(schema)}


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _name(call: str) -> str:
    """Make a name that generated clients can use: `get_apps_client_id_manifest`."""
    return re.sub(r"\W+", "_", call.replace("/_emulator", "")).strip("_").lower()
