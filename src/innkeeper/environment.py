"""How is an app told what it is to do? The one place that reads the environment, once.

All that is wrong is reported at once, each with its remedy; then the process stops
with exit code 78.
"""

import os
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import cast, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values

from innkeeper.errors import Fault, KeysRefused, SettingsRefused
from innkeeper.ids import AccountId, Jid
from innkeeper.secret import Secret
from innkeeper.settings import (
    EMULATOR_PREFIX,
    LOOPBACK,
    ZOOM_API_URL,
    ZOOM_URL,
    LogAmount,
    Management,
    Place,
    Settings,
    is_loopback,
)
from innkeeper.store.addresses import (
    POSTGRES_SCHEMES,
    STORE_SCHEMA,
    VAULT_SCHEMA,
    PostgresAddress,
    vault_beside,
)
from innkeeper.store.keysource import KeyFile, KeyService, KeySource, KeyText
from innkeeper.store.seal import KeyRing
from innkeeper.wire.credentials import Credential, Demands

_SQLITE = re.compile(r"sqlite:///(?P<path>.+)")
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^`|~-]{1,128}", re.ASCII)  # no _, which proxies drop
_TAKEN_HEADERS = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        "user-agent",
        "x-zm-request-timestamp",
        "x-zm-signature",
        "x-zm-trackingid",
    }
)
_PLACEHOLDERS = frozenset(
    {"changeme", "change-me", "your_secret_here", "dev-secret", "secret", "development", "xxx"}
)
_SHORTEST_SECRET = 16


def load_settings(directory: Path | None = None, *, makes_key: bool = True) -> Settings:
    """Read the environment, and a `.env` beside the bot for what it leaves out.

    Args:
        makes_key: Make the key file that is not there yet. Who only looks makes none, and
            gets a ring that opens nothing, as there is nothing.

    Raises:
        SettingsRefused: With every fault at once.
        KeyServiceUnavailable: If a key of the ring cannot be unwrapped now.
    """
    directory = directory or Path.cwd()
    return read_settings(_environment(directory), directory, makes_key=makes_key)


def load_key_service(directory: Path | None = None) -> KeyService | None:
    """Find the operator's key service, whatever else is configured or not.

    Raises:
        SettingsRefused: If one is named, and cannot be had.
    """
    directory = directory or Path.cwd()
    reader = _Reader(_environment(directory), directory)
    service = reader.key_service()
    if reader.faults:
        raise SettingsRefused(reader.faults)
    return service


def load_signing_secrets(
    directory: Path | None = None,
) -> tuple[tuple[Secret, ...], Mapping[str, Secret]]:
    """Read the secret tokens, whatever else is configured; and what may be swapped with them.

    Raises:
        SettingsRefused: If there is no usable secret token.
    """
    directory = directory or Path.cwd()
    environment = _environment(directory)
    reader = _Reader(environment, directory)
    tokens = reader.secret_tokens(local=True)
    if reader.faults:
        raise SettingsRefused(reader.faults)
    name = "ZOOM_CLIENT_SECRET"
    other = environment.get(name, "").strip()
    return tokens, {name: Secret(other)} if other else {}


def load_demands(directory: Path | None = None) -> Demands:
    """Read what a delivery must carry beside its signature, whatever else is configured.

    Raises:
        SettingsRefused: If that cannot be understood.
    """
    directory = directory or Path.cwd()
    reader = _Reader(_environment(directory), directory)
    demands = reader.demands(local=True)
    if reader.faults:
        raise SettingsRefused(reader.faults)
    return demands


def _environment(directory: Path) -> Mapping[str, str]:
    return {**_written(directory / ".env"), **os.environ}


def _written(path: Path) -> dict[str, str]:
    """Read a `.env`, every value as it stands there: a secret may hold a dollar sign."""
    try:
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError):
        fault = Fault(".env", "cannot be read as UTF-8 text", "Correct it, or move it away.")
        raise SettingsRefused([fault]) from None
    return {name: value for name, value in values.items() if value is not None}


def read_settings(
    environment: Mapping[str, str], directory: Path, *, makes_key: bool = True
) -> Settings:
    """Make settings of an environment; relative paths start at `directory`.

    Raises:
        SettingsRefused: With every fault at once; no value is ever named.
        KeyServiceUnavailable: If a key of the ring cannot be unwrapped now.
    """
    reader = _Reader(environment, directory, makes_key=makes_key)
    settings = reader.settings()
    if reader.faults or settings is None:
        raise SettingsRefused(reader.faults)
    return settings


class _Reader:
    """Reads each setting, noting what is wrong instead of stopping at it."""

    def __init__(
        self, environment: Mapping[str, str], directory: Path, *, makes_key: bool = False
    ) -> None:
        self._environment = environment
        self._directory = directory
        self._makes_key = makes_key
        self.faults: list[Fault] = []
        self.warnings: list[str] = []

    def settings(self) -> Settings | None:
        public_url = self._address("INNKEEPER_PUBLIC_URL", "", _PUBLIC_FIX)
        oauth_url = self._address("ZOOM_OAUTH_URL", ZOOM_URL, _EMULATOR_FIX)
        api_url = self._address("ZOOM_API_URL", ZOOM_API_URL, _EMULATOR_FIX)
        local = is_loopback(oauth_url)
        if public_url and local and not is_loopback(public_url):
            self._fault("ZOOM_OAUTH_URL", "a public app cannot use an emulator", _EMULATOR_FIX)
        client_id = self._required("ZOOM_CLIENT_ID", _CREDENTIALS_FIX)
        client_secret = self._secret("ZOOM_CLIENT_SECRET", _CREDENTIALS_FIX, local=local)
        bot_jid = self._required("ZOOM_BOT_JID", _JID_FIX)
        if bot_jid and "@" not in bot_jid:
            self._fault("ZOOM_BOT_JID", "is not a JID: it has no @", _JID_FIX)
        tokens = self.secret_tokens(local=local)
        management = self._choice("ZOOM_APP_MANAGEMENT", ("admin", "user"), _MANAGEMENT_FIX)
        user_oauth = self._switch("INNKEEPER_USER_OAUTH", default="on")
        honour_retention = self._switch("INNKEEPER_HONOUR_RETENTION", default="off")
        data_compliance = self._switch("INNKEEPER_DATA_COMPLIANCE", default="off")
        accounts = self._accounts("INNKEEPER_ACCOUNTS")
        return_to = self._origins("INNKEEPER_RETURN_TO")
        demands = self.demands(local=local)
        admin_port = self._port("INNKEEPER_ADMIN_PORT")
        log = self._choice("INNKEEPER_LOG", get_args(LogAmount), _LOG_FIX, "info")
        keep_days = self._count("INNKEEPER_KEEP_DAYS", 7, most=30)
        keep_at_most = self._count("INNKEEPER_KEEP_AT_MOST", 10_000, most=1_000_000)
        keep_handled = self._switch("INNKEEPER_KEEP_HANDLED", default="off")
        database = self._database("INNKEEPER_DATABASE_URL", self._directory / "innkeeper.db")
        vault = self._vault(database)
        s2s_secret = self._value("ZOOM_S2S_CLIENT_SECRET")
        handlers = self._choice("INNKEEPER_HANDLERS", ("here", "elsewhere"), _HANDLERS_FIX, "here")
        if handlers == "elsewhere" and isinstance(database, Path):
            why = "is elsewhere, and no other process can work on SQLite"
            self._fault("INNKEEPER_HANDLERS", why, _HANDLERS_FIX)
        source = self._key_source(database, vault)
        keys = self._keys(source) if source else None
        if keys is None or self.faults:
            return None
        return Settings(
            client_id=client_id,
            client_secret=client_secret,
            bot_jid=Jid(bot_jid),
            secret_tokens=tokens,
            management=cast("Management", management),
            public_url=public_url,
            keys=keys,
            oauth_url=oauth_url,
            api_url=api_url,
            account_id=self._value("ZOOM_ACCOUNT_ID") or None,
            s2s_client_id=self._value("ZOOM_S2S_CLIENT_ID") or None,
            s2s_client_secret=Secret(s2s_secret) if s2s_secret else None,
            user_oauth=user_oauth,
            honour_retention=honour_retention,
            data_compliance=data_compliance,
            accounts=accounts,
            return_to=return_to,
            demands=demands,
            database=database,
            vault=vault,
            handles_events=handlers == "here",
            admin_port=admin_port,
            log=cast("LogAmount", log),
            keep_days=keep_days,
            keep_at_most=keep_at_most,
            keep_handled=keep_handled,
            key_source=source,
            warnings=tuple(self.warnings),
        )

    def _fault(self, name: str, why: str, fix: str) -> None:
        self.faults.append(Fault(name, why, fix))

    def _value(self, name: str) -> str:
        return self._environment.get(name, "")

    def _required(self, name: str, fix: str) -> str:
        value = self._value(name)
        stripped = value.strip().strip("\ufeff")
        if not stripped:
            self._fault(name, "is missing" if name not in self._environment else "is empty", fix)
        elif value != stripped:
            self._fault(name, "has spaces, line ends or a BOM around it", fix)
        elif value[0] in "\"'" and value[0] == value[-1]:
            self._fault(name, "still has its quotation marks", fix)
        else:
            return value
        return ""

    def _secret(self, name: str, fix: str, *, local: bool) -> Secret:
        value = self._required(name, fix)
        if value:
            self._judge_secret(name, value, fix, local=local)
        return Secret(value)

    def _judge_secret(self, name: str, value: str, fix: str, *, local: bool) -> None:
        if value.startswith(EMULATOR_PREFIX) and not local:
            self._fault(name, "is the emulator's, which Zoom does not know", fix)
        elif value.lower() in _PLACEHOLDERS:
            self._fault(name, "is a placeholder", fix)
        elif len(value) < _SHORTEST_SECRET and not local:
            self._fault(name, f"is shorter than {_SHORTEST_SECRET} characters", fix)

    def secret_tokens(self, *, local: bool) -> tuple[Secret, ...]:
        """Read the secret tokens, newest first."""
        name = "ZOOM_WEBHOOK_SECRET_TOKEN"
        values = self._required(name, _TOKEN_FIX).split(",")
        tokens = [value.strip() for value in values]
        if values != [""] and not all(tokens):
            self._fault(name, "has an empty entry", _TOKEN_FIX)
        for token in filter(None, tokens):
            self._judge_secret(name, token, _TOKEN_FIX, local=local)
        return tuple(Secret(token) for token in tokens)

    def _choice(self, name: str, known: tuple[str, ...], fix: str, default: str = "") -> str:
        value = self._value(name) or default
        if value not in known:
            why = f"is neither {' nor '.join(known)}" if value else "is missing"
            self._fault(name, why, fix)
        return value

    def _switch(self, name: str, *, default: str) -> bool:
        return self._choice(name, ("on", "off"), "Set it to on or off.", default) == "on"

    def _port(self, name: str) -> int | None:
        value = self._value(name)
        if not value:
            return None
        if re.fullmatch(r"[0-9]{1,5}", value, re.ASCII) and 0 < int(value) < 65_536:
            return int(value)
        self._fault(name, "is not a port", _PORT_FIX)
        return None

    def _count(self, name: str, default: int, *, most: int) -> int:
        value = self._value(name) or str(default)
        if re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) and 0 < int(value) <= most:
            return int(value)
        fix = f"Set it to a number from 1 to {most}; leave it out for {default}."
        self._fault(name, f"is no number from 1 to {most}", fix)
        return default

    def _address(self, name: str, default: str, fix: str) -> str:
        value = (self._value(name) or default) if default else self._required(name, fix)
        if not value:
            return ""
        why = fault_of_address(value)
        if why:
            self._fault(name, why, fix)
        return value.rstrip("/")

    def _listed(self, name: str, fix: str) -> list[str]:
        """Read a list with commas; one that is there must have something in it."""
        if name not in self._environment:
            return []
        values = [value.strip() for value in self._value(name).split(",")]
        if not all(values):
            self._fault(name, "has an empty entry", fix)
        return values

    def _accounts(self, name: str) -> frozenset[AccountId]:
        accounts = self._listed(name, _ACCOUNTS_FIX)
        if any(account and not _ACCOUNT_ID.fullmatch(account) for account in accounts):
            self._fault(name, "has an entry that is no account id", _ACCOUNTS_FIX)
        return frozenset(AccountId(account) for account in accounts)

    def _origins(self, name: str) -> tuple[str, ...]:
        origins = [value.removesuffix("/") for value in self._listed(name, _ORIGINS_FIX)]
        for origin in filter(None, origins):
            path = "/" in origin.partition("://")[2]
            why = fault_of_address(origin) or ("has a path" if path else "")
            if why:
                self._fault(name, why, _ORIGINS_FIX)
        return tuple(origins)

    def demands(self, *, local: bool) -> Demands:
        """Read what a delivery must carry beside its signature."""
        scope = "INNKEEPER_WEBHOOK_HEADERS_ON"
        where = self._choice(scope, ("subscriptions", "all"), _SCOPE_FIX, "subscriptions")
        demands = Demands(
            self._credentials("INNKEEPER_WEBHOOK_BASIC", _BASIC_FIX, local=local),
            self._credentials("INNKEEPER_WEBHOOK_BEARER", _BEARER_FIX, local=local),
            self._headers("INNKEEPER_WEBHOOK_HEADER", local=local),
            everywhere=where == "all",
        )
        if where == "all" and not demands:
            self._fault(scope, "is all, and no header is required", _SCOPE_FIX)
        return demands

    def _credentials(self, name: str, fix: str, *, local: bool) -> tuple[Credential, ...]:
        """Read names and secrets; in a header of Zoom's they are ASCII that can be printed."""
        found: list[Credential] = []
        for entry in filter(None, self._listed(name, fix)):
            who, _, secret = (part.strip() for part in entry.partition(":"))
            if not who or not secret:
                self._fault(name, "has an entry without a name or without a secret", fix)
            elif not (entry.isascii() and entry.isprintable()):
                self._fault(name, "has an entry that is not printable ASCII", fix)
            else:
                self._judge_secret(name, secret, fix, local=local)
            found.append(Credential(who, Secret(secret)))
        return tuple(found)

    def _headers(self, name: str, *, local: bool) -> tuple[Credential, ...]:
        found = self._credentials(name, _HEADER_FIX, local=local)
        headers = tuple(Credential(each.name.lower(), each.secret) for each in found)
        if any(each.name and not _HEADER.fullmatch(each.name) for each in headers):
            self._fault(name, "has an entry whose name is no header's", _HEADER_FIX)
        elif any(each.name in _TAKEN_HEADERS for each in headers):
            self._fault(name, "has an entry that every request carries anyway", _HEADER_FIX)
        return headers

    def _vault(self, database: Place) -> Place:
        name = "INNKEEPER_VAULT_URL"
        if isinstance(database, PostgresAddress):
            vault = self._database(name, database.beside(VAULT_SCHEMA), schema=VAULT_SCHEMA)
            if isinstance(vault, Path):
                self._fault(name, "is a file, which other processes do not share", _SHARED_FIX)
        else:
            vault = self._database(name, vault_beside(database), schema=VAULT_SCHEMA)
        if vault == database:
            self._fault(name, "is the database itself", _VAULT_FIX)
        return vault

    def _database(self, name: str, default: Place, *, schema: str = STORE_SCHEMA) -> Place:
        value = self._value(name)
        if not value:
            return default
        if value.startswith(POSTGRES_SCHEMES):
            return self._postgres(name, value, default, schema=schema)
        found = _SQLITE.fullmatch(value)
        if found is None:
            self._fault(name, "is not a database this version knows", _DATABASE_FIX)
            return default
        path = self._directory / found["path"]
        if path.is_dir():
            self._fault(name, "is a directory", _DATABASE_FIX)
        elif not path.parent.is_dir():
            self._fault(name, "is in a directory that does not exist", _DATABASE_FIX)
        else:
            return path
        return default

    def _postgres(self, name: str, value: str, default: Place, *, schema: str) -> Place:
        if find_spec("asyncpg") is None:
            self._fault(name, "names PostgreSQL, whose driver is not installed", _DRIVER_FIX)
        try:
            return PostgresAddress.parse(value, schema=schema)
        except ValueError as error:
            self._fault(name, f"is no address of PostgreSQL's: {error}", _POSTGRES_FIX)
            return default

    def _key_source(self, database: Place, vault: Place) -> KeySource | None:
        service = self.key_service()
        written, named = self._value("INNKEEPER_KEYS"), self._value("INNKEEPER_KEYS_FILE")
        if written and named:
            self._fault("INNKEEPER_KEYS_FILE", "is set beside INNKEEPER_KEYS", _KEYS_TWICE_FIX)
        if written:
            return KeyText("INNKEEPER_KEYS", Secret(written), service)
        if named:
            return KeyFile("INNKEEPER_KEYS_FILE", self._directory / named, service)
        if isinstance(database, PostgresAddress):
            why = "is missing, and every process on PostgreSQL needs the same"
            self._fault("INNKEEPER_KEYS", why, _KEYS_FIX)
            return None
        path = database.with_name("innkeeper.key")
        kept = database.exists() or (isinstance(vault, Path) and vault.exists())
        if not path.exists() and kept:
            self._fault(path.name, "is gone, and what is stored was sealed with it", _KEY_LOST_FIX)
            return None
        return KeyFile(path.name, path, service, ours=True)

    def _keys(self, source: KeySource) -> KeyRing | None:
        """Read the ring; nobody is asked for it, and no file made, while something is wrong."""
        if self.faults and source.service:
            return None
        try:
            if isinstance(source, KeyFile) and source.ours and not source.path.exists():
                if self.faults:
                    return None
                if not self._makes_key:
                    return KeyRing.parse(KeyRing.generate())
                source.make()
                self.warnings.append(
                    f"{source.name} was made beside the database. Keep a copy of it somewhere "
                    "safe: without it nothing that was stored can be read."
                )
            return source.ring()
        except KeysRefused as refused:
            self._fault(refused.what, refused.why, refused.fix)
            return None

    def key_service(self) -> KeyService | None:
        name = "INNKEEPER_KEY_SERVICE"
        value = self._value(name)
        module, _, attribute = value.partition(":")
        if not value:
            return None
        if str(self._directory) not in sys.path:
            sys.path.insert(0, str(self._directory))
        try:
            found: object = getattr(import_module(module), attribute)
        except Exception as error:  # whatever the operator's own code raises
            self._fault(name, f"cannot be loaded: {type(error).__name__}", _SERVICE_FIX)
            return None
        if not isinstance(found, KeyService) or isinstance(found, type):
            self._fault(name, "has no methods wrap and unwrap", _SERVICE_FIX)
            return None
        return found


def fault_of_address(url: str) -> str:
    """Say what makes an address unusable, or nothing if it is usable."""
    try:
        parts = urlsplit(url)
        port_is_usable = parts.port != 0
    except ValueError:
        return "is not an address"
    checks = (
        (re.search(r"[^!-~]", url) is not None, "has spaces or letters no address has"),
        (
            not url.startswith(("http://", "https://")) or not parts.hostname,
            "is not an http(s) address in small letters",
        ),
        (not port_is_usable, "has the port 0"),
        (parts.username is not None, "holds a user name"),
        (
            bool(parts.fragment or parts.query) or url.endswith(("?", "#")),
            "has a query or fragment",
        ),
        (parts.netloc != parts.netloc.lower(), "has capital letters in its host"),
        ("*" in url or ".." in parts.path or "\\" in url, "has * or .. or a backslash in it"),
        (
            parts.scheme == "http" and parts.hostname not in LOOPBACK,
            "is http; only an address on this machine may be",
        ),
    )
    return next((why for wrong, why in checks if wrong), "")


_CREDENTIALS_FIX = "Copy it from the Marketplace: your app > Basic Information > App Credentials."
_JID_FIX = (
    "Copy it from the Marketplace: your app > Features > Surface > Chat Subscription > Bot JID."
)
_TOKEN_FIX = "Copy it from the Marketplace: your app > Features > Access > Secret Token."  # noqa: S105  # where to find one
_MANAGEMENT_FIX = (
    "Set it to admin or user, as the Marketplace shows under Basic Information: "
    "it decides whose data a removal deletes."
)
_PUBLIC_FIX = (
    "Set it to the https address at which people reach this app, without a path's last slash; "
    "on your own machine http://127.0.0.1:8080 will do."
)
_EMULATOR_FIX = (
    "Leave it out to use Zoom, or set it to an emulator on this machine, "
    "such as http://127.0.0.1:8700."
)
_ACCOUNTS_FIX = (
    "List the ids of the Zoom accounts that may use the app, separated by commas; "
    "leave it out to let everybody in."
)
_ORIGINS_FIX = (
    "List origins such as https://example.com, separated by commas; "
    "leave it out to lead back to this app's own address only."
)
_BASIC_FIX = (
    "Write it as name:password, as in the event subscription's authentication header at Zoom; "
    "several, separated by commas, while you rotate it."
)
_BEARER_FIX = (
    "Write it as client_id:client_secret, as in the event subscription's authentication header "
    "at Zoom; several, separated by commas, while you rotate it."
)
_HEADER_FIX = (
    "Write it as Name: value, as in the event subscription's authentication header at Zoom; "
    "several, separated by commas, while you rotate it."
)
_SCOPE_FIX = (
    "Leave it out, or set it to all where every delivery to you carries one of the headers of "
    "INNKEEPER_WEBHOOK_BASIC, INNKEEPER_WEBHOOK_BEARER and INNKEEPER_WEBHOOK_HEADER."
)
_PORT_FIX = (
    "Set it to a number from 1 to 65535, without a host: it is opened on this machine only. "
    "Leave it out to open none."
)
_LOG_FIX = "Set it to error, warning, info or requests; leave it out for info."
_DATABASE_FIX = (
    "Write it as sqlite:///path/to/file.db or postgresql://user:password@host/database; "
    "leave it out for innkeeper.db right here."
)
_POSTGRES_FIX = (
    "Write it as postgresql://user:password@host:5432/database, with ?schema=name "
    "where the schema is not to be called innkeeper."
)
_DRIVER_FIX = "Install it with: pip install 'innkeeper[postgres]'"
_HANDLERS_FIX = (
    "Set it to here, or, on PostgreSQL and with an `innkeeper worker` beside, to elsewhere."
)
_SHARED_FIX = (
    "Leave it out for a schema of its own beside the database, or name another PostgreSQL database."
)
_KEYS_FIX = "Make one with `innkeeper keys new`, and give all processes the same."
_VAULT_FIX = "Give the vault a file of its own: it is backed up apart, and never restored."
_KEY_LOST_FIX = (
    "Put your copy of it back beside the database, or set INNKEEPER_KEYS; "
    "without the key, move database and vault away to begin anew."
)
_KEYS_TWICE_FIX = "Leave one of INNKEEPER_KEYS and INNKEEPER_KEYS_FILE out."
_SERVICE_FIX = (
    "Write it as module:name, where that module, beside the bot, has an object of that name "
    "with the methods wrap and unwrap."
)
