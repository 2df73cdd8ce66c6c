"""Where is what is kept? In a PostgreSQL, and a schema of it, or in a file and one beside it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from innkeeper.secret import Secret

STORE_SCHEMA: Final = "innkeeper"
VAULT_SCHEMA: Final = "innkeeper_vault"

POSTGRES_SCHEMES: Final = ("postgresql://", "postgres://")
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A database and a schema in it. The URL holds a password, so it is a secret."""

    url: Secret
    schema: str

    @classmethod
    def parse(cls, text: str, *, schema: str) -> "PostgresAddress":
        """Read `postgresql://user:password@host:port/database?schema=name`.

        Everything but `schema` is libpq's, such as `sslmode`, or a socket's folder as `host`.

        Args:
            schema: What is meant where the text names none.

        Raises:
            ValueError: If it is none; the message repeats nothing of it.
        """
        parts = _split(text)
        if not text.startswith(POSTGRES_SCHEMES):
            message = "it does not begin with postgresql://"
            raise ValueError(message)
        if not parts.path.strip("/"):
            message = "it names no database"
            raise ValueError(message)
        options = parse_qsl(parts.query, keep_blank_values=True)
        named = [value for name, value in options if name == "schema"]
        ours = named[-1] if named else schema
        if _SCHEMA.fullmatch(ours) is None or ours.startswith("pg_"):
            message = "its schema is not written in small letters, digits and underscores"
            raise ValueError(message)
        rest = urlencode([each for each in options if each[0] != "schema"], safe="/")
        return cls(Secret(parts._replace(query=rest).geturl()), ours)

    @property
    def password(self) -> Secret | None:
        """The password in it, if there is one."""
        password = urlsplit(self.url.reveal()).password
        return Secret(unquote(password)) if password else None

    def beside(self, schema: str) -> "PostgresAddress":
        """Name another schema of the same database."""
        return PostgresAddress(self.url, schema)


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port_is_usable = parts.port != 0
    except ValueError:
        port_is_usable, parts = False, urlsplit("")
    if not port_is_usable:
        message = "its host or port cannot be read"
        raise ValueError(message)
    return parts


def vault_beside(database: Path) -> Path:
    """Say where the vault of a SQLite file is, unless it was put elsewhere."""
    return database.with_name(f"{database.stem}.vault{database.suffix}")
