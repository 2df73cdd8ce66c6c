"""What does Zoom show beside its signature, where an event subscription says what?

One of three custom headers: Basic, a Bearer token that Zoom fetches first, or any header.
Source: https://developers.zoom.us/docs/build-flow/manifests/schema/event-subscription
"""

import base64
from dataclasses import dataclass

from innkeeper.secret import Secret
from innkeeper.wire.payloads import PAYLOADS
from innkeeper.wire.signature import URL_VALIDATION

SUBSCRIBED = frozenset({"app.authorization_request_created", "app.authorization_request_declined"})
UNADORNED = frozenset(PAYLOADS) - SUBSCRIBED - {URL_VALIDATION}
"""What goes to the bot endpoint or to the deauthorization endpoint: they have no custom headers."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and its secret: a user and a password, a client, or a header and its value."""

    name: str
    secret: Secret

    @property
    def basic(self) -> Secret:
        """Both, as they stand in a Basic header behind the scheme.

        Example:
            >>> Credential("a", Secret("b:c")).basic.reveal()
            'YTpiOmM='
        """
        pair = self.name.encode() + b":" + self.secret.encode()
        return Secret(base64.b64encode(pair).decode())


@dataclass(frozen=True, slots=True)
class Demands:
    """What a delivery must carry beside its signature: one of all these, if there are any."""

    basic: tuple[Credential, ...] = ()
    bearer: tuple[Credential, ...] = ()
    """The clients that may fetch a token."""
    header: tuple[Credential, ...] = ()
    """Headers, their names in small letters."""
    everywhere: bool = False
    """Whether what Zoom sends without custom headers must have one all the same."""

    def __bool__(self) -> bool:
        return bool(self.basic or self.bearer or self.header)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What no log line may hold."""
        clients = (*self.basic, *self.bearer)
        whole = (*clients, *self.header)
        return (*(each.secret for each in whole), *(each.basic for each in clients))
