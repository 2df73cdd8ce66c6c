"""Three doors, one object: what is done through one is seen through the others."""

import asyncio
import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from innkeeper.clock import MovableClock
from innkeeper.emulator import Emulator
from innkeeper.net.outbound import AsgiTransport, Request
from innkeeper.net.serving import LOCAL, PortTaken, bind
from tests.emulator.visit import START


def ask(url: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Ask as a test without asyncio would."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def make_emulator() -> Emulator:
    clock = MovableClock(START, frozen=True)
    return Emulator(clock=clock, transport=AsgiTransport(), random_seed=7)


@pytest.mark.slow
def test_a_thread_serves_the_same_state() -> None:
    emulator = make_emulator()
    with emulator.serve() as url:
        assert emulator.base_url == url
        assert ask(url, "PATCH", "/_emulator/rules", {"decline": "stay"})[0] == 200
        assert ask(url, "POST", "/_emulator/clock", {"advance": 60})[0] == 200
        listed = ask(url, "GET", "/_emulator/state")[1]
    assert emulator.world.rules.decline == "stay"
    assert (emulator.world.now() - START).total_seconds() == 60
    assert [user["id"] for user in listed["users"]] == [u.id for u in emulator.world.users()]


@pytest.mark.slow
def test_can_be_served_again_and_gives_its_port_back() -> None:
    emulator = make_emulator()
    for _ in range(2):
        with emulator.serve() as url:
            assert ask(url, "GET", "/_emulator/clock")[0] == 200
        port = urlsplit(url).port
        assert port
        bind(LOCAL, port).close()
    assert emulator.base_url == "http://127.0.0.1:8700"


def test_what_runs_in_the_background_runs_in_every_loop() -> None:
    emulator = Emulator(transport=AsgiTransport())
    app = next(iter(emulator.world.apps.values()))

    async def run() -> None:
        await emulator.start()
        heard = asyncio.Event()
        emulator.world.listeners.append(lambda kind, _: heard.set() if kind == "traffic" else None)
        await asyncio.sleep(0)  # the loop has begun to wait
        emulator.courier.post(app, "http://127.0.0.1:1/", "test", {})
        await asyncio.wait_for(heard.wait(), 10)
        await emulator.aclose()

    asyncio.run(run())
    asyncio.run(run())


@pytest.mark.slow
def test_made_outside_a_loop_it_posts_over_sockets_in_every_loop() -> None:
    emulator = Emulator()
    app = next(iter(emulator.world.apps.values()))
    with socket.socket() as nobody:  # its port is taken, and nobody answers there
        nobody.bind((LOCAL, 0))
        app.bot_endpoint = f"http://localhost:{nobody.getsockname()[1]}/events"
        for _ in range(2):
            with emulator.serve() as url:
                told = ask(url, "POST", "/_emulator/validations", {"url": app.bot_endpoint})
            checks = {each["name"]: each for each in told[1]["checks"]}
            assert (told[0], checks["address"]["verdict"]) == (201, "passed")
            assert "no connection" in checks["answer"]["why"]


def test_a_port_that_is_taken_is_told() -> None:
    listener = bind(LOCAL, 0)
    emulator = make_emulator()
    with listener, pytest.raises(PortTaken), emulator.serve(port=listener.getsockname()[1]):
        pytest.fail("it was served all the same")
    assert emulator.base_url == "http://127.0.0.1:8700"


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_was_done_in_process_is_there_over_sockets() -> None:
    emulator = make_emulator()
    within = AsgiTransport({"http://127.0.0.1:8700": emulator.app})
    path = "/_emulator/rules"
    asked = Request("PATCH", f"http://127.0.0.1:8700{path}", {}, b'{"decline": "stay"}')
    assert (await within.send(asked)).status == 200
    with emulator.serve() as url:
        rows = ask(url, "GET", path)[1]["rules"]
    assert {row["name"]: row["value"] for row in rows}["decline"] == "stay"
