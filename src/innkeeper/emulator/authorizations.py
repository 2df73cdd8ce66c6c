"""What was an app allowed? Installations, and the codes and tokens that lead there."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Decision = Literal["waiting", "allowed", "declined"]
TokenKind = Literal["chatbot", "account", "user"]


@dataclass(slots=True)
class Installation:
    """An authorization: by one user, for himself or as an admin for the account."""

    id: str
    client_id: str
    account_id: str
    user_id: str
    authorized_at: datetime
    consent_version: int
    scopes: list[str]


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """A consent page that was shown and not answered yet; its answer uses it up."""

    id: str = field(repr=False)
    query: str
    """The authorization request, as the browser brought it."""
    browser: str = field(repr=False)
    """The cookie of the browser that the page was shown in."""


@dataclass(slots=True)
class Code:
    """An authorization code: bound to an app, a user, a redirect URI and a challenge."""

    value: str = field(repr=False)
    client_id: str
    user_id: str
    redirect_uri: str
    redirect_uri_given: bool
    challenge: str | None = field(repr=False)
    method: str
    issued_at: datetime
    scopes: list[str]
    spent: bool = False
    family: str = ""
    """The tokens it gave, so that a second use can revoke them."""
    public: bool = False
    """Whether it was given to the app's public client."""


@dataclass(slots=True)
class DeviceRequest:
    """A device that waits until somebody types its user code and decides."""

    code: str = field(repr=False)
    user_code: str
    client_id: str
    public: bool
    issued_at: datetime
    interval: int
    """Seconds between two of its questions; grows each time it asks too soon."""
    asked_at: datetime | None = None
    decision: Decision = "waiting"
    user_id: str = ""
    spent: bool = False


@dataclass(slots=True)
class Token:
    """One access token, and the refresh token given with it, if any."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    kind: TokenKind
    client_id: str
    account_id: str
    user_id: str
    scopes: list[str]
    issued_at: datetime
    family: str
    revoked: bool = False
    refreshed: bool = False
    """Whether its refresh token was spent."""
    ended: int = 0
    """Zoom's number for why it was revoked; 0 while it was not."""
    public: bool = False
    """Whether it was given to the app's public client."""
    reuses: int = 0
    """How often its refresh token was taken after it was spent (`refresh_reuse: grace`)."""
