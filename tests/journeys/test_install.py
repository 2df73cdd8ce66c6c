"""Rows O of the catalogue of bad inputs: the way from /install to Zoom and back."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest

from innkeeper.browser import Page
from innkeeper.net.outbound import Request, Response
from innkeeper.store.sqlite import connection
from innkeeper.testing import BOT_URL, ZOOM_URL, Visitor, Zoom
from tests.journeys.bots import porter

pytestmark = pytest.mark.anyio

CALLBACK = f"{BOT_URL}/oauth/callback"
BOT_HOST = urlsplit(BOT_URL).netloc


@pytest.fixture
async def zoom() -> AsyncIterator[Zoom]:
    async with Zoom(porter()) as zoom:
        yield zoom


@pytest.fixture
async def ana(zoom: Zoom) -> Visitor:
    visitor = await zoom.user("Ana")
    await visitor.signs_in()
    return visitor


async def asked(visitor: Visitor) -> Page:
    """Begin at /install; give the consent page."""
    begun = await visitor.browser.exchange("GET", f"{BOT_URL}/install")
    return await visitor.browser.open(begun.headers["location"])


async def allowed(visitor: Visitor, page: Page | None = None) -> str:
    """Begin at /install and allow; give the callback's address, unvisited."""
    page = page or await asked(visitor)
    form, values = page.filled("Allow", {"user": visitor.user.id})
    answer = await visitor.browser.exchange("POST", urljoin(page.url, form.action), values)
    return answer.headers["location"]


def changed(url: str, **values: str | None) -> str:
    query = {name: found[0] for name, found in parse_qs(urlsplit(url).query).items()}
    kept = {name: value for name, value in (query | values).items() if value is not None}
    return f"{CALLBACK}?{urlencode(kept)}"


def exchanges(zoom: Zoom) -> int:
    return sum("/oauth/token" in record.url for record in zoom.emulator.traffic.records())


async def nothing_is_stored(zoom: Zoom) -> bool:
    return not await zoom.parts.store.installations()


def says(answer: Response, code: str) -> bool:
    return code in answer.body.decode()


async def test_o01_makes_every_attempt_its_own(zoom: Zoom) -> None:
    seen: set[str] = set()
    for _ in range(200):
        answer = await zoom.transport.send(Request("GET", f"{BOT_URL}/install"))
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        seen |= {query["state"][0], query["code_challenge"][0]}
        assert query["code_challenge_method"] == ["S256"]
        assert query["redirect_uri"] == [CALLBACK]
        cookie = answer.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/", "max-age=600"))
        assert "verifier" not in answer.headers["location"]
    assert len(seen) == 400


async def test_o01_caps_the_attempts_of_one_browser(ana: Visitor) -> None:
    for _ in range(20):
        await ana.browser.exchange("GET", f"{BOT_URL}/install")
    kept = [name for name in ana.browser.cookies[BOT_HOST] if name.startswith("innkeeper-")]
    assert len(kept) == 8


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"host": "evil.test"}, id="O02-host"),
        pytest.param({"x-forwarded-host": "evil.test"}, id="O02-forwarded-host"),
        pytest.param({"x-forwarded-proto": "https"}, id="O02-forwarded-https"),
        pytest.param({"x-forwarded-proto": "http"}, id="O02-forwarded-http"),
        pytest.param({"forwarded": "host=evil.test;proto=https"}, id="O02-forwarded"),
    ],
)
async def test_o02_believes_no_host_header(zoom: Zoom, headers: dict[str, str]) -> None:
    answer = await zoom.transport.send(Request("GET", f"{BOT_URL}/install", headers))
    assert answer.status == 303
    assert "evil.test" not in answer.headers["location"]
    assert answer.headers["location"].startswith((f"{ZOOM_URL}/oauth/authorize", BOT_URL))


async def test_o05_restarts_an_install_that_began_at_zoom(zoom: Zoom, ana: Visitor) -> None:
    await ana.browser.exchange("GET", f"{BOT_URL}/install")
    kept = set(ana.browser.cookies[BOT_HOST])
    answer = await ana.browser.exchange("GET", f"{CALLBACK}?code=from-the-marketplace")
    assert answer.status == 303
    assert answer.headers["location"] == f"{BOT_URL}/install"
    assert kept < set(ana.browser.cookies[BOT_HOST])  # the marker is new, nothing is dropped
    assert exchanges(zoom) == 0


