import json

import pytest

from innkeeper.net.outbound import Response
from innkeeper.secret import Secret
from innkeeper.zoom import api
from innkeeper.zoom.api import path_of
from tests.zoom.scripted import says

pytestmark = pytest.mark.anyio


class Roomy:
    """Takes a request, and notes how large the answer may be."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer

    async def send(self, request, *, deadline=10.0, limit_bytes=65_536) -> Response:
        self.request, self.deadline, self.limit_bytes = request, deadline, limit_bytes
        return self.answer

    async def aclose(self) -> None:
        """Nothing is held."""


async def test_writes_a_call_as_zoom_takes_it() -> None:
    transport = Roomy(says(201, {"id": "c"}))
    found = await api.call(
        transport,
        api_url="https://api.test",
        token=Secret("t0p"),
        method="POST",
        path="/v2/chat/channels",
        query={"all": True, "none": None, "size": 5, "name": "a&b"},
        body={"name": "ä"},
        shape=dict,
        deadline=3,
    )

    assert found == {"id": "c"}
    assert transport.request.method == "POST"
    assert transport.request.url == ("https://api.test/v2/chat/channels?all=true&size=5&name=a%26b")
    assert json.loads(transport.request.body) == {"name": "ä"}
    assert transport.request.headers["authorization"] == "Bearer t0p"
    assert (transport.deadline, transport.limit_bytes) == (3, api.LIST_LIMIT_BYTES)


async def test_an_answer_may_say_nothing() -> None:
    assert (
        await api.call(
            Roomy(Response(204)),
            api_url="https://api.test",
            token=Secret("t0p"),
            method="DELETE",
            path="/v2/chat/channels/c",
            shape=dict,
        )
        == {}
    )


def test_an_id_stays_one_segment() -> None:
    assert path_of("/users/{}", ("../accounts?x#y",)) == "/v2/users/..%2Faccounts%3Fx%23y"
    assert path_of("/users/{}", ("..",)) == "/v2/users/%252E%252E"
    assert path_of("/v2/users/{}/x/{}", ("a", "b")) == "/v2/users/a/x/b"
