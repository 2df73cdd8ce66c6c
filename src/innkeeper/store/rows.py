"""What stands in a row, and how is it read? The same for every database.

A row comes as its columns in the order in which the store asks for them. What is sealed
opens only at its own place.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from innkeeper.ids import EventId, InstallationId
from innkeeper.secret import Secret
from innkeeper.store.moments import from_micros, to_micros
from innkeeper.store.records import (
    Case,
    EventState,
    Grant,
    GrantKind,
    InboxRow,
    Installation,
    InstallationStatus,
    Outcome,
    Owner,
    PendingInstall,
    Person,
    Purge,
    Report,
    Tombstone,
)
from innkeeper.store.seal import Seal

Row = Sequence[Any]
"""A row as its database gives it; whoever reads it knows its columns' types."""
Value = int | str | bytes | None
"""What a column may hold."""

# installations

INSTALLATION: Final = (
    "SELECT id, generation, status, authorized_at, receipt_id, welcomed, version, sealed"
    " FROM installations"
)


@dataclass(frozen=True, slots=True)
class _Sealed:
    owner: Owner
    person: Person


def write_person(owner: Owner, person: Person) -> bytes:
    """Write what an installation's row keeps sealed."""
    return msgspec.msgpack.encode(_Sealed(owner, person))


def seal_person(seal: Seal, installation_id: str, version: int, content: bytes) -> bytes:
    """Seal it for one version of the row."""
    return seal.seal(
        content, table="installations", column="sealed", row=installation_id, version=version
    )


def read_installation(row: Row, seal: Seal) -> Installation:
    """Read a row of `INSTALLATION`.

    Raises:
        SealBroken: If it was altered.
    """
    installation_id, generation, status, authorized_at, receipt_id, welcomed, version, sealed = row
    content = seal.unseal(
        sealed, table="installations", column="sealed", row=installation_id, version=version
    )
    known = msgspec.msgpack.decode(content, type=_Sealed)
    return Installation(
        id=installation_id,
        generation=generation,
        owner=known.owner,
        person=known.person,
        status=InstallationStatus(status),
        authorized_at=from_micros(authorized_at),
        receipt_id=receipt_id,
        welcomed=bool(welcomed),
        version=version,
    )


# grants

GRANT: Final = (
    "SELECT id, kind, installation_id, version, sealed, expires_at, refresh_expires_at,"
    " used_at, renew_at, dead, attempted_at FROM grants"
)
OURS: Final = frozenset({GrantKind.CHATBOT, GrantKind.ACCOUNT})
"""The kinds that are the app's own, and no installation's."""


@dataclass(frozen=True, slots=True)
class _Tokens:
    access_token: str
    refresh_token: str | None
    scope: list[str]
    api_url: str


def write_grant(grant: Grant, seal: Seal) -> tuple[Value, ...]:
    """Write a grant as the columns of `GRANT`, without its death and its journal."""
    refresh = grant.refresh_token
    tokens = _Tokens(
        grant.access_token.reveal(),
        None if refresh is None else refresh.reveal(),
        sorted(grant.scope),
        grant.api_url,
    )
    sealed = seal.seal(
        msgspec.msgpack.encode(tokens),
        table="grants",
        column="sealed",
        row=grant.id,
        version=grant.version,
    )
    ends, renew_at = grant.refresh_expires_at, grant.renew_at
    return (
        *(grant.id, grant.kind, grant.installation_id, grant.version, sealed),
        *(to_micros(grant.expires_at), None if ends is None else to_micros(ends)),
        *(to_micros(grant.used_at), None if renew_at is None else to_micros(renew_at)),
    )


def read_grant(row: Row, seal: Seal) -> Grant:
    """Read a row of `GRANT`.

    Raises:
        SealBroken: If it was altered.
    """
    grant_id, kind, installation_id, version, sealed, expires_at, ends, *rest = row
    used_at, renew_at, dead, at = rest
    content = seal.unseal(sealed, table="grants", column="sealed", row=grant_id, version=version)
    tokens = msgspec.msgpack.decode(content, type=_Tokens)
    return Grant(
        id=grant_id,
        kind=GrantKind(kind),
        installation_id=installation_id,
        version=version,
        access_token=Secret(tokens.access_token),
        refresh_token=None if tokens.refresh_token is None else Secret(tokens.refresh_token),
        expires_at=from_micros(expires_at),
        refresh_expires_at=None if ends is None else from_micros(ends),
        scope=frozenset(tokens.scope),
        api_url=tokens.api_url,
        used_at=from_micros(used_at),
        dead=bool(dead),
        attempted_at=None if at is None else from_micros(at),
        renew_at=None if renew_at is None else from_micros(renew_at),
    )


