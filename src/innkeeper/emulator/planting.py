"""How does a world grow from a seed? Accounts, people, apps and what they allowed."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from innkeeper import ids
from innkeeper.emulator.seed import (
    AccountSeed,
    AppSeed,
    ChannelSeed,
    Document,
    InstallSeed,
    Seed,
    SeedRefused,
    UserSeed,
)
from innkeeper.emulator.world import (
    Account,
    AppRecord,
    Channel,
    CustomHeaders,
    Environment,
    HeaderKind,
    Subscription,
    Usage,
    User,
    Welcome,
    World,
)
from innkeeper.wire.manifest import Manifest, SlashCommand
from innkeeper.wire.oauth import CHATBOT_SCOPE


def plant(seed: Seed, world: World) -> None:
    """Make a world what its seed says, forgetting what it was.

    Raises:
        SeedRefused: If parts of the seed contradict each other.
    """
    world.clear()
    world.rules = msgspec.structs.replace(seed.rules)
    planter = _Planter(seed, world)
    for index, account in enumerate(seed.document.accounts):
        planter.account(account, f"$.accounts[{index}]")
    for index, app in enumerate(seed.document.apps):
        planter.app(app, seed.manifests[index], f"$.apps[{index}]")
    for index, account in enumerate(seed.document.accounts):
        planter.approvals(account, f"$.accounts[{index}]")
    for index, install in enumerate(seed.document.installs):
        planter.installation(install, f"$.installs[{index}]")


def plant_app(world: World, wanted: AppSeed, manifest: Manifest) -> AppRecord:
    """Add one app to a world that stands already; what is left out is made up.

    Raises:
        SeedRefused: If a name of it is taken, or its account unknown.
    """
    return _Planter(Seed(Document(accounts=[]), (), "the app"), world).app(wanted, manifest, "$")


def plant_user(world: World, account: Account, wanted: UserSeed) -> User:
    """Let one more person join an account.

    Raises:
        SeedRefused: If the id is taken.
    """
    return _Planter(Seed(Document(accounts=[]), (), "the user"), world).user(account, wanted, "$")


def plant_channel(world: World, account: Account, wanted: ChannelSeed) -> Channel:
    """Open one more channel in an account.

    Raises:
        SeedRefused: If the id is taken.
    """
    planter = _Planter(Seed(Document(accounts=[]), (), "the channel"), world)
    return planter.channel(account, wanted, "$")


class _Planter:
    def __init__(self, seed: Seed, world: World) -> None:
        self._seed = seed
        self._world = world

    def account(self, wanted: AccountSeed, path: str) -> None:
        world = self._world
        account = Account(
            wanted.id or world.new_id(),
            wanted.name or "Account",
            approval_required=wanted.approval_required,
            approved_apps=list(wanted.approved_apps),
            plan=wanted.plan,
        )
        if world.account(account.id):
            raise self._twice(f"{path}.id", account.id)
        world.accounts.append(account)
        for index, user in enumerate(wanted.users):
            self.user(account, user, f"{path}.users[{index}]")
        for index, channel in enumerate(wanted.channels):
            self.channel(account, channel, f"{path}.channels[{index}]")

    def channel(self, account: Account, wanted: ChannelSeed, path: str) -> Channel:
        channel_id = wanted.id or self._world.new_id().lower()
        if any(known.id == channel_id for known in self._world.channels()):
            raise self._twice(f"{path}.id", channel_id)
        channel = Channel(channel_id, account.id, wanted.name, ids.channel_jid(channel_id))
        account.channels.append(channel)
        return channel

    def user(self, account: Account, wanted: UserSeed, path: str) -> User:
        user_id = wanted.id or self._world.new_id()
        jid = ids.user_jid(user_id)
        if self._world.user_by_jid(jid):
            why = f"two users are called {user_id} (case does not count: they share a JID)"
            raise self._seed.refuse(f"{path}.id", why, "Rename one.")
        mailbox = "".join(char if char.isalnum() else "." for char in wanted.name.lower())
        user = User(
            id=user_id,
            account_id=account.id,
            name=wanted.name,
            email=wanted.email or f"{mailbox}@example.com",
            role=wanted.role,
            jid=jid,
            member_id=self._world.new_id(),
        )
        account.users.append(user)
        return user

    def app(self, wanted: AppSeed, manifest: Manifest, path: str) -> AppRecord:
        world = self._world
        app = record(wanted, manifest)
        app.client_id = wanted.client_id or world.new_id()
        app.client_secret = wanted.client_secret or world.new_secret()
        app.secret_token = wanted.secret_token or world.new_secret()
        app.bot_jid = wanted.bot_jid or f"v1{world.token_bytes(12).hex()}{ids.USER_DOMAIN}"
        app.verification_token = wanted.verification_token or ""
        public = wanted.public_client_id
        if public or manifest.oauth_information.enable_public_pkce_client:
            app.public_client_id = public or world.new_id()
        app.account_id = wanted.account or world.accounts[0].id
        limit = world.rules.subscriptions_limit
        if len(app.subscriptions) > limit:
            why = f"the manifest has {len(app.subscriptions)} event subscriptions, of {limit}"
            raise self._seed.refuse(f"{path}.manifest", why, "Leave some out.")
        if world.app_by_client(app.client_id):
            raise self._twice(f"{path}.client_id", app.client_id)
        if app.public_client_id == app.client_id or world.app_by_client(app.public_client_id):
            raise self._twice(f"{path}.public_client_id", app.public_client_id)
        if world.app_by_robot(app.bot_jid):
            raise self._twice(f"{path}.bot_jid", app.bot_jid)
        if world.account(app.account_id) is None:
            known = (account.id for account in world.accounts)
            raise self._unknown(f"{path}.account", app.account_id, known)
        world.apps[app.client_id] = app
        return app

    def approvals(self, wanted: AccountSeed, path: str) -> None:
        """Check that what an account approved is there; apps come after accounts."""
        for index, client_id in enumerate(wanted.approved_apps):
            if client_id not in self._world.apps:
                where = f"{path}.approved_apps[{index}]"
                raise self._unknown(where, client_id, self._world.apps)

    def installation(self, wanted: InstallSeed, path: str) -> None:
        world = self._world
        app, user = world.apps.get(wanted.app), world.user(wanted.user)
        if app is None:
            raise self._unknown(f"{path}.app", wanted.app, world.apps)
        if user is None:
            raise self._unknown(f"{path}.user", wanted.user, (user.id for user in world.users()))
        if app.management == "admin" and user.role != "admin":
            fix = "Name an admin, or seed a user-managed app."
            why = "only an admin installs an admin-managed app"
            raise self._seed.refuse(f"{path}.user", why, fix)
        if world.installation_for(app, user) is not None:
            raise self._seed.refuse(path, "this installation stands already", "Remove one.")
        world.install(app, user)

    def _twice(self, path: str, name: str) -> SeedRefused:
        return self._seed.refuse(path, f"{name} is taken", "Choose another.")

    def _unknown(self, path: str, name: str, known: Iterable[str]) -> SeedRefused:
        return self._seed.refuse(path, f"there is no {name}", f"Known are: {', '.join(known)}.")


def record(wanted: AppSeed, manifest: Manifest) -> AppRecord:
    """Make an app of its manifest, still without ids and secrets."""
    oauth, display = manifest.oauth_information, manifest.display_information
    command = manifest.features.team_chat_subscription.slash_command
    hints = command.command_hints if command else []
    return AppRecord(
        name=display.display_name,
        description=display.description,
        client_id="",
        client_secret="",
        secret_token="",
        bot_jid="",
        account_id="",
        redirect_uris=_redirect_uris(manifest, wanted.environment),
        strict_redirects=oauth.strict_mode,
        strict_subdomains=oauth.subdomain_strict_mode,
        bot_endpoint=_bot_endpoint(wanted, command),
        deauthorization_endpoint=wanted.endpoints.deauthorization,
        environment=wanted.environment,
        use_on_device=wanted.use_on_device,
        disabled=wanted.disabled,
        management="admin" if manifest.admin_managed else "user",
        scopes=_scopes(manifest),
        welcome=_welcome(command),
        command=command.command.removeprefix("/") if command else "",
        command_hints=[(hint.usage_hint, hint.description) for hint in hints],
        manifest=manifest,
        mention=bool(command and (command.enable_mention or command.enable_add_to_channel)),
        subscriptions=_subscriptions(manifest, wanted.environment),
    )


def _redirect_uris(manifest: Manifest, environment: Environment) -> list[str]:
    oauth = manifest.oauth_information
    developing = environment == "development"
    first = oauth.development_redirect_uri if developing else oauth.production_redirect_uri
    return list(dict.fromkeys(uri for uri in (first, *oauth.oauth_allow_list) if uri))


def _bot_endpoint(wanted: AppSeed, command: SlashCommand | None) -> str:
    if wanted.endpoints.bot is not None or command is None:
        return wanted.endpoints.bot or ""
    developing = wanted.environment == "development"
    return command.development_message_url if developing else command.production_message_url


def _subscriptions(manifest: Manifest, environment: Environment) -> list[Subscription]:
    """Read an app's event subscriptions, those without a URL in this environment left out."""
    features = manifest.features.event_subscription
    developing = environment == "development"
    found: list[Subscription] = []
    for number, each in enumerate(features.events if features.enable else (), 1):
        url = each.development_webhook_url if developing else each.production_webhook_url
        usage: Usage = "EVENT_FOR_ADMIN" if "ADMIN" in each.event_usage else "EVENT_FOR_USER"
        wanted = each.development if developing else each.production
        subscription = Subscription(
            id=each.subscription_id or f"subscription_{number}",
            name=each.subscription_name,
            url=url,
            event_types=list(each.event_types),
            usage=usage,
            headers=CustomHeaders(
                kind=_HEADER_KINDS.get(each.custom_header_type, "default"),
                username=wanted.username,
                password=wanted.password,
                client_id=wanted.client_id,
                client_secret=wanted.client_secret,
                token_url=wanted.token_url,
                key=wanted.custom_header_key,
                value=wanted.custom_header_value,
            ),
        )
        found += [subscription] if url else []
    return found


