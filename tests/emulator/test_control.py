"""The control API: what it tells, takes and refuses."""

import json
from typing import Any

import pytest

from innkeeper.emulator.control import FURTHEST_SECONDS
from innkeeper.net.outbound import Response
from tests.emulator.visit import BOT, Visit, read

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


async def _patch(visit: Visit, change: Any, client_id: str = "") -> Response:
    path = f"/_emulator/apps/{client_id or visit.app.client_id}"
    return await visit.ask("PATCH", path, body=json.dumps(change).encode())


async def test_tells_the_whole_state(visit: Visit) -> None:
    await visit.code()
    state = read(await visit.ask("GET", "/_emulator/state"))
    assert {"accounts", "users", "apps", "installations"} <= state.keys()
    (app,) = state["apps"]
    assert app["client_id"] == visit.app.client_id
    assert app["client_secret"] == visit.app.client_secret
    assert app["secret_token"] == visit.app.secret_token
    assert app["bot_jid"] == visit.app.bot_jid
    assert app["account_id"] == state["accounts"][0]["id"]
    assert app["redirect_uris"] == [f"{BOT}/oauth/callback"]
    assert app["bot_endpoint"] == f"{BOT}/events"
    assert app["deauthorization_endpoint"] == f"{BOT}/deauthorize"
    assert (app["environment"], app["management"]) == ("development", "admin")
    assert app["scopes"] == ["imchat:bot", "user:read:user"]
    assert app["welcome"] == {"mode": "dynamic", "title": "", "body": ""}
    assert [user["name"] for user in state["users"]] == ["Ana Keller", "Ben Okafor", "Chiara Rossi"]
    (installation,) = state["installations"]
    assert installation["user_id"] == visit.ana.id
    assert installation["authorized_at"] == "2026-03-02T09:00:00Z"


CHANGES = [
    {"client_id": "renamed"},
    {"client_secret": "emu_another_secret"},
    {"secret_token": "emu_another_token"},
    {"bot_jid": "v1another@xmpp.zoom.us"},
    {"redirect_uris": [f"{BOT}/other", f"{BOT}/"]},
    {"bot_endpoint": f"{BOT}/other"},
    {"deauthorization_endpoint": ""},
    {"environment": "production"},
    {"management": "user"},
    {"scopes": ["imchat:userapp"]},
    {"name": "Porter", "description": "Carries."},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
async def test_changes_any_part_of_an_app(visit: Visit, change: dict[str, Any]) -> None:
    answer = await _patch(visit, change)
    assert answer.status == 200
    assert change.items() <= read(answer).items()
    (app,) = read(await visit.ask("GET", "/_emulator/state"))["apps"]
    assert change.items() <= app.items()


async def test_changes_parts_of_the_welcome(visit: Visit) -> None:
    welcome = {"mode": "static", "title": "Hello", "body": "there"}
    assert read(await _patch(visit, {"welcome": welcome}))["welcome"] == welcome
    changed = read(await _patch(visit, {"welcome": {"title": "Hi"}}))["welcome"]
    assert changed == welcome | {"title": "Hi"}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"colour": "red"}, ["colour", "bot_endpoint"]),
        ({"environment": "prod"}, ["environment", "prod"]),
        ({"management": None}, ["management"]),
        ({"welcome": {"mode": "loud"}}, ["welcome.mode", "loud"]),
        ({"welcome": {"modus": "static"}}, ["modus", "mode, title, body"]),
        ({"scopes": "imchat:bot"}, ["scopes"]),
        ({"scopes": ["a b"]}, ["scopes"]),
        ({"scopes": ["a,b"]}, ["scopes"]),
        ({"redirect_uris": ["/callback"]}, ["redirect_uris", "/callback"]),
        ({"redirect_uris": ["javascript:alert(1)"]}, ["redirect_uris"]),
        ({"account_id": "nowhere"}, ["account_id", "Known are"]),
        ({"client_id": "a:b"}, ["client_id"]),
        ({"client_secret": ""}, ["client_secret"]),
        ({"bot_jid": "nobody"}, ["bot_jid"]),
        ({"name": " "}, ["name"]),
        ([], ["object"]),
        ("x", ["object"]),
    ],
)
async def test_names_what_is_wrong_and_what_is_known(
    visit: Visit, change: Any, names: list[str]
) -> None:
    before = await visit.ask("GET", "/_emulator/state")
    refused = await _patch(visit, change)
    assert refused.status == 400
    assert set(read(refused)) == {"error", "message", "fix"}
    for name in names:
        assert name in refused.body.decode()
    after = await visit.ask("GET", "/_emulator/state")
    assert _but_for_the_clock(after) == _but_for_the_clock(before)


