"""`innkeeper check --review`: what would a reviewer find?"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from innkeeper import App
from innkeeper.cli.review import Found, findings
from innkeeper.errors import AnswerLost, Unreachable
from innkeeper.net.outbound import Request, Response
from innkeeper.secret import Secret
from innkeeper.testing import BOT_URL, Zoom
from innkeeper.wire.credentials import Demands
from tests.cli.commands import BOT, CONFIGURED, free_ports, innkeeper, started
from tests.journeys.test_custom_headers import NEW, OLD, GuardedZoom, demand

pytestmark = pytest.mark.anyio


@dataclass
class Proxy:
    """Stands before an app, and changes what it answers."""

    zoom: Zoom
    status: Mapping[str, int] = field(default_factory=dict[str, int])
    """By method and path."""
    without: str = ""
    """A header it takes away."""
    broken: str = ""
    """A path where the answer is lost."""

    async def send(self, request: Request, **_how: object) -> Response:
        path = request.url.removeprefix(BOT_URL).partition("?")[0]
        if path == self.broken:
            raise AnswerLost("the answer broke off")
        answer = await self.zoom.transport.send(request)
        status = self.status.get(f"{request.method} {path}", answer.status)
        headers = {name: value for name, value in answer.headers.items() if name != self.without}
        return replace(answer, status=status, headers=headers)

    async def aclose(self) -> None: ...


@pytest.fixture
async def zoom() -> AsyncIterator[Zoom]:
    async with Zoom(App("Porter")) as zoom:
        yield zoom


async def found(proxy: Proxy, tokens: tuple[Secret, ...] | None = None) -> list[Found]:
    parts = proxy.zoom.parts
    given = parts.settings.secret_tokens if tokens is None else tokens
    return [each async for each in findings(BOT_URL, proxy, tokens=given, clock=parts.clock)]


def wrong(all_found: list[Found]) -> list[str]:
    return [f"{each.asked}: {each.answered}" for each in all_found if not each.right]


async def test_a_reviewer_gets_what_they_probe_for(zoom: Zoom) -> None:
    all_found = await found(Proxy(zoom))
    assert wrong(all_found) == []
    told = {each.asked: each.answered for each in all_found}
    for path in ("/events", "/deauthorize"):
        assert told[f"GET {path}"] == "405"
        assert told[f"POST {path} unsigned"] == "401"
        assert told[f"POST {path} signed by a stranger"] == "401"
        assert told[f"POST {path} signed a day ago"] == "401"
        assert told[f"POST {path} URL validation"] == "200, proven"
    assert await zoom.parts.store.installations() == []
    assert await zoom.parts.store.inbox_rows() == []
    assert await zoom.parts.store.cases() == []


async def test_asks_without_a_secret_what_anybody_can_ask(zoom: Zoom) -> None:
    all_found = await found(Proxy(zoom), ())
    assert wrong(all_found) == []
    assert not any("validation" in each.asked for each in all_found)


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ({"status": {"GET /events": 404}}, ["GET /events: 404, not 405"]),
        ({"status": {"GET /readyz": 503}}, ["GET /readyz: 503, not 200"]),
        ({"without": "set-cookie"}, ["GET /install: 303, no cookie that is HttpOnly"]),
        ({"without": "location"}, ["leads to no consent page", "no state", "no PKCE"]),
        ({"without": "referrer-policy"}, ["GET /: 200, no referrer-policy"]),
        ({"broken": "/"}, ["GET /: no answer: the answer broke off"]),
        ({"broken": "/install"}, ["GET /install: no answer"]),
        ({"broken": "/deauthorize"}, ["POST /deauthorize URL validation: no answer"]),
    ],
)
async def test_says_what_a_proxy_makes_of_it(
    zoom: Zoom, proxy: Mapping[str, object], told: list[str]
) -> None:
    all_found = await found(Proxy(zoom, **proxy))  # type: ignore[arg-type]  # by its fields
    for each in told:
        assert any(each in said for said in wrong(all_found)), wrong(all_found)
    assert all(each.fix for each in all_found if not each.right)


async def test_says_that_the_secret_token_is_another(zoom: Zoom) -> None:
    all_found = await found(Proxy(zoom), (Secret("a-token-of-another-environment"),))
    assert wrong(all_found) == [
        "POST /events URL validation: 401, no proof",
        "POST /deauthorize URL validation: 401, no proof",
    ]


async def test_wants_https_anywhere_else(zoom: Zoom) -> None:
    class Nowhere(Proxy):
        async def send(self, _request: Request, **_how: object) -> Response:
            raise Unreachable("not connected", "refused")

    clock = zoom.parts.clock
    told = [each async for each in findings("http://b.test", Nowhere(zoom), tokens=(), clock=clock)]
    assert not any(each.right for each in told)
    assert told[0].asked == "the address"


def test_asks_an_app_that_runs(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    (tmp_path / "bot.py").write_text(BOT)
    url = f"http://127.0.0.1:{port}"
    required = {
        "INNKEEPER_WEBHOOK_BASIC": "zoom:canary-password-0001",
        "INNKEEPER_WEBHOOK_BEARER": "zoom:canary-client-0001",
    }
    env = {**CONFIGURED, **required, "INNKEEPER_PUBLIC_URL": url}
    with started("run", "--port", str(port), port=port, cwd=tmp_path, env=env) as server:
        server.wait_until_it_answers()
        ended = innkeeper(
            "check", "--review", url, "--json", cwd=tmp_path, env={**CONFIGURED, **required}
        )
        bad = {**CONFIGURED, "INNKEEPER_WEBHOOK_BASIC": "zoom"}
        assert innkeeper("check", "--review", url, cwd=tmp_path, env=bad).code == 78
    assert ended.code == 0, ended.said
    assert "canary" not in ended.said
    assert "a token" in ended.out
    assert all(each["right"] for each in json.loads(ended.out))
    ended = innkeeper("check", "--review", url, cwd=tmp_path, env=CONFIGURED)
    assert ended.code == 3
    assert "WRONG" in ended.out
    assert innkeeper("check", "--review", "bot.example.com", cwd=tmp_path).code == 2


# a bot that requires custom headers

NAMES = ("basic", "bearer", "header")


async def reviewed(required: Demands, shown: Demands) -> list[Found]:
    """Review an app that requires something, with settings that say perhaps another thing."""
    zoom = GuardedZoom(App("Porter"))
    zoom.demands = replace(required, everywhere=False)
    async with zoom:  # whose address is validated as the bot endpoint's, without a header
        if required.everywhere:
            zoom.__dict__["_settings"] = replace(zoom.parts.settings, demands=required)
            await zoom.restart()
        parts = zoom.parts
        told = findings(
            BOT_URL,
            Proxy(zoom),
            tokens=parts.settings.secret_tokens,
            demands=shown,
            clock=parts.clock,
        )
        all_found = [each async for each in told]
        rows = len(await parts.store.inbox_rows())
    assert rows == (0 if required else 1)  # an event that was let through, once
    return all_found


@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("names", [*((name,) for name in NAMES), NAMES], ids="-".join)
async def test_shows_what_is_required(names: tuple[str, ...], everywhere: bool) -> None:
    demands = demand(*(NEW[name] for name in names), everywhere=everywhere)
    all_found = await reviewed(demands, demands)
    assert wrong(all_found) == []
    told = {each.asked: each.answered for each in all_found}
    kinds = {"basic": "Basic", "bearer": "a token", "header": "the header x-door"}
    for path in ("/events", "/deauthorize"):
        assert told[f"POST {path} signed, without a custom header"] == "401"
        for name in names:
            kind = kinds[name]
            assert told[f"POST {path} URL validation with {kind}"] == "200, proven"
            assert told[f"POST {path} URL validation with {kind} of a stranger"] == "401"
    assert ("POST /events URL validation" in told) is not everywhere
    assert told.get("POST /events/token") == ("200, a token" if "bearer" in names else None)


@pytest.mark.parametrize("name", NAMES)
async def test_names_a_bot_that_lets_through_what_lacks_it(name: str) -> None:
    all_found = await reviewed(Demands(), demand(NEW[name]))
    told = wrong(all_found)
    for path in ("/events", "/deauthorize"):
        assert f"POST {path} signed, without a custom header: 200, not 401" in told
        assert any(f"{path} URL validation with" in said and "stranger" in said for said in told)
    assert all("INNKEEPER_WEBHOOK_BASIC" in each.fix for each in all_found if not each.right)


@pytest.mark.parametrize("name", NAMES)
async def test_names_a_bot_that_requires_another(name: str) -> None:
    told = wrong(await reviewed(demand(OLD[name]), demand(NEW[name])))
    if name == "bearer":
        assert told == ["POST /events/token: 401, no token"]
    else:
        assert len(told) == 2
        assert all(said.endswith("401, no proof") for said in told)


async def test_shows_no_secret_where_anybody_may_read_it(zoom: Zoom) -> None:
    sent: list[Request] = []

    class Listening(Proxy):
        async def send(self, request: Request, **_how: object) -> Response:
            sent.append(request)
            return Response(200, {}, b"{}")

    found_there = findings(
        "http://b.test",
        Listening(zoom),
        tokens=zoom.parts.settings.secret_tokens,
        demands=demand(*NEW.values()),
        clock=zoom.parts.clock,
    )
    all_found = [each async for each in found_there]
    assert not all_found[0].right
    assert not [each for each in sent if {"authorization", "x-door"} & each.headers.keys()]


async def test_reports_no_secret() -> None:
    demands = demand(*NEW.values())
    told = repr(await reviewed(demands, demands))
    assert not [each for each in demands.secrets if each.reveal() in told]
