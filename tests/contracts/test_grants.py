import asyncio
from dataclasses import replace

import pytest

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId
from innkeeper.store.base import Store, Vault
from innkeeper.store.records import GrantKind
from tests.contracts.houses import (
    DAY,
    MINUTE,
    NOW,
    House,
    app_grant,
    opened,
    purge_begun,
    user_grant,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", [GrantKind.CHATBOT, GrantKind.ACCOUNT])
async def test_keeps_the_apps_own_tokens(store: Store, kind: GrantKind) -> None:
    assert await store.find_grant(kind) is None
    saved = await store.save_grant(app_grant(kind), replaces=0, now=NOW)
    assert saved == replace(app_grant(kind), version=1)
    assert await store.find_grant(kind) == saved


async def test_keeps_a_users_tokens(store: Store) -> None:
    ana = await opened(store)
    saved = await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    assert saved == user_grant(ana, version=1)
    assert await store.find_grant(ana) == saved


async def test_of_two_who_replace_one_version_one_wins(store: Store) -> None:
    ana = await opened(store)
    await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    saved = await asyncio.gather(
        store.save_grant(user_grant(ana, token="left"), replaces=1, now=NOW),
        store.save_grant(user_grant(ana, token="right"), replaces=1, now=NOW),
    )
    (winner,) = [each for each in saved if each is not None]
    assert winner.version == 2
    assert await store.find_grant(ana) == winner
    assert await store.save_grant(user_grant(ana), replaces=1, now=NOW) is None
    assert await store.save_grant(user_grant(ana), replaces=0, now=NOW) is None


async def test_a_new_authorization_replaces_whatever_stands_there(store: Store) -> None:
    ana = await opened(store)
    first = await store.replace_grant(user_grant(ana), now=NOW)
    second = await store.replace_grant(user_grant(ana, token="new"), now=NOW)
    assert (first.version, second.version) == (1, 2)
    assert await store.find_grant(ana) == second


async def test_one_of_many_takes_the_lease_until_it_ends(store: Store) -> None:
    ana = await opened(store)
    await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    taken = await asyncio.gather(
        *(
            store.lease_grant(ana, 1, holder=f"process-{n}", now=NOW, until=NOW + MINUTE)
            for n in range(20)
        )
    )
    assert sum(taken) == 1
    later = NOW + MINUTE
    assert not await store.lease_grant(ana, 2, holder="x", now=later, until=later + MINUTE)
    assert await store.lease_grant(ana, 1, holder="x", now=later, until=later + MINUTE)


async def test_a_lease_can_be_taken_before_there_are_tokens(store: Store) -> None:
    ana = await opened(store)
    for grant_id in ("chatbot", "account", ana):
        assert await store.lease_grant(grant_id, 0, holder="a", now=NOW, until=NOW + MINUTE)
        assert not await store.lease_grant(grant_id, 0, holder="b", now=NOW, until=NOW + MINUTE)
        assert await store.find_grant(grant_id) is None
    assert await store.renewable_grants(now=NOW + DAY, limit=10) == []
    assert await store.save_grant(app_grant(), replaces=0, now=NOW) is not None


async def test_only_its_holder_gives_up_a_lease(store: Store) -> None:
    await store.save_grant(app_grant(), replaces=0, now=NOW)
    assert await store.lease_grant("chatbot", 1, holder="a", now=NOW, until=NOW + MINUTE)
    await store.release_grant("chatbot", holder="b")
    assert not await store.lease_grant("chatbot", 1, holder="b", now=NOW, until=NOW + MINUTE)
    await store.release_grant("chatbot", holder="a")
    assert await store.lease_grant("chatbot", 1, holder="b", now=NOW, until=NOW + MINUTE)


async def test_a_commit_clears_lease_and_journal(store: Store) -> None:
    ana = await opened(store)
    await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    await store.lease_grant(ana, 1, holder="a", now=NOW, until=NOW + DAY)
    assert await store.journal_grant(ana, 1, at=NOW)
    begun = await store.find_grant(ana)
    assert begun is not None
    assert begun.attempted_at == NOW
    saved = await store.save_grant(user_grant(ana), replaces=1, now=NOW)
    assert saved is not None
    assert saved.attempted_at is None
    assert await store.lease_grant(ana, 2, holder="b", now=NOW, until=NOW + DAY)


async def test_journal_and_death_are_of_one_version(store: Store) -> None:
    ana = await opened(store)
    await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    assert not await store.journal_grant(ana, 2, at=NOW)
    assert not await store.kill_grant(ana, 2)
    assert await store.kill_grant(ana, 1)
    dead = await store.find_grant(ana)
    assert dead is not None
    assert dead.dead
    alive = await store.save_grant(user_grant(ana), replaces=1, now=NOW)
    assert alive is not None
    assert not alive.dead


async def test_nobody_may_renew_what_has_died_but_the_apps_own(store: Store) -> None:
    ana = await opened(store)
    await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    await store.save_grant(app_grant(), replaces=0, now=NOW)
    for grant_id, may_be_renewed in ((ana, False), ("chatbot", True)):
        assert await store.kill_grant(grant_id, 1)
        taken = await store.lease_grant(grant_id, 1, holder="a", now=NOW, until=NOW + MINUTE)
        assert taken is may_be_renewed


async def test_remembers_when_a_version_was_last_used_and_is_to_be_renewed(store: Store) -> None:
    await store.save_grant(app_grant(), replaces=0, now=NOW)
    for at in (NOW + 2 * MINUTE, NOW + MINUTE):
        await store.touch_grant("chatbot", 1, used_at=at, renew_at=at + DAY)
    await store.touch_grant("chatbot", 2, used_at=NOW + DAY, renew_at=None)
    found = await store.find_grant("chatbot")
    assert found is not None
    assert found.used_at == NOW + 2 * MINUTE
    assert found.renew_at == NOW + MINUTE + DAY
    await store.touch_grant("chatbot", 1, used_at=NOW, renew_at=None)
    found = await store.find_grant("chatbot")
    assert found is not None
    assert found.renew_at is None


async def test_lists_what_is_to_be_renewed_the_longest_due_first(store: Store) -> None:
    ids = [await opened(store, name) for name in ("ana", "bob", "eve", "ida", "joe")]
    ana, bob, eve, ida, joe = ids
    due = dict(zip(ids, [NOW + MINUTE, NOW, NOW + 2 * MINUTE, NOW, None], strict=True))
    for each, renew_at in due.items():
        await store.save_grant(replace(user_grant(each), renew_at=renew_at), replaces=0, now=NOW)
    await store.kill_grant(ida, 1)
    listed = await store.renewable_grants(now=NOW + MINUTE, limit=10)
    assert [grant.id for grant in listed] == [bob, ana]
    assert listed[0] == replace(user_grant(bob, version=1), renew_at=NOW)
    assert [grant.id for grant in await store.renewable_grants(now=NOW + DAY, limit=2)] == [
        bob,
        ana,
    ]
    assert await store.renewable_grants(now=NOW - MINUTE, limit=10) == []
    await store.replace_grant(replace(user_grant(bob), renew_at=NOW + DAY), now=NOW)
    await store.touch_grant(joe, 1, used_at=NOW, renew_at=NOW)
    listed = await store.renewable_grants(now=NOW + 2 * MINUTE, limit=10)
    assert [grant.id for grant in listed] == [joe, ana, eve]


async def test_no_token_is_written_for_an_installation_that_is_over(store: Store) -> None:
    ana = await opened(store)
    await store.save_grant(replace(user_grant(ana), renew_at=NOW), replaces=0, now=NOW)
    await store.lease_grant(ana, 1, holder="a", now=NOW, until=NOW + DAY)
    await purge_begun(store, ana)
    for each in (ana, InstallationId("ins_nobody")):
        with pytest.raises(Fenced):
            await store.save_grant(user_grant(each), replaces=1, now=NOW)
        with pytest.raises(Fenced):
            await store.replace_grant(user_grant(each), now=NOW)
        with pytest.raises(Fenced):
            await store.lease_grant(each, 0, holder="b", now=NOW, until=NOW + DAY)
        with pytest.raises(Fenced):
            await store.journal_grant(each, 1, at=NOW)
        assert not await store.kill_grant(each, 1)
        await store.touch_grant(each, 1, used_at=NOW + DAY, renew_at=NOW)
        await store.release_grant(each, holder="a")
    left = await store.find_grant(ana)
    assert left is not None
    assert (left.version, left.dead, left.used_at) == (1, False, NOW)
    assert await store.renewable_grants(now=NOW + DAY, limit=10) == []


async def test_a_late_commit_does_not_bring_erased_tokens_back(store: Store) -> None:
    ana = await opened(store)
    await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    await purge_begun(store, ana)
    await store.erase(ana, "grants")
    with pytest.raises(Fenced):
        await store.save_grant(user_grant(ana), replaces=1, now=NOW)
    await store.erase_installation(ana)
    with pytest.raises(Fenced):
        await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    assert await store.find_grant(ana) is None


async def test_tokens_survive_a_restart(house: House, vault: Vault, store: Store) -> None:
    ana = await opened(store)
    saved = await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    await store.close()
    store = house.store(vault)
    await store.open()
    assert await store.find_grant(ana) == saved
    await store.close()


async def test_tokens_whose_key_is_gone_are_not_there(store: Store, vault: Vault) -> None:
    ana = await opened(store)
    await store.save_grant(replace(user_grant(ana), renew_at=NOW), replaces=0, now=NOW)
    await vault.destroy_key(ana)
    assert await store.find_grant(ana) is None
    assert await store.renewable_grants(now=NOW + DAY, limit=10) == []
