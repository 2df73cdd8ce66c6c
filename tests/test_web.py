"""What the app answers: every page guarded, nothing echoed, nothing done unasked."""

import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from innkeeper import AccountScope, App, BotRefused, Pages, UserScope
from innkeeper.clock import MovableClock
from innkeeper.errors import StoreUnavailable
from innkeeper.net.inbound import BODY_LIMIT_BYTES, PAGE_HEADERS
from innkeeper.net.outbound import Request
from innkeeper.store.records import Receipt
from innkeeper.testing import Zoom
from innkeeper.web import relative_path
from innkeeper.wire.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.doors import LOCAL, NOW, Answer, Door, Header, NoZoom, door_of, opened, settings_at
from tests.ui.german import GERMAN

PLAUSIBLE = [
    (TIMESTAMP_HEADER.encode(), b"1654503849"),
    (SIGNATURE_HEADER.encode(), b"v0=" + b"a" * 64),
]

pytestmark = pytest.mark.anyio

HTTPS = "https://bot.example.com"
CSS = "text/css; charset=utf-8"
MARK = "canary"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path) as (door, _):
        yield door


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path, HTTPS) as (door, _):
        yield door


def assert_guarded(answer: Answer, *, https: bool) -> None:
    for name, value in PAGE_HEADERS.items():
        assert answer[name] == value or (name, answer[name]) == (
            "cache-control",
            "public, max-age=86400",
        )
    assert answer["strict-transport-security"] == ("max-age=31536000" if https else "")


