"""Does Authlib's OAuth2Session, as published, find a Zoom in the emulator?"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Protocol, Self, cast

import pytest
from authlib.integrations.requests_client import (  # type: ignore[import-untyped]  # has no types
    OAuth2Session,
    OAuthError,
)
from requests import Response

from innkeeper.browser import Browser
from innkeeper.emulator import Emulator
from innkeeper.emulator.world import AppRecord, User
from innkeeper.net.inbound import send_answer
from innkeeper.net.outbound import Receive, Scope, Send
from innkeeper.net.serving import LOCAL, bind, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


class Session(Protocol):
    """What these tests use of a session."""

    token: Mapping[str, Any]
    trust_env: bool

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...
    def create_authorization_url(self, url: str, **more: str | None) -> tuple[str, str]: ...
    def fetch_token(self, url: str, **more: str | None) -> Mapping[str, Any]: ...
    def refresh_token(self, url: str, **more: str) -> Mapping[str, Any]: ...
    def revoke_token(self, url: str, **more: str) -> Response: ...
    def get(self, url: str) -> Response: ...


Opener = Callable[..., Session]


@pytest.fixture
async def callback(app: AppRecord) -> AsyncGenerator[str]:
    """A page of the app's own, where an authorization ends."""

    async def thanks(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send_answer(send, 200, b"Thank you")

    listener = bind(LOCAL, 0)
    url = f"http://{LOCAL}:{listener.getsockname()[1]}/callback"
    app.redirect_uris = [url]
    async with serving(thanks, listener):
        yield url


@pytest.fixture
def opened(emulator: Emulator, app: AppRecord) -> Iterator[Opener]:
    """Open sessions with the app's credentials, other options beside them."""
    with ExitStack() as stack:

        def opened(**options: Any) -> Session:
            given: dict[str, Any] = {
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "token_endpoint": f"{emulator.base_url}/oauth/token",
                **options,
            }
            session = stack.enter_context(cast("Session", OAuth2Session(**given)))
            session.trust_env = False  # no proxy of this machine, no .netrc
            return session

        yield opened


class Visit:
    """An authorization by code of the account's admin, from the app's link to its tokens."""

    def __init__(self, emulator: Emulator, browser: Browser, session: Session) -> None:
        self._zoom = emulator.base_url
        self._browser = browser
        self._verifier = secrets.token_urlsafe(48)
        self._state = ""
        self.person = admin(emulator)
        self.session = session

    async def consents(self) -> str:
        """Follow the link, press Allow, and give the address where that ends."""
        url, self._state = self.session.create_authorization_url(
            f"{self._zoom}/oauth/authorize", code_verifier=self._verifier
        )
        page = await self._browser.open(url)
        page = await self._browser.press(page, "Allow", user=self.person.id)
        return page.url

    async def tokens(self, ended: str, **changes: str) -> Mapping[str, Any]:
        """Exchange the code that the address holds."""
        given = {"state": self._state, "code_verifier": self._verifier, **changes}
        return await asyncio.to_thread(
            self.session.fetch_token,
            f"{self._zoom}/oauth/token",
            authorization_response=ended,
            **given,
        )


Visits = Callable[..., Visit]


@pytest.fixture
def visits(emulator: Emulator, browser: Browser, opened: Opener, callback: str) -> Visits:
    """Begin authorizations with PKCE."""

    def begin(**options: Any) -> Visit:
        session = opened(redirect_uri=callback, code_challenge_method="S256", **options)
        return Visit(emulator, browser, session)

    return begin


@pytest.fixture
async def granted(visits: Visits) -> Session:
    """A session with a user's tokens."""
    visit = visits()
    await visit.tokens(await visit.consents())
    return visit.session


def admin(emulator: Emulator) -> User:
    return next(user for user in emulator.world.users() if user.role == "admin")


def scopes(emulator: Emulator) -> set[str]:
    return {scope for app in emulator.world.apps.values() for scope in app.scopes}


async def who(session: Session, emulator: Emulator) -> Response:
    return await asyncio.to_thread(session.get, f"{emulator.base_url}/v2/users/me")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("scope", [None, "user:read:user", "imchat:bot user:read:user"])
async def test_a_code_with_pkce_becomes_tokens_that_say_who_the_user_is(
    emulator: Emulator, visits: Visits, method: str, scope: str | None
) -> None:
    visit = visits(scope=scope, token_endpoint_auth_method=method)

    token = await visit.tokens(await visit.consents())

    assert token["token_type"] == "bearer"
    assert token["expires_in"] == 3600
    assert set(token["scope"].split()) == scopes(emulator)
    assert token["api_url"] == emulator.base_url
    answer = await who(visit.session, emulator)
    assert answer.status_code == 200
    assert answer.json()["id"] == visit.person.id
    assert answer.json()["email"] == visit.person.email


async def test_a_code_challenge_refuses_another_verifier(visits: Visits) -> None:
    visit = visits()
    ended = await visit.consents()

    with pytest.raises(OAuthError) as refused:
        await visit.tokens(ended, code_verifier=secrets.token_urlsafe(48))

    assert refused.value.error == "invalid_grant"


async def test_a_code_is_taken_once(visits: Visits) -> None:
    visit = visits()
    ended = await visit.consents()
    await visit.tokens(ended)

    with pytest.raises(OAuthError) as refused:
        await visit.tokens(ended)

    assert refused.value.error == "invalid_grant"


async def test_a_refresh_rotates_the_refresh_token(emulator: Emulator, granted: Session) -> None:
    endpoint = f"{emulator.base_url}/oauth/token"
    old = granted.token
    await emulator.advance(3600)
    expired = await who(granted, emulator)

    new = await asyncio.to_thread(granted.refresh_token, endpoint)

    assert (expired.status_code, expired.json()["code"]) == (401, 124)
    assert new["access_token"] != old["access_token"]
    assert new["refresh_token"] != old["refresh_token"]
    assert (await who(granted, emulator)).status_code == 200
    with pytest.raises(OAuthError) as refused:
        await asyncio.to_thread(granted.refresh_token, endpoint, refresh_token=old["refresh_token"])
    assert refused.value.error == "invalid_grant"


async def test_a_session_renews_an_expired_token_by_itself(
    emulator: Emulator, opened: Opener, granted: Session
) -> None:
    saved: list[Mapping[str, Any]] = []

    def save(token: Mapping[str, Any], **_: str) -> None:
        saved.append(token)

    expired = {**granted.token, "expires_at": 1}
    session = opened(token=expired, update_token=save)

    answer = await who(session, emulator)

    assert answer.status_code == 200
    assert len(saved) == 1
    assert saved[0]["refresh_token"] != expired["refresh_token"]


async def test_client_credentials_give_a_token_for_the_bot(
    emulator: Emulator, opened: Opener
) -> None:
    session = opened(scope="imchat:bot")

    token = await asyncio.to_thread(
        session.fetch_token, f"{emulator.base_url}/oauth/token", grant_type="client_credentials"
    )

    assert token["scope"] == "imchat:bot"
    assert token["expires_in"] == 3600
    assert token["api_url"] == emulator.base_url
    assert "refresh_token" not in token
    assert (await who(session, emulator)).status_code == 401


async def test_account_credentials_give_a_token_for_the_account(
    emulator: Emulator, app: AppRecord, opened: Opener
) -> None:
    session = opened()

    token = await asyncio.to_thread(
        session.fetch_token,
        f"{emulator.base_url}/oauth/token",
        grant_type="account_credentials",
        account_id=app.account_id,
    )

    assert set(token["scope"].split()) == set(app.scopes)
    assert "refresh_token" not in token
    assert (await who(session, emulator)).json()["id"] == admin(emulator).id


async def test_a_wrong_secret_is_refused(emulator: Emulator, opened: Opener) -> None:
    session = opened(client_secret="another")

    with pytest.raises(OAuthError) as refused:
        await asyncio.to_thread(
            session.fetch_token, f"{emulator.base_url}/oauth/token", grant_type="client_credentials"
        )

    assert refused.value.error == "invalid_client"


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_revoked_token_is_dead_and_so_is_its_sibling(
    emulator: Emulator, granted: Session, kind: str
) -> None:
    answer = await asyncio.to_thread(
        granted.revoke_token,
        f"{emulator.base_url}/oauth/revoke",
        token=granted.token[kind],
        token_type_hint=kind,
    )

    assert answer.status_code == 200
    assert answer.json() == {"status": "success"}
    assert (await who(granted, emulator)).status_code == 401
    with pytest.raises(OAuthError) as refused:
        await asyncio.to_thread(granted.refresh_token, f"{emulator.base_url}/oauth/token")
    assert refused.value.error == "invalid_grant"
