"""Does a delivery carry what its subscription shows beside the signature, and must it?

Never instead of the signature: this is asked of what Zoom has signed.
"""

from hmac import compare_digest
from typing import Final

from innkeeper.flows.bearers import Bearers
from innkeeper.net.inbound import Headers
from innkeeper.wire.credentials import UNADORNED, Demands
from innkeeper.wire.signature import URL_VALIDATION

MISSING: Final = "CustomHeaderMissing"
AMBIGUOUS: Final = "AmbiguousHeader"
MISMATCH: Final = "CustomHeaderMismatch"

_AUTHORIZATION: Final = b"authorization"


class CustomHeaders:
    """Judges a delivery's head by what is demanded; one of all credentials is enough.

    Args:
        bearers: Knows the tokens; None if none is demanded.
    """

    def __init__(self, demands: Demands, bearers: Bearers | None) -> None:
        self._everywhere = demands.everywhere
        self._basic = [each.basic.encode() for each in demands.basic]
        self._bearers = bearers
        self._header = [(each.name.encode(), each.secret.encode()) for each in demands.header]
        authorized = {_AUTHORIZATION} if demands.basic or demands.bearer else set[bytes]()
        self._names = frozenset(authorized | {name for name, _ in self._header})

    def fault(self, headers: Headers) -> str:
        """Say what is wrong with the custom headers; nothing if one of them is right."""
        shown: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in self._names:
                if name in shown:
                    return AMBIGUOUS
                shown[name] = value.strip(b" \t")
        fits = [compare_digest(shown[name], good) for name, good in self._header if name in shown]
        fits += self._authorized(shown.get(_AUTHORIZATION, b""))
        if any(fits):
            return ""
        return MISMATCH if fits else MISSING

    def refuses(self, event: str, fault: str) -> bool:
        """Tell whether an event with such a fault is turned away.

        A URL validation may lack the header, as the bot endpoint's does; a wrong one is told
        to whoever validates a subscription's address at Zoom.
        """
        if self._everywhere:
            return True
        if event == URL_VALIDATION:
            return fault != MISSING
        return event not in UNADORNED

    def _authorized(self, shown: bytes) -> list[bool]:
        scheme, _, rest = shown.partition(b" ")
        scheme = scheme.lower()
        if scheme == b"basic" and self._basic:
            return [compare_digest(rest, good) for good in self._basic]
        if scheme == b"bearer" and self._bearers is not None:
            return [self._bearers.accept(rest)]
        return []
