"""What would an event subscription show beside the signature? Made of the settings."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from innkeeper.secret import Secret
from innkeeper.wire.credentials import Credential, Demands

_AUTHORIZATION = "authorization"


@dataclass(frozen=True, slots=True)
class Shown:
    """A custom header.

    Args:
        kind: What a report calls it, which holds no secret.
    """

    kind: str
    name: str
    value: Secret

    @property
    def headers(self) -> Mapping[str, str]:
        """The header, to be sent."""
        return {self.name: self.value.reveal()}


def basic(client: Credential, kind: str = "Basic") -> Shown:
    """Show a name and its password."""
    return Shown(kind, _AUTHORIZATION, Secret(f"Basic {client.basic.reveal()}"))


def bearer(token: Secret) -> Shown:
    """Show a token that was fetched."""
    return Shown("a token", _AUTHORIZATION, Secret(f"Bearer {token.reveal()}"))


def lasting(demands: Demands) -> Iterator[Shown]:
    """Show what needs no fetching: each password, and each header of one's own."""
    yield from map(basic, demands.basic)
    for each in demands.header:
        yield Shown(f"the header {each.name}", each.name, each.secret)


def strangers(demands: Demands) -> Iterator[Shown]:
    """Show of each kind that is demanded what somebody makes up."""
    made_up = Secret(secrets.token_urlsafe())
    if demands.basic:
        yield basic(Credential("stranger", made_up))
    if demands.bearer:
        yield bearer(made_up)
    for name in sorted({each.name for each in demands.header}):
        yield Shown(f"the header {name}", name, made_up)