ANSWERS = [
    ("GET", "/", 200),
    ("HEAD", "/", 200),
    ("GET", "/launch", 200),
    ("GET", "/static/app.css", 200),
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("GET", "/install", 303),
    ("GET", "/oauth/callback?code=stray", 303),
    ("GET", "/oauth/callback?code=c&state=s", 400),
    ("GET", "/oauth/callback?state=a&state=b", 400),
    ("GET", "/receipts/rcp_unknown", 404),
    ("GET", "/nowhere", 404),
    ("GET", "/install/", 404),
    ("GET", "/static/none.css", 404),
    ("GET", "/console/", 404),
    ("GET", "/_emulator/state", 404),
    ("POST", "/", 405),
    ("OPTIONS", "/install", 405),
    ("HEAD", "/install", 405),
    ("HEAD", "/oauth/callback", 405),
    ("TRACE", "/launch", 405),
    ("DELETE", "/receipts/rcp_unknown", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_every_answer_is_guarded(method: str, path: str, status: int, secure: Door) -> None:
    answer = await secure.ask(method, path)
    assert answer.status == status
    assert_guarded(answer, https=True)


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_http_promises_no_https(method: str, path: str, status: int, door: Door) -> None:
    answer = await door.ask(method, path)
    assert answer.status == status
    assert_guarded(answer, https=False)


@pytest.mark.parametrize("path", ["/nowhere", "/static/none.css", "/receipts/rcp_x"])
async def test_whoever_is_lost_is_shown_the_way(path: str, door: Door) -> None:
    answer = await door.get(path)
    assert answer["content-type"].startswith("text/html")
    assert "Start again" in answer.text
    assert f'href="{LOCAL}/' in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
async def test_says_which_methods_a_page_takes(method: str, door: Door) -> None:
    assert (await door.ask(method, "/"))["allow"] in {"GET, HEAD", "HEAD, GET"}
    assert (await door.ask(method, "/install"))["allow"] == "GET"
    answer = await door.ask(method if method != "POST" else "GET", "/events")
    assert (answer.status, answer["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/install", "/oauth/callback?code=c&state=s"])
async def test_whoever_only_looks_ahead_begins_nothing(path: str, door: Door) -> None:
    answer = await door.ask("HEAD", path)
    assert answer.status == 405
    assert answer["set-cookie"] == ""


@pytest.mark.parametrize("path", ["/install", "/oauth/callback?code=c&state=s", "/oauth/callback"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"sec-purpose", b"prefetch"),
        (b"sec-purpose", b"prefetch;prerender"),
        (b"sec-purpose", b"prefetch;anonymous-client-ip"),
        (b"purpose", b"prefetch"),
        (b"x-moz", b"prefetch"),
    ],
)
async def test_a_browser_that_looks_ahead_begins_nothing(
    path: str, name: bytes, value: bytes, secure: Door
) -> None:
    answer = await secure.get(path, (name, value))
    assert (answer.status, answer.body) == (503, b"")
    assert (answer["set-cookie"], answer["location"]) == ("", "")
    assert_guarded(answer, https=True)


async def test_looking_ahead_burns_no_state(secure: Door) -> None:
    begun = await secure.get("/install")
    [state] = parse_qs(urlsplit(begun["location"]).query)["state"]
    cookie = (b"cookie", begun["set-cookie"].partition(";")[0].encode())
    path = f"/oauth/callback?error=access_denied&state={state}"
    assert (await secure.get(path, cookie, (b"sec-purpose", b"prefetch"))).status == 503
    assert (await secure.get(path)).status == 400  # a scanner has no cookie
    assert (await secure.get(path, cookie)).status == 200


# how its pages look and speak


async def test_its_pages_speak_to_each_browser_in_its_language(tmp_path: Path) -> None:
    app = App("Porter", pages=Pages(texts={"de": GERMAN}))
    async with opened(tmp_path, app=app) as (door, _):
        for asked, spoken, words in [("de-CH", "de", "Zu Zoom hinzu"), ("fr", "en", "Add to Zoom")]:
            answer = await door.get("/", (b"accept-language", asked.encode()))
            assert answer["content-language"] == spoken
            assert f'<html lang="{spoken}">' in answer.text
            assert words in answer.text


async def test_a_style_sheet_of_its_authors_comes_from_its_own_address(tmp_path: Path) -> None:
    sheet = tmp_path / "brand.css"
    sheet.write_text(":root { --press: #663399; }")
    app = App("Porter", pages=Pages(style=sheet))
    async with opened(tmp_path, HTTPS, app=app) as (door, _):
        page = await door.get("/nowhere")
        [address] = re.findall(r'href="([^"]+own\.css[^"]+)"', page.text)
        answer = await door.get(address.removeprefix(HTTPS))
        assert (answer.text, answer["content-type"]) == (sheet.read_text(), CSS)
        assert_guarded(answer, https=True)
        assert_guarded(page, https=True)


async def test_an_app_without_a_style_sheet_of_its_own_has_none(secure: Door) -> None:
    assert (await secure.get("/static/own.css")).status == 404


async def test_a_page_that_cannot_be_said_stops_the_start(tmp_path: Path) -> None:
    app = App("Porter", pages=Pages(texts={"de": {"launch.titel": "x"}}))
    with pytest.raises(BotRefused, match=r"launch\.titel"):
        async with opened(tmp_path, app=app):
            raise AssertionError


# cookies


async def test_cookies_are_the_hosts_own_on_https(secure: Door) -> None:
    for path in ("/install", "/oauth/callback?code=stray"):
        cookie = (await secure.get(path))["set-cookie"]
        name, *attributes = (part.strip() for part in cookie.split(";"))
        assert name.startswith("__Host-innkeeper")
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(attributes)
        assert "Domain" not in cookie


async def test_cookies_are_plain_on_this_machine(door: Door) -> None:
    for path in ("/install", "/oauth/callback?code=stray"):
        cookie = (await door.get(path))["set-cookie"]
        assert cookie.startswith("innkeeper")
        assert "Secure" not in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie


@pytest.mark.parametrize(
    "cookie",
    [b"a=" + b"c" * 100_000, b"\xff=\xfe; \x00", b"=;=;;", b'innkeeper-x="quoted"', b"a" * 9_000],
    ids=["large", "bytes", "nameless", "quoted", "no value"],
)
async def test_odd_cookies_change_nothing(cookie: bytes, door: Door) -> None:
    answer = await door.get("/install", (b"cookie", cookie))
    assert answer.status == 303
    assert len(answer.headers["set-cookie"]) == 1


# the host


async def test_install_begins_where_people_reach_the_app(secure: Door) -> None:
    for host in ("bot.example.com", "BOT.example.com", "bot.example.com:443"):
        answer = await secure.get("/install", host=host)
        assert answer["location"].startswith("https://zoom.us/oauth/authorize?")


@pytest.mark.parametrize(
    "host", ["evil.example", "", "bot.example.com@evil.example", "x/install?", "bot.example.com:80"]
)
async def test_another_host_is_sent_to_the_right_one_and_gets_nothing(
    host: str, secure: Door
) -> None:
    answer = await secure.get("/install?next=//evil.example", host=host)
    assert answer["location"] == f"{HTTPS}/install?moved=1"
    assert answer["set-cookie"] == ""


async def test_a_proxy_that_hides_the_host_makes_no_circle(secure: Door) -> None:
    answer = await secure.get("/install?moved=1", host="127.0.0.1:8080")
    query = parse_qs(urlsplit(answer["location"]).query)
    assert query["redirect_uri"] == [f"{HTTPS}/oauth/callback"]


async def test_a_callback_to_another_host_finds_no_cookie(secure: Door) -> None:
    begun = await secure.get("/install")
    [state] = parse_qs(urlsplit(begun["location"]).query)["state"]
    answer = await secure.get(f"/oauth/callback?code=c&state={state}", host="evil.example")
    assert answer.status == 400
    assert "cookie_missing" in answer.text
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param((), id="O37-plain"),
        pytest.param(((b"x-forwarded-proto", b"https"),), id="O37-says-it-was-https"),
        pytest.param(((b"x-forwarded-host", b"bot.example.com"),), id="O37-says-which-host"),
    ],
)
async def test_a_callback_over_http_lacks_the_cookie_that_https_alone_carries(
    headers: tuple[Header, ...], secure: Door
) -> None:
    begun = await secure.get("/install")
    assert "Secure" in begun["set-cookie"]
    assert begun["set-cookie"].startswith("__Host-")
    [state] = parse_qs(urlsplit(begun["location"]).query)["state"]
    answer = await secure.get(f"/oauth/callback?code=c&state={state}", *headers)
    assert (answer.status, "cookie_missing" in answer.text) == (400, True)


