"""What must a store promise? One contract; the same test suite holds every store to it.

Every method is durable before it returns. Every write about a person selects from
its live installation, so nothing is written for one that is gone: `Fenced`.
Time always arrives as an argument.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from innkeeper.ids import EventId, InstallationId, ReceiptId
from innkeeper.store.events import ALL
from innkeeper.store.records import (
    Accepted,
    Case,
    Census,
    Effect,
    EventState,
    Grant,
    InboxEvent,
    InboxRow,
    Installation,
    InstallationStatus,
    Outcome,
    Owner,
    PendingInstall,
    Person,
    Purge,
    Receipt,
    Report,
    SigningKey,
    Tombstone,
)

ERASABLE: Sequence[str] = ("grants", "state", "inbox", "cases")
"""The parts of an installation that `Store.erase` deletes, in this order; the row goes last."""
ALARMS: Sequence[int] = (50, 80, 100)
"""When an alarm is raised over a purge: so many percent of its time are over."""


class InboxStore(Protocol):
    """The inbox: events kept until handled, once each."""

    async def accept(
        self,
        *,
        key: bytes,
        name: str,
        body: bytes,
        owner: Owner | None,
        now: datetime,
        claimed: bool = True,
    ) -> Accepted:
        """Keep an event, claimed by this process, unless its key is known already.

        Args:
            key: SHA-256 of client id and body; 32 bytes.
            owner: Whose event it seems to be, a hint only; None if it names nobody.
            claimed: Otherwise it is ready for anybody, and a worker is woken for it.

        Raises:
            StoreUnavailable: If it cannot be kept; then nothing was.
        """
        ...

    async def claim(self, *, now: datetime, limit: int) -> Sequence[InboxEvent]:
        """Claim events that are ready and due, the longest due first.

        One whose body does not open is not given out: it is quarantined if it or its key was
        altered, dropped if the key of its day is gone. One whose key cannot be read now is
        given out by a later claim, of this process: that is the same attempt.

        Raises:
            StoreUnavailable: If nothing can be claimed, or no key can be read now.
            KeyMissing: If the key ring lacks the key that wraps that of the first.
        """
        ...

    async def reclaim(self, *, now: datetime) -> int:
        """Make ready what a process that died had claimed; called once, at the start."""
        ...

    async def nudged(self, wake: Callable[[], None]) -> None:
        """Call `wake` when somebody should claim, because events came in for anybody.

        It ends when it is cancelled. A nudge may be lost, so look every second as well.
        """
        ...

    async def keep_alive(self) -> int:
        """Say that this process lives, and make ready what dead ones had claimed; say how much.

        Called every second or so: whoever is silent for much longer is taken for dead.
        """
        ...

    async def finish(
        self,
        event: EventId,
        state: EventState,
        *,
        now: datetime,
        reason: str = "",
        installation_id: InstallationId | None = None,
        answer: bytes | None = None,
        keep_body: bool = False,
    ) -> None:
        """End an event. DONE, IGNORED and DROPPED erase its body; DEAD and QUARANTINED keep it.

        With `keep_body` DONE and IGNORED keep it too.
        `answer` is what a repeated delivery will be answered with. An event that has
        ended without a body stays as it is. For an installation that is gone nothing is
        kept, whatever the state: the event is dropped.
        """
        ...

    def finish_soon(self, event: EventId, state: EventState) -> None:
        """End an event with the next commit, without waiting for it. Its body is erased.

        If that commit is lost in a crash, the event is handled again.
        """
        ...

    async def defer(
        self,
        event: EventId,
        *,
        until: datetime,
        reason: str,
        installation_id: InstallationId | None = None,
    ) -> None:
        """Give an event back, to be claimed again when `until` has come.

        One that has ended meanwhile stays ended; that of an installation which is gone
        is dropped.
        """
        ...

    async def revive(self, event: EventId, *, now: datetime) -> bool:
        """Make an event that has ended ready again, its attempts counted anew; or say False.

        That can be done to one whose body was kept. Its effects of which the end is not known
        may then begin again. A worker is woken for it. A DEAD `bot_installed` may give the
        welcome that it had taken. That of an installation which is gone is dropped.
        """
        ...

    async def next_due(self) -> datetime | None:
        """Tell when the next ready event comes due; None if there is none."""
        ...

    async def inbox_rows(
        self,
        *,
        limit: int = 100,
        states: Collection[EventState] | None = None,
        before: EventId | None = None,
    ) -> Sequence[InboxRow]:
        """List events, newest first, without their bodies.

        Args:
            states: Only those that stand there.
            before: Only those that came before this one.
        """
        ...

    async def inbox_row(self, event: EventId) -> InboxRow | None:
        """Look at one event, without its body."""
        ...

    async def read_body(self, event: EventId) -> bytes | None:
        """Read an event's body; None if it was erased, or the key of its day is gone.

        Raises:
            SealBroken: If it was altered.
        """
        ...

    async def expire_inbox(
        self, *, hashes_before: datetime, bodies_before: datetime, at_most: int = ALL
    ) -> int:
        """Forget dedup hashes and bodies kept past their retention, and the days' keys.

        Of events that have ended no more than `at_most` keep their bodies, the newest. What
        is still to be done is never forgotten.
        """
        ...


class InstallationStore(Protocol):
    """Installations, and what was begun at `/install`."""

    async def find_installation(self, owner: Owner) -> Installation | None:
        """Find the owner's installation, whatever its status; a purged one is not found.

        A live one comes before one that is being purged. What cannot be read any more,
        because its data key is gone, is found nowhere but in `orphans`.
        """
        ...

    async def get_installation(self, installation_id: InstallationId) -> Installation | None:
        """Read an installation by our own id."""
        ...

    async def find_by_receipt(self, receipt_id: ReceiptId) -> Installation | None:
        """Find the installation whose receipt will carry this id."""
        ...

    async def installations(self, *, limit: int = 1000) -> Sequence[Installation]:
        """List installations, oldest first."""
        ...

    async def orphans(self) -> Sequence[InstallationId]:
        """List installations whose data key is gone: a restored backup holds them still."""
        ...

    async def live_among(self, ids: Sequence[InstallationId]) -> Sequence[InstallationId]:
        """Tell which of these are neither gone nor being purged, without opening a seal."""
        ...

    async def open_installation(
        self, owner: Owner, person: Person, *, authorized_at: datetime
    ) -> tuple[Installation, bool]:
        """Open the owner's installation, or re-authorize the live one; say whether it is new.

        Re-authorizing keeps id, generation, status and welcome, and moves `authorized_at` and
        `person` (never `authorized_at` backwards); it settles the open cases of before as LIVES.
        While one is PURGING, or was decided to be purged, a new one with the next generation is
        opened beside it. The data key is in the vault before the row is written.
        """
        ...

    async def set_status(self, installation_id: InstallationId, status: InstallationStatus) -> None:
        """Move a live installation to LIVE or NEEDS_REAUTH.

        Raises:
            Fenced: If the installation is gone or being purged.
        """
        ...

    async def mark_welcomed(self, installation_id: InstallationId) -> bool:
        """Take the one welcome of this generation; False if it was taken already.

        Raises:
            Fenced: If the installation is gone or being purged.
        """
        ...

    async def begin_install(self, state: str, pending: PendingInstall) -> None:
        """Keep a begun installation under its state, of which only a hash is stored."""
        ...

    async def peek_state(self, state: str) -> PendingInstall | None:
        """Look at a begun installation without taking it."""
        ...

    async def consume_state(self, state: str) -> PendingInstall | None:
        """Take a begun installation, in one statement: of many callers one gets it."""
        ...

    async def expire_pending(self, *, before: datetime) -> int:
        """Drop begun installations whose time was up before then."""
        ...


class GrantStore(Protocol):
    """Tokens, under compare-and-set and lease."""

    async def find_grant(self, grant_id: str) -> Grant | None:
        """Read a grant with its tokens."""
        ...

    async def live_among(self, ids: Sequence[InstallationId]) -> Sequence[InstallationId]:
        """Tell which of these are neither gone nor being purged, without opening a seal."""
        ...

    async def save_grant(self, grant: Grant, *, replaces: int, now: datetime) -> Grant | None:
        """Commit tokens over the version they replace (0: none yet); clears lease and journal.

        The saved version is `replaces + 1`. Returns None if another version stands there now.
        A dead grant of that version is replaced, and lives again.

        Raises:
            Fenced: If the grant's installation is gone or being purged.
        """
        ...

    async def replace_grant(self, grant: Grant, *, now: datetime) -> Grant:
        """Commit tokens of a new authorization over whatever version stands there.

        Raises:
            Fenced: If the grant's installation is gone or being purged.
        """
        ...

    async def lease_grant(
        self, grant_id: str, version: int, *, holder: str, now: datetime, until: datetime
    ) -> bool:
        """Take the right to renew one version (0: none yet), unless it died or somebody holds it.

        Raises:
            Fenced: If the grant's installation is gone or being purged.
        """
        ...

    async def release_grant(self, grant_id: str, *, holder: str) -> None:
        """Give up a lease."""
        ...

    async def journal_grant(self, grant_id: str, version: int, *, at: datetime) -> bool:
        """Write down, before the call, that this version is being renewed.

        Raises:
            Fenced: If the grant's installation is gone or being purged.
        """
        ...

    async def kill_grant(self, grant_id: str, version: int) -> bool:
        """Mark a version as over for good; False if another version stands there now."""
        ...

    async def touch_grant(
        self, grant_id: str, version: int, *, used_at: datetime, renew_at: datetime | None
    ) -> None:
        """Write down when this version was last used and is to be renewed, if it still stands."""
        ...

    async def renewable_grants(self, *, now: datetime, limit: int) -> Sequence[Grant]:
        """List live grants that are to be renewed by now, the longest due first."""
        ...


class BotStateStore(Protocol):
    """`ctx.state`: the bot's own values, owned by the installation."""

    async def get_state(self, installation_id: InstallationId, key: str) -> bytes | None:
        """Read a value."""
        ...

    async def set_state(self, installation_id: InstallationId, key: str, value: bytes) -> None:
        """Write a value.

        Raises:
            Fenced: If the installation is gone or being purged.
        """
        ...

    async def delete_state(self, installation_id: InstallationId, key: str) -> bool:
        """Delete a value; False if there was none."""
        ...


