"""E14 and T87: who may come in."""

import pytest

from innkeeper.emulator import Emulator
from innkeeper.net.outbound import AsgiTransport, Message, Request
from tests.emulator.visit import Visit, read

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8700",
        "127.0.0.1",
        "127.1.2.3:1",
        "localhost:8700",
        "LOCALHOST",
        "[::1]:8700",
    ],
)
async def test_answers_to_every_name_of_this_machine(visit: Visit, host: str) -> None:
    assert (await visit.ask("GET", "/_emulator/state", headers={"host": host})).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:8700",
        "localhost.evil.test",
        "127.0.0.1.evil.test",
        "10.0.0.1",
        "0.0.0.0",  # noqa: S104  # a name to be refused, not bound
        "169.254.169.254",
        "user@127.0.0.1",
        "127.0.0.1/",
        "[::2]",
        "[::1",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/_emulator/state", "/", "/oauth/token"])
async def test_answers_to_no_other_name(visit: Visit, host: str, path: str) -> None:
    refused = await visit.ask("GET", path, headers={"host": host})
    assert (refused.status, read(refused)["error"]) == (403, "forbidden")


async def test_answers_to_the_name_in_its_base_url() -> None:
    emulator = Emulator(base_url="http://zoom.test", transport=AsgiTransport())
    transport = AsgiTransport({"http://zoom.test": emulator.app})
    assert (await transport.send(Request("GET", "http://zoom.test/"))).status == 200


CROSS = [
    {"origin": "https://evil.test"},
    {"origin": "http://127.0.0.1:8080"},
    {"origin": "null"},
    {"origin": "http://["},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8700"},
]
SAME = [
    {},
    {"origin": "http://127.0.0.1:8700"},
    {"sec-fetch-site": "same-origin", "origin": "null"},
    {"sec-fetch-site": "none"},
]


@pytest.mark.parametrize("headers", CROSS)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_emulator/reset"),
        ("GET", "/_emulator/state"),
        ("PATCH", "/_emulator/rules"),
        ("POST", "/signin"),
        ("POST", "/oauth/authorize"),
    ],
)
async def test_refuses_what_another_sites_page_asks(
    visit: Visit, method: str, path: str, headers: dict[str, str]
) -> None:
    assert (await visit.ask(method, path, headers=headers)).status == 403


@pytest.mark.parametrize("headers", SAME)
async def test_takes_what_its_own_pages_and_programs_ask(
    visit: Visit, headers: dict[str, str]
) -> None:
    assert (await visit.ask("POST", "/_emulator/reset", headers=headers)).status == 200


async def test_lets_another_site_link_to_its_pages(visit: Visit) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    assert (await visit.authorize()).status == 200
    path = f"/oauth/authorize?{visit.query()}"
    assert (await visit.ask("GET", path, headers=headers)).status == 200


async def test_allows_no_other_site_to_read(visit: Visit) -> None:
    shown = await visit.ask("GET", "/_emulator/state")
    assert not [name for name in shown.headers if name.startswith("access-control")]


async def test_answers_this_machine_alone(visit: Visit) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8700")],
        "client": ("192.168.1.7", 1),
    }
    await visit.zoom.app(scope, receive, send)
    assert sent[0]["status"] == 403


@pytest.mark.parametrize("path", ["/", "/oauth/token", "/nowhere", "/_emulator/state"])
async def test_names_the_clocks_lead_on_every_answer(path: str) -> None:
    visit = Visit()
    before = int((await visit.ask("GET", path)).headers["x-emulator-clock-offset"])
    await visit.zoom.advance(7200)
    after = int((await visit.ask("GET", path)).headers["x-emulator-clock-offset"])
    assert 7190 <= after - before <= 7200


async def test_names_the_lead_on_a_refusal_too(visit: Visit) -> None:
    refused = await visit.ask("GET", "/", headers={"host": "evil.test"})
    assert "x-emulator-clock-offset" in refused.headers