@pytest.mark.parametrize("key", ["client_id", "bot_jid"])
async def test_gives_no_two_apps_one_name(visit: Visit, key: str) -> None:
    other = visit.second_app()
    refused = await _patch(visit, {key: getattr(other, key)})
    assert "another app has it" in read(refused)["message"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9999/events", "no application"),
        ("http://169.254.169.254/latest", "not on this machine"),
        ("file:///etc/passwd", "scheme"),
        ("nonsense", "scheme"),
    ],
)
async def test_changes_nothing_when_a_new_endpoint_fails_its_validation(
    visit: Visit, url: str, why: str
) -> None:
    """E15."""
    change = {"bot_endpoint": url, "name": "Changed"}
    before = await visit.ask("GET", "/_emulator/state")
    refused = await _patch(visit, change)
    assert (refused.status, read(refused)["error"]) == (400, "change_refused")
    assert why in read(refused)["message"]
    assert (await visit.ask("GET", "/_emulator/state")).body == before.body


async def test_validates_with_the_secret_that_comes_along(visit: Visit) -> None:
    visit.bot.secret = "emu_the_new_one"
    change = {"bot_endpoint": f"{BOT}/events"}
    assert (await _patch(visit, change)).status == 400
    assert (await _patch(visit, change | {"secret_token": "emu_the_new_one"})).status == 200


async def test_a_renamed_app_keeps_all_that_is_its_own(visit: Visit) -> None:
    tokens, code = await visit.tokens(), await visit.code()
    tokens = await visit.tokens()
    await _patch(visit, {"client_id": "renamed"})
    assert list(visit.world.apps) == ["renamed"]
    assert (await visit.refresh(tokens["refresh_token"])).status == 200
    assert (await visit.exchange(code)).status == 200
    assert visit.installation.client_id == "renamed"


async def test_knows_which_apps_there_are(visit: Visit) -> None:
    refused = await _patch(visit, {}, "unknown")
    assert refused.status == 404
    assert visit.app.client_id in read(refused)["fix"]


BAD_JSON = [
    b"",
    b"{",
    b"[1",
    b'{"advance": NaN}',
    b'{"advance": 1, "advance": 2}',
    b"\xff",
    b"1e999",
]


@pytest.mark.parametrize("body", BAD_JSON)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/_emulator/clock"), ("PATCH", "/_emulator/rules")]
)
async def test_refuses_what_is_no_json(visit: Visit, method: str, path: str, body: bytes) -> None:
    refused = await visit.ask(method, path, body=body)
    assert (refused.status, read(refused)["error"]) == (400, "bad_json")


@pytest.mark.parametrize(
    "advance",
    [-1, -0.001, 1e300, FURTHEST_SECONDS + 1, 10**18, True, "60", None, {}],
)
async def test_refuses_to_move_the_clock_back_or_beyond_measure(visit: Visit, advance: Any) -> None:
    """E16."""
    body = json.dumps({"advance": advance}).encode()
    refused = await visit.ask("POST", "/_emulator/clock", body=body)
    assert (refused.status, visit.clock.now().isoformat()) == (400, "2026-03-02T09:00:00+00:00")


