"""What do Zoom's numbers from 4700 to 4741 mean, and which check gives each?

Zoom's token endpoint says them in words only; here they stand beside the refusal, in the
traffic view. Source: https://developers.zoom.us/docs/integrations/oauth-error-messages/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ZoomCode:
    """One number: what it means, which checks give it, or why none does."""

    meaning: str
    checks: tuple[str, ...] = ()
    not_emulated: str = ""


CATALOGUE: Final[Mapping[int, ZoomCode]] = {
    4700: ZoomCode(
        "The request lacks its token, or cannot be authorized as it stands.",
        ("authorize.redirect_unlisted", "authorize.not_approved", "revoke.missing"),
    ),
    4702: ZoomCode("The client is not known.", ("authorize.client_unknown", "client.refused")),
    4704: ZoomCode("The client's secret is wrong.", ("client.refused",)),
    4705: ZoomCode("The grant is not supported.", ("grant.unsupported",)),
    4706: ZoomCode("Credentials or the grant are missing.", ("client.refused", "grant.missing")),
    4709: ZoomCode("The redirect URI is another one.", ("code.redirect_mismatch",)),
    4711: ZoomCode(
        "The token's scopes are not the client's, or do not suffice.",
        ("refresh.scope", "token.scope"),
    ),
    4717: ZoomCode(
        "The app has been disabled.", ("authorize.disabled", "client.disabled", "token.disabled")
    ),
    4724: ZoomCode(
        "The client's JWT is wrong.",
        not_emulated="Apps prove themselves by secret or PKCE; client assertions are not read.",
    ),
    4732: ZoomCode(
        "The code could not be made.",
        not_emulated="It is a failure inside Zoom; here making a code does not fail.",
    ),
    4733: ZoomCode("The code is older than five minutes.", ("code.expired",)),
    4734: ZoomCode("The code is not valid.", ("code.unknown", "code.foreign", "code.spent")),
    4735: ZoomCode(
        "Whoever the token stood for is gone.", ("code.owner_gone", "device.owner_gone")
    ),
    4737: ZoomCode("The authorization is gone.", ("refresh.revoked", "token.revoked")),
    4738: ZoomCode("An admin withdrew the app's approval.", ("refresh.revoked", "token.revoked")),
    4740: ZoomCode("The refresh token was tolerated long enough.", ("refresh.tolerance",)),
    4741: ZoomCode(
        "A newer authorization, or a revocation, ended the token.",
        ("refresh.revoked", "token.revoked"),
    ),
}
"""Every number that Zoom's page and the reports of it name."""


def ended(number: int) -> str:
    """Say why a token is over, in a sentence with Zoom's number."""
    return f"{CATALOGUE[number].meaning.removesuffix('.')} ({number})"
