"""Which words of the traffic must nobody read? Secrets, codes and tokens, wherever they stand.

Two nets, one behind the other: what stands under a name that holds secrets, and what the
world knows to be a secret, whatever name it stands under.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from innkeeper.emulator.world import SECRET_PREFIX, Token, World
from innkeeper.wire.oauth import parse_basic

_NAMES: Final = (
    "access_token|authorization|client_assertion|client_secret|code|code_verifier|device_code"
    "|id_token|new_secret|password|refresh_token|secret_token|token"
)
_IN_JSON: Final = re.compile(
    rf'("(?:{_NAMES})"\s*:\s*")((?:[^"\\]|\\.)*)(?="|\Z)', re.IGNORECASE | re.DOTALL
)
_IN_FORM: Final = re.compile(rf"((?:^|[?&;\s])(?:{_NAMES})=)([^&\s]*)", re.IGNORECASE)
_OURS: Final = re.compile(rf"{SECRET_PREFIX}[A-Za-z0-9_.~-]{{8,}}")
_WORD: Final = re.compile(r"[A-Za-z0-9_.~-]{12,}")
_SHORTEST: Final = 8
"""Seeded secrets shorter than this are hidden by their names only: as mere words they are
everywhere, and hiding those would make the traffic unreadable."""


class Mask:
    """Shows secrets as `emu_…` and their last four characters."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tokens: list[Token] = []
        self._counted = (0, 0)
        self._known: set[str] = set()

    def text(self, text: str) -> str:
        """Hide every secret in a text: JSON, a form, a query or anything else."""
        text = _IN_JSON.sub(self._named, text)
        text = _IN_FORM.sub(self._named, text)
        for secret in self._seeded():
            if secret in text:
                text = text.replace(secret, _tail(secret))
        text = _OURS.sub(lambda found: _tail(found[0]), text)
        known = self._issued()
        return _WORD.sub(lambda found: _tail(found[0]) if found[0] in known else found[0], text)

    def headers(self, headers: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Hide every secret among headers; a repeated header's values are joined."""
        shown: dict[str, str] = {}
        for name, value in headers:
            key, masked = name.lower(), self._header(name.lower(), value)
            shown[key] = f"{shown[key]}, {masked}" if key in shown else masked
        return shown

    def _header(self, name: str, value: str) -> str:
        if name in {"authorization", "proxy-authorization"}:
            return _credentials(value)
        return "…" if name in {"cookie", "set-cookie"} else self.text(value)

    def _named(self, found: re.Match[str]) -> str:
        return found[1] + _tail(found[2])

    def _seeded(self) -> Iterable[str]:
        for app in self._world.apps.values():
            secrets = [app.client_secret, app.secret_token, app.verification_token]
            for each in app.subscriptions:
                wanted = each.headers
                secrets += [wanted.password, wanted.client_secret, wanted.value, wanted.token]
            for secret in secrets:
                if len(secret) >= _SHORTEST:
                    yield secret
                    yield quote(secret, safe="")

    def _issued(self) -> set[str]:
        codes, tokens = self._world.codes, self._world.tokens
        if tokens is not self._tokens or (len(codes), len(tokens)) != self._counted:
            self._tokens, self._counted = tokens, (len(codes), len(tokens))
            self._known = {token.access for token in tokens}
            self._known |= {token.refresh for token in tokens if token.refresh}
            self._known |= set(codes)
        return self._known


def _tail(secret: str) -> str:
    if not secret:
        return ""
    return f"{SECRET_PREFIX}…{secret[-4:]}" if len(secret) >= 2 * _SHORTEST else f"{SECRET_PREFIX}…"


def _credentials(header: str) -> str:
    scheme, space, value = header.partition(" ")
    if not space:
        return "…"
    pair = parse_basic(header)
    if pair:
        return f"{scheme} {pair[0][0]}:{_tail(pair[0][1])}"
    return f"{scheme} {_tail(value)}"