class ClaimStore(Protocol):
    """What one event alone may do: use something up, and have an effect."""

    async def consume(self, installation_id: InstallationId, key: str, *, event: EventId) -> bool:
        """Use something up for an event, for good; False if another event has.

        Of many events one gets it, and gets it again however often it asks. It stays used
        up when that event is forgotten, until the installation is.

        Raises:
            Fenced: If the installation is gone or being purged.
        """
        ...

    async def begin_effect(
        self, installation_id: InstallationId, event: EventId, key: str
    ) -> Effect:
        """Write down that an effect of an event begins, or tell what is known of it.

        Of many callers one begins it. It is forgotten with the event; reviving the event
        forgets those that were begun and not ended.

        Raises:
            Fenced: If the installation is gone or being purged.
        """
        ...

    async def end_effect(
        self, installation_id: InstallationId, event: EventId, key: str, *, result: bytes
    ) -> None:
        """Keep what an effect gave.

        Raises:
            Fenced: If the installation is gone or being purged.
        """
        ...

    async def drop_effect(self, event: EventId, key: str) -> None:
        """Forget an effect that was begun: it did not come about. One that ended stays."""
        ...


class PurgeStore(Protocol):
    """Purges under way, and receipts."""

    async def begin_purge(
        self,
        installation_id: InstallationId,
        *,
        removed_at: datetime,
        now: datetime,
        deadline_at: datetime,
        held: bool = True,
        retain: bool = False,
        report: bytes | None = None,
    ) -> Purge | None:
        """Fence the installation and make its purge durable; None if there is none to purge.

        So it is if the installation is not there, and if it was authorized again after
        `removed_at`: a removal ends what was authorized until then. Called again for one
        that is PURGING, it returns the purge under way.

        Args:
            held: Whether anything was kept of them before the removal was heard of.
            retain: Whether the bot's own steps are to be left out.
            report: What Zoom is to be told when all is done; kept in the same transaction.
        """
        ...

    async def purges(self, *, due_by: datetime | None = None) -> Sequence[Purge]:
        """List the purges under way, oldest first; only those that are due, if so asked.

        One that somebody carries out now is not due.
        """
        ...

    async def find_purge(self, receipt_id: ReceiptId) -> Purge | None:
        """Find the purge under way that this receipt will prove."""
        ...

    async def alarm_purges(self, *, now: datetime) -> Sequence[tuple[InstallationId, int]]:
        """Note which purges have used up another of `ALARMS` percent of their time.

        Each alarm is given once, to one caller, over restarts as well: the highest that is
        reached, by installation.
        """
        ...

    async def overdue_purges(self, *, now: datetime) -> int:
        """Count the purges whose deadline is over."""
        ...

    async def lease_purge(
        self, installation_id: InstallationId, *, holder: str, now: datetime, until: datetime
    ) -> Purge | None:
        """Take the right to carry a purge out, or keep it; None if another has it, or it is over.

        Returns:
            The purge as it stands now, with what other holders have done.
        """
        ...

    async def begin_step(self, installation_id: InstallationId, step: str, *, holder: str) -> None:
        """Write down that a step is begun, once more.

        Raises:
            Fenced: If no such purge is under way, or another holds it.
        """
        ...

    async def record_step(
        self,
        installation_id: InstallationId,
        step: str,
        deleted: int,
        *,
        holder: str,
        done: bool = True,
    ) -> int:
        """Add to what a step has deleted, and write down that it is done; give the sum.

        Raises:
            Fenced: If no such purge is under way, or another holds it.
        """
        ...

    async def hasten_purges(self, *, now: datetime) -> int:
        """Have every purge that waits be tried again now; say how many did."""
        ...

    async def defer_purge(
        self, installation_id: InstallationId, *, until: datetime, holder: str
    ) -> None:
        """Give up the lease, and try again when `until` has come; counts an attempt.

        Of a purge that another holds, nothing changes.
        """
        ...

    async def erase(self, installation_id: InstallationId, part: str) -> int:
        """Delete one part (of `ERASABLE`) of an installation; say how many rows went.

        The same transactions add them to the step of that name, if a purge is under way.
        `state` is also what its events have used up, and the effects they have had.
        `inbox` erases bodies and drops undone events, also those that were never looked at
        (their body names the owner) unless newer than the removal; hashes stay, without owner.
        """
        ...

    async def count_erasable(self, installation_id: InstallationId) -> Mapping[str, int]:
        """Count what `erase` would delete now of each part, in their order; change nothing."""
        ...

    async def erase_installation(self, installation_id: InstallationId) -> int:
        """Delete the installation's row; its purge stays until `end_purge`, and counts it.

        It is not counted where nothing was held.
        """
        ...

    async def end_purge(self, installation_id: InstallationId, receipt: Receipt) -> None:
        """Keep the receipt and drop the purge, in one transaction.

        Raises:
            ReceiptRefused: If the receipt's place in the chain is taken meanwhile: sign anew.
        """
        ...

    async def get_receipt(self, receipt_id: ReceiptId) -> Receipt | None:
        """Read a receipt."""
        ...

    async def receipts(self, *, limit: int = 1000) -> Sequence[Receipt]:
        """List receipts in the order of their chain."""
        ...

    async def last_receipt(self) -> Receipt | None:
        """Read the newest receipt, from which the chain goes on."""
        ...

    async def adopt_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Keep again receipts that a restored backup does not know of."""
        ...

    async def reports(self, *, due_by: datetime) -> Sequence[Report]:
        """List what Zoom is to be told by now, of purges that are done.

        One whose key is gone was told, or given up, before a backup was restored: it is dropped.
        """
        ...

    async def defer_report(
        self, installation_id: InstallationId, *, until: datetime, alarmed: bool = False
    ) -> None:
        """Try a report again when `until` has come; counts an attempt."""
        ...

    async def end_report(self, installation_id: InstallationId) -> None:
        """Delete a report and destroy its key: Zoom was told, or the time is over."""
        ...

    async def scrub(self) -> None:
        """Leave nothing of what was deleted in free pages or in the write-ahead log."""
        ...


class CaseStore(Protocol):
    """Doubts whether an installation was removed, until they are settled."""

    async def open_case(
        self, reason: str, *, installation_id: InstallationId | None, now: datetime
    ) -> Case:
        """Open a case, or return the open one for the same installation and reason.

        Raises:
            Fenced: If the installation is gone or being purged: no doubt is left.
        """
        ...

    async def close_case(self, case_id: str, *, outcome: Outcome, now: datetime) -> bool:
        """Settle a case; False if it is not open.

        Of several who settle it at the same time one does, a re-authorization included.
        """
        ...

    async def get_case(self, case_id: str) -> Case | None:
        """Read a case."""
        ...

    async def cases(self, *, limit: int = 1000) -> Sequence[Case]:
        """List the cases, open ones first."""
        ...

    async def cases_of(self, installation_id: InstallationId | None) -> Sequence[Case]:
        """List an installation's cases, or those that are about none, newest first."""
        ...

    async def unsettled_cases(
        self, *, opened_by: datetime | None = None, after: str = "", limit: int
    ) -> Sequence[Case]:
        """List, by id, installations' cases that are open or are yet to end in a purge.

        Of the open ones only those opened by `opened_by`, if so asked.
        """
        ...

    async def count_doubtful(self) -> tuple[int, int]:
        """Count the live installations with an open case, and all live ones."""
        ...

    async def expire_cases(self, *, closed_before: datetime) -> int:
        """Forget cases that were settled before then, but those that are yet to end in a purge."""
        ...