async def test_a_default_port_in_the_public_address_makes_no_circle(tmp_path: Path) -> None:
    async with opened(tmp_path, "https://bot.example.com:443") as (door, _):
        answer = await door.get("/install", host="bot.example.com")
    assert answer["location"].startswith("https://zoom.us/oauth/authorize?")


# what is asked oddly


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/\x00",
        "/static/../../etc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/app.css/../app.css",
        "/static/\x00",
        "/receipts/../install",
        "/receipts/a/b",
        "/receipts/" + "x" * 20_000,
        "/receipts/' OR 1=1 --",
        "/receipts/\ufffd",
        "//evil.example/",
        "/" * 5_000,
        "/install\\",
    ],
)
async def test_an_odd_path_leads_nowhere(path: str, door: Door) -> None:
    answer = await door.get(path)
    assert answer.status == 404
    assert "passwd" not in answer.text
    assert "evil" not in answer.text


@pytest.mark.parametrize("page", ["/", "/launch", "/receipts/rcp_x", "/oauth/callback"])
@pytest.mark.parametrize(
    "query",
    [
        "receipt=<script>canary</script>&state=<b>canary&code=canary&error=canary",
        "state=%00canary&receipt=%00canary",
        "state=%ff&receipt=%ff&code=%ed%a0%80canary",
        "receipt=canary&receipt=canary&state=canary&state=canary",
        "error=canary&error_description=%0d%0aSet-Cookie:%20canary&state=canary",
        "&".join(f"canary{number}=1" for number in range(3_000)),
        "state=" + "canary" * 10_000,
        "=&&=;;%&%%%=",
    ],
    ids=["markup", "nul", "no text", "twice", "header", "many", "long", "none"],
)
async def test_repeats_nothing_that_it_is_asked(page: str, query: str, door: Door) -> None:
    answer = await door.get(f"{page}?{query}")
    assert answer.status in {200, 303, 400, 404}
    assert MARK not in answer.text
    assert MARK not in json.dumps(answer.headers)


