"""Do OAuth clients that others wrote, as published, sign people in at the emulator?"""

import json
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import pytest

from innkeeper.browser import Browser
from innkeeper.emulator import Emulator
from innkeeper.emulator.rules import Preset, preset
from tests.foreign.program import Launcher
from tests.foreign.workspace import person

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

Told = dict[str, Any]

ZOOMS_WORDS = {"reason": "Invalid client_id or client_secret", "error": "invalid_client"}


@dataclass(frozen=True)
class Client:
    """A client, and its own words for what is wrong."""

    name: str
    script: str
    launcher: str
    wrong_secret: Told
    other_state: Told = field(default_factory=Told)
    declined: Told = field(default_factory=Told)
    scopes: tuple[str, ...] = ()
    """What it asks for unless told otherwise: the app has these besides."""
    revokes: bool = True
    """Whether it offers to revoke a token, or to send the request that does."""

    def __str__(self) -> str:
        return self.name


OPENID_CLIENT = Client(
    "openid-client",
    "openid_client.mjs",
    "launcher",
    wrong_secret={
        "error": "ResponseBodyError",
        "message": "server responded with an error in the response body",
        "code": "invalid_client",
        "why": ZOOMS_WORDS,
    },
    other_state={
        "error": "ClientError",
        "message": "invalid response encountered",
        "why": 'unexpected "state" response parameter value',
    },
    declined={
        "error": "AuthorizationResponseError",
        "message": "authorization response from the server is an error",
        "code": "access_denied",
        "why": {},
    },
)
SIMPLE_OAUTH2 = Client(
    "simple-oauth2",
    "simple_oauth2.mjs",
    "launcher",
    wrong_secret={
        "error": "Error",
        "message": "Response Error: 400 Bad Request",
        "code": "invalid_client",
        "why": ZOOMS_WORDS,
    },
)
REQUESTS_OAUTHLIB = Client(
    "requests-oauthlib",
    "tests.foreign.python.requests_oauthlib_site",
    "python_launcher",
    wrong_secret={
        "error": "InvalidClientError",
        "message": "(invalid_client) ",
        "code": "invalid_client",
    },
    other_state={
        "error": "MismatchingStateError",
        "message": ("(mismatching_state) CSRF Warning! State not equal in request and response."),
        "code": "mismatching_state",
    },
    declined={
        "error": "AccessDeniedError",
        "message": "(access_denied) ",
        "code": "access_denied",
    },
)
SOCIAL_AUTH = Client(
    "social-auth-core",
    "tests.foreign.python.social_auth_site",
    "python_launcher",
    wrong_secret={
        "error": "AuthConfigurationError",
        "message": "Authentication configuration is invalid.",
        "code": "invalid_client",
        "why": "invalid_setting",
    },
    other_state={
        "error": "AuthSessionError",
        "message": "The authentication session is unavailable. Please restart login.",
        "code": None,
        "why": "session_context_missing",
    },
    declined={
        "error": "AuthCanceled",
        "message": "Authentication process canceled",
        "code": "access_denied",
        "why": "authorization_declined",
    },
    scopes=("user:read",),
    revokes=False,
)

# simple-oauth2 is handed the code and never sees the address that held it: what else stands
# there, a state or an error, is for whoever uses it to read.
READERS = [pytest.param(OPENID_CLIENT, marks=pytest.mark.node), REQUESTS_OAUTHLIB, SOCIAL_AUTH]
CLIENTS = [*READERS, pytest.param(SIMPLE_OAUTH2, marks=pytest.mark.node)]

to_each = pytest.mark.parametrize("visit", CLIENTS, ids=str, indirect=True)
to_each_reader = pytest.mark.parametrize("visit", READERS, ids=str, indirect=True)


