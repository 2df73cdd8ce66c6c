"""What may be changed about an app, and when is a change taken? For the pages and the API alike."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, cast

import msgspec
from msgspec import UNSET, UnsetType

from innkeeper.emulator.courier.rounds import Courier
from innkeeper.emulator.delivery import Delivery
from innkeeper.emulator.oauth.redirects import is_redirect_uri
from innkeeper.emulator.places import locate
from innkeeper.emulator.seed import ClientKey, Id, Robot
from innkeeper.emulator.validation import Validation
from innkeeper.emulator.world import (
    AppRecord,
    ApprovalRequest,
    Code,
    DeviceRequest,
    Endpoint,
    Environment,
    Installation,
    Management,
    Message,
    Token,
    WelcomeMode,
    World,
)
from innkeeper.errors import EndpointRefused, InnkeeperError

ENDPOINTS: Final = ("bot_endpoint", "deauthorization_endpoint")
ASKED_AGAIN: Final = ("scopes", *ENDPOINTS)
"""After a change of these, consent is asked again.

Source: https://developers.zoom.us/docs/chat/installation-and-authentication/
"""

ScopeName = Annotated[str, msgspec.Meta(pattern=r"^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,128}$")]
"""As in RFC 6749, 3.3, but without a comma, which separates scopes at Zoom."""


class WelcomeChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of the welcome message."""

    mode: WelcomeMode | UnsetType = UNSET
    title: str | UnsetType = UNSET
    body: str | UnsetType = UNSET


class AppChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of an app; what is left out stays."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    client_id: ClientKey | UnsetType = UNSET
    client_secret: Id | UnsetType = UNSET
    public_client_id: ClientKey | Literal[""] | UnsetType = UNSET
    use_on_device: bool | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    secret_token: Id | UnsetType = UNSET
    bot_jid: Robot | UnsetType = UNSET
    account_id: str | UnsetType = UNSET
    redirect_uris: list[str] | UnsetType = UNSET
    bot_endpoint: str | UnsetType = UNSET
    deauthorization_endpoint: str | UnsetType = UNSET
    environment: Environment | UnsetType = UNSET
    management: Management | UnsetType = UNSET
    scopes: list[ScopeName] | UnsetType = UNSET
    welcome: WelcomeChange | UnsetType = UNSET


class ChangeRefused(InnkeeperError):
    """A change that is not taken; nothing was changed. `key` is the field's name."""

    code = "change_refused"

    def __init__(self, key: str, why: str, fix: str) -> None:
        self.key = key
        self.fix = fix
        super().__init__(f"{key} refused", why)


def read_change(document: Any) -> AppChange:
    """Read a change that is JSON.

    Raises:
        ChangeRefused: Naming the field, what is wrong there, and what is known.
    """
    try:
        return msgspec.convert(document, AppChange)
    except msgspec.ValidationError as error:
        what, path = locate(error)
        path = path.removeprefix(".")
        inside = path.startswith("welcome") and "." not in path
        part = WelcomeChange if inside else AppChange
        known = f"Known are: {', '.join(part.__struct_fields__)}."
        fix = known if "field" in what or not path else "Correct the value."
        key = re.sub(r"\[.*", "", path) or "the change"
        raise ChangeRefused(key, what, fix) from None