async def test_explains_when_zoom_drops_the_state_twice(zoom: Zoom, ana: Visitor) -> None:
    await ana.browser.exchange("GET", f"{CALLBACK}?code=one")
    answer = await ana.browser.exchange("GET", f"{CALLBACK}?code=two")
    assert answer.status == 400
    assert says(answer, "state_dropped")
    assert exchanges(zoom) == 0


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("never-made", id="O07-random"),
        pytest.param("eyJhbGciOiJub25lIn0.e30.", id="O08-jwt-alg-none"),
        pytest.param("eyJ1c2VyIjoiYW5hIn0=", id="O08-base64"),
        pytest.param("x" * 4000, id="O07-long"),
        pytest.param("%00", id="O07-nul"),
        pytest.param("", id="O07-empty"),
    ],
)
async def test_o07_o08_refuses_a_state_it_did_not_make(
    zoom: Zoom, ana: Visitor, state: str
) -> None:
    answer = await ana.browser.exchange("GET", f"{CALLBACK}?code=c&{urlencode({'state': state})}")
    assert answer.status == 400
    assert says(answer, "state_unknown")
    assert exchanges(zoom) == 0
    assert await nothing_is_stored(zoom)


async def test_o10_refuses_the_cookie_of_another_attempt(zoom: Zoom, ana: Visitor) -> None:
    first = await allowed(ana)
    ana.browser.cookies[BOT_HOST].clear()
    await ana.browser.exchange("GET", f"{BOT_URL}/install")
    answer = await ana.browser.exchange("GET", first)
    assert answer.status == 400
    assert says(answer, "state_unknown")
    assert exchanges(zoom) == 0


async def test_lets_two_tabs_install_at_once(zoom: Zoom, ana: Visitor) -> None:
    tabs = [await asked(ana), await asked(ana)]
    first, second = [await allowed(ana, tab) for tab in tabs]
    for url in (second, first):
        answer = await ana.browser.exchange("GET", url)
        assert answer.headers["location"].startswith(f"{BOT_URL}/launch")
    assert len(await zoom.parts.store.installations()) == 1


async def test_refuses_another_browser(zoom: Zoom, ana: Visitor) -> None:
    url = await allowed(ana)
    other = await zoom.user("Ben")
    answer = await other.browser.exchange("GET", url)
    assert answer.status == 400
    assert says(answer, "cookie_missing")
    assert exchanges(zoom) == 0
    again = await ana.browser.exchange("GET", url)  # O28: whoever began still succeeds
    assert again.headers["location"].startswith(f"{BOT_URL}/launch")


async def test_o11_refuses_a_state_older_than_ten_minutes(zoom: Zoom, ana: Visitor) -> None:
    url = await allowed(ana)
    await zoom.clock.advance(seconds=600)
    answer = await ana.browser.exchange("GET", url)
    assert answer.status == 400
    assert says(answer, "state_expired") or says(answer, "state_unknown")
    assert exchanges(zoom) == 0


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(601, id="O11-one-second-late"),
        pytest.param(3600, id="O41-an-hour-ahead"),
        pytest.param(-3600, id="O41-an-hour-back"),
    ],
)
async def test_a_state_has_ten_minutes_however_the_clock_jumps(
    zoom: Zoom, ana: Visitor, seconds: int
) -> None:
    url = await allowed(ana)
    clock = zoom._clock  # pyright: ignore[reportPrivateUsage]  # no background work in between
    clock.stand_at(clock.now() + timedelta(seconds=seconds))
    answer = await ana.browser.exchange("GET", url)
    assert (answer.status, says(answer, "state_expired")) == (400, True)
    assert says(await ana.browser.exchange("GET", url), "state_unknown")  # it was deleted
    assert exchanges(zoom) == 0


async def test_o40_refuses_where_the_verifier_is_gone(zoom: Zoom, ana: Visitor) -> None:
    url = await allowed(ana)
    later = zoom.clock.now() + timedelta(days=1)
    assert await zoom.parts.store.expire_pending(before=later)
    answer = await ana.browser.exchange("GET", url)
    assert (answer.status, says(answer, "state_unknown")) == (400, True)
    assert exchanges(zoom) == 0


