"""What do the emulated Marketplace and its consent page show?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from innkeeper.ui.views.chat import CommandView
from innkeeper.ui.views.frame import PersonView


@dataclass(frozen=True, slots=True)
class ScopeView:
    """A scope, and what it allows in a sentence for people. `granted`: the app asks for it."""

    name: str
    sentence: str
    granted: bool = True


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """An event subscription. `about` says whose events it hears, `headers` what it wants to see."""

    name: str
    url: str
    events: tuple[str, ...]
    about: str
    headers: str = ""


@dataclass(frozen=True, slots=True)
class VerdictView:
    """One check of a URL validation, in words. `why` and `fix` are empty unless it failed."""

    words: str
    verdict: Literal["passed", "failed", "not_reached"]
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class AddressView:
    """An address that the app hears events at, and how its last URL validation went.

    Args:
        checked_at: When that was; never, if omitted.
        standing: What follows, in a sentence.
    """

    url: str
    what: str
    checked_at: datetime | None = None
    accepted: bool = False
    checks: tuple[VerdictView, ...] = ()
    standing: str = ""


@dataclass(frozen=True, slots=True)
class AppView:
    """An app of the Marketplace, in one environment."""

    client_id: str
    name: str
    description: str
    developer: str
    environment: Literal["development", "production"]
    management: Literal["admin", "user"]
    account_id: str = ""
    client_secret: str = ""
    secret_token: str = ""
    bot_jid: str = ""
    redirect_uris: tuple[str, ...] = ()
    bot_endpoint: str = ""
    deauthorization_endpoint: str = ""
    scopes: tuple[ScopeView, ...] = ()
    welcome_mode: Literal["default", "static", "dynamic"] = "default"
    welcome_title: str = ""
    welcome_body: str = ""
    commands: tuple[CommandView, ...] = ()
    subscriptions: tuple[SubscriptionView, ...] = ()
    addresses: tuple[AddressView, ...] = ()
    installed: int = 0


@dataclass(frozen=True, slots=True)
class HomeView:
    """The emulator's first page. `origin` is where it listens, without a slash at its end."""

    origin: str
    apps: tuple[AppView, ...] = ()
    people: tuple[PersonView, ...] = ()


@dataclass(frozen=True, slots=True)
class AppsView:
    """All apps; each leads to GET /marketplace/apps/{client_id}.

    Posts /marketplace/import with `manifest`. `typed` is one that was refused.
    """

    apps: tuple[AppView, ...] = ()
    typed: str = ""


@dataclass(frozen=True, slots=True)
class AppPageView:
    """An app's settings, at GET /marketplace/apps/{client_id}.

    Posts below that address: `/endpoints` with `bot_endpoint`, `deauthorization_endpoint`
    and `redirect_uris` (one per line) · `/welcome` with `mode`, `title`, `body` · `/scopes`
    with `scope`, repeated · `/secret` with nothing: it makes a new secret token ·
    `/validate` with `url`, one of the app's addresses.

    Args:
        errors: What was refused, by the name of the form's field.
        app: With `scopes` also for those that could be added (`granted` false).
    """

    app: AppView
    origin: str
    errors: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class InstallationView:
    """An authorization that stands."""

    id: str
    person: PersonView
    authorized_at: datetime
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalTestView:
    """An app's Local Test page, at GET /marketplace/apps/{client_id}/local-test.

    Posts `…/add-app` with nothing and `…/remove-app` with `installation`. An empty
    `authorization_url` means that the app has no redirect URL yet.
    """

    app: AppView
    authorization_url: str
    installations: tuple[InstallationView, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentView:
    """The question whether an app may. Posts `action`.

    With every field of `request`, hidden, and `user` and `decision` (allow or decline).

    Args:
        redirect_host: Where Allow and Decline lead to.
        management: `admin`: the answer holds for the whole account.
        selected: The id of the person picked at first.
        warning: A sentence in an amber box, empty for none.
    """

    app_name: str
    app_description: str
    developer: str
    scopes: tuple[ScopeView, ...]
    people: tuple[PersonView, ...]
    selected: str
    redirect_host: str
    request: Mapping[str, str]
    management: Literal["admin", "user"] = "user"
    environment: Literal["development", "production"] = "development"
    warning: str = ""
    action: str = "/oauth/authorize"


@dataclass(frozen=True, slots=True)
class DeviceView:
    """The page of a device's user code. Posts /oauth_device with `user_code`.

    Once a code was decided about, `done` says so and there is no form.
    """

    user_code: str = ""
    why: str = ""
    done: str = ""


@dataclass(frozen=True, slots=True)
class OAuthErrorView:
    """An authorization request that was refused without a redirect.

    `code` and `message` are Zoom's; `what` says which rule it broke, `fix` what to change.
    With `ask`, a button posts /oauth/approval with its fields, hidden.
    """

    code: str
    message: str
    what: str
    fix: str
    ask: Mapping[str, str] = field(default_factory=dict[str, str])
