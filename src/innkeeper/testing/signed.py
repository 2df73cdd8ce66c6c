"""How is a bot's endpoint tested by itself? With deliveries signed as Zoom signs them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from innkeeper.net.outbound import Request
from innkeeper.secret import Secret
from innkeeper.wire import signature


@dataclass(frozen=True, slots=True)
class Signed:
    """A delivery, signed and not yet sent: for any test client, or for `Zoom.posts`."""

    headers: Mapping[str, str]
    body: bytes

    def tampered(self, body: bytes | None = None, **headers: str) -> "Signed":
        """Change it after it was signed.

        Args:
            headers: By their names, with `_` for `-`; an empty value takes one out.
        """
        changes = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in {**self.headers, **changes}.items() if value}
        return replace(self, headers=kept, body=self.body if body is None else body)

    def to(self, url: str) -> Request:
        """Address it."""
        return Request("POST", url, self.headers, self.body)


def sign(event: Mapping[str, Any] | bytes, *, secret: str | Secret, at: datetime) -> Signed:
    """Sign a delivery as Zoom does, over the bytes that are sent.

    Args:
        event: As JSON, or the bytes as they are to be sent.
        secret: The app's Secret Token.
        at: When it is signed.

    Source: https://developers.zoom.us/docs/api/webhooks/
    """
    body = event if isinstance(event, bytes) else msgspec.json.encode(event)
    timestamp = str(int(at.timestamp()))
    key = secret if isinstance(secret, Secret) else Secret(secret)
    headers = {
        "content-type": "application/json; charset=utf-8",
        signature.TIMESTAMP_HEADER: timestamp,
        signature.SIGNATURE_HEADER: signature.sign(body, timestamp=timestamp, secret=key),
    }
    return Signed(headers, body)
