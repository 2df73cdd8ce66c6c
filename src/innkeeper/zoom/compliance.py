"""How is Zoom told that somebody's data was deleted? By one call, which few apps need any more.

Zoom has deprecated it and asks for it no longer; apps reviewed in its time may be held to it.
Source: https://marketplace.zoom.us/docs/guides/auth/deauthorization/ (2019)
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from innkeeper.errors import Unreachable
from innkeeper.net.outbound import DEADLINE_SECONDS, Request, Transport
from innkeeper.secret import Secret
from innkeeper.wire.oauth import basic_header
from innkeeper.zoom.answers import retry_after

COMPLIANCE_PATH = "/oauth/data/compliance"


async def report_deletion(
    transport: Transport,
    *,
    api_url: str,
    client_id: str,
    client_secret: Secret,
    removal: Mapping[str, Any],
    deadline: float = DEADLINE_SECONDS,
) -> None:
    """Tell Zoom that all is deleted that a removal asked for.

    Args:
        removal: The payload of `app_deauthorized`, as it came.

    Raises:
        Unreachable: If Zoom could not be asked, or did not take it, whatever it said.
    """
    report = {
        "client_id": client_id,
        "user_id": removal.get("user_id"),
        "account_id": removal.get("account_id"),
        "deauthorization_event_received": dict(removal),
        "compliance_completed": True,
    }
    headers = {
        "authorization": basic_header(client_id, client_secret),
        "content-type": "application/json",
        "accept": "application/json",
    }
    asked = Request("POST", api_url + COMPLIANCE_PATH, headers, msgspec.json.encode(report))
    answer = await transport.send(asked, deadline=deadline)
    if not 200 <= answer.status < 300:
        raise Unreachable(
            "Zoom did not take the report",
            f"status {answer.status}",
            retry_after=retry_after(answer),
        )
