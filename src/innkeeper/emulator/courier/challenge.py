"""Did the app prove that it holds the secret token? And if not, what exactly went wrong?

Zoom says "URL validation failed. Try again later." for every reason; here each has its own.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from innkeeper.emulator.world import AppRecord
from innkeeper.errors import BodyRefused, EndpointRefused
from innkeeper.net.outbound import Response
from innkeeper.secret import Secret
from innkeeper.wire import lossless
from innkeeper.wire.signature import encrypt_token

_HEX_FIX: Final = (
    'Answer 200 with {"plainToken": …, "encryptedToken": …}, the latter as the lower-case hex'
    " of HMAC-SHA256(secret token, plainToken)."
)
_KEY_FIX: Final = "Copy this app's Secret Token (Features > Access) into the app's settings."
_STATUS: Final[Mapping[int, tuple[str, str]]] = {
    401: ("it did not accept our signature", _KEY_FIX),
    403: ("it did not accept our signature", _KEY_FIX),
    404: ("nothing is at this path", "Correct the path of the address."),
    405: ("it takes no POST at this path", "Correct the path of the address."),
}


def check_answer(
    response: Response,
    *,
    plain_token: str,
    app: AppRecord,
    apps: Iterable[AppRecord],
    base64_too: bool = False,
) -> Iterator[str]:
    """Refuse every answer to a URL validation but the right one.

    Args:
        apps: All apps there are, to recognise the secret of another one.
        base64_too: Take the HMAC in base64 as well, as one report says that Zoom does.

    Yields:
        Each check that the answer passed (`validation.CHECKS`).

    Raises:
        EndpointRefused: Saying what was wrong.
    """
    if response.status != 200:
        raise _status_refused(response)
    yield "status"
    answer = _answer_of(response)
    yield "json"
    if answer.get("plainToken") != plain_token:
        raise EndpointRefused(_about_plain_token(answer), _HEX_FIX)
    yield "plain_token"
    encrypted = answer.get("encryptedToken")
    if not isinstance(encrypted, str):
        raise EndpointRefused("the answer has no encryptedToken", _HEX_FIX)
    right = encrypt_token(plain_token, Secret(app.secret_token))
    in_base64 = base64_too and encrypted.rstrip("=") in _in_base64(right)
    if encrypted != right and not in_base64:
        raise _mismatch(encrypted, plain_token, app, apps)
    yield "encrypted_token"


def _status_refused(response: Response) -> EndpointRefused:
    status = response.status
    if 300 <= status < 400:
        return EndpointRefused(
            f"the endpoint answered {status}: redirects are not followed",
            "Enter the address that the redirect leads to.",
        )
    if status in _STATUS:
        why, fix = _STATUS[status]
        return EndpointRefused(f"the endpoint answered {status}: {why}", fix)
    if status >= 500:
        return EndpointRefused(
            f"the endpoint answered {status}: the app failed", "Look at the app's log."
        )
    return EndpointRefused(f"the endpoint answered {status}, not 200", _HEX_FIX)


def _answer_of(response: Response) -> dict[str, Any]:
    try:
        answer = lossless.parse(response.body)
    except BodyRefused as error:
        why = "the answer is empty" if error.reason == "empty" else "the answer is not JSON"
        raise EndpointRefused(f"{why} ({error.reason})", _HEX_FIX) from None
    if not isinstance(answer, dict):
        raise EndpointRefused("the answer is JSON, but not an object", _HEX_FIX)
    return cast("dict[str, Any]", answer)


def _about_plain_token(answer: Mapping[str, Any]) -> str:
    if "plainToken" in answer:
        return "the answer holds another plainToken than the one that was sent"
    wrapper = next(
        (key for key, value in answer.items() if isinstance(value, dict) and "plainToken" in value),
        None,
    )
    if wrapper is not None:
        return f"the answer's tokens stand inside {wrapper!r}, not at the top"
    return "the answer has no plainToken"


def _mismatch(
    encrypted: str, plain_token: str, app: AppRecord, apps: Iterable[AppRecord]
) -> EndpointRefused:
    right = encrypt_token(plain_token, Secret(app.secret_token))
    if encrypted.strip().lower() == right:
        return EndpointRefused("encryptedToken is not in lower case, or has spaces", _HEX_FIX)
    if encrypted.rstrip("=") in _in_base64(right):
        return EndpointRefused("encryptedToken is in base64, not in hex", _HEX_FIX)
    if encrypted == hashlib.sha256(plain_token.encode()).hexdigest():
        return EndpointRefused("encryptedToken is a bare SHA-256, not an HMAC", _HEX_FIX)
    swapped = hmac.new(plain_token.encode(), app.secret_token.encode(), "sha256").hexdigest()
    if encrypted == swapped:
        return EndpointRefused("the key and the message of the HMAC are swapped", _HEX_FIX)
    return EndpointRefused(_whose_secret(encrypted, plain_token, app, apps), _KEY_FIX)


def _in_base64(digest: str) -> set[str]:
    raw = bytes.fromhex(digest)
    encoded = {
        base64.b64encode(raw),
        base64.urlsafe_b64encode(raw),
        base64.b64encode(digest.encode()),
    }
    return {each.decode().rstrip("=") for each in encoded}


def _whose_secret(
    encrypted: str, plain_token: str, app: AppRecord, apps: Iterable[AppRecord]
) -> str:
    if encrypted == encrypt_token(plain_token, Secret(app.client_secret)):
        return "encryptedToken was made with the Client Secret, not with the Secret Token"
    for other in apps:
        if encrypted == encrypt_token(plain_token, Secret(other.secret_token)):
            return f"encryptedToken was made with the Secret Token of another app, {other.name}"
    return "encryptedToken was made with another secret"
