"""How is a running app put together? Every part, made of its settings and given the others.

Imported when an app starts, and not before: whoever only registers handlers waits for none
of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from innkeeper.bot.client import Clients, Reauthorize
from innkeeper.bot.dispatching import RoutedBot
from innkeeper.bot.effects import Unkept
from innkeeper.bot.inject import Overrides
from innkeeper.bot.table import Table
from innkeeper.bot.threads import Threads
from innkeeper.clock import Clock, MovableClock, SystemClock
from innkeeper.errors import NeedsReauth
from innkeeper.flows.admission import Admission, House
from innkeeper.flows.authorized import News
from innkeeper.flows.bearers import Bearers
from innkeeper.flows.calls import Caller
from innkeeper.flows.cases import Cases
from innkeeper.flows.customheaders import CustomHeaders
from innkeeper.flows.deauthorize import Judge, Terms
from innkeeper.flows.dispatch import Dispatcher, Manner, Us
from innkeeper.flows.endpoint import Credentials
from innkeeper.flows.grants import Grants
from innkeeper.flows.install import Installer
from innkeeper.flows.installations import Registry
from innkeeper.flows.invitations import Invitations
from innkeeper.flows.purge import Forgetter
from innkeeper.flows.reauth import Notices
from innkeeper.flows.receive import Receiver
from innkeeper.flows.report import Reporter
from innkeeper.flows.rotation import Rotation
from innkeeper.flows.speak import Speaker
from innkeeper.flows.sweep import Sweeper
from innkeeper.follow import FollowingTransport
from innkeeper.ids import InstallationId
from innkeeper.metrics import Metrics
from innkeeper.net.outbound import HttpTransport, Transport
from innkeeper.secret import Secret
from innkeeper.settings import Settings
from innkeeper.shelf import Shelf, make_shelf
from innkeeper.store.base import BotStateStore, ClaimStore, Store
from innkeeper.store.records import Installation, InstallationStatus
from innkeeper.tracing import find_tracer
from innkeeper.wire.payloads import PAYLOADS
from innkeeper.wire.signature import Verifier
from innkeeper.work import Parts

if TYPE_CHECKING:
    from innkeeper.net.resolving import Resolver


@dataclass(frozen=True, slots=True)
class Handling:
    """How handlers are run."""

    threads: Threads
    overrides: Overrides
    manner: Manner


@dataclass(frozen=True, slots=True)
class Edges:
    """What reaches the outside; the real thing where it is None."""

    transport: Transport | None = None
    clock: Clock | None = None
    shelf: Shelf | None = None


def wire(
    settings: Settings,
    table: Table,
    *,
    handling: Handling,
    edges: Edges,
    scopes: frozenset[str] = frozenset(),
) -> Parts:
    """Make the parts of an app; nothing is opened yet.

    Args:
        scopes: What an authorization must come with.

    Raises:
        BotRefused: If the bot cannot forget whoever may remove the app.
    """
    table.suit(settings.management)
    log = structlog.get_logger("innkeeper")
    for warning in settings.warnings:
        log.warning("settings.warning", text=warning)
    clock, transport = _edges(settings, edges)
    metrics, tracer = Metrics(PAYLOADS), find_tracer()
    store, vault = edges.shelf or make_shelf(settings)
    registry = Registry(
        store,
        vault,
        clock=clock,
        per_account=settings.management == "admin",
        accounts=settings.accounts,
    )

    cases = Cases(store=store, clock=clock, log=log)

    async def needs_reauth(dead: InstallationId, refusal: NeedsReauth) -> None:
        await cases.grant_died(dead, refusal)
        await notices.needs_reauth(dead)

    async def scopes_missing(whose: InstallationId, scopes: Sequence[str]) -> None:
        await notices.scopes_missing(whose, scopes)

    grants = Grants(
        store,
        transport=transport,
        clock=clock,
        credentials=credentials_of(settings),
        on_needs_reauth=needs_reauth,
        on_recovered=partial(store.set_status, status=InstallationStatus.LIVE),
        log=log,
        metrics=metrics,
    )

    def forget(installation: Installation) -> None:
        registry.forget(installation.owner)
        grants.forget(installation.id)

    caller = Caller(grants, clock=clock, metrics=metrics, tracer=tracer)
    speaker = Speaker(
        transport=transport,
        grants=grants,
        caller=caller,
        robot_jid=settings.bot_jid,
        refused=cases.send_refused,
    )
    forgetter = Forgetter(
        store=store,
        vault=vault,
        steps=table.purges,
        clock=clock,
        log=log,
        forget=forget,
    )
    reporter = Reporter(
        store, transport=transport, credentials=credentials_of(settings), clock=clock, log=log
    )
    judge = Judge(
        store=store,
        vault=vault,
        registry=registry,
        forgetter=forgetter,
        cases=cases,
        log=log,
        terms=Terms(settings.honour_retention, settings.data_compliance),
    )
    sweeper = Sweeper(
        store=store, cases=cases, forgetter=forgetter, revoke=grants.revoke, clock=clock, log=log
    )
    install_url = f"{settings.public_url}/install"
    clients = Clients(
        registry=registry,
        grants=grants,
        speaker=speaker,
        caller=caller,
        transport=transport,
        clock=clock,
        log=log,
        reauthorize=Reauthorize(scopes_missing, install_url=install_url),
    )
    services = _Services(clients, speaker, store, settings.public_url)
    bot = RoutedBot(table, services, threads=handling.threads, overrides=handling.overrides)
    dispatcher = Dispatcher(
        store=store,
        bot=bot,
        registry=registry,
        speaker=speaker,
        judge=judge,
        forgetter=forgetter,
        saw=sweeper.saw,
        clock=clock,
        log=log,
        us=Us(settings.client_id, settings.bot_jid),
        manner=handling.manner,
        keeps_handled=settings.keep_handled,
        metrics=metrics,
        tracer=tracer,
    )
    notices = Notices(inbox=store, installations=store, clock=clock, take=dispatcher.take)
    bearers = _bearers(settings, clock)
    receiver = Receiver(
        verifier=Verifier(settings.secret_tokens),
        inbox=store,
        desk=dispatcher,
        client_id=settings.client_id,
        clock=clock,
        owner_of=registry.owner_of,
        refused=lambda reason: log.warning("webhook.refused", reason=reason),
        removal_refused=cases.removal_refused,
        metrics=metrics,
        handled_here=settings.handles_events,
        welcomes_here=settings.handles_installs,
        custom=CustomHeaders(settings.demands, bearers) if settings.demands else None,
    )
    news = News(inbox=store, clock=clock, take=dispatcher.take)
    admission = Admission(
        House(
            settings.redirect_uri,
            settings.api_url,
            scopes=scopes,
            tell=news.authorized if table.hears("on_authorized") else None,
        ),
        store=store,
        registry=registry,
        grants=grants,
        transport=transport,
        clock=clock,
        log=log,
    )
    installer = Installer(
        settings=settings,
        store=store,
        invitations=invitations_of(settings),
        admission=admission,
        clock=clock,
    )
    return Parts(
        settings=settings,
        clock=clock,
        transport=transport,
        store=store,
        vault=vault,
        grants=grants,
        speaker=speaker,
        clients=clients,
        forgetter=forgetter,
        reporter=reporter,
        sweeper=sweeper,
        dispatcher=dispatcher,
        receiver=receiver,
        installer=installer,
        rotation=Rotation(vault, settings.keys, source=settings.key_source, log=log),
        log=log,
        metrics=metrics,
        bearers=bearers,
        follows=isinstance(transport, FollowingTransport),
    )


def _edges(settings: Settings, wanted: Edges) -> tuple[Clock, Transport]:
    resolver = None if settings.development else _resolver
    transport = wanted.transport or HttpTransport(resolver=resolver)
    if wanted.clock is not None:
        return wanted.clock, transport
    if settings.development:
        clock = MovableClock()
        return clock, FollowingTransport(transport, clock)
    return SystemClock(), transport


def _resolver() -> "Resolver":
    from innkeeper.net.resolving import CheckedResolver  # noqa: PLC0415  # TLS, once something is sent

    return CheckedResolver.for_zoom()


def _bearers(settings: Settings, clock: Clock) -> Bearers | None:
    clients = settings.demands.bearer
    if not clients:
        return None
    return Bearers(clients, settings.keys, app=settings.client_id, clock=clock)


def invitations_of(settings: Settings) -> Invitations:
    """Make what writes and reads the links to `/install`."""
    return Invitations(
        secret=settings.client_secret,
        public_url=settings.public_url,
        origins=settings.return_to,
        anonymous=not settings.user_oauth,
    )


def credentials_of(settings: Settings) -> Credentials:
    """Pick what Zoom knows us by."""
    return Credentials(
        oauth_url=settings.oauth_url,
        api_url=settings.api_url,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        account_id=settings.account_id or "",
        s2s_client_id=settings.s2s_client_id or "",
        s2s_client_secret=settings.s2s_client_secret or Secret(""),
    )


class _Services:
    """What contexts are made of."""

    def __init__(self, clients: Clients, speaker: Speaker, store: Store, public_url: str) -> None:
        self.clients = clients
        self.speaker = speaker
        self.state: BotStateStore = store
        self.claims: ClaimStore = store
        self.unkept: Unkept = {}
        self.public_url = public_url
        self.install_url = f"{public_url}/install"
