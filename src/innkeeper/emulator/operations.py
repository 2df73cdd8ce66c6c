"""Which calls does the control API have? One entry each: what it takes and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Schema = Mapping[str, Any]

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
WHOLE: Final[Schema] = {"type": "integer"}
TRUTH: Final[Schema] = {"type": "boolean"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
ANY: Final[Schema] = {}


def ref(name: str) -> Schema:
    """Point to a shape of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(of: Schema) -> Schema:
    """Describe a list."""
    return {"type": "array", "items": of}


def or_null(schema: Schema) -> Schema:
    """Describe what may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def shape(**fields: Schema) -> Schema:
    """Describe an object that has all of these fields, and perhaps more."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def mapped(of: Schema) -> Schema:
    """Describe an object whose keys are no names."""
    return {"type": "object", "additionalProperties": of}


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: what it does, what it takes, what it answers when it worked."""

    call: str
    """`METHOD /path`."""
    summary: str
    answer: Schema
    body: Schema | None = None
    query: tuple[str, ...] = ()
    statuses: tuple[int, ...] = (200,)
    refusals: tuple[int, ...] = ()
    media: str = "application/json"
    """What an answer that worked is written in."""


OPERATIONS: Final = (
    Operation("GET /_emulator/state", "Who is here, and what they allowed.", ref("State")),
    Operation(
        "POST /_emulator/apps",
        "Makes an app of a manifest, or gives it to the app that is named.",
        ref("App"),
        body={"anyOf": [ref("AppSeed"), ref("Manifest")]},
        statuses=(200, 201),
        refusals=(400,),
    ),
    Operation(
        "GET /_emulator/apps/{client_id}/manifest",
        "Gives an app's manifest, as the app is now.",
        ref("Manifest"),
        refusals=(404,),
    ),
    Operation(
        "PATCH /_emulator/apps/{client_id}",
        "Changes an app. A new endpoint is validated first.",
        ref("App"),
        body=ref("AppChange"),
        refusals=(400, 404),
    ),
    Operation(
        "PATCH /_emulator/accounts/{account_id}",
        "Says whether apps need an admin's approval, and which have it.",
        shape(id=TEXT, approval_required=TRUTH, approved_apps=listed(TEXT)),
        body={
            "type": "object",
            "properties": {"approval_required": TRUTH, "approved_apps": listed(TEXT)},
        },
        refusals=(400, 404),
    ),
    Operation(
        "DELETE /_emulator/approvals/{approval_id}",
        "Declines a person's request for approval.",
        shape(id=TEXT, declined=TRUTH),
        refusals=(404,),
    ),
    Operation(
        "GET /_emulator/rules",
        "Lists every switch, and how it stands.",
        shape(presets=listed(TEXT), rules=listed(ref("Switch"))),
    ),
    Operation(
        "PATCH /_emulator/rules",
        "Chooses a preset, single rules, or both.",
        ref("Rules"),
        body=ref("RulesChange"),
        refusals=(400,),
    ),
    Operation("GET /_emulator/clock", "Tells the time.", ref("Clock")),
    Operation(
        "POST /_emulator/clock",
        "Moves the clock, by seconds; what falls due on the way is done first.",
        ref("Clock"),
        body=shape(advance=NUMBER),
        refusals=(400,),
    ),
    Operation("POST /_emulator/reset", "Begins again from the seed.", ref("State")),
    Operation(
        "GET /_emulator/seed",
        "Writes a seed file of what is here now, secrets included.",
        ref("Document"),
    ),
    Operation("GET /_emulator/snapshot", "Writes everything down.", ref("Snapshot")),
    Operation(
        "POST /_emulator/restore",
        "Makes everything what a snapshot says.",
        ref("State"),
        body=ref("Snapshot"),
        refusals=(400,),
    ),
    Operation(
        "GET /_emulator/health",
        "Tells that the emulator is up.",
        shape(status={"const": "ok"}, now=MOMENT),
    ),
    Operation(
        "GET /_emulator/not-emulated",
        "Tells what is emulated, and how often what is not was asked for.",
        shape(rows=listed(ref("CoverageRow")), unlisted=mapped(WHOLE)),
    ),
    Operation(
        "GET /_emulator/faults",
        "Lists the fault rules, with what each has counted.",
        shape(faults=listed(ref("FaultRule"))),
    ),
    Operation(
        "POST /_emulator/faults",
        "Adds a fault rule, behind those that stand.",
        ref("FaultRule"),
        body=ref("Order"),
        statuses=(201,),
        refusals=(400,),
    ),
    Operation(
        "DELETE /_emulator/faults",
        "Takes every fault rule back.",
        shape(faults=listed(ref("FaultRule"))),
    ),
    Operation(
        "DELETE /_emulator/faults/{number}",
        "Takes one fault rule back.",
        shape(faults=listed(ref("FaultRule"))),
        refusals=(404,),
    ),
    Operation(
        "DELETE /_emulator/installations/{installation_id}",
        "Removes an installation, as Remove App does.",
        shape(id=TEXT, told=TRUTH, why=TEXT),
        refusals=(404,),
    ),
    Operation(
        "GET /_emulator/messages",
        "Lists every chat message.",
        shape(messages=listed({"type": "object"})),
    ),
    Operation(
        "GET /_emulator/traffic",
        "Lists every request both ways, from a number on.",
        shape(traffic=listed(ref("Exchange"))),
        query=("after",),
        refusals=(400,),
    ),
    Operation(
        "GET /_emulator/traffic.jsonl",
        "Gives every request that is remembered, one JSON object a line.",
        ref("Exchange"),
        media="application/jsonl",
    ),
    Operation(
        "GET /_emulator/deliveries",
        "Lists every webhook.",
        shape(deliveries=listed(ref("Delivery"))),
    ),
    Operation(
        "GET /_emulator/deliveries/{delivery_id}",
        "Gives one webhook, each attempt with its exchange and its signature, step by step.",
        ref("DeliveryInFull"),
        refusals=(404,),
    ),
    Operation(
        "POST /_emulator/deliveries/{delivery_id}/redeliver",
        "Tries a webhook once more.",
        ref("Delivery"),
        refusals=(404,),
    ),
    Operation(
        "GET /_emulator/validations",
        "Lists the last URL validations, each check with its verdict.",
        shape(validations=listed(ref("Validation"))),
    ),
    Operation(
        "POST /_emulator/validations",
        "Validates an address of an app now: what failed is told, and changes nothing.",
        ref("ValidationInFull"),
        body={
            "type": "object",
            "properties": {"url": TEXT, "app": or_null(TEXT)},
            "required": ["url"],
        },
        statuses=(201,),
        refusals=(400,),
    ),
    Operation(
        "GET /_emulator/validations/{validation_id}",
        "Gives one URL validation, with its exchange and its signature, step by step.",
        ref("ValidationInFull"),
        refusals=(404,),
    ),
    Operation(
        "POST /_emulator/trigger",
        "Sends an event as if somebody had caused it; `set` changes it by dotted paths.",
        ref("Delivery"),
        body={
            "type": "object",
            "properties": {
                "event": TEXT,
                "app": or_null(TEXT),
                "user": or_null(TEXT),
                "set": mapped(ANY),
            },
            "required": ["event"],
        },
        refusals=(400,),
    ),
    Operation(
        "POST /_emulator/tunnel",
        "Takes what follows on this connection as asked of one of Zoom's hosts; for the proxy.",
        ANY,
        body=shape(host=TEXT),
        statuses=(204,),
        refusals=(400,),
    ),
    Operation("GET /_emulator/openapi.json", "Gives this document.", {"type": "object"}),
)