class Store(
    InboxStore,
    InstallationStore,
    GrantStore,
    BotStateStore,
    ClaimStore,
    PurgeStore,
    CaseStore,
    Protocol,
):
    """Everything Innkeeper keeps, but keys and tombstones."""

    async def open(self) -> None:
        """Connect, migrate, and check that every key is there.

        Raises:
            StoreUnavailable: If the database cannot be opened, or is newer than this code.
            KeyMissing: If the key ring lacks a key that sealed what is there.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        ...

    async def ready(self) -> bool:
        """Tell whether a write would be taken now."""
        ...

    async def census(self, *, now: datetime) -> Census:
        """Count what is kept and what waits.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        ...


class Vault(Protocol):
    """Data keys and tombstones: backed up apart, never restored to an older state."""

    async def open(self) -> None:
        """Open the vault, making it when it is not there.

        Raises:
            StoreUnavailable: If it cannot be opened.
            KeyMissing: If the key ring lacks the key that wraps what is there.
        """
        ...

    async def close(self) -> None:
        """Let go of the vault."""
        ...

    async def make_key(self, subject: str) -> tuple[str, bytes]:
        """Make the data key of a subject, or return the one that is there: id and 32 bytes.

        A subject is an installation's id, `app`, `index`, `day:2026-11-23`, or `report:` and an
        installation's id.
        """
        ...

    async def find_key(self, subject: str) -> tuple[str, bytes] | None:
        """Find the data key of a subject."""
        ...

    async def missing_keys(self, subjects: Sequence[str]) -> Sequence[str]:
        """Tell which of these subjects have no data key, without unwrapping any."""
        ...

    async def destroy_key(self, subject: str) -> bool:
        """Destroy a subject's data key beyond recovery: what it sealed is gone everywhere."""
        ...

    async def destroy_days_before(self, day: date) -> int:
        """Destroy the inbox keys of earlier days."""
        ...

    async def bury(self, tombstone: Tombstone, *, owner: Owner) -> None:
        """Keep a tombstone; of the owner only a keyed hash.

        Burying twice is burying once; of two removals the later one counts.
        """
        ...

    async def find_tombstone(self, owner: Owner) -> Tombstone | None:
        """Find the owner's latest tombstone."""
        ...

    async def tombstones(self) -> Mapping[InstallationId, Tombstone]:
        """List every tombstone by its installation."""
        ...

    async def forget_owners(self, *, buried_before: datetime) -> int:
        """Drop the owners' hashes of tombstones older than that; the tombstones stay."""
        ...

    async def keep_receipt(self, receipt: Receipt) -> None:
        """Keep a receipt where no restored backup can undo it. Keeping twice is keeping once.

        Raises:
            ReceiptRefused: If its place in the chain is taken by another: sign anew.
        """
        ...

    async def get_receipt(self, receipt_id: ReceiptId) -> Receipt | None:
        """Read a receipt."""
        ...

    async def receipts(self, *, after: int = 0, limit: int = 1000) -> Sequence[Receipt]:
        """List receipts in the order of their chain, from the one after this place."""
        ...

    async def last_receipt(self) -> Receipt | None:
        """Read the newest receipt, from which the chain goes on."""
        ...

    async def wrapped_by(self) -> Mapping[str, int]:
        """Count the keys that each key of the ring wraps, by its id; not those that wrap none."""
        ...

    async def wrap_anew(self, *, limit: int) -> int:
        """Wrap with the newest key of the ring some keys that an older one wraps; say how many.

        It can be stopped anywhere and called again. Once it says 0, nothing is left that an
        older key could open.
        """
        ...

    async def signing_key(self) -> SigningKey:
        """Return the key that signs receipts, making the first when there is none."""
        ...

    async def signing_keys(self) -> Sequence[SigningKey]:
        """List all signing keys, oldest first, each endorsed by the one before."""
        ...

    async def replace_signing_key(self) -> SigningKey:
        """Make a new key to sign receipts with, endorsed by the one so far."""
        ...
