"""Nobody goes on with a token that another process has seen replaced, or seen the end of."""

from datetime import timedelta
from time import perf_counter

import pytest

from innkeeper.errors import Fenced, NeedsReauth, StoreUnavailable
from innkeeper.flows.grants import Grants
from innkeeper.flows.tokens import LOOKED_AT_EVERY, UNSEEN
from innkeeper.ids import InstallationId
from innkeeper.secret import Secret
from innkeeper.store.records import Grant
from tests.flows.granting import ANA, Scene, tokens

pytestmark = pytest.mark.anyio

INSTANT = timedelta(milliseconds=1)


@pytest.fixture
async def scene() -> Scene:
    made = Scene()
    await made.authorize()
    return made


@pytest.fixture
async def other(scene: Scene) -> Grants:
    """Another process, which has the token at hand."""
    process = scene.process()
    assert (await process.user(ANA)).token == Secret("access-0")
    return process


async def test_takes_a_new_authorization_from_another_process(scene: Scene, other: Grants) -> None:
    await scene.grants.adopt(ANA, tokens(access="newer"))
    scene.clock.advance(LOOKED_AT_EVERY.total_seconds())
    assert (await other.user(ANA)).token == Secret("newer")
    assert scene.zoom.forms == []


async def test_gives_out_no_token_of_one_that_another_process_is_purging(
    scene: Scene, other: Grants
) -> None:
    scene.store.gone.add(ANA)
    scene.clock.advance(LOOKED_AT_EVERY.total_seconds())
    for _ in range(2):
        with pytest.raises(Fenced):
            await other.user(ANA)
    with pytest.raises(Fenced):
        await scene.process().user(ANA)


async def test_gives_out_no_token_that_another_process_has_purged(
    scene: Scene, other: Grants
) -> None:
    del scene.store.grants[ANA]
    scene.clock.advance(LOOKED_AT_EVERY.total_seconds())
    with pytest.raises(NeedsReauth):
        await other.user(ANA)


async def test_looks_no_oftener_than_that(scene: Scene, other: Grants) -> None:
    reads = scene.store.reads
    scene.clock.advance((LOOKED_AT_EVERY - INSTANT).total_seconds())
    for _ in range(100):
        await other.user(ANA)
    assert scene.store.reads == reads
    scene.clock.advance(INSTANT.total_seconds())
    for _ in range(100):
        await other.user(ANA)
    assert scene.store.reads == reads + 1


async def test_a_users_token_outlives_a_store_that_is_down_by_a_minute(
    scene: Scene, other: Grants, monkeypatch: pytest.MonkeyPatch
) -> None:
    await other.chatbot()

    async def down(_grant_id: str) -> Grant | None:
        raise StoreUnavailable("the store is down")

    monkeypatch.setattr(scene.store, "find_grant", down)
    scene.clock.advance((UNSEEN - INSTANT).total_seconds())
    assert (await other.user(ANA)).token == Secret("access-0")
    scene.clock.advance(INSTANT.total_seconds())
    with pytest.raises(StoreUnavailable):
        await other.user(ANA)
    assert (await other.chatbot()).token == Secret("access-1")


async def test_a_token_at_hand_costs_next_to_nothing(other: Grants) -> None:
    """Far above the two microseconds that `make bench` shows, for a machine that is busy."""
    begun = perf_counter()
    for _ in range(1000):
        await other.user(InstallationId(ANA))
    assert (perf_counter() - begun) / 1000 < 0.000_1
