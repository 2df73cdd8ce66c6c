"""When is a grant renewed though nobody waits for it? Early, and not all at once.

What is in use is renewed before it ends, so that no caller waits; what idles every day, so
that nobody is sent back to the consent page for having been away, and no removal is missed.
Each grant has its own place in a span of time ahead: thousands that end in the same second
are renewed one after the other, and from then on end apart.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from innkeeper.store.records import Grant
from innkeeper.wire.oauth import ACCESS_LIFETIME, REFRESH_LIFETIME

AHEAD = timedelta(minutes=5)
"""How long before their end, at the latest, tokens in use are renewed."""
SPREAD = timedelta(minutes=10)
"""Over how long before that the grants are spread."""
IDLE_EVERY = timedelta(hours=20)
"""How often, at the least, an unused refresh token is traded for the next: long before its
end, for Zoom's refusal tells within a day of a removal that we have not heard of."""
IDLE_SPREAD = timedelta(hours=4)
RETRY_AFTER = timedelta(minutes=5)
"""When the background comes back to a grant whose renewal was refused."""


def issued_at(grant: Grant) -> datetime:
    """Tell when a grant's tokens were issued; of machine tokens, as it follows from their end."""
    if grant.refresh_expires_at is not None:
        return grant.refresh_expires_at - timedelta(seconds=REFRESH_LIFETIME)
    return grant.expires_at - timedelta(seconds=ACCESS_LIFETIME)


def in_use(grant: Grant) -> bool:
    """Tell whether anybody has used a grant's tokens since they were issued."""
    return grant.used_at >= issued_at(grant)


def scheduled(grant: Grant, *, now: datetime) -> Grant:
    """Set when the background renews a grant: never, if nobody would miss it."""
    return replace(grant, renew_at=_renew_at(grant, now))


def _renew_at(grant: Grant, now: datetime) -> datetime | None:
    place = share_of(grant.id)
    if in_use(grant):
        shortest = (grant.expires_at - now) * (1 + place) / 4  # of what lives for minutes only
        return grant.expires_at - min(AHEAD + SPREAD * place, shortest)
    if grant.refresh_expires_at is None:
        return None
    return issued_at(grant) + IDLE_EVERY - IDLE_SPREAD * place


def share_of(name: str) -> float:
    """Give what has this name its own place from 0 to 1, the same in each process."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
