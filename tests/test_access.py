"""Of each page it is told which it was, and nothing that somebody has asked it with."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from tests.doors import Door, opened

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    handlers = list(logging.getLogger().handlers)
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers = handlers


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path, log="requests") as (door, _):
        yield door


@pytest.mark.parametrize(
    ("method", "path", "page", "status"),
    [
        ("GET", "/", "index", 200),
        ("GET", "/launch?code=canary", "launch", 200),
        ("GET", "/oauth/callback?code=canary&state=canary", "callback", 400),
        ("GET", "/receipts/canary", "receipt", 404),
        ("GET", "/canary/canary?canary", "none", 404),
        ("BREW", "/canary", "none", 404),
    ],
)
async def test_tells_the_page_and_nothing_of_the_address(
    method: str, path: str, page: str, *, status: int, door: Door
) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = await door.ask(method, path, [(b"x-request-id", b"canary")])
    [line] = [line for line in lines if line["event"] == "page.answered"]
    assert (line["page"], line["status"], line["took_ms"]) == (page, status, 0)
    assert line["method"] == ("GET" if method == "GET" else "other")
    assert {each["request_id"] for each in lines} == {answer["x-request-id"]}
    assert answer["x-request-id"].startswith("req_")
    assert "canary" not in str(lines)


async def test_tells_nothing_of_probes_and_webhooks(door: Door) -> None:
    with capture_logs() as lines:
        for method, path in [("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/events")]:
            await door.ask(method, path)
    assert "page.answered" not in str(lines)


@pytest.mark.parametrize("amount", ["error", "warning", "info"])
async def test_tells_of_no_page_unless_asked_to(tmp_path: Path, amount: Any) -> None:
    async with opened(tmp_path, log=amount) as (door, _):
        with capture_logs() as lines:
            answer = await door.get("/")
        assert answer["x-request-id"] != (await door.get("/"))["x-request-id"]
    assert not [line for line in lines if line["event"] == "page.answered"]