async def test_a_page_takes_no_body(door: Door) -> None:
    flood = [b"x" * 65_536] * 32
    assert (await door.ask("POST", "/", body=flood)).status == 405
    assert (await door.ask("GET", "/", body=flood)).status == 200


# the launch page


async def test_the_launch_page_goes_on_by_itself_unless_told_to_stay(door: Door) -> None:
    going = await door.get("/launch")
    assert going["refresh"].startswith("5; url=https://zoom.us/launch/chat?jid=robot_v1porter")
    assert "Stay on this page" in going.text
    staying = await door.get("/launch?stay=1")
    assert staying["refresh"] == ""
    assert "Stay on this page" not in staying.text


# webhooks


def signed(body: bytes) -> list[tuple[bytes, bytes]]:
    at = str(int(NOW.timestamp())).encode()
    mac = hmac.new(b"a-secret-token-at-the-door", b"v0:" + at + b":" + body, hashlib.sha256)
    return [(b"x-zm-request-timestamp", at), (b"x-zm-signature", b"v0=" + mac.hexdigest().encode())]


CHALLENGE = b'{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}'


@pytest.mark.parametrize("path", ["/events", "/deauthorize"])
async def test_both_endpoints_prove_themselves_to_zoom_alone(path: str, door: Door) -> None:
    answer = await door.ask("POST", path, signed(CHALLENGE), body=[CHALLENGE])
    assert answer.status == 200
    assert set(json.loads(answer.body)) == {"plainToken", "encryptedToken"}
    stranger = await door.ask("POST", path, body=[CHALLENGE])
    assert (stranger.status, stranger.body) == (401, b'{"error":"unauthorized"}')


async def test_an_endpoint_lives_below_where_the_app_is_mounted(door: Door) -> None:
    answer = await door.ask(
        "POST", "/events", signed(CHALLENGE), body=[CHALLENGE], root_path="/zoom"
    )
    assert answer.status == 200
    assert relative_path({"path": "/zoom/events", "root_path": "/zoom"}) == "/events"
    assert relative_path({"path": "/events", "root_path": "/zoom"}) == "/events"
    assert relative_path({"path": "/events"}) == "/events"
    assert relative_path({"path": "/zoomed/events", "root_path": "/zoom"}) == "/zoomed/events"


@pytest.mark.parametrize("path", ["", "/"])
async def test_its_first_page_is_where_it_is_mounted(path: str, door: Door) -> None:
    assert (await door.get(path, root_path="/zoom")).status == 200


async def test_a_large_body_is_refused_however_it_comes(door: Door) -> None:
    part, length = b"x" * 65_536, str(BODY_LIMIT_BYTES + 1).encode()
    declared = await door.ask("POST", "/events", [(b"content-length", length)])
    streamed = await door.ask("POST", "/events", PLAUSIBLE, body=[part] * 5)
    assert declared.status == streamed.status == 413
    assert declared.body == streamed.body == b'{"error":"body_too_large"}'


async def test_a_compressed_body_is_refused(door: Door) -> None:
    answer = await door.ask("POST", "/events", [(b"content-encoding", b"gzip")], body=[b"x"])
    assert answer.status == 415


async def test_nothing_is_answered_to_who_hung_up(door: Door) -> None:
    assert (await door.ask("POST", "/events", PLAUSIBLE, body=[])).status == 0


async def test_no_body_is_awaited_from_who_shows_no_signature(door: Door) -> None:
    assert (await door.ask("POST", "/events", body=[])).status == 401