async def test_o13_exchanges_once_for_fifty_callbacks(zoom: Zoom, ana: Visitor) -> None:
    url = await allowed(ana)
    cookies = dict(ana.browser.cookies[BOT_HOST])
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    sent = [zoom.transport.send(Request("GET", url, {"cookie": header})) for _ in range(50)]
    statuses = sorted(answer.status for answer in await asyncio.gather(*sent))
    assert statuses == [303] + [400] * 49
    assert exchanges(zoom) == 1


async def test_a_state_outlives_a_restart_and_is_known_to_every_worker() -> None:
    async with Zoom(porter(), workers=2) as zoom:
        people = [zoom.new_person(f"Guest {number}") for number in range(4)]
        urls = []
        for person in people:
            await person.signs_in()
            urls.append(await allowed(person))
        await zoom.restart()
        for person, url in zip(people, urls, strict=True):  # the workers take turns
            assert (await person.browser.exchange("GET", url)).status == 303
        assert exchanges(zoom) == len(people)
        assert len(await zoom.parts.store.installations()) == len(people)


@pytest.mark.parametrize("extra", ["&state=b", "&code=b", "&code=c&code=d", ";state=b"])
async def test_o14_refuses_what_stands_there_twice(zoom: Zoom, ana: Visitor, extra: str) -> None:
    answer = await ana.browser.exchange("GET", (await allowed(ana)) + extra)
    assert answer.status == 400
    assert says(answer, "callback_malformed")
    assert exchanges(zoom) == 0


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param("={0}={1}", id="O16-nameless"),
        pytest.param('{0}="{1}"', id="O16-quoted"),
        pytest.param("{0}={1}" + "x" * 4096, id="O16-4-KB"),
        pytest.param("{0}={1}; {0}={1}", id="O16-twice"),
        pytest.param("{0}={1}" + "; a=b" * 200, id="O16-200-cookies"),
        pytest.param("{0} ={1}", id="O16-blank"),
        pytest.param("", id="O16-none"),
    ],
)
async def test_o16_counts_an_odd_cookie_as_none(zoom: Zoom, ana: Visitor, cookie: str) -> None:
    url = await allowed(ana)
    [(name, value)] = ana.browser.cookies[BOT_HOST].items()
    headers = {"cookie": cookie.format(name, value)} if cookie else {}
    answer = await zoom.transport.send(Request("GET", url, headers))
    assert answer.status == 400
    assert exchanges(zoom) == 0


async def test_o17_refuses_a_callback_without_a_code(zoom: Zoom, ana: Visitor) -> None:
    url = changed(await allowed(ana), code=None)
    assert says(await ana.browser.exchange("GET", url), "code_missing")
    assert says(await ana.browser.exchange("GET", url), "state_unknown")  # it was consumed
    assert exchanges(zoom) == 0


async def test_o19_refuses_a_code_beside_an_error(zoom: Zoom, ana: Visitor) -> None:
    answer = await ana.browser.exchange("GET", changed(await allowed(ana), error="access_denied"))
    assert says(answer, "callback_malformed")
    assert exchanges(zoom) == 0


async def test_o20_shows_that_it_was_cancelled(zoom: Zoom, ana: Visitor) -> None:
    url = changed(await allowed(ana), code=None, error="access_denied")
    assert (await ana.browser.exchange("GET", url)).status == 200
    assert says(await ana.browser.exchange("GET", url), "state_unknown")
    assert await nothing_is_stored(zoom)


async def test_o20_shows_that_it_was_cancelled_where_it_began_at_zoom(ana: Visitor) -> None:
    answer = await ana.browser.exchange("GET", f"{CALLBACK}?error=access_denied")
    assert answer.status == 200
    assert "location" not in answer.headers


async def test_o22_o23_echoes_nothing(ana: Visitor) -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e\r\nSet-Cookie: a=b" + "z" * 2000
    url = changed(
        await allowed(ana),
        code=None,
        error=hostile,
        error_description=hostile,
        error_uri="https://evil.test",
    )
    answer = await ana.browser.exchange("GET", url)
    assert not any(says(answer, word) for word in ("onerror", "evil.test", "zzzz", "\u202e"))
    assert "a=b" not in answer.headers.get("set-cookie", "")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("first", [True, False])
