import shutil
from pathlib import Path

import pytest

from innkeeper.errors import Fenced
from innkeeper.ids import AccountId, InstallationId, Jid, UserId
from innkeeper.secret import Secret
from innkeeper.store.base import ERASABLE
from innkeeper.store.records import (
    EventState,
    Owner,
    PendingInstall,
    Person,
    Receipt,
    Tombstone,
)
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.vault import SqliteVault
from tests.contracts.houses import (
    DAY,
    MINUTE,
    NOW,
    SqliteHouse,
    app_grant,
    body,
    opened,
    purge_begun,
    user_grant,
)
from tests.store.sqlite.beside import by_hand, on_disk

pytestmark = pytest.mark.anyio


ACCOUNT, USER = "canaryAccountQ7", "canaryUserX9"
CANARIES = (
    ACCOUNT,
    USER,
    USER.lower(),
    "canaryJid",
    "Canary Person",
    "canary@people.test",
    "canaryAccess",
    "canaryRefresh",
    "canaryStateKey",
    "canaryStateValue",
    "canaryUsedUp",
    "canaryEffectKey",
    "canaryEffectResult",
    "canaryText",
    "canaryAnswer",
    "canaryOauthState",
    "canaryVerifier",
    "canaryAttempt",
    "canaryBotToken",
)
CANARY = Owner(AccountId(ACCOUNT), UserId(USER))


async def live_a_life(store: SqliteStore) -> InstallationId:
    """Have somebody do everything that leaves a trace."""
    who = Person(CANARY.account_id, UserId(USER), Jid("canaryJid@xmpp.test"))
    named = Person(*(who.account_id, who.user_id, who.jid), "Canary Person", "canary@people.test")
    installation, _ = await store.open_installation(CANARY, named, authorized_at=NOW)
    ana = installation.id
    grant = user_grant(ana, token="canaryAccess")
    await store.save_grant(grant, replaces=0, now=NOW)
    await store.replace_grant(user_grant(ana, token="canaryRefresh"), now=NOW)
    await store.save_grant(app_grant(), replaces=0, now=NOW)
    await store.set_state(ana, "canaryStateKey", b"canaryStateValue")
    await store.set_state(ana, "gone", b"canaryStateValue" * 500)
    await store.delete_state(ana, "gone")
    pending = PendingInstall(
        "canaryAttempt", Secret("canaryVerifier"), NOW + MINUTE, "canaryInvitation"
    )
    await store.begin_install("canaryOauthState", pending)
    content = (
        body().replace(b"account-of-ana", ACCOUNT.encode()).replace(b"user-ana", USER.encode())
    )
    events = [
        await store.accept(
            key=bytes([number]) * 32,
            name="bot_notification",
            body=content.replace(b"help", b"canaryText" * (1 + 100 * number)),
            owner=CANARY if number % 2 else None,
            now=NOW,
        )
        for number in range(8)
    ]
    for event in events[:3]:
        await store.consume(ana, f"canaryUsedUp {event.id}", event=event.id)
        await store.begin_effect(ana, event.id, "canaryEffectKey")
        await store.end_effect(ana, event.id, "canaryEffectKey", result=b"canaryEffectResult")
    for event, state in zip(events, (EventState.DONE, EventState.DEAD), strict=False):
        await store.finish(event.id, state, now=NOW, installation_id=ana)
    answer = b'{"text":"canaryAnswer"}'
    done = EventState.DONE
    await store.finish(events[2].id, done, now=NOW, installation_id=ana, answer=answer)
    await store.open_case("send_refused", installation_id=ana, now=NOW)
    return ana


async def test_nothing_personal_is_ever_on_disk_in_plain(
    store: SqliteStore, tmp_path: Path
) -> None:
    await live_a_life(store)
    left = on_disk(tmp_path)
    assert [canary for canary in CANARIES if canary.encode() in left] == []


async def test_after_a_purge_nothing_of_a_person_is_left(
    store: SqliteStore, vault: SqliteVault, tmp_path: Path
) -> None:
    bob = await opened(store, "bob")
    ana = await live_a_life(store)
    rows = by_hand(
        tmp_path,
        "SELECT sealed FROM installations UNION ALL SELECT sealed FROM grants"
        " UNION ALL SELECT sealed FROM states UNION ALL SELECT sealed FROM inbox_bodies"
        " UNION ALL SELECT sealed FROM effects UNION ALL SELECT key_index FROM consumed"
        " UNION ALL SELECT sealed FROM inbox_answers UNION ALL SELECT owner_index"
        " FROM installations",
    )
    traces = [row[0] for row in rows]
    kept = by_hand(
        tmp_path,
        "SELECT sealed FROM installations WHERE id = 'bob' UNION ALL"
        " SELECT owner_index FROM installations WHERE id = 'bob' UNION ALL"
        " SELECT sealed FROM grants WHERE id = 'chatbot'".replace("bob", bob),
    )
    assert len(traces) > 12

    await vault.bury(Tombstone(ana, 1, NOW + MINUTE, NOW), owner=CANARY)
    purge = await purge_begun(store, ana)
    for part in ERASABLE:
        await store.erase(ana, part)
    await store.erase_installation(ana)
    await vault.destroy_key(ana)
    await store.scrub()
    await store.end_purge(ana, Receipt(purge.receipt_id, 1, b"{}", b"s", "k"))

    everything = on_disk(tmp_path)
    assert [canary for canary in CANARIES if canary.encode() in everything] == []
    left = on_disk(tmp_path, "store.db")
    mine = [trace for trace in traces if (trace,) not in kept]
    assert len(mine) == len(traces) - 3
    assert [trace for trace in mine if isinstance(trace, bytes) and trace[-28:] in left] == []
    await vault.forget_owners(buried_before=NOW + 31 * DAY)
    left = on_disk(tmp_path)
    assert [trace for trace in mine if isinstance(trace, bytes) and trace[-28:] in left] == []


async def test_yesterdays_database_beside_todays_vault_shows_nothing(
    house: SqliteHouse, vault: SqliteVault, tmp_path: Path
) -> None:
    store = house.store(vault)
    await store.open()
    bob = await opened(store, "bob")
    ana = await live_a_life(store)
    await store.close()
    yesterday = tmp_path / "yesterday"
    shutil.copy(tmp_path / "store.db", yesterday)

    await store.open()
    await purge_begun(store, ana)
    for part in ERASABLE:
        await store.erase(ana, part)
    await store.erase_installation(ana)
    await vault.destroy_key(ana)
    await store.close()
    shutil.copy(yesterday, tmp_path / "store.db")

    store = house.store(vault)
    await store.open()
    assert await store.orphans() == [ana]
    assert [each.id for each in await store.installations()] == [bob]
    assert await store.find_installation(CANARY) is None
    assert await store.find_grant(ana) is None
    assert await store.get_state(ana, "canaryStateKey") is None
    with pytest.raises(Fenced):
        await store.set_state(ana, "canaryStateKey", b"again")
    assert [await store.erase(ana, part) for part in ERASABLE] == [1, 7, 7, 1]
    await store.erase_installation(ana)
    await store.scrub()
    assert await store.orphans() == []
    await store.close()
