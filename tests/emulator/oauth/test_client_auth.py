"""oauth_checks C: which client is asking."""

import base64

import pytest

from innkeeper.net.outbound import Message, Response
from tests.emulator.visit import Visit, read

pytestmark = pytest.mark.anyio

FAULT = {"reason": "Invalid client_id or client_secret", "error": "invalid_client"}


@pytest.fixture
def visit() -> Visit:
    return Visit()


def _basic(pair: bytes) -> str:
    return "Basic " + base64.b64encode(pair).decode()


async def _ask(visit: Visit, header: str | None = None, **form: str) -> Response:
    headers = {} if header is None else {"authorization": header}
    return await visit.token({"grant_type": "client_credentials", **form}, headers=headers)


async def test_takes_the_secret_in_the_body(visit: Visit) -> None:
    """C18."""
    secret = visit.app.client_secret
    answer = await _ask(visit, client_id=visit.app.client_id, client_secret=secret)
    assert answer.status == 200


async def test_takes_the_secret_in_the_query(visit: Visit) -> None:
    """client_quirks 2."""
    app = visit.app
    query = f"grant_type=client_credentials&client_id={app.client_id}"
    path = f"/oauth/token?{query}&client_secret={app.client_secret}"
    assert (await visit.ask("POST", path)).status == 200


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
async def test_takes_the_scheme_in_any_case(visit: Visit, scheme: str) -> None:
    pair = visit.basic()["authorization"].partition(" ")[2]
    assert (await _ask(visit, f"{scheme} {pair}")).status == 200


@pytest.mark.parametrize(
    ("secret", "sent"),
    [
        pytest.param("emu_a b+c/%", "emu_a%20b%2Bc%2F%25", id="C24"),
        pytest.param("emu_a b+c", "emu_a+b%2Bc", id="C24-blank-as-plus"),
        pytest.param("emu_a+b", "emu_a+b", id="C24-raw-plus"),
        pytest.param("emu_a%20b", "emu_a%20b", id="C24-raw-first"),
        pytest.param("emu_a:b:c", "emu_a:b:c", id="E08-colon"),
        pytest.param("emu_\u00e9", "emu_\u00e9", id="E08-utf8"),
    ],
)
async def test_takes_a_secret_raw_or_percent_encoded(visit: Visit, secret: str, sent: str) -> None:
    visit.app.client_secret = secret
    pair = f"{visit.app.client_id}:{sent}".encode()
    assert (await _ask(visit, _basic(pair))).status == 200


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Basic !!!", id="C21-not-base64"),
        pytest.param(_basic(b"no colon"), id="C21-no-colon"),
        pytest.param(_basic(b"\xff\xfe:\xff"), id="C21-not-utf8"),
        pytest.param("Basic ", id="C21-empty"),
        pytest.param("", id="C21-nothing"),
        pytest.param("Bearer abc", id="C21-bearer"),
        pytest.param("Basic Basic", id="C21-twice"),
        pytest.param(_basic(b"nobody:secret"), id="C16"),
        pytest.param(_basic(b":"), id="C16-empty"),
    ],
)
async def test_answers_every_bad_client_alike(visit: Visit, header: str) -> None:
    refused = await _ask(visit, header)
    assert (refused.status, read(refused)) == (400, FAULT)


async def test_answers_a_wrong_secret_like_an_unknown_client(visit: Visit) -> None:
    """C15, C16."""
    wrong = await _ask(visit, _basic(f"{visit.app.client_id}:wrong".encode()))
    unknown = await _ask(visit, _basic(b"nobody:wrong"))
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body) == (400, wrong.body)
    assert read(wrong) == FAULT


@pytest.mark.parametrize("known", [True, False])
async def test_challenges_a_client_of_the_header_where_told_so(visit: Visit, known: bool) -> None:
    """C15, C16."""
    visit.world.rules.error_shape = "rfc"
    client = visit.app.client_id if known else "nobody"
    refused = await _ask(visit, _basic(f"{client}:wrong".encode()))
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Basic")
    assert read(refused)["error"] == "invalid_client"
    plain = await _ask(visit, client_id=client, client_secret="wrong")
    assert (plain.status, "www-authenticate" in plain.headers) == (401, False)


async def test_refuses_a_client_that_proves_itself_twice(visit: Visit) -> None:
    """C19."""
    header, secret = visit.basic()["authorization"], visit.app.client_secret
    refused = await _ask(visit, header, client_secret=secret)
    assert (refused.status, read(refused)["error"]) == (400, "invalid_request")


async def test_takes_a_client_id_beside_the_header_if_it_is_the_same(visit: Visit) -> None:
    header = visit.basic()["authorization"]
    assert (await _ask(visit, header, client_id=visit.app.client_id)).status == 200
    refused = await _ask(visit, header, client_id="another")
    assert read(refused)["error"] == "invalid_request"


async def test_refuses_several_authorization_headers(visit: Visit) -> None:
    one = visit.basic()["authorization"]
    joined = [(b"authorization", one.encode()), (b"authorization", one.encode())]
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"grant_type=client_credentials"}

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/oauth/token",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8700"), *joined],
        "client": ("127.0.0.1", 1),
    }
    await visit.zoom.app(scope, receive, send)
    assert sent[0]["status"] == 400


async def test_needs_a_client(visit: Visit) -> None:
    for form in ({}, {"client_id": visit.app.client_id}, {"client_secret": "x"}):
        assert read(await _ask(visit, **form)) == FAULT