async def test_o22_takes_no_part_of_what_is_too_long(ana: Visitor, *, first: bool) -> None:
    query = changed(await allowed(ana), code=None, error="access_denied").partition("?")[2]
    long = f"error_description={'z' * 65_536}"
    parts = (long, query) if first else (query, long)
    answer = await ana.browser.exchange("GET", f"{CALLBACK}?{'&'.join(parts)}")
    assert (answer.status, says(answer, "callback_malformed")) == (400, True)
    assert not says(answer, "zzzz")
    assert (await ana.browser.exchange("GET", f"{CALLBACK}?{query}")).status == 200  # unspent


async def test_o25_stores_nothing_for_a_code_that_zoom_refuses(zoom: Zoom, ana: Visitor) -> None:
    url = changed(await allowed(ana), code="made-up")
    answer = await ana.browser.exchange("GET", url)
    assert answer.status == 400
    assert says(answer, "token_exchange_failed")
    assert await nothing_is_stored(zoom)


async def test_o25_stores_nothing_for_the_code_of_another_app(zoom: Zoom, ana: Visitor) -> None:
    url = await allowed(ana)
    (code,) = zoom.emulator.world.codes.values()
    code.client_id = "another-app"
    answer = await ana.browser.exchange("GET", url)
    assert (answer.status, says(answer, "token_exchange_failed")) == (400, True)
    assert exchanges(zoom) == 1
    assert await nothing_is_stored(zoom)


async def test_o26_refuses_another_issuer(zoom: Zoom, ana: Visitor) -> None:
    answer = await ana.browser.exchange("GET", changed(await allowed(ana), iss="https://evil.test"))
    assert says(answer, "issuer_mismatch")
    assert exchanges(zoom) == 0


async def test_o26_takes_the_right_issuer(ana: Visitor) -> None:
    answer = await ana.browser.exchange("GET", changed(await allowed(ana), iss=ZOOM_URL))
    assert answer.headers["location"].startswith(f"{BOT_URL}/launch")


async def test_o29_a_reload_exchanges_nothing_again(zoom: Zoom, ana: Visitor) -> None:
    url = await allowed(ana)
    await ana.browser.exchange("GET", url)
    answer = await ana.browser.exchange("GET", url)
    assert answer.status == 303
    assert answer.headers["location"].startswith(f"{BOT_URL}/launch?receipt=rcp_")
    assert exchanges(zoom) == 1
    ben = await zoom.user("Ben")
    assert says(await ben.browser.exchange("GET", url), "state_unknown")


class Between:
    """What lies between the bot and Zoom: a road on which things can be held up."""

    def __init__(self, carrier: Any) -> None:
        self._carrier = carrier
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.on_the_way: Callable[[str], None] = lambda _: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._carrier, name)

    async def send(self, request: Request, **how: Any) -> Response:
        if "/oauth/token" in request.url:
            self.asked.set()
            await self.open.wait()
        self.on_the_way(request.url)
        answer: Response = await self._carrier.send(request, **how)
        return answer


@pytest.fixture
async def between() -> AsyncIterator[tuple[Zoom, Between]]:
    zoom = Zoom(porter())
    road = Between(zoom.transport)
    zoom.transport = road  # type: ignore[assignment]  # as well
    async with zoom:
        yield zoom, road


async def test_o31_says_that_it_still_goes_on_and_finishes(
    between: tuple[Zoom, Between],
) -> None:
    zoom, road = between
    ana = await zoom.user("Ana")
    await ana.signs_in()
    zoom.parts.installer.attempts.patience_seconds = 0.02
    url = await allowed(ana)
    road.open.clear()
    for _ in range(3):
        answer = await ana.browser.exchange("GET", url)
        assert answer.status == 202
        assert answer.headers["refresh"] == "3"
        assert "Zoom takes its time" in answer.body.decode()
    ben = await zoom.user("Ben")
    assert says(await ben.browser.exchange("GET", url), "state_unknown")
    road.open.set()
    zoom.parts.installer.attempts.patience_seconds = 5
    answer = await ana.browser.exchange("GET", url)
    assert answer.headers["location"].startswith(f"{BOT_URL}/launch?receipt=rcp_")
    again = await ana.browser.exchange("GET", url)
    assert again.headers["location"] == answer.headers["location"]
    assert exchanges(zoom) == 1


