"""Which subscriptions want an event? Those that name it, of apps that somebody concerned allowed.

Source: https://developers.zoom.us/docs/api/webhooks/
"""

from collections.abc import Collection, Iterator

from innkeeper.emulator.world import AppRecord, Subscription, World


def wanting(
    world: World, event: str, *, account_id: str, user_ids: Collection[str]
) -> Iterator[tuple[AppRecord, Subscription]]:
    """List every subscription that hears of an event, with its app."""
    for app in world.apps.values():
        for each in app.subscriptions:
            if event in each.event_types and _concerned(
                world, app, each, account_id=account_id, user_ids=user_ids
            ):
                yield app, each


def _concerned(
    world: World,
    app: AppRecord,
    subscription: Subscription,
    *,
    account_id: str,
    user_ids: Collection[str],
) -> bool:
    for installation in world.installations.values():
        if installation.client_id != app.client_id or installation.account_id != account_id:
            continue
        whole_account = subscription.usage == "EVENT_FOR_ADMIN" or app.management == "admin"
        if whole_account or installation.user_id in user_ids:
            return True
    return False
