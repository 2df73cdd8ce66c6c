"""Does Zoom's refusal to renew a person's tokens say that they removed the app?

It says so of grants that did not end by themselves and that we have not spoilt ourselves.

Source: https://developers.zoom.us/docs/integrations/oauth-error-messages/
"""

from datetime import datetime
from typing import Final

from innkeeper.errors import NeedsReauth
from innkeeper.store.records import Grant

_OURS: Final = frozenset({4711, 4733, 4734, 4740})
"""Other scopes than the app's, a code that was late or wrong, a token rotated elsewhere."""
_BEYOND_US: Final = frozenset({4735, 4737, 4738})
"""The owner is gone, the authorization is, an admin withdrew it: no lost answer does that."""


def speaks_of_removal(refusal: NeedsReauth, grant: Grant, *, now: datetime) -> bool:
    """Tell whether a grant that is over may have died of the app's removal.

    Args:
        grant: What could not be renewed.
    """
    if refusal.zoom_code in _OURS or grant.refresh_token is None:
        return False
    if grant.refresh_expires_at is not None and now >= grant.refresh_expires_at:
        return False  # it idled too long
    return not refusal.spent or refusal.zoom_code in _BEYOND_US