async def test_o31_fails_once_where_zoom_refuses_in_the_end(
    between: tuple[Zoom, Between],
) -> None:
    zoom, road = between
    ana = await zoom.user("Ana")
    await ana.signs_in()
    zoom.parts.installer.attempts.patience_seconds = 0.02
    url = changed(await allowed(ana), code="made-up")
    road.open.clear()
    assert (await ana.browser.exchange("GET", url)).status == 202
    road.open.set()
    zoom.parts.installer.attempts.patience_seconds = 5
    assert says(await ana.browser.exchange("GET", url), "token_exchange_failed")
    assert says(await ana.browser.exchange("GET", url), "state_unknown")
    assert exchanges(zoom) == 1


async def test_o31_an_install_that_nobody_waits_for_any_more_is_finished(
    between: tuple[Zoom, Between],
) -> None:
    zoom, road = between
    ana = await zoom.user("Ana")
    await ana.signs_in()
    url = await allowed(ana)
    road.open.clear()
    asking = asyncio.create_task(ana.browser.exchange("GET", url))
    await road.asked.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    road.open.set()
    answer = await ana.browser.exchange("GET", url)
    assert answer.headers["location"].startswith(f"{BOT_URL}/launch?receipt=rcp_")
    assert exchanges(zoom) == 1


async def test_o31_stopping_the_app_waits_for_an_install_under_way(
    between: tuple[Zoom, Between],
) -> None:
    zoom, road = between
    ana = await zoom.user("Ana")
    await ana.signs_in()
    zoom.parts.installer.attempts.patience_seconds = 0.02
    url = await allowed(ana)
    road.open.clear()
    assert (await ana.browser.exchange("GET", url)).status == 202
    restarting = asyncio.create_task(zoom.restart())
    await asyncio.sleep(0)
    road.open.set()
    await restarting
    assert len(await zoom.parts.store.installations()) == 1
    assert says(await ana.browser.exchange("GET", url), "state_unknown")


async def test_o31_an_install_that_takes_too_long_for_the_end_is_cut_off(
    between: tuple[Zoom, Between], monkeypatch: pytest.MonkeyPatch
) -> None:
    zoom, road = between
    monkeypatch.setattr("innkeeper.work.GRACE_SECONDS", 0.02)
    zoom.record.bot_endpoint = ""
    ana = await zoom.user("Ana")
    await ana.signs_in()
    url = await allowed(ana)
    road.open.clear()
    asking = asyncio.create_task(ana.browser.exchange("GET", url))
    await road.asked.wait()
    await zoom.restart()
    answer = await asking
    assert (answer.status, says(answer, "install_unavailable")) == (503, True)
    assert await nothing_is_stored(zoom)


async def test_o31_forgets_the_attempts_that_nobody_asks_for_any_more(
    between: tuple[Zoom, Between],
) -> None:
    zoom, road = between
    installer = zoom.parts.installer
    installer.attempts.patience_seconds = 0.02
    ana = await zoom.user("Ana")
    await ana.signs_in()
    url = await allowed(ana)
    road.open.clear()
    assert (await ana.browser.exchange("GET", url)).status == 202
    road.open.set()
    await installer.attempts.aclose()
    await zoom.clock.advance(minutes=11)
    installer.attempts.patience_seconds = 5
    await ana.installs()
    assert len(installer.attempts) == 0


def locked(zoom: Zoom) -> connection.Connection:
    """Keep the database from taking a write, as another process might."""
    held = connection.connect(str(zoom.directory / "innkeeper.db"))
    held.run("BEGIN IMMEDIATE")
    return held


