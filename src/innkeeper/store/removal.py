"""Which events are those of somebody who left? What their bodies say decides."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from innkeeper.errors import BodyRefused
from innkeeper.ids import InstallationId
from innkeeper.store.keys import owner_index
from innkeeper.store.records import Owner
from innkeeper.store.seal import BlindIndex
from innkeeper.wire import events, lossless

_FOREVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Removal:
    """Who left, and when: enough to know their events by."""

    installation_id: InstallationId
    index: BlindIndex
    owner_index: bytes | None
    removed_at: datetime = _FOREVER
    noticed_at: datetime = _FOREVER

    def covers(
        self, body: bytes | None, *, link: str | None, received_at: datetime, ended: bool
    ) -> bool | None:
        """Say whether an event is to go; None if it is theirs, but newer than the removal.

        A newer one may be of who has the app anew, which shows when it is handled. One that
        was handled for the installation, and set aside, goes with it.

        Args:
            body: None if nobody can read it any more.
            link: The installation it is noted for.
            ended: Whether it is not to be handled any more.
        """
        if body is None or (ended and link is not None):
            return link == self.installation_id
        if link is not None and link != self.installation_id:
            return False
        if link is None and not self._names(body):
            return False
        at = _happened(body)
        newer = at > self.removed_at if at else received_at > self.noticed_at
        return None if newer else True

    def _names(self, body: bytes) -> bool:
        seen = events.glimpse(body)
        if not seen.account_id:
            return False
        owners = [Owner(seen.account_id)]
        if seen.user_id:
            owners.append(Owner(seen.account_id, seen.user_id))
        return any(owner_index(self.index, owner) == self.owner_index for owner in owners)


def _happened(body: bytes) -> datetime | None:
    try:
        raw = lossless.parse(body)
    except BodyRefused:
        return None
    return events.event_time(cast("dict[str, Any]", raw)) if isinstance(raw, dict) else None