@pytest.mark.parametrize("body", [b"{}", b'{"advance": 1, "retreat": 1}', b"[]", b"60"])
async def test_names_what_the_clock_takes(visit: Visit, body: bytes) -> None:
    refused = await visit.ask("POST", "/_emulator/clock", body=body)
    assert (refused.status, "advance" in refused.body.decode()) == (400, True)


@pytest.mark.parametrize("seconds", [0, 90, 0.5])
async def test_moves_the_clock(visit: Visit, seconds: float) -> None:
    body = json.dumps({"advance": seconds}).encode()
    answer = await visit.ask("POST", "/_emulator/clock", body=body)
    assert answer.status == 200
    assert read(answer)["now"] == visit.clock.now().isoformat()
    assert visit.clock.now().timestamp() == 1_772_442_000 + seconds


async def test_does_what_falls_due_before_it_answers(visit: Visit) -> None:
    visit.app.environment = "production"
    await visit.code()
    await visit.zoom.settle()
    visit.bot.silent = True
    await visit.zoom.remove_app(visit.installation.id)
    await visit.zoom.settle()
    visit.bot.silent = False
    await visit.ask("POST", "/_emulator/clock", body=b'{"advance": 300}')
    assert len(visit.bot.events("app_deauthorized")) == 1


async def test_changes_rules(visit: Visit) -> None:
    changed = await visit.ask("PATCH", "/_emulator/rules", body=b'{"decline": "stay"}')
    assert read(changed)["decline"] == "stay"
    assert visit.world.rules.decline == "stay"
    for body in (b'{"decline": "shout"}', b'{"declined": "stay"}', b"[]"):
        refused = await visit.ask("PATCH", "/_emulator/rules", body=body)
        assert refused.status == 400
    assert visit.world.rules.decline == "stay"


async def test_begins_again_from_the_seed(visit: Visit) -> None:
    """T-4."""
    fresh = read(await visit.ask("GET", "/_emulator/state"))
    await visit.tokens()
    await _patch(visit, {"name": "Changed", "redirect_uris": []})
    await visit.ask("PATCH", "/_emulator/rules", body=b'{"decline": "stay"}')
    await visit.zoom.settle()
    answer = await visit.ask("POST", "/_emulator/reset")
    assert answer.status == 200
    assert {**read(answer), "clock": None} == {**fresh, "clock": None}
    assert not visit.world.tokens
    for path in ("deliveries", "messages"):
        assert not read(await visit.ask("GET", f"/_emulator/{path}"))[path]


async def test_removes_an_installation_as_remove_app_does(visit: Visit) -> None:
    await visit.code()
    path = f"/_emulator/installations/{visit.installation.id}"
    answer = read(await visit.ask("DELETE", path))
    assert answer["told"] is False
    assert "development" in answer["why"].lower()
    assert not visit.world.installations
    refused = await visit.ask("DELETE", path)
    assert (refused.status, read(refused)["error"]) == (404, "installation_unknown")


async def test_refuses_a_method_or_an_address_that_is_not_there(visit: Visit) -> None:
    assert (await visit.ask("GET", "/_emulator/reset")).status == 405
    assert (await visit.ask("GET", "/_emulator/nothing")).status == 404


async def test_shows_no_secret_in_the_traffic(visit: Visit) -> None:
    """T-1."""
    tokens = await visit.tokens()
    code = await visit.code()
    await visit.exchange(code)
    await visit.me(tokens["access_token"])
    await visit.zoom.settle()
    shown = (await visit.ask("GET", "/_emulator/traffic")).body.decode()
    page = (await visit.ask("GET", "/traffic")).body.decode()
    secrets = [code, *visit.world.codes, visit.app.client_secret, visit.app.secret_token]
    for token in visit.world.tokens:
        secrets += [token.access, str(token.refresh)]
    for secret in secrets:
        assert secret not in shown
        assert secret not in page


def _but_for_the_clock(answer: Any) -> Any:
    """Leave out how far ahead of the machine's clock one is: that goes on meanwhile."""
    state = read(answer)
    del state["clock"]
    return state
