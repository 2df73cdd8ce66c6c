"""Does an app's endpoint still prove that it holds the secret token? Asked every 72 hours.

Whoever fails several times in a row is disabled: nothing is brought there until the address
is saved, and so validated, again.

Source: https://developers.zoom.us/changelog/platform/webhook-url-validation.md
"""

from datetime import datetime, timedelta
from typing import Final

from innkeeper.emulator.world import AppRecord, Endpoint, World

EVERY: Final = timedelta(hours=72)


class Endpoints:
    """Remembers who proved itself when, and who failed how often since."""

    def __init__(self, world: World) -> None:
        self._world = world

    def proved(self, app: AppRecord, url: str) -> None:
        """Note that an endpoint passed its validation just now; a disabled one works again."""
        earlier = self._find(app.client_id, url)
        if earlier is not None:
            self._world.endpoints.remove(earlier)
        self._world.endpoints.append(Endpoint(app.client_id, url, asked_at=self._world.now()))

    def failed(self, endpoint: Endpoint, why: str) -> None:
        """Note that an endpoint failed when it was asked again; disable it after too many."""
        endpoint.asked_at = self._world.now()
        endpoint.failures += 1
        endpoint.error = why
        endpoint.disabled = endpoint.failures >= self._world.rules.revalidation_failures
        self._world.announce("endpoint", endpoint)

    def closed(self, client_id: str, url: str) -> str:
        """Say why nothing is brought to an endpoint; nothing where it is open."""
        endpoint = self._find(client_id, url)
        if endpoint is not None and endpoint.disabled:
            return "the endpoint failed its validation too often, and is disabled"
        if endpoint is None and self._world.rules.unvalidated_urls == "cut_off":
            return "the address never passed its URL validation (rule unvalidated_urls)"
        return ""

    def next_due(self) -> datetime | None:
        """Tell when the next endpoint is to be asked again, if one is."""
        return min((each.asked_at + EVERY for each in self._standing()), default=None)

    def due(self) -> list[Endpoint]:
        """List who is to be asked again by now, the longest overdue first.

        An address that its app no longer has is forgotten rather than asked.
        """
        now = self._world.now()
        self._world.endpoints = [each for each in self._world.endpoints if self._used(each)]
        late = [each for each in self._standing() if each.asked_at + EVERY <= now]
        return sorted(late, key=lambda each: each.asked_at)

    def _find(self, client_id: str, url: str) -> Endpoint | None:
        named = (each for each in self._world.endpoints if each.url == url)
        return next((each for each in named if each.client_id == client_id), None)

    def _standing(self) -> list[Endpoint]:
        return [each for each in self._world.endpoints if not each.disabled]

    def _used(self, endpoint: Endpoint) -> bool:
        app = self._world.apps.get(endpoint.client_id)
        return app is not None and endpoint.url in app.addresses
