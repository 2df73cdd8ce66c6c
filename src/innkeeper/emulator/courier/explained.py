"""Why does a signature fit, or not? Each step from the bytes to the header, in words.

Source: https://developers.zoom.us/docs/api/webhooks/ (verify with Zoom's header).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest

from innkeeper.emulator.world import AppRecord
from innkeeper.secret import Secret
from innkeeper.wire import signature

SHOWN = 160


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what is done, and what comes out."""

    what: str
    result: str


@dataclass(frozen=True, slots=True)
class Explained:
    """All steps, and whether the header fits the app's Secret Token of now."""

    steps: tuple[Step, ...]
    fits: bool
    verdict: str


def explain(headers: Mapping[str, str], body: bytes, app: AppRecord) -> Explained:
    """Work a delivery's signature out again, step by step, without showing the key."""
    stamp = headers.get(signature.TIMESTAMP_HEADER, "")
    sent = headers.get(signature.SIGNATURE_HEADER, "")
    made = signature.sign(body, timestamp=stamp, secret=Secret(app.secret_token)) if stamp else ""
    fits = bool(sent) and compare_digest(sent, made)
    text = body.decode("utf-8", "replace")
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(body)} bytes in all)"
    steps = (
        Step(f"Take {signature.TIMESTAMP_HEADER}", stamp or "(it is missing)"),
        Step("Write v0, the timestamp and the raw body, colons between", f"v0:{stamp}:{shown}"),
        Step("HMAC-SHA256 of those bytes, keyed with the Secret Token", made.removeprefix("v0=")),
        Step("Put v0= before the hex", made),
        Step(f"Compare with {signature.SIGNATURE_HEADER}", sent or "(it is missing)"),
    )
    return Explained(steps, fits, _verdict(sent, fits=fits))


def _verdict(sent: str, *, fits: bool) -> str:
    if fits:
        return "It fits. A receiver that refuses it hashes other bytes, or has another token."
    if not sent:
        return "It is not signed: refuse it."
    return (
        "It does not fit this app's Secret Token: the token was changed since, or the"
        " delivery was signed otherwise on purpose. Refuse it."
    )
