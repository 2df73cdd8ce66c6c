"""What does Zoom's token endpoint say? One call each to obtain tokens and to revoke them.

Source: https://developers.zoom.us/docs/integrations/oauth/
"""

from typing import Any, cast
from urllib.parse import urlencode

import msgspec

from innkeeper.errors import TokenResponseInvalid, Unreachable
from innkeeper.net.outbound import DEADLINE_SECONDS, Request, Response, Transport
from innkeeper.secret import Secret
from innkeeper.wire.oauth import (
    REVOKE_PATH,
    TOKEN_PATH,
    TokenRequest,
    Tokens,
    basic_header,
    read_tokens,
)
from innkeeper.zoom.answers import NOT_JSON, retry_after


async def fetch_tokens(
    transport: Transport,
    *,
    oauth_url: str,
    client_id: str,
    client_secret: Secret,
    request: TokenRequest,
    refreshable: bool,
    deadline: float = DEADLINE_SECONDS,
) -> Tokens:
    """Ask the token endpoint once.

    Args:
        refreshable: Whether the answer must bring a refresh token.

    Raises:
        NeedsReauth: If Zoom says that this code or refresh token is over for good.
        GrantRefused: If Zoom refuses for another reason, such as a wrong client secret.
        TokenResponseInvalid: If Zoom redirected us, or answered something that is no
            token answer.
        AnswerLost: If the request may have taken effect, as a refresh does when it rotates.
        Unreachable: If Zoom could not be asked, or said 429 or 5xx; its `retry_after` is
            what Zoom asked for. A 5xx may hide that the request took effect.
    """
    asked = _form(
        oauth_url + TOKEN_PATH, request.form(), client_id=client_id, client_secret=client_secret
    )
    answer = await transport.send(asked, deadline=deadline)
    _refuse_busy(answer)
    if 300 <= answer.status < 400:
        raise TokenResponseInvalid("token answer not usable", "redirect", reason="redirect")
    return read_tokens(answer.status, answer.content_type, answer.body, refreshable=refreshable)


async def revoke(
    transport: Transport,
    *,
    oauth_url: str,
    client_id: str,
    client_secret: Secret,
    token: Secret,
    deadline: float = DEADLINE_SECONDS,
) -> bool:
    """Have Zoom end a token, and say whether it did. Zoom may remove the app with it.

    Raises:
        AnswerLost: If it may have been ended.
        Unreachable: If Zoom could not be asked, or said 429 or 5xx.
    """
    asked = _form(
        oauth_url + REVOKE_PATH,
        urlencode({"token": token.reveal()}).encode(),
        client_id=client_id,
        client_secret=client_secret,
    )
    answer = await transport.send(asked, deadline=deadline)
    _refuse_busy(answer)
    if answer.status != 200:
        return False
    try:
        said = msgspec.json.decode(answer.body)
    except NOT_JSON:
        return False
    return isinstance(said, dict) and cast("dict[str, Any]", said).get("status") == "success"


def _form(url: str, body: bytes, *, client_id: str, client_secret: Secret) -> Request:
    return Request(
        "POST",
        url,
        {
            "authorization": basic_header(client_id, client_secret),
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        },
        body,
    )


def _refuse_busy(answer: Response) -> None:
    if answer.status == 429 or answer.status >= 500:
        raise Unreachable(
            "Zoom cannot serve now", f"status {answer.status}", retry_after=retry_after(answer)
        )
