"""Which question was put to which browser? Each is answered once, where it was shown."""

from hmac import compare_digest
from typing import Final

from starlette.requests import Request

from innkeeper.emulator.answers import Form
from innkeeper.emulator.oauth.authorization import Denied
from innkeeper.emulator.viewer import browser
from innkeeper.emulator.world import ConsentRequest, World

KEPT: Final = 1_000
"""How many unanswered consent pages are remembered; the oldest is forgotten first."""

REPLAYED: Final = Denied(
    "consent.replayed",
    4700,
    "This page was used already, or belongs to another browser.",
    "A consent page can be answered once, in the browser that it was shown in.",
    "Start the authorization again.",
)
NO_DECISION: Final = Denied(
    "consent.decision",
    4700,
    "The answer was not understood.",
    "`decision` must be allow or decline, and `user` the id of somebody here.",
    "Send the form of the consent page as it is.",
)


def put(request: Request, world: World, query: str) -> ConsentRequest:
    """Remember a question; the browser must be given the name that is noted here."""
    pending = ConsentRequest(world.new_id(), query, browser(request) or world.new_id())
    waiting = world.consent_requests
    waiting[pending.id] = pending
    if len(waiting) > KEPT:
        del waiting[next(iter(waiting))]
    return pending


def asked(request: Request, world: World, form: Form) -> ConsentRequest | None:
    """Find the question that a form answers, unless another browser was asked.

    The question's id is a secret of its own; a client without cookies has no more.
    """
    pending = world.consent_requests.get(form["request"])
    name = browser(request)
    if pending is None or (name and not compare_digest(pending.browser.encode(), name.encode())):
        return None
    return pending
