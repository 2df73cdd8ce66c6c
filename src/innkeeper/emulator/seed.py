"""What does an emulated Zoom begin with? A seed file: Zoom's own app manifests, and a wrapper.

```json
{
  "seed": 42,
  "accounts": [{"id": "acc_1", "users": [{"id": "u_ana", "name": "Ana Keller", "role": "admin"}],
                "channels": [{"name": "general"}]}],
  "apps": [{"manifest": "./manifest.json", "environment": "development",
            "endpoints": {"bot": "http://127.0.0.1:8080/events"}}],
  "installs": [{"app": "my_client_id", "user": "u_ana"}]
}
```

What is left out is made up: ids, JIDs, secrets (these begin with `emu_`). With `seed` they
repeat from run to run.
"""

import dataclasses
import re
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta, field

from innkeeper.emulator.choices import RuleRefused, choose
from innkeeper.emulator.places import locate
from innkeeper.emulator.rules import Rules
from innkeeper.emulator.world import Environment, Plan, Role
from innkeeper.errors import BodyRefused, InnkeeperError
from innkeeper.wire import lossless
from innkeeper.wire.manifest import Manifest

Id = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,256}$")]
ClientKey = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]
Robot = Annotated[str, Meta(pattern=r"^[a-z0-9._-]{1,200}@xmpp\.zoom\.us$")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]

_FIELD = re.compile(r"field `([^`]+)`")


class SeedRefused(InnkeeperError, ValueError):
    """A seed that cannot be planted: the file, the place in it, what is wrong, what to do."""

    code = "seed_refused"

    def __init__(self, file: str, path: str, why: str, fix: str) -> None:
        self.file = file
        self.path = path
        self.fix = fix
        super().__init__(f"{file}, at {path}", why)


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a seed; a key that we do not know is a fault, not a wish."""


class UserSeed(Part, frozen=True, kw_only=True):
    """A person."""

    name: Name
    id: Id | None = None
    email: str | None = None
    role: Role = "member"


class ChannelSeed(Part, frozen=True, kw_only=True):
    """A channel that everybody of the account is in."""

    name: Name
    id: Id | None = None


class AccountSeed(Part, frozen=True, kw_only=True):
    """A customer of Zoom's."""

    users: Annotated[list[UserSeed], Meta(min_length=1)]
    id: Id | None = None
    name: Name | None = None
    plan: Plan = "business"
    approval_required: bool = False
    approved_apps: list[ClientKey] = field(default_factory=list[ClientKey])
    channels: list[ChannelSeed] = field(default_factory=list[ChannelSeed])


class EndpointsSeed(Part, frozen=True, kw_only=True):
    """Where the app listens; the manifest's message URL when `bot` is left out."""

    bot: str | None = None
    deauthorization: str = ""


class AppSeed(Part, frozen=True, kw_only=True):
    """An app: Zoom's manifest, or the path of one, and what the manifest does not hold."""

    manifest: dict[str, Any] | str
    account: Id | None = None
    client_id: ClientKey | None = None
    client_secret: Id | None = None
    secret_token: Id | None = None
    public_client_id: ClientKey | None = None
    verification_token: Id | None = None
    bot_jid: Robot | None = None
    environment: Environment = "development"
    use_on_device: bool = False
    disabled: bool = False
    endpoints: EndpointsSeed = EndpointsSeed()


class InstallSeed(Part, frozen=True, kw_only=True):
    """An authorization that stands from the beginning: a client id and a user id."""

    app: str
    user: str


class Document(Part, frozen=True, kw_only=True):
    """A whole seed file."""

    accounts: Annotated[list[AccountSeed], Meta(min_length=1)]
    seed: int | None = None
    rules: dict[str, Any] = field(default_factory=dict[str, Any])
    apps: list[AppSeed] = field(default_factory=list[AppSeed])
    installs: list[InstallSeed] = field(default_factory=list[InstallSeed])


_PARTS: Final[dict[str, type[msgspec.Struct]]] = {
    "$": Document,
    "$.accounts[]": AccountSeed,
    "$.accounts[].users[]": UserSeed,
    "$.accounts[].channels[]": ChannelSeed,
    "$.apps[]": AppSeed,
    "$.apps[].endpoints": EndpointsSeed,
    "$.installs[]": InstallSeed,
}


@dataclass(frozen=True, slots=True)
class Seed:
    """A seed that was read: the document, and each app's manifest in the same order."""

    document: Document
    manifests: tuple[Manifest, ...]
    file: str = "the seed"
    rules: Rules = dataclasses.field(default_factory=Rules)

    @classmethod
    def default(cls) -> "Seed":
        """Make the seed that serves when none is given: three people and one app."""
        return cls.parse(_DEFAULT, file="the default seed")

    @classmethod
    def read(cls, path: Path) -> "Seed":
        """Read a seed file.

        Raises:
            SeedRefused: Naming the file, the place, what is wrong there, and what to do.
        """
        return cls.parse(_load(path, str(path)), file=str(path), folder=path.parent)

    @classmethod
    def parse(cls, document: Any, *, file: str = "the seed", folder: Path | None = None) -> "Seed":
        """Read a seed that is JSON already; `folder` is where manifest paths start.

        Raises:
            SeedRefused: Naming the place, what is wrong there, and what to do.
        """
        try:
            read = msgspec.convert(document, Document)
        except msgspec.ValidationError as error:
            what, path = locate(error)
            raise SeedRefused(file, f"${path}", what, _remedy(what, f"${path}")) from None
        manifests = tuple(
            _manifest(app, f"$.apps[{index}].manifest", file, folder)
            for index, app in enumerate(read.apps)
        )
        return cls(read, manifests, file, _rules(read.rules, file))

    def refuse(self, path: str, why: str, fix: str) -> SeedRefused:
        """Say what is wrong at a place of this seed."""
        return SeedRefused(self.file, path, why, fix)


