"""What do we keep? The rows, as values. What says something about a person is sealed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from innkeeper.ids import AccountId, EventId, InstallationId, Jid, ReceiptId, UserId
from innkeeper.secret import Secret


class Owner(NamedTuple):
    """Whose installation it is: a whole account's, or one user's of it.

    A tuple, for every event looks its owner up.
    """

    account_id: AccountId
    user_id: UserId | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who authorized the app, as Zoom told us. Sealed in the installation's row."""

    account_id: AccountId
    user_id: UserId
    jid: Jid
    name: str = ""
    email: str = ""


class InstallationStatus(StrEnum):
    """Where an installation stands in its life."""

    LIVE = "live"
    NEEDS_REAUTH = "needs_reauth"
    PURGING = "purging"


@dataclass(frozen=True, slots=True)
class Installation:
    """One authorization of the app. Only `owner` and `person` are Zoom's, and sealed."""

    id: InstallationId
    generation: int
    owner: Owner = field(repr=False)
    person: Person = field(repr=False)
    status: InstallationStatus
    authorized_at: datetime
    receipt_id: ReceiptId
    welcomed: bool
    """Whether this generation has had its welcome."""
    version: int


class GrantKind(StrEnum):
    """The three kinds of token, which never mix."""

    CHATBOT = "chatbot"
    ACCOUNT = "account"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Grant:
    """The tokens of one subject, and where their renewal stands."""

    id: str
    """`chatbot`, `account`, or the installation's id for a user's tokens."""
    kind: GrantKind
    installation_id: InstallationId | None
    version: int
    """Grows with each replacement; a commit names the version it replaces. 0 is none yet."""
    access_token: Secret
    refresh_token: Secret | None
    expires_at: datetime
    refresh_expires_at: datetime | None
    scope: frozenset[str]
    api_url: str
    used_at: datetime
    dead: bool = False
    """Whether Zoom said that this grant is over for good."""
    attempted_at: datetime | None = None
    """Journal: when a renewal of this version was begun whose end is not known."""
    renew_at: datetime | None = None
    """When the background renews it, unless that is done before; None for never."""


@dataclass(frozen=True, slots=True)
class PendingInstall:
    """An installation begun at `/install` and not yet come back."""

    attempt: str
    """Names the browser's cookie for this attempt."""
    verifier: Secret
    expires_at: datetime
    invitation: str = field(default="", repr=False)
    """What the link to `/install` carried, still sealed."""


class EventState(StrEnum):
    """Where an event of the inbox stands."""

    READY = "ready"
    CLAIMED = "claimed"
    DONE = "done"
    DEAD = "dead"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"
    DROPPED = "dropped"


@dataclass(slots=True)  # not frozen: one is made for each event, and freezing costs more
class InboxEvent:
    """One event, kept until it is handled."""

    id: EventId
    name: str
    body: bytes = field(repr=False)
    received_at: datetime
    attempts: int
    """How often it has been claimed, this time included."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that an event has done once, however often it is handled."""

    fresh: bool
    """Whether it begins now."""
    result: bytes | None = field(default=None, repr=False)
    """What it gave; None if that was never written down: it may have been done, or not."""


@dataclass(slots=True)  # not frozen: one is made for each event, and freezing costs more
class Accepted:
    """What the inbox says of an arrival."""

    id: EventId
    fresh: bool
    """Whether this body was new. Otherwise the rest tells of the first."""
    state: EventState
    answer: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class InboxRow:
    """An event as an operator sees it: no body."""

    id: EventId
    name: str
    state: EventState
    reason: str
    attempts: int
    received_at: datetime
    installation_id: InstallationId | None
    due_at: datetime | None = None
    """When it may be claimed, if it is READY."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The mark that a generation is over."""

    installation_id: InstallationId
    generation: int
    at: datetime
    """When Zoom says the app was removed."""
    buried_at: datetime


@dataclass(frozen=True, slots=True)
class Purge:
    """A purge under way. `done` says how much each finished step deleted."""

    installation_id: InstallationId
    generation: int
    receipt_id: ReceiptId
    owner: Owner | None = field(repr=False)
    """None once the installation's row or key is gone: then nobody knows any more who it was."""
    authorized_at: datetime
    removed_at: datetime
    started_at: datetime
    deadline_at: datetime
    done: Mapping[str, int]
    attempts: int
    next_at: datetime
    alarm: int = 0
    """How much of the time, in percent, was over when an alarm last said so; 0 before."""
    held: bool = True
    """Whether anything was kept of whoever left, when the removal was heard of."""
    retain: bool = False
    """Whether the bot's own steps are left out, as whoever left has wished."""
    tries: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often each step was begun."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Signed proof of a purge, as kept: the exact bytes that were signed."""

    id: ReceiptId
    sequence: int
    document: bytes
    signature: bytes
    key_id: str


class Outcome(StrEnum):
    """How a case was settled."""

    KEPT = "kept"
    """Somebody decided that the installation stays."""
    LIVES = "lives"
    """Zoom itself has shown since that the app is installed."""
    PURGE = "purge"
    """Somebody decided that it is to be purged."""
    UNANSWERED = "unanswered"
    """Nobody kept it in time, so it is to be purged."""


@dataclass(frozen=True, slots=True)
class Report:
    """What Zoom is to be told of a purge that is done, until it has been."""

    installation_id: InstallationId
    content: bytes = field(repr=False)
    """What the removal said, word by word. Sealed, with a key of its own."""
    started_at: datetime
    deadline_at: datetime
    attempts: int
    alarmed: bool
    """Whether an alarm has said that it is late."""


@dataclass(frozen=True, slots=True)
class Case:
    """A doubt to be settled: was this installation removed or not?"""

    id: str
    installation_id: InstallationId | None
    reason: str
    opened_at: datetime
    closed_at: datetime | None = None
    outcome: Outcome | None = None

    @property
    def decided(self) -> bool:
        """Whether it is to end in a purge."""
        return self.outcome in {Outcome.PURGE, Outcome.UNANSWERED}


@dataclass(frozen=True, slots=True)
class Census:
    """What is kept and what waits, counted; it names nobody."""

    waiting: int
    """Events that are due, and that no process has taken up."""
    waiting_since: datetime | None
    """When the first of them came due; None if none waits."""
    purges: int
    """Purges under way."""
    overdue_purges: int
    """Those whose deadline is over."""
    purge_time_used: float
    """How much of its time the purge has used that has used most: 1 is its deadline."""
    open_cases: int
    receipts: int


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The Ed25519 key that signs receipts; raw 32-byte keys."""

    id: str
    public: bytes
    private: Secret
    """The raw private key, in hex."""
    endorsed_by: str | None = None
    endorsement: bytes = b""
    """The older key's signature over this public key; empty for the first."""