async def test_a_webhooks_path_is_not_found_behind_escapes(door: Door) -> None:
    """W56: who writes it so means to slip past something."""
    answer = await door.ask("POST", "/%65vents", PLAUSIBLE)
    assert answer.status == 404


async def test_a_webhook_that_is_no_post_says_what_it_takes(door: Door) -> None:
    """W55."""
    answer = await door.ask("DELETE", "/events")
    assert (answer.status, answer.headers["allow"]) == (405, ["POST"])


async def test_a_stranger_moves_no_clock_of_an_app_in_production(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(MovableClock, "follow", moved)
    async with opened(tmp_path, HTTPS) as (door, _):
        answer = await door.ask("POST", "/events", [(b"x-emulator-clock-offset", b"7200")])
    assert answer.status == 401


async def test_an_app_that_develops_follows_whoever_delivers(tmp_path: Path) -> None:
    emulator = "http://127.0.0.1:8700"
    app = App("Porter")
    settings = settings_at(LOCAL, tmp_path, oauth_url=emulator, api_url=emulator)
    app.configure(settings, transport=NoZoom())
    parts = await app.start(background=False)
    await door_of(app, LOCAL).ask("POST", "/events", [(b"x-emulator-clock-offset", b"7200")])
    clock = parts.clock
    await app.stop()
    assert isinstance(clock, MovableClock)
    assert timedelta(minutes=119) < clock.offset < timedelta(minutes=121)


# receipts


async def test_a_receipt_tells_how_far_the_deletion_is() -> None:
    app, works = App("Porter"), [False]

    @app.purge("notes")
    async def forget(_: UserScope | AccountScope) -> int:
        if not works[0]:
            raise OSError(MARK)
        return 3

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        page = await ana.installs()
        [receipt] = [link for link in page.links.values() if "/receipts/" in link]
        before = await ana.browser.open(receipt)
        await ana.removes_app()
        during = await ana.browser.open(receipt)
        works[0] = True
        await zoom.clock.advance(hours=12)
        after = await ana.browser.open(receipt)
        file = await zoom.transport.send(Request("GET", receipt, {"accept": "application/json"}))
    assert [page.status for page in (before, during, after)] == [200, 200, 200]
    texts = [page.text for page in (before, during, after)]
    assert len(set(texts)) == 3
    assert "receipt verify" in texts[2]
    assert "receipt verify" not in texts[0] + texts[1]
    assert MARK not in "".join(texts)
    assert file.headers["content-disposition"].startswith('attachment; filename="rcp_')
    assert json.loads(file.body)["document"]


# when the app cannot


async def unavailable(*_: object, **__: object) -> Receipt:
    raise StoreUnavailable("the database is gone", f"{MARK} in why")


async def broken(*_: object, **__: object) -> Receipt:
    raise ZeroDivisionError(MARK)


async def test_a_page_without_its_database_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, HTTPS) as (door, parts):
        monkeypatch.setattr(type(parts.store), "get_receipt", unavailable, raising=False)
        answer = await door.get("/receipts/rcp_x")
    assert answer.status == 503
    assert "page_failed" in answer.text
    assert MARK not in answer.text
    assert_guarded(answer, https=True)


async def test_a_page_that_breaks_shows_nothing_of_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, HTTPS) as (door, parts):
        monkeypatch.setattr(type(parts.store), "get_receipt", broken, raising=False)
        answer = await door.get("/receipts/rcp_x")
    assert answer.status == 500
    assert isinstance(answer.error, ZeroDivisionError)
    assert "page_failed" in answer.text
    assert MARK not in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert_guarded(answer, https=True)


async def test_readiness_is_the_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no(_: object) -> bool:
        return False

    async with opened(tmp_path) as (door, parts):
        monkeypatch.setattr(type(parts.store), "ready", no, raising=False)
        ready, healthy = await door.get("/readyz"), await door.get("/healthz")
    assert ready.status == 503
    report = json.loads(ready.body)
    assert (report["status"], report["store"]) == ("unavailable", {"ok": False})
    assert (healthy.status, healthy.body) == (200, b'{"status":"ok"}')
