"""How is an order to the control API read, and how is it refused? JSON both ways."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from innkeeper.emulator import answers
from innkeeper.errors import BodyRefused, InnkeeperError
from innkeeper.net.inbound import BODY_LIMIT_BYTES, read_body
from innkeeper.wire import lossless

T = TypeVar("T")


class OrderRefused(InnkeeperError):
    """An order that is not carried out; nothing was changed. `status` is what it is answered."""

    code = "order_refused"

    def __init__(self, code: str, message: str, fix: str, *, status: int = 400) -> None:
        self.code = code
        self.fix = fix
        self.status = status
        super().__init__(message)

    def answer(self) -> Response:
        """Say what was wrong, and what to do."""
        body = {"error": self.code, "message": self.what, "fix": self.fix}
        return answers.json_answer(body, self.status)


async def read_document(request: Request, *, limit_bytes: int = BODY_LIMIT_BYTES) -> Any:
    """Read a body that is any JSON.

    Raises:
        OrderRefused: If it is none.
    """
    body = await read_body(request.scope, request.receive, limit_bytes=limit_bytes)
    try:
        return lossless.parse(body)
    except BodyRefused as error:
        why = f"the body is no JSON ({error.reason})"
        raise OrderRefused("bad_json", why, "Send one JSON object.") from None


async def read_json(request: Request, kind: type[T], *, limit_bytes: int = BODY_LIMIT_BYTES) -> T:
    """Read a body that is JSON of one kind.

    Raises:
        OrderRefused: If it is no JSON, or not of this kind; naming what is known.
    """
    document = await read_document(request, limit_bytes=limit_bytes)
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise OrderRefused("bad_value", str(error), _known(kind)) from None


def _known(kind: type[Any]) -> str:
    fields: Mapping[str, Any] = getattr(kind, "__annotations__", {})
    return f"Known are: {', '.join(fields)}." if fields else "Send one JSON object."
