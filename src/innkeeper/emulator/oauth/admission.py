"""What follows when a person says yes, and how is she asked? In a browser or for a device."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from innkeeper.emulator import answers
from innkeeper.emulator.backlog import Backlog
from innkeeper.emulator.oauth import scopes, tokens
from innkeeper.emulator.oauth.authorization import admit
from innkeeper.emulator.world import AppRecord, Installation, User, World
from innkeeper.ui.views import ConsentView
from innkeeper.wire.oauth import AUTHORIZE_PATH


class Host(Protocol):
    """Says what an app says first to whoever authorized it."""

    def welcome(self, installation: Installation) -> Awaitable[object]:
        """Welcome the person of a new installation."""
        ...


class Admission:
    """Lets apps in.

    Args:
        backlog: Where a new installation's welcome is put: nobody waits for it.
    """

    def __init__(self, world: World, backlog: Backlog, host: Host) -> None:
        self._world = world
        self._backlog = backlog
        self._host = host

    def install(self, app: AppRecord, person: User, granted: Iterable[str]) -> Installation:
        """Note that a person let an app in; her earlier tokens for it may die of that (4741)."""
        world = self._world
        new = world.installation_for(app, person) is None
        installation = world.install(app, person)
        installation.scopes = list(granted)
        if world.rules.earlier_tokens == "authorize":
            tokens.revoke_earlier(world, app, person.id)
        world.announce("installed", installation)
        if new or world.rules.welcome_again == "always":
            self._backlog.add(self._welcoming(installation))
        return installation

    async def order(self) -> None:
        """Let what an app hears of its installation come before the redirect, by rule."""
        if self._world.rules.install_order == "event_first":
            await self._backlog.drain()

    def _welcoming(self, installation: Installation) -> Callable[[], Awaitable[object]]:
        async def welcome() -> None:
            if installation.id in self._world.installations:
                await self._host.welcome(installation)

        return welcome


def question(
    world: World,
    app: AppRecord,
    person: User | None,
    *,
    asked_for: Iterable[str],
    fields: Mapping[str, str],
    leads_to: str,
    action: str = AUTHORIZE_PATH,
) -> ConsentView:
    """Draw the question whether an app may.

    Args:
        person: Who sits at the browser, if that is known.
        asked_for: The scopes.
        fields: What the form carries, hidden.
        leads_to: Where the answer leads, for the person to read.
        action: Where the form is posted.
    """
    able = [user for user in world.users() if admit(world, app, user) is None]
    denied = admit(world, app, person) if person else None
    selected = person if person and denied is None else next(iter(able), None)
    account = world.account(app.account_id)
    return ConsentView(
        app_name=app.name,
        app_description=app.description,
        developer=account.name if account else "",
        scopes=tuple(scopes.view(scope) for scope in asked_for),
        people=tuple(answers.person(world, user) for user in world.users()),
        selected=selected.id if selected else "",
        redirect_host=leads_to,
        request=fields,
        management=app.management,
        environment=app.environment,
        warning=denied.message if denied else "",
        action=action,
    )
