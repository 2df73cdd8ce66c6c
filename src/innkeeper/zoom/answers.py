"""What do Zoom's answers have in common? How success, refusal and delay are told."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar, cast

import msgspec

from innkeeper.errors import AnswerLost, ApiRefused, ScopeNotGranted
from innkeeper.net.outbound import (
    ANSWER_LIMIT_BYTES,
    DEADLINE_SECONDS,
    Request,
    Response,
    Transport,
)
from innkeeper.secret import Secret

_T = TypeVar("_T")

RETRY_LIMIT_SECONDS = 300.0
"""No answer makes us wait longer than this: the next attempt asks again."""
_MESSAGE_LENGTH = 300
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LACKING = re.compile(r"does not contain scopes:? ?\[([a-z0-9_:, -]{1,200})", re.IGNORECASE)
"""Zoom's words, under several numbers; a long list of scopes may have been cut off."""
_DIGITS = re.compile(r"[0-9]{1,12}", re.ASCII)

NOT_JSON: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What reading a body that is not the JSON we expect may raise."""


def bearer(token: Secret) -> dict[str, str]:
    """Write the headers of a call with a token: in the header, for queries end up in logs."""
    return {"authorization": f"Bearer {token.reveal()}", "accept": "application/json"}


async def call_api(
    transport: Transport,
    request: Request,
    *,
    shape: type[_T],
    deadline: float = DEADLINE_SECONDS,
    limit_bytes: int = ANSWER_LIMIT_BYTES,
) -> _T:
    """Make one call to the API and read its answer; any 2xx is a success.

    Raises:
        ApiRefused: If Zoom would not do it, a redirect included.
        AnswerLost: If it may have been done: no answer in time, or none that makes sense.
        Unreachable: If Zoom could not be asked.
    """
    answer = await transport.send(request, deadline=deadline, limit_bytes=limit_bytes)
    if not 200 <= answer.status < 300:
        raise refusal(answer)
    try:
        return msgspec.json.decode(answer.body or b"{}", type=shape)
    except NOT_JSON:
        raise AnswerLost("Zoom's answer makes no sense", f"status {answer.status}") from None


def refusal(answer: Response) -> ApiRefused:
    """Read why the API refused a call; what the answer says is shortened and made printable."""
    try:
        said = msgspec.json.decode(answer.body)
    except NOT_JSON:
        said = None
    number, message = 0, "no explanation in JSON"
    if isinstance(said, dict):
        named = cast("dict[str, Any]", said)
        number, message = _number(named), _message(named)
        lacking = _LACKING.search(message)
        if lacking is not None:
            scopes = [scope for scope in lacking[1].replace(",", " ").split() if scope]
            return ScopeNotGranted(answer.status, number, message, scopes)
    return ApiRefused(
        answer.status, number, message, retry_at=retry_at(answer), per_second=per_second(answer)
    )


def _number(said: Mapping[str, Any]) -> int:
    code = said.get("code")
    if isinstance(code, str) and _DIGITS.fullmatch(code):
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else 0


def _message(said: Mapping[str, Any]) -> str:
    message = said.get("message")
    return printable(message, _MESSAGE_LENGTH) if isinstance(message, str) else ""


def printable(text: str, limit: int) -> str:
    r"""Keep what can be printed on one line, up to so many characters.

    Example:
        >>> printable(" Not\x1b[2J\nfound ", 8)
        'Not[2Jfo'
    """
    return "".join(char for char in text if char.isprintable()).strip()[:limit]


def retry_after(answer: Response) -> float | None:
    """Read how many seconds Zoom asks us to wait, bounded; None if it does not say.

    A date counts from the answer's own `Date`, so nobody's clock has to be right.
    Zoom writes it in ISO 8601 where HTTP has a format of its own.

    Source: https://developers.zoom.us/docs/api/rate-limits/
    """
    text = answer.headers.get("retry-after", "").strip()
    if _DIGITS.fullmatch(text):
        return min(float(text), RETRY_LIMIT_SECONDS)
    until, sent = _moment(text), _moment(answer.headers.get("date", "").strip())
    if until is None or sent is None:
        return None
    return min(max((until - sent).total_seconds(), 0.0), RETRY_LIMIT_SECONDS)


def retry_at(answer: Response) -> datetime | float | None:
    """Read when Zoom wants to be asked again: a moment, or seconds from now; None if it does not.

    Zoom says so in two ways: `X-RateLimit-Reset` in Unix seconds after the limit of a second,
    `Retry-After` as a date in ISO 8601 after that of a day. A date is told as seconds from the
    answer's own `Date` where it has one, so nobody's clock has to be right.

    Source: https://developers.zoom.us/docs/api/rate-limits/
    """
    if answer.status not in {429, 503}:
        return None
    text = answer.headers.get("retry-after", "").strip()
    if _DIGITS.fullmatch(text):
        return float(text)
    reset = answer.headers.get("x-ratelimit-reset", "").strip()
    until = _moment(text)
    if until is None and _DIGITS.fullmatch(reset):
        until = _EPOCH + timedelta(seconds=int(reset))
    sent = _moment(answer.headers.get("date", "").strip())
    if until is None or sent is None:
        return until
    return max((until - sent).total_seconds(), 0.0)


def per_second(answer: Response) -> int | None:
    """Read how many calls a second are allowed; None where another limit was hit.

    Source: https://developers.zoom.us/docs/api/rate-limits/
    """
    daily = answer.headers.get("x-ratelimit-type", "").strip().lower().startswith("daily")
    limit = answer.headers.get("x-ratelimit-limit", "").strip()
    if answer.status != 429 or daily or not _DIGITS.fullmatch(limit):
        return None
    return int(limit) or None


def _moment(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except (ValueError, OverflowError):
            continue
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return None