class Visit:
    """Ben's visit to a client's site, for an app that he may add: through its door, and back."""

    def __init__(
        self, client: Client, emulator: Emulator, *, browser: Browser, launcher: Launcher
    ) -> None:
        self.client = client
        self.app = next(iter(emulator.world.apps.values()))
        self.app.management = "user"
        self.app.scopes.extend(client.scopes)
        self.ben = person(emulator, "Ben")
        self._browser = browser
        self._launcher = launcher

    async def begins(self, **environment: str) -> str:
        """Start the site and open it; give the address where it sends him."""
        _, url = await self._launcher.start(self.client.script, self.app, **environment)
        self.app.redirect_uris = [f"{url}/callback"]
        answer = await self._browser.exchange("GET", f"{url}/")
        return answer.headers["location"]

    async def ends(self, url: str, *, press: str = "Allow") -> tuple[int, Told]:
        """Answer the consent page at an address; give what the site answers to that."""
        page = await self._browser.open(url)
        page = await self._browser.press(page, press, user=self.ben.id)
        return page.status, json.loads(page.html)


@pytest.fixture
def visit(request: pytest.FixtureRequest, emulator: Emulator, browser: Browser) -> Visit:
    """A visit to the site of the client that the test names."""
    client: Client = request.param
    launcher = request.getfixturevalue(client.launcher)
    return Visit(client, emulator, browser=browser, launcher=launcher)


@to_each
async def test_a_person_is_known_and_stays_so_until_the_token_is_revoked(
    emulator: Emulator, visit: Visit
) -> None:
    status, told = await visit.ends(await visit.begins())

    assert status == 200, told
    after = {"revoked": 401} if visit.client.revokes else {}
    assert told == {"user": visit.ben.id, "again": visit.ben.id, **after}
    given = [(token.kind, token.user_id, token.refreshed) for token in emulator.world.tokens]
    assert given == [("user", visit.ben.id, True), ("user", visit.ben.id, False)]


@to_each
async def test_a_secret_of_odd_characters_is_read_however_it_is_sent(visit: Visit) -> None:
    visit.app.client_secret = "a b+c/%41=~:\"'()*"

    status, told = await visit.ends(await visit.begins())

    assert status == 200, told


@to_each
async def test_a_wrong_secret_is_reported(visit: Visit) -> None:
    url = await visit.begins(ZOOM_CLIENT_SECRET="another")

    assert await visit.ends(url) == (400, visit.client.wrong_secret)


@to_each_reader
async def test_another_state_is_reported_and_the_code_left_alone(
    emulator: Emulator, visit: Visit
) -> None:
    at, _, query = (await visit.begins()).partition("?")
    asked = {**dict(parse_qsl(query)), "state": "another"}

    assert await visit.ends(f"{at}?{urlencode(asked)}") == (400, visit.client.other_state)

    assert not emulator.world.tokens


@to_each_reader
async def test_a_refusal_by_the_person_is_reported(visit: Visit) -> None:
    assert await visit.ends(await visit.begins(), press="Decline") == (400, visit.client.declined)


@pytest.mark.node
@pytest.mark.parametrize("visit", [OPENID_CLIENT], ids=str, indirect=True)
@pytest.mark.parametrize("rules", ["rfc", "paranoid"])
async def test_openid_client_discovers_a_zoom_that_keeps_to_the_rfcs(
    emulator: Emulator, visit: Visit, rules: Preset
) -> None:
    emulator.world.rules = preset(rules)

    status, told = await visit.ends(await visit.begins(DISCOVER="yes"))

    assert status == 200, told
    assert told["again"] == visit.ben.id


@pytest.mark.parametrize("visit", [REQUESTS_OAUTHLIB], ids=str, indirect=True)
@pytest.mark.parametrize(("granted", "status"), [("app", 400), ("asked", 200)])
async def test_requests_oauthlib_takes_no_more_scopes_than_it_asked_for(
    emulator: Emulator, visit: Visit, granted: Literal["app", "asked"], status: int
) -> None:
    emulator.world.rules.granted_scopes = granted

    answer = await visit.ends(await visit.begins(ZOOM_SCOPE="user:read:user"))

    assert answer[0] == status, answer
    if granted == "app":
        assert "Scope has changed from" in answer[1]["message"]
