"""What happens when a person removes an app? Its tokens die, and a production app is told.

Source: https://developers.zoom.us/docs/api/marketplace/events/
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from innkeeper.clock import epoch_ms, from_epoch
from innkeeper.emulator.courier.rounds import Courier
from innkeeper.emulator.oauth import tokens
from innkeeper.emulator.world import AppRecord, Installation, User, World
from innkeeper.errors import InnkeeperError

EVENT: Final = "app_deauthorized"


class InstallationUnknown(InnkeeperError):
    """No installation has this id, or it was removed already."""

    code = "installation_unknown"
    fix = "List the installations at /_emulator/state."


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of an installation. `told` says whether `app_deauthorized` is on its way."""

    installation: Installation
    told: bool
    why: str


class Conversation(Protocol):
    """Where a person sees that an app is gone."""

    def removed(self, installation: Installation) -> None:
        """Say so in the chat."""
        ...

    def timestamp(self) -> int:
        """Draw a time, in milliseconds, that is later than all that happened there."""
        ...


class Removal:
    """Removes installations."""

    def __init__(self, world: World, courier: Courier, chat: Conversation) -> None:
        self._world = world
        self._courier = courier
        self._chat = chat

    async def remove(self, installation_id: str, *, by: User | None = None) -> Removed:
        """Remove an app; the event goes out after this returns.

        Args:
            by: Who removes it, such as an admin; whoever authorized it when omitted.

        Raises:
            InstallationUnknown: If there is no such installation.
        """
        installation = self._world.installations.pop(installation_id, None)
        app = self._world.apps.get(installation.client_id) if installation else None
        if installation is None or app is None:
            raise InstallationUnknown("no such installation")
        whole = app.management == "admin"
        tokens.revoke_installation(self._world, installation, whole_account=whole)
        self._chat.removed(installation)
        self._world.announce("removed", installation)
        return self._tell(app, installation, by)

    def _tell(self, app: AppRecord, installation: Installation, by: User | None) -> Removed:
        rules = self._world.rules
        if app.environment == "development" and rules.development_removal == "silent":
            why = (
                "Development app: Zoom tells only production apps, so no app_deauthorized was sent."
            )
            return Removed(installation, told=False, why=why)
        if not app.deauthorization_endpoint:
            why = "The app has no deauthorization endpoint, so nobody was told."
            return Removed(installation, told=False, why=why)
        user_id = by.id if by else installation.user_id
        now = from_epoch(self._chat.timestamp() / 1000)
        payload, top = deauthorization(self._world, app, installation.account_id, user_id, now=now)
        url = app.deauthorization_endpoint
        self._courier.post(app, url, EVENT, payload, **top)
        return Removed(installation, told=True, why=f"{EVENT} is on its way to {url}.")


def deauthorization(
    world: World, app: AppRecord, account_id: str, user_id: str, *, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write what `app_deauthorized` says: its payload, and what stands beside that."""
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.")
    payload: dict[str, Any] = {
        "account_id": account_id,
        "user_id": user_id,
        "signature": world.token_bytes(32).hex(),
        "deauthorization_time": f"{stamp}{now.microsecond // 1000:03d}Z",
        "client_id": app.client_id,
    }
    extra, top = _variant(world.rules.deauthorization_payload, now)
    return {**payload, **extra}, top


def _variant(name: str, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what a recorded variant of the event has besides: in the payload, and at the top.

    Over the years `event_ts` stood at the top, in the payload as a number or as a date, or
    nowhere, and `user_data_retention` was absent, null or a text.
    """
    ms = epoch_ms(now)
    variants: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "2025": ({"user_data_retention": None}, {"event_ts": ms}),
        "reference": ({"event_ts": f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S}"}, {}),
        "sdk": ({"event_ts": ms}, {}),
        "2020": ({"user_data_retention": "false"}, {}),
        "2019": ({}, {}),
    }
    return variants.get(name, ({}, {"event_ts": ms}))