# what was begun at /install


@dataclass(frozen=True, slots=True)
class _Attempt:
    attempt: str
    verifier: str
    invitation: str = ""


def hash_state(state: str) -> bytes:
    """Hash a state: itself it is never stored."""
    return hashlib.sha256(state.encode()).digest()


def seal_pending(pending: PendingInstall, seal: Seal, state_hash: bytes) -> bytes:
    """Seal what was begun under a state."""
    attempt = _Attempt(pending.attempt, pending.verifier.reveal(), pending.invitation)
    content = msgspec.msgpack.encode(attempt)
    return seal.seal(content, table="pending_installs", column="sealed", row=state_hash.hex())


def read_pending(row: Row, seal: Seal, state_hash: bytes) -> PendingInstall:
    """Read its end and what was sealed.

    Raises:
        SealBroken: If it was altered.
    """
    expires_at, sealed = row
    content = seal.unseal(sealed, table="pending_installs", column="sealed", row=state_hash.hex())
    attempt = msgspec.msgpack.decode(content, type=_Attempt)
    return PendingInstall(
        attempt.attempt, Secret(attempt.verifier), from_micros(expires_at), attempt.invitation
    )


# the inbox


def read_inbox_row(row: Row) -> InboxRow:
    """Read an event as an operator sees it."""
    number, name, state, reason, attempts, received_at, installation_id, due_at = row
    return InboxRow(
        id=EventId(str(number)),
        name=name,
        state=EventState(state),
        reason=reason,
        attempts=attempts,
        received_at=from_micros(received_at),
        installation_id=installation_id,
        due_at=None if due_at is None else from_micros(due_at),
    )


# purges, reports, cases, tombstones

PURGE: Final = (
    "SELECT installation_id, generation, receipt_id, authorized_at, removed_at, started_at,"
    " deadline_at, attempts, next_at, alarm, held, retain FROM purges"
)
RECEIPT: Final = "SELECT id, sequence, document, signature, key_id FROM receipts"
REPORT: Final = (
    "SELECT installation_id, sealed, started_at, deadline_at, attempts, alarmed FROM reports"
)
CASE: Final = "SELECT id, installation_id, reason, opened_at, closed_at, outcome FROM cases"
TOMBSTONE: Final = "SELECT installation_id, generation, at, buried_at FROM tombstones"


def read_purge(row: Row, *, owner: Owner | None, steps: Sequence[Row]) -> Purge:
    """Read a row of `PURGE`, and those of its steps: name, deleted, tries, done."""
    installation_id, generation, receipt_id, authorized_at, removed_at = row[:5]
    started_at, deadline_at, attempts, next_at, alarm, held, retain = row[5:]
    return Purge(
        installation_id=installation_id,
        generation=generation,
        receipt_id=receipt_id,
        owner=owner,
        authorized_at=from_micros(authorized_at),
        removed_at=from_micros(removed_at),
        started_at=from_micros(started_at),
        deadline_at=from_micros(deadline_at),
        done={step: deleted for step, deleted, _, done in steps if done},
        tries={step: tries for step, _, tries, _ in steps},
        attempts=attempts,
        next_at=from_micros(next_at),
        alarm=alarm,
        held=bool(held),
        retain=bool(retain),
    )


def report_subject(installation_id: str) -> str:
    """Name the key that seals a report."""
    return f"report:{installation_id}"


def seal_report(content: bytes, seal: Seal, installation_id: str) -> bytes:
    """Seal what Zoom is to be told."""
    return seal.seal(content, table="reports", column="sealed", row=installation_id)


def read_report(row: Row, seal: Seal) -> Report:
    """Read a row of `REPORT`.

    Raises:
        SealBroken: If it was altered.
    """
    installation_id, sealed, started_at, deadline_at, attempts, alarmed = row
    return Report(
        installation_id=InstallationId(installation_id),
        content=seal.unseal(sealed, table="reports", column="sealed", row=installation_id),
        started_at=from_micros(started_at),
        deadline_at=from_micros(deadline_at),
        attempts=attempts,
        alarmed=bool(alarmed),
    )


def read_case(row: Row) -> Case:
    """Read a row of `CASE`."""
    case_id, installation_id, reason, opened_at, closed_at, outcome = row
    return Case(
        id=case_id,
        installation_id=installation_id,
        reason=reason,
        opened_at=from_micros(opened_at),
        closed_at=None if closed_at is None else from_micros(closed_at),
        outcome=Outcome(outcome) if outcome else None,
    )


def read_tombstone(row: Row) -> Tombstone:
    """Read a row of `TOMBSTONE`."""
    installation_id, generation, at, buried_at = row
    return Tombstone(installation_id, generation, from_micros(at), from_micros(buried_at))
