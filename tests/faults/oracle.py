"""What must hold whatever happened? One oracle, asked after every fault.

I5  Token safety: of each live grant the newest refresh token that Zoom gave is kept, or the
    person is asked to authorize again; no grant is dead in silence.
I6  Single flight: one refresh for one expiry, one more for each crash and each lost answer.
I7  Purge completeness: once it is proven, nothing of her is in any byte of any file.
I8  Purge honesty: a receipt means I7; until then the purge is known to be under way.
I9  Fence: once she is being purged, rows of hers go and none comes or changes.
I10 Isolation: what is kept of others stays as it was.
I14 Integrity: the database is sound, and the receipts form one signed chain.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from innkeeper.emulator.world import Token, User
from innkeeper.flows.reauth import REAUTH_NEEDED
from innkeeper.flows.receipts import digest, hand_out, verify_file
from innkeeper.ids import InstallationId, ReceiptId
from innkeeper.store.records import Grant, Installation, InstallationStatus, Receipt
from innkeeper.testing import Visitor
from tests.faults.shelves import Remains
from tests.faults.town import Town


class Violated(AssertionError):
    """An invariant does not hold."""


@dataclass(frozen=True, slots=True)
class _Before:
    """How things stood before it began."""

    ids: Mapping[str, InstallationId]
    """Installations by their users."""
    tokens: Mapping[str, Token | None]
    rows: Mapping[str, bytes]
    sealed: Mapping[str, bytes]
    traffic: int


class Oracle:
    """Compares what the bot keeps with what Zoom remembers.

    Args:
        town: Where it happens.
        people: To whom it happens; whoever may be forgotten first.
        bystanders: To whom nothing must happen.
    """

    def __init__(
        self, town: Town, *, people: tuple[Visitor, ...], bystanders: tuple[Visitor, ...] = ()
    ) -> None:
        self._town = town
        self._victim = people[0]
        self._people = (*people, *bystanders)
        self._bystanders = bystanders
        self._canaries: dict[InstallationId, set[bytes]] = {}
        self._before: _Before | None = None

    async def note(self) -> None:
        """Note how things stand before anything is done."""
        town = self._town
        # What was to be written soon goes with this commit: it is no part of what comes.
        await town.parts.store.expire_pending(before=town.clock.now())
        remains = town.remains()
        ids = {str(each.person.user_id): each.id for each in await self._installations()}
        people = self._people
        self._before = _Before(
            ids,
            {each.user.id: self.newest(each.user) for each in people},
            {each: _hash(remains, each) for each in ids.values()},
            {each: _tokens_hash(remains, each) for each in ids.values()},
            town.emulator.traffic.newest,
        )
        self._collect(remains)

    @property
    def before(self) -> _Before:
        """How things stood when they were noted."""
        if self._before is None:
            message = "note() comes first"
            raise AssertionError(message)
        return self._before

    def left(self) -> None:
        """Judge what a process left behind when it died, before anybody mends it.

        Raises:
            Violated: If an invariant does not hold.
        """
        remains = self._town.remains()
        self._sound(remains)
        self._honest(remains)
        self._collect(remains)

    async def risen(self) -> None:
        """Judge what holds as soon as the next process has started.

        Raises:
            Violated: If an invariant does not hold.
        """
        for visitor, _, grant in await self._grants():
            newest = self.newest(visitor.user)
            if grant is None or newest is None or _keeps(grant, newest):
                continue
            if not grant.dead and grant.attempted_at is None:
                raise Violated("I5: a spent refresh token is kept, and nothing says so")
            if f"Bearer {newest.access}" in self._town.plan.shown:
                raise Violated("I5: a token was used before it was kept")

    async def settled(self, *, forgotten: bool = False, expired: int = 0) -> None:
        """Judge what holds in the end.

        Args:
            forgotten: Whether the victim must be forgotten by now, and have a receipt.
            expired: How many tokens have expired since.

        Raises:
            Violated: If an invariant does not hold.
        """
        remains = self._town.remains()
        self._sound(remains)
        await self._chained()
        self._honest(remains)
        self._buried(remains)
        if forgotten:
            await self._forgotten(remains)
        await self._tokens()
        self._single_flight(expired)
        self._isolated(remains)

    # I5, I6

    def newest(self, user: User) -> Token | None:
        """Find the tokens that a user authorized last, if they live."""
        world, app = self._town.emulator.world, self._town.record
        if world.installation_for(app, user) is None:
            return None
        hers = (t for t in reversed(world.tokens) if t.kind == "user" and t.user_id == user.id)
        return next((token for token in hers if not token.revoked and not token.refreshed), None)

    async def _tokens(self) -> None:
        for visitor, installation, grant in await self._grants():
            if installation.status is InstallationStatus.NEEDS_REAUTH:
                rows = await self._town.parts.store.inbox_rows(limit=1000)
                if not any(row.name == REAUTH_NEEDED for row in rows):
                    raise Violated("I5: a grant is dead, and nobody was told")
                continue
            newest = self.newest(visitor.user)
            if grant is None:
                raise Violated("I5: an installation without tokens, and nobody was told")
            if newest is None or not _keeps(grant, newest):
                raise Violated("I5: a silently dead grant: not the newest refresh token is kept")

    async def _grants(self) -> list[tuple[Visitor, Installation, Grant | None]]:
        found: list[tuple[Visitor, Installation, Grant | None]] = []
        people = {each.user.id: each for each in self._people}
        world, app = self._town.emulator.world, self._town.record
        for each in await self._installations():
            visitor = people.get(str(each.person.user_id))
            if visitor is None or each.status is InstallationStatus.PURGING:
                continue
            if world.installation_for(app, visitor.user) is None:
                continue  # Zoom's word that she left is still on its way
            grant = await self._town.parts.store.find_grant(str(each.id))
            found.append((visitor, each, grant))
        return found

    def refreshes(self) -> int:
        """Count the refreshes that Zoom was asked for since."""
        return len(
            [
                record
                for record in self._town.emulator.traffic.records(after=self.before.traffic)
                if record.url.startswith("/oauth/token")
                and "grant_type=refresh_token" in record.request.body
            ]
        )

    def _single_flight(self, expired: int) -> None:
        lost = "transport.token:after" in self._town.plan.failed
        asked, most = self.refreshes(), expired + self._town.crashes + lost
        if asked > most:
            raise Violated(f"I6: {asked} refreshes where {most} would do")

    # I7, I8, I9

    def _honest(self, remains: Remains) -> None:
        for document in _documents(remains):
            installation_id = InstallationId(document["installation"])
            if not document["complete"]:
                raise Violated("I8: a receipt that is not complete")
            self._gone(remains, installation_id)
        under_way = {row["installation_id"] for row in remains.store["purges"].dicts()}
        proven = {document["installation"] for document in _documents(remains)}
        here = set(remains.ids("installations"))
        for row in remains.vault["tombstones"].dicts():
            if row["installation_id"] not in under_way | proven | here:
                raise Violated("I8: somebody was buried, and no purge knows of it")

    def _gone(self, remains: Remains, installation_id: InstallationId) -> None:
        left = remains.of(installation_id)
        if left:
            raise Violated(f"I8: a receipt is there, and so are rows in {', '.join(left)}")
        if any(row["subject"] == installation_id for row in remains.vault["data_keys"].dicts()):
            raise Violated("I8: a receipt is there, and so is the data key")
        for name, content in remains.files.items():
            for canary in self._canaries.get(installation_id, ()):
                if canary in content:
                    raise Violated(f"I7: bytes of hers are left in {name}")

    def _buried(self, remains: Remains) -> None:
        live = {
            row["id"]: row["authorized_at"]
            for row in remains.store["installations"].dicts()
            if row["status"] != InstallationStatus.PURGING
        }
        for row in remains.vault["tombstones"].dicts():
            if row["at"] >= live.get(row["installation_id"], row["at"] + 1):
                raise Violated("I9: a live installation has a tombstone")

    async def _forgotten(self, remains: Remains) -> None:
        gone = self.before.ids[self._victim.user.id]
        receipts = [each for each in _documents(remains) if each["installation"] == gone]
        if len(receipts) != 1:
            raise Violated(f"I8: {len(receipts)} receipts of one purge")
        left = await self._town.leftovers(self._victim)
        if left:
            raise Violated(f"I7: {left[0]}")
        if self._victim.user.id in self._town.notes.kept:
            raise Violated("I7: the bot's own step left something")

    def _collect(self, remains: Remains) -> None:
        """Learn what her rows look like sealed, and her key wrapped."""
        for installation_id in remains.ids("installations"):
            known = self._canaries.setdefault(InstallationId(installation_id), set())
            keys = remains.vault["data_keys"].dicts()
            known |= {row["wrapped"] for row in keys if row["subject"] == installation_id}
            known |= set(remains.sealed(installation_id))

    # I10, I14

    def _isolated(self, remains: Remains) -> None:
        for visitor in self._bystanders:
            theirs = self.before.ids.get(visitor.user.id)
            if theirs is None:
                continue
            if _hash(remains, theirs) != self.before.rows[theirs]:
                raise Violated("I10: rows of somebody else have changed")
            same = self.newest(visitor.user) is self.before.tokens[visitor.user.id]
            if same and _tokens_hash(remains, theirs) != self.before.sealed[theirs]:
                raise Violated("I10: tokens of somebody else have changed")

    def _sound(self, remains: Remains) -> None:
        if remains.unsound:
            raise Violated(f"I14: {remains.unsound[0]}")

    async def _chained(self) -> None:
        parts = self._town.parts
        keys = {key.id: key.public for key in await parts.vault.signing_keys()}
        previous: Receipt | None = None
        for receipt in await parts.store.receipts():
            public = keys[receipt.key_id]
            statement = verify_file(hand_out(receipt, public=public), public=public)
            expected = digest(previous) if previous else ""
            if statement.previous != expected or statement.receipt != receipt.id:
                raise Violated(f"I14: receipt {receipt.sequence} breaks the chain")
            previous = receipt

    async def _installations(self) -> list[Installation]:
        return list(await self._town.parts.store.installations())


def _documents(remains: Remains) -> list[dict[str, Any]]:
    return [msgspec.json.decode(row["document"]) for row in remains.store["receipts"].dicts()]


def receipt_ids(remains: Remains) -> list[ReceiptId]:
    """List the receipts that lie there."""
    return [ReceiptId(each) for each in remains.ids("receipts")]


def _keeps(grant: Grant, newest: Token) -> bool:
    kept = grant.refresh_token
    return kept is not None and newest.refresh is not None and kept.reveal() == newest.refresh


def _hash(remains: Remains, installation_id: str) -> bytes:
    """Hash all that is kept of somebody but the tokens, which are held to I5."""
    rows = {name: sorted(map(repr, rows)) for name, rows in remains.of(installation_id).items()}
    rows.pop("grants", None)
    return hashlib.sha256(repr(sorted(rows.items())).encode()).digest()


def _tokens_hash(remains: Remains, installation_id: str) -> bytes:
    grants = [row for row in remains.store["grants"].dicts() if row["id"] == installation_id]
    sealed = [(row["version"], row["sealed"]) for row in grants]
    return hashlib.sha256(repr(sealed).encode()).digest()
