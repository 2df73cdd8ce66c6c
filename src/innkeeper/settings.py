"""What was configured? Everything that an app is told from outside; `environment` reads it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from innkeeper.ids import AccountId, Jid
from innkeeper.secret import Secret
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.keysource import KeySource
from innkeeper.store.seal import KeyRing
from innkeeper.wire.credentials import Demands

Management = Literal["admin", "user"]
LogAmount = Literal["error", "warning", "info", "requests"]
Place = Path | PostgresAddress
"""Where something is kept: in a SQLite file, or in a schema of PostgreSQL."""

EMULATOR_PREFIX = "emu_"
ZOOM_URL = "https://zoom.us"
ZOOM_API_URL = "https://api.zoom.us"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that Innkeeper is told from outside. Addresses have no trailing slash."""

    client_id: str
    client_secret: Secret
    bot_jid: Jid
    secret_tokens: tuple[Secret, ...]
    management: Management
    public_url: str
    keys: KeyRing
    oauth_url: str = ZOOM_URL
    api_url: str = ZOOM_API_URL
    account_id: str | None = None
    s2s_client_id: str | None = None
    s2s_client_secret: Secret | None = None
    user_oauth: bool = True
    honour_retention: bool = False
    data_compliance: bool = False
    accounts: frozenset[AccountId] = frozenset()
    """Whom the app is for; everybody where it is empty."""
    return_to: tuple[str, ...] = ()
    """The origins, besides our own, that an install may lead back to."""
    demands: Demands = Demands()
    """What a delivery must carry beside its signature."""
    database: Place = Path("innkeeper.db")
    vault: Place = Path("innkeeper.vault.db")
    handles_events: bool = True
    """Whether this process handles events, or only takes them in."""
    handles_installs: bool = True
    """Whether it handles `bot_installed` all the same, to answer with the welcome."""
    admin_port: int | None = None
    """Where metrics are served, on this machine alone; nowhere if it is None."""
    log: LogAmount = "info"
    """How much is told in the log; with `requests`, a line for each page as well."""
    keep_days: int = 7
    """How many days an event that could not be handled keeps its body, to be replayed."""
    keep_at_most: int = 10_000
    """How many of them keep it; beyond that the oldest lose it earlier."""
    keep_handled: bool = False
    """Whether events that were handled keep theirs just so."""
    key_source: KeySource | None = field(default=None, repr=False)
    """Where the key ring was read, and may be read again; None if it was made up."""
    warnings: tuple[str, ...] = field(default=(), repr=False)

    @property
    def redirect_uri(self) -> str:
        """Where Zoom sends the browser back to."""
        return f"{self.public_url}/oauth/callback"

    @property
    def secure(self) -> bool:
        """Whether the app is reached over https."""
        return self.public_url.startswith("https://")

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What no log line may hold, whoever writes it."""
        ring = self.key_source.secrets if self.key_source else ()
        places = [self.database, self.vault]
        passwords = [each.password for each in places if isinstance(each, PostgresAddress)]
        shown = self.demands.secrets
        own = (self.client_secret, *self.secret_tokens, *shown, *ring, *filter(None, passwords))
        return (*own, self.s2s_client_secret) if self.s2s_client_secret else own

    @property
    def development(self) -> bool:
        """Whether this app talks to an emulator on this machine, and to nobody else."""
        return is_loopback(self.oauth_url) and is_loopback(self.public_url)


def is_loopback(url: str) -> bool:
    """Tell whether an address stays on this machine.

    Example:
        >>> is_loopback("http://127.0.0.1:8700"), is_loopback("http://127.0.0.1@evil.test")
        (True, False)
    """
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:
        return False
