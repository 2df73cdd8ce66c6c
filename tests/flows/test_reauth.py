"""Somebody whose tokens have died is told once for each authorization."""

from datetime import timedelta
from pathlib import Path

import pytest

from innkeeper.errors import Fenced
from innkeeper.flows.reauth import REAUTH_NEEDED, Notices
from innkeeper.ids import AccountId, InstallationId, Jid, UserId
from innkeeper.store.records import InboxEvent, InstallationStatus, Owner, Person
from tests.journeys.house import NOW, running

pytestmark = pytest.mark.anyio

OWNER = Owner(AccountId("Account-1"), UserId("User-1"))
PERSON = Person(AccountId("Account-1"), UserId("User-1"), Jid("user-1@xmpp.zoom.us"), "Ana")


async def test_tells_once_for_each_authorization(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[InboxEvent] = []
    async with running(tmp_path) as house:
        store = house.parts.store
        notices = Notices(inbox=store, installations=store, clock=house.clock, take=taken.append)
        opened, _ = await store.open_installation(OWNER, PERSON, authorized_at=NOW)
        for _ in range(2):
            await notices.needs_reauth(opened.id)
        assert [event.name for event in taken] == [REAUTH_NEEDED]
        found = await store.get_installation(opened.id)
        assert found is not None
        assert found.status is InstallationStatus.NEEDS_REAUTH
        for scopes in (["a:read"], ["a:read"], ["b:read", "a:read"], ["a:read", "b:read"]):
            await notices.scopes_missing(opened.id, scopes)
        assert len(taken) == 3
        monkeypatch.setattr("innkeeper.flows.reauth._ASKED_KEPT", 1)  # the inbox knows, too
        await notices.scopes_missing(opened.id, ["c:read"])
        await notices.scopes_missing(opened.id, ["a:read"])
        assert len(taken) == 4
        del taken[1:]
        later = NOW + timedelta(days=1)
        await store.open_installation(OWNER, PERSON, authorized_at=later)
        await notices.needs_reauth(opened.id)
        assert len(taken) == 2
        with pytest.raises(Fenced):
            await notices.needs_reauth(InstallationId("ins_gone"))
        with pytest.raises(Fenced):
            await notices.scopes_missing(InstallationId("ins_gone"), ["a:read"])