@pytest.mark.sqlite  # its file is locked
async def test_o38_gives_back_what_it_cannot_keep(
    between: tuple[Zoom, Between], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_WRITER_WAITS_MS", 1)
    zoom, road = between
    ana = await zoom.user("Ana")
    await ana.signs_in()
    zoom.record.bot_endpoint = ""
    url = await allowed(ana)
    held: list[connection.Connection] = []

    def lock(url: str) -> None:
        if "/users/me" in url:
            held.append(locked(zoom))

    road.on_the_way = lock
    answer = await ana.browser.exchange("GET", url)
    held[0].close()
    road.on_the_way = lambda _: None
    assert (answer.status, says(answer, "install_unavailable")) == (503, True)
    assert await nothing_is_stored(zoom)
    assert all(token.revoked for token in zoom.emulator.world.tokens if token.kind == "user")
    assert says(await ana.browser.exchange("GET", url), "state_unknown")  # consent is new
    await ana.installs()
    assert len(await zoom.parts.store.installations()) == 1


@pytest.mark.sqlite  # its file is locked
async def test_o38_sends_no_code_where_it_cannot_take_the_state(
    zoom: Zoom, ana: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_WRITER_WAITS_MS", 1)
    url = await allowed(ana)
    held = locked(zoom)
    answer = await ana.browser.exchange("GET", url)
    held.close()
    assert (answer.status, says(answer, "install_unavailable")) == (503, True)
    assert exchanges(zoom) == 0
    again = await ana.browser.exchange("GET", url)  # nothing was spent
    assert again.headers["location"].startswith(f"{BOT_URL}/launch")


@pytest.mark.sqlite  # its file is locked
async def test_o38_begins_nothing_that_it_cannot_keep(
    zoom: Zoom, ana: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_WRITER_WAITS_MS", 1)
    held = locked(zoom)
    answer = await ana.browser.exchange("GET", f"{BOT_URL}/install")
    held.close()
    assert (answer.status, says(answer, "install_unavailable")) == (503, True)
    assert "set-cookie" not in answer.headers


@pytest.mark.sqlite  # its file is locked
async def test_o38_puts_nobody_out_who_only_authorizes_anew(
    between: tuple[Zoom, Between], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_WRITER_WAITS_MS", 1)
    zoom, road = between
    rules = zoom.emulator.world.rules
    zoom.emulator.world.rules = rules.__class__(revoke_uninstalls=True)
    ana = await zoom.user("Ana")
    await ana.installs()
    held: list[connection.Connection] = []
    road.on_the_way = lambda url: held.append(locked(zoom)) if "/users/me" in url else None
    page = await ana.browser.open(f"{BOT_URL}/install")
    held[0].close()
    assert (page.status, "install_unavailable" in page.text) == (503, True)
    await zoom.settle()
    assert len(await zoom.parts.store.installations()) == 1
    assert not zoom.receipts.all()


async def test_o35_authorizing_anew_replaces_the_tokens_and_nothing_else(zoom: Zoom) -> None:
    ana = await zoom.user("Ana")
    await ana.installs()
    (before,) = await zoom.parts.store.installations()
    old = await zoom.parts.grants.user(before.id)
    await zoom.clock.advance(minutes=1)
    await ana.installs()
    (after,) = await zoom.parts.store.installations()
    new = await zoom.parts.grants.user(after.id)
    assert (after.id, after.generation) == (before.id, before.generation)
    assert after.authorized_at - before.authorized_at == timedelta(minutes=1)
    assert old.token != new.token


async def test_a_refused_state_leaves_no_cookie_behind_that_would_let_it_in(
    zoom: Zoom, ana: Visitor
) -> None:
    url = await allowed(ana)
    cookies = dict(ana.browser.cookies[BOT_HOST])
    await ana.browser.exchange("GET", url)
    ana.browser.cookies[BOT_HOST] = cookies
    assert says(await ana.browser.exchange("GET", url), "state_unknown")
    assert exchanges(zoom) == 1


async def test_keeps_code_and_state_out_of_every_address_it_leads_to(ana: Visitor) -> None:
    url = await allowed(ana)
    query = parse_qs(urlsplit(url).query)
    answer = await ana.browser.exchange("GET", url)
    assert query["code"][0] not in answer.headers["location"]
    assert query["state"][0] not in answer.headers["location"]
    page = await ana.browser.open(answer.headers["location"])
    assert query["code"][0] not in page.html


async def test_shows_the_way_into_the_chat_and_the_receipts_address(
    zoom: Zoom, ana: Visitor
) -> None:
    page = await ana.browser.open(await allowed(ana))
    assert f"{ZOOM_URL}/launch/chat?jid=robot_{zoom.record.bot_jid}" in page.links.values()
    (receipt,) = [link for link in page.links.values() if "/receipts/" in link]
    assert (await ana.browser.open(receipt)).status == 200
    assert (await ana.browser.open(f"{BOT_URL}/receipts/rct_unknown")).status == 404


async def test_logs_neither_code_nor_state_nor_token(
    zoom: Zoom, ana: Visitor, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = await allowed(ana)
    query = parse_qs(urlsplit(url).query)
    await ana.browser.exchange("GET", url)
    await ana.browser.exchange("GET", url)
    printed = "".join(capsys.readouterr()) + caplog.text
    hidden = [query["code"][0], query["state"][0], zoom.record.client_secret]
    hidden += [token.access for token in zoom.emulator.world.tokens]
    assert not [value for value in hidden if value in printed]
