"""How is any call of Zoom's API made? By its path, with its ids as segments of their own.

Source: https://developers.zoom.us/docs/api/
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar

import msgspec

from innkeeper.net.outbound import DEADLINE_SECONDS, Request, Transport
from innkeeper.secret import Secret
from innkeeper.wire.links import with_query
from innkeeper.wire.oauth import escape_segment
from innkeeper.zoom.answers import bearer, call_api

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Query = Mapping[str, str | int | bool | None]

REPEATABLE: Final = frozenset({"GET", "PUT", "DELETE"})
"""Doing these twice leaves what doing them once does."""
LIST_LIMIT_BYTES: Final = 8_388_608
"""A page of a list is larger than an answer about one thing."""
_PATH: Final = re.compile(r"/[A-Za-z0-9_{}/.~-]*")
_HOLE: Final = "{}"

_T = TypeVar("_T")


def path_of(path: str, ids: tuple[str, ...]) -> str:
    """Put ids into the holes of a path, whatever they hold; `/v2` may be left out.

    Raises:
        ValueError: If the path is none, or has not as many holes as there are ids.

    Example:
        >>> path_of("/chat/channels/{}/members", ("a/b",))
        '/v2/chat/channels/a%2Fb/members'
    """
    parts = path.split(_HOLE)
    steps = set(path.split("/"))
    if _PATH.fullmatch(path) is None or "//" in path or steps & {".", ".."}:
        message = "a path of Zoom's API begins with one slash; a query is given apart"
        raise ValueError(message)
    if len(parts) != len(ids) + 1 or not all(ids):
        message = f"the path has {len(parts) - 1} holes for {len(ids)} ids, none of them empty"
        raise ValueError(message)
    filled = parts[0] + "".join(
        escape_segment(one) + part for one, part in zip(ids, parts[1:], strict=True)
    )
    return filled if filled.startswith("/v2/") else f"/v2{filled}"


async def call(  # noqa: PLR0913  # each by its name
    transport: Transport,
    *,
    api_url: str,
    token: Secret,
    method: Method,
    path: str,
    query: Query | None = None,
    body: Any = None,
    shape: type[_T],
    deadline: float = DEADLINE_SECONDS,
) -> _T:
    """Make one call.

    Args:
        path: As `path_of` gives it.
        body: What JSON can hold; nothing is sent for None.

    Raises:
        ApiRefused: If Zoom would not do it.
        AnswerLost: If it may have been done.
        Unreachable: If it was not.
    """
    written = {name: _written(value) for name, value in (query or {}).items()}
    headers = bearer(token)
    if body is not None:
        headers["content-type"] = "application/json; charset=utf-8"
    request = Request(
        method,
        with_query(api_url + path, **written),
        headers,
        b"" if body is None else msgspec.json.encode(body),
    )
    return await call_api(
        transport, request, shape=shape, deadline=deadline, limit_bytes=LIST_LIMIT_BYTES
    )


def _written(value: str | int | bool | None) -> str | None:  # noqa: FBT001  # a value, not a flag
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
