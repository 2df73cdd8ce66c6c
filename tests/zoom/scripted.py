"""A transport that gives the answers it was told to, and keeps what it was asked."""

import json
from typing import Any

from innkeeper.net.outbound import Request, Response


class Scripted:
    """Answers each request with the next of its answers."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.deadlines: list[float] = []

    async def send(
        self, request: Request, *, deadline: float = 10.0, limit_bytes: int = 65_536
    ) -> Response:
        assert limit_bytes == 65_536
        self.requests.append(request)
        self.deadlines.append(deadline)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        """Nothing is held."""

    @property
    def asked(self) -> Request:
        """The only request that was made."""
        (request,) = self.requests
        return request


def says(status: int, body: Any, **headers: str) -> Response:
    """An answer in JSON."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        status, {"content-type": "application/json", **given}, json.dumps(body).encode()
    )
