"""How does one have the emulator send an event? By asking its control API, and waiting."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final, cast
from urllib.parse import quote

import click

from innkeeper.cli.codes import FAILED, MISUSED
from innkeeper.errors import BodyRefused, InnkeeperError, Unreachable
from innkeeper.net.outbound import HttpTransport, Request, Response
from innkeeper.wire import lossless

_PATIENCE_SECONDS: Final = 30.0
_ANSWER_LIMIT_BYTES: Final = 8 * 1024 * 1024


class TriggerFailed(InnkeeperError):
    """An event that the emulator could not be asked to send."""

    code = "trigger_failed"

    def __init__(self, what: str, fix: str, *, exit_code: int = FAILED) -> None:
        self.fix = fix
        self.exit_code = exit_code
        super().__init__(what)


def order(
    event: str, changes: Sequence[str], *, app: str | None, user: str | None
) -> dict[str, Any]:
    """Write what the control API is asked for.

    Raises:
        TriggerFailed: If a change has no `=`.
    """
    wanted: dict[str, Any] = {}
    for change in changes:
        path, given, value = change.partition("=")
        if not given:
            fix = "Write --set payload.cmd=help."
            raise TriggerFailed(f"--set {change} has no value", fix, exit_code=MISUSED)
        wanted[path] = _value(value)
    return {"event": event, "app": app, "user": user, "set": wanted}


def send(asked: dict[str, Any], emulator_url: str, *, as_json: bool) -> int:
    """Have the event sent and print what became of it; the exit code says whether it arrived.

    Raises:
        TriggerFailed: If no emulator is there, or it refuses.
    """
    base = emulator_url.rstrip("/")
    return _print(_delivery(_call(base, "POST", "trigger", asked), base), as_json=as_json)


def replay(delivery_id: str | None, emulator_url: str, *, as_json: bool) -> int:
    """Have a delivery made once more, byte for byte, and print what became of it.

    Args:
        delivery_id: The last one's when omitted.

    Raises:
        TriggerFailed: If no emulator is there, or there is no such delivery.
    """
    base = emulator_url.rstrip("/")
    if delivery_id is None:
        found = _parsed(_call(base, "GET", "deliveries")).get("deliveries")
        if found is None:
            raise _nobody(base)
        if not found:
            raise TriggerFailed("nothing was delivered yet", "Send an event: innkeeper trigger.")
        delivery_id = str(found[-1]["id"])
    again = _call(base, "POST", f"deliveries/{quote(delivery_id, safe='')}/redeliver")
    return _print(_delivery(again, base), as_json=as_json)


def _print(delivery: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps(delivery, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_told(delivery)))
    failed = delivery["state"] in {"retrying", "gave_up"} or _failed_last(delivery)
    return FAILED if failed else 0


def _failed_last(delivery: dict[str, Any]) -> bool:
    return any(attempt["error"] for attempt in delivery["attempts"][-1:])


def _call(base: str, method: str, path: str, asked: dict[str, Any] | None = None) -> Response:
    async def call() -> Response:
        transport = HttpTransport()
        headers = {"content-type": "application/json"}
        body = b"" if asked is None else json.dumps(asked).encode()
        request = Request(method, f"{base}/_emulator/{path}", headers, body)
        try:
            return await transport.send(
                request, deadline=_PATIENCE_SECONDS, limit_bytes=_ANSWER_LIMIT_BYTES
            )
        except Unreachable:
            raise _nobody(base) from None
        finally:
            await transport.aclose()

    return asyncio.run(call())


def _parsed(answer: Response) -> dict[str, Any]:
    try:
        parsed = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}


def _delivery(answer: Response, base: str) -> dict[str, Any]:
    told = _parsed(answer)
    if answer.status in {400, 404} and {"message", "fix"} <= set(told):
        raise TriggerFailed(str(told["message"]), str(told["fix"]), exit_code=MISUSED)
    if answer.status != 200 or not {"state", "attempts", "url", "event"} <= set(told):
        raise _nobody(base)
    return told


def _told(delivery: dict[str, Any]) -> list[str]:
    lines = [f"{delivery['event']} to {delivery['url']}: {delivery['state']}"]
    for attempt in delivery["attempts"]:
        status = attempt["status"] or "no answer"
        lines.append(f"  {status}{': ' if attempt['error'] else ''}{attempt['error']}")
    return lines + [f"  {each}" for each in delivery.get("diagnostics", ())]


def _nobody(base: str) -> TriggerFailed:
    fix = "Start one with innkeeper emulator start, or say where it is with --emulator."
    return TriggerFailed(f"no emulator answers at {base[:200]}", fix)


def _value(text: str) -> Any:
    try:
        return lossless.parse(text.encode("utf-8", "surrogateescape"))
    except BodyRefused:
        return text
