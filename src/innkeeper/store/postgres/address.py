"""Where is a PostgreSQL, and which schema of it is ours?"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from innkeeper.secret import Secret

STORE_SCHEMA: Final = "innkeeper"
VAULT_SCHEMA: Final = "innkeeper_vault"

_SCHEMES: Final = frozenset({"postgresql", "postgres"})
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
        parts = urlsplit(text)
        if parts.scheme not in _SCHEMES:
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

    def beside(self, schema: str) -> "PostgresAddress":
        """Name another schema of the same database."""
        return PostgresAddress(self.url, schema)