class Listing:
    """Changes apps: all of a change or nothing, new endpoints only once they prove themselves."""

    def __init__(self, world: World, courier: Courier) -> None:
        self._world = world
        self._courier = courier

    async def change(self, app: AppRecord, change: AppChange, *, revalidate: bool = False) -> None:
        """Change an app.

        Args:
            revalidate: Validate endpoints also if they are named but stay the same.

        Raises:
            ChangeRefused: If a value is not possible, or an endpoint fails its validation.
        """
        wanted = _wanted(app, change)
        self._check(app, wanted)
        new = {key: value for key, value in wanted.items() if value != getattr(app, key)}
        await self._validate(app, wanted if revalidate else new, wanted)
        self._apply(app, new)

    def regenerate_secret(self, app: AppRecord) -> None:
        """Make a new secret token; the old one signs nothing any more."""
        app.previous_secret_token = app.secret_token
        app.secret_token = self._world.new_secret()
        self._world.announce("app", app)

    def _check(self, app: AppRecord, wanted: Mapping[str, Any]) -> None:
        world = self._world
        others = [other for other in world.apps.values() if other is not app]
        for key in ("client_id", "bot_jid"):
            if key in wanted and any(getattr(other, key) == wanted[key] for other in others):
                raise ChangeRefused(key, "another app has it", "Choose another.")
        taken = {
            id_ for other in others for id_ in (other.client_id, other.public_client_id) if id_
        }
        taken.add(wanted.get("client_id", app.client_id))
        if wanted.get("public_client_id") in taken:
            raise ChangeRefused("public_client_id", "another client has it", "Choose another.")
        if "account_id" in wanted and world.account(wanted["account_id"]) is None:
            known = ", ".join(account.id for account in world.accounts)
            raise ChangeRefused("account_id", "no account has this id", f"Known are: {known}.")
        if "name" in wanted and not wanted["name"].strip():
            raise ChangeRefused("name", "an app has a name", "Enter one.")
        _check_redirects(wanted.get("redirect_uris", ()))

    async def _validate(
        self, app: AppRecord, asked: Mapping[str, Any], wanted: Mapping[str, Any]
    ) -> None:
        """Ask each endpoint to prove itself, with the secret as it will be."""
        future = dataclasses.replace(app, **wanted)
        proven: set[str] = set()
        for key in ENDPOINTS:
            url = asked.get(key)
            if not url or url in proven:
                continue
            try:
                await self._courier.validate_url(future, url)
            except EndpointRefused as error:
                raise ChangeRefused(key, f"{error.what}: {error.why}", error.fix) from None
            proven.add(url)

    def _apply(self, app: AppRecord, new: Mapping[str, Any]) -> None:
        if "client_id" in new:
            self._rename(app, new["client_id"])
        before = {key: getattr(app, key) for key in new}
        if "secret_token" in new:
            app.previous_secret_token = app.secret_token
        for key, value in new.items():
            setattr(app, key, value)
        if any(key in new and _differs(before[key], new[key]) for key in ASKED_AGAIN):
            app.consent_version += 1
        if new:
            self._world.announce("app", app)

    def _rename(self, app: AppRecord, client_id: str) -> None:
        """Give an app another client id, and all that stands under the old one with it."""
        world = self._world
        owned: list[
            Installation
            | Code
            | DeviceRequest
            | ApprovalRequest
            | Token
            | Message
            | Delivery
            | Endpoint
            | Validation
        ] = [
            *world.installations.values(),
            *world.codes.values(),
            *world.devices.values(),
            *world.approvals.values(),
            *world.tokens,
            *world.messages.values(),
            *world.deliveries.values(),
            *world.endpoints,
            *world.validations,
        ]
        for each in owned:
            if each.client_id == app.client_id:
                each.client_id = client_id
        for account in world.accounts:
            approved = account.approved_apps
            account.approved_apps = [
                client_id if each == app.client_id else each for each in approved
            ]
        world.apps = {
            client_id if other is app else known: other for known, other in world.apps.items()
        }


def _wanted(app: AppRecord, change: AppChange) -> dict[str, Any]:
    """List what the app's fields shall be."""
    given = {name: getattr(change, name) for name in change.__struct_fields__}
    wanted = {name: value for name, value in given.items() if value is not UNSET}
    for key in ("redirect_uris", "scopes"):
        if key in wanted:
            wanted[key] = list(dict.fromkeys(wanted[key]))
    welcome = wanted.pop("welcome", None)
    if welcome is not None:
        parts = {name: getattr(welcome, name) for name in ("mode", "title", "body")}
        kept = {name: value for name, value in parts.items() if value is not UNSET}
        wanted["welcome"] = dataclasses.replace(app.welcome, **kept)
    return wanted


def _check_redirects(uris: Iterable[str]) -> None:
    for uri in uris:
        if not is_redirect_uri(uri):
            why = f"{uri[:200]!r} is no redirect URL"
            fix = "Write a whole http or https address in ASCII, without a fragment or a user name."
            raise ChangeRefused("redirect_uris", why, fix)


def _differs(before: object, after: object) -> bool:
    """Tell whether a change is one: the same scopes in another order are not."""
    if isinstance(before, list) and isinstance(after, list):
        return sorted(cast("list[str]", before)) != sorted(cast("list[str]", after))
    return before != after