_HEADER_KINDS: Final[Mapping[int, HeaderKind]] = {1: "basic", 2: "oauth", 3: "custom"}
"""Zoom's numbers for custom headers.

Source: https://developers.zoom.us/docs/build-flow/manifests/schema/event-subscription
"""


def _scopes(manifest: Manifest) -> list[str]:
    """List the app's scopes. Zoom adds `imchat:bot` itself where an admin manages the app."""
    scopes = [scope.scope for scope in manifest.oauth_information.scopes]
    if manifest.admin_managed and manifest.features.team_chat_subscription.enable:
        scopes.append(CHATBOT_SCOPE)
    return list(dict.fromkeys(scopes))


def _welcome(command: SlashCommand | None) -> Welcome:
    if command is None:
        return Welcome()
    said = command.welcome_msg
    if command.sender_type.lower() != "zoom":
        return Welcome("dynamic", said.title, said.body)
    return Welcome("static" if said.title or said.body else "default", said.title, said.body)


def manifest_notes(app: AppRecord) -> list[str]:
    """List what Zoom's own validation would say about an app's scopes, the app working or not."""
    if app.management == "user" and CHATBOT_SCOPE in app.scopes:
        return [
            f"{CHATBOT_SCOPE} validates only under ADMIN_MANAGEMENT; "
            "a user-managed chatbot gets it by client credentials all the same."
        ]
    return []
