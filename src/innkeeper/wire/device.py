"""How does a device without a browser get authorized? The device grant's own words.

Sources: https://developers.zoom.us/docs/integrations/oauth/ and RFC 8628; the lifetimes
are those of zoom/skills.
"""

from typing import Final

import msgspec

from innkeeper.errors import TokenResponseInvalid
from innkeeper.secret import Secret
from innkeeper.wire.oauth import GrantType, OAuthFault, TokenRequest

DEVICE_CODE_PATH: Final = "/oauth/devicecode"
DEVICE_LIFETIME: Final = 900
"""Seconds for which a device code can be approved."""
POLL_INTERVAL: Final = 5
"""Seconds between two questions whether it was."""

AUTHORIZATION_PENDING: Final = OAuthFault("authorization_pending")
SLOW_DOWN: Final = OAuthFault("slow_down")
EXPIRED_TOKEN: Final = OAuthFault("expired_token")
ACCESS_DENIED: Final = OAuthFault("access_denied")
KEEP_ASKING: Final = frozenset({AUTHORIZATION_PENDING.error, SLOW_DOWN.error})
"""The errors that only mean: not yet."""


class DeviceCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a device is told: its code, and what a person types where. Times are in seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str = ""
    expires_in: int = DEVICE_LIFETIME
    interval: int = POLL_INTERVAL

    def __repr__(self) -> str:
        return f"DeviceCode(verification_uri={self.verification_uri!r})"

    @property
    def secret(self) -> Secret:
        """The device's own code: whoever has it gets the tokens."""
        return Secret(self.device_code)

    def json(self) -> bytes:
        """Write the answer as Zoom does."""
        return msgspec.json.encode(self)

    @classmethod
    def parse(cls, body: bytes) -> "DeviceCode":
        """Read the answer to a request for a device code.

        Raises:
            TokenResponseInvalid: If it is none.
        """
        try:
            found = msgspec.json.decode(body, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise TokenResponseInvalid("no device code", "not_json", reason="not_json") from None
        if not found.device_code or found.expires_in < 1 or found.interval < 1:
            raise TokenResponseInvalid("no device code", "expires_in", reason="expires_in")
        return found


def poll_request(code: Secret) -> TokenRequest:
    """Ask whether a device code was approved.

    Example:
        >>> poll_request(Secret("d1")).form().partition(b"&")[2]
        b'device_code=d1'
    """
    return TokenRequest(GrantType.DEVICE, {"device_code": code.reveal()})