def read_app(document: Any) -> tuple[AppSeed, Manifest]:
    """Read one app as a seed holds it; its manifest is the object, no path.

    Raises:
        SeedRefused: Naming the place, what is wrong there, and what to do.
    """
    try:
        wanted = msgspec.convert(document, AppSeed)
    except msgspec.ValidationError as error:
        what, path = locate(error)
        raise SeedRefused("the app", f"${path}", what, _remedy(what, f"$.apps[]{path}")) from None
    if isinstance(wanted.manifest, str):
        fix = "Write the manifest itself; a path is for seed files."
        raise SeedRefused("the app", "$.manifest", "it is no object", fix)
    return wanted, _manifest(wanted, "$.manifest", "the app", None)


def _rules(document: dict[str, Any], file: str) -> Rules:
    try:
        return choose(document, now=Rules())
    except RuleRefused as error:
        raise SeedRefused(file, f"$.rules.{error.name}", error.why, error.fix) from None


def _load(path: Path, file: str) -> Any:
    try:
        body = path.read_bytes()
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
        raise SeedRefused(file, "$", why, "Give the path of a JSON file.") from None
    try:
        return lossless.parse(body)
    except BodyRefused as error:
        raise SeedRefused(file, "$", _broken(body, error.reason), "Write valid JSON.") from None


def _broken(body: bytes, reason: str) -> str:
    """Say where JSON breaks off, by line, as far as the decoder tells."""
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        at = re.search(r"\(byte (\d+)\)", str(error))
        line = body.count(b"\n", 0, int(at[1])) + 1 if at else 1
        return f"no JSON (line {line}: {str(error).removeprefix('JSON is malformed: ')})"
    except RecursionError:
        pass  # too deep for this decoder as well
    return f"no JSON that everybody reads alike ({reason})"


def _manifest(app: AppSeed, path: str, file: str, folder: Path | None) -> Manifest:
    document: Any = app.manifest
    if isinstance(document, str):
        document = _load((folder or Path()) / document, str((folder or Path()) / document))
    try:
        return Manifest.parse(document)
    except ValueError as error:
        what, inner = locate(error)
        fix = "Take the manifest from the Marketplace, or correct it there."
        raise SeedRefused(file, path + inner, what, fix) from None


def _remedy(what: str, path: str) -> str:
    general = re.sub(r"\[\d+\]", "[]", path)
    named = _FIELD.search(what)
    part = _PARTS.get(general)
    if "unknown field" in what and part is not None:
        return f"Known there are {', '.join(part.__struct_fields__)}."
    if named is not None and "missing" in what:
        return f"Add `{named[1]}`."
    above, _, key = general.rpartition(".")
    owner = _PARTS.get(above)
    if owner is not None and key in owner.__struct_fields__:
        kind = typing.get_type_hints(owner)[key]
        choices = ("true", "false") if kind is bool else typing.get_args(kind)
        if choices and all(isinstance(choice, str) for choice in choices):
            return f"Write {' or '.join(cast('tuple[str, ...]', choices))}."
    return "Correct the value there."


_DEFAULT: Final[dict[str, Any]] = {
    "accounts": [
        {
            "name": "Corner House",
            "users": [
                {"name": "Ana Keller", "role": "admin"},
                {"name": "Ben Okafor"},
                {"name": "Chiara Rossi"},
            ],
            "channels": [{"name": "general"}, {"name": "kitchen"}],
        }
    ],
    "apps": [
        {
            "manifest": {
                "display_information": {
                    "display_name": "My bot",
                    "description": "A chatbot in the making.",
                },
                "oauth_information": {
                    "usage": "ADMIN_MANAGEMENT",
                    "development_redirect_uri": "http://127.0.0.1:8080/oauth/callback",
                    "strict_mode": True,
                    "scopes": [{"scope": "imchat:bot"}, {"scope": "user:read:user"}],
                },
                "features": {
                    "products": ["ZOOM_CHAT"],
                    "team_chat_subscription": {
                        "enable": True,
                        "slash_command": {
                            "command": "bot",
                            "command_hints": [
                                {"usage_hint": "help", "description": "What the bot can do"}
                            ],
                            "development_message_url": "http://127.0.0.1:8080/events",
                            "sender_type": "app",
                        },
                    },
                },
            },
            "endpoints": {"deauthorization": "http://127.0.0.1:8080/deauthorize"},
        }
    ],
}
