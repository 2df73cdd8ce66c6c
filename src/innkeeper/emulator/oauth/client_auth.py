"""Which app is asking? Its id and secret, in whichever of Zoom's three places they stand.

An app may have a second client besides, a public one: an id without a secret, which proves
itself by PKCE alone. Source: https://developers.zoom.us/blog/public-pkce/
"""

from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest

from starlette.requests import Request

from innkeeper.emulator.answers import Form, comes_from
from innkeeper.emulator.world import AppRecord, Code, DeviceRequest, Token, World
from innkeeper.errors import InnkeeperError
from innkeeper.wire.oauth import INVALID_CLIENT, OAuthFault, parse_basic

INVALID_REQUEST = "invalid_request"


class OAuthRefused(InnkeeperError):
    """A request that the token or revocation endpoint refuses.

    Args:
        rule: The stable name of what was broken, for the traffic view.
        fault: What the client is told.
        why: What the traffic view says besides.
    """

    code = "oauth_refused"

    def __init__(self, rule: str, fault: OAuthFault, why: str = "") -> None:
        self.rule = rule
        self.fault = fault
        super().__init__("request refused", why or fault.reason or fault.error)


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: an app, by its secret or as its public client."""

    app: AppRecord
    public: bool = False

    def owns(self, given: Code | DeviceRequest | Token) -> bool:
        """Tell whether a code or token was given to this very client."""
        return given.client_id == self.app.client_id and given.public == self.public


def malformed(rule: str, why: str) -> OAuthRefused:
    """Refuse a request whose parameters make no sense."""
    return OAuthRefused(rule, OAuthFault(INVALID_REQUEST, why))


def authenticate(request: Request, form: Form, world: World) -> Client:
    """Find the app that proves itself by its secret: Basic, in the body, or in the query.

    A public client has nothing to prove here: its id stands in body or query.

    Args:
        form: The parameters of body and query together.

    Raises:
        OAuthRefused: As `invalid_request` if two ways are used at once, and otherwise
            as `invalid_client`, one answer for every fault.
    """
    headers = request.headers.getlist("authorization")
    comes_from(request, form["client_id"])
    if not headers:
        public = None if form["client_secret"] else _public(world, form["client_id"])
        return (
            _enabled(public)
            if public
            else _match(world, [(form["client_id"], form["client_secret"])])
        )
    if form["client_secret"]:
        why = "the client authenticates twice: in the Authorization header and with client_secret"
        raise malformed("client.twice", why)
    if len(headers) > 1:
        raise _refused("there are several Authorization headers (4706)")
    pairs = parse_basic(headers[0])
    if not pairs:
        raise _refused("the Authorization header is no Basic header that can be read (4706)")
    for client_id, _ in pairs:
        comes_from(request, client_id)
    if form["client_id"] and form["client_id"] not in {client_id for client_id, _ in pairs}:
        why = "client_id is another one in the Authorization header than in the parameters"
        raise malformed("client.twice", why)
    return _match(world, pairs)


def _public(world: World, client_id: str) -> Client | None:
    app = world.app_by_client(client_id)
    is_public = app is not None and app.public_client_id == client_id
    return Client(app, public=True) if app is not None and is_public else None


def _match(world: World, pairs: list[tuple[str, str]]) -> Client:
    for client_id, secret in pairs:
        app = world.apps.get(client_id)
        if app is not None and _holds(app, secret, world.now()):
            return _enabled(Client(app))
    known = any(client_id in world.apps for client_id, _ in pairs)
    if known:
        raise _refused("the client secret is wrong, or missing (4704)")
    missing = not any(client_id for client_id, _ in pairs)
    raise _refused("no client is named (4706)" if missing else "no app has this client id (4702)")


def _enabled(client: Client) -> Client:
    if client.app.disabled:
        fault = OAuthFault(INVALID_CLIENT.error, "The app has been disabled")
        raise OAuthRefused("client.disabled", fault, "the app has been disabled (4717)")
    return client


def _holds(app: AppRecord, secret: str, now: datetime) -> bool:
    """Tell whether a secret is the app's, or was and has not run out after a rotation."""
    good = [app.client_secret, *(old for old, end in app.retired_secrets.items() if now < end)]
    return any(compare_digest(each.encode(), secret.encode()) for each in good)


def _refused(why: str) -> OAuthRefused:
    return OAuthRefused("client.refused", INVALID_CLIENT, why)
