import asyncio
from datetime import timedelta

import pytest

from innkeeper.errors import GrantRefused, NeedsReauth, StoreUnavailable, Unreachable
from innkeeper.flows.tokens import PARALLEL
from innkeeper.ids import InstallationId
from innkeeper.secret import Secret
from innkeeper.store.records import Grant
from tests.flows.granting import ANA, Answer, Scene, tokens

pytestmark = pytest.mark.anyio

BUSY = Answer(503)


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("lifetime", "used_until"),
    [(3600, 3540), (120, 60), (100, 50), (2, 1)],
)
async def test_renews_a_minute_early_or_halfway(
    scene: Scene, lifetime: int, used_until: int
) -> None:
    scene.zoom.lifetime = lifetime
    await scene.grants.chatbot()
    scene.clock.advance(used_until - 0.001)
    assert (await scene.grants.chatbot()).token == Secret("access-1")
    scene.clock.advance(0.001)
    assert (await scene.grants.chatbot()).token == Secret("access-2")


async def test_renews_what_the_store_has_kept_for_too_long(scene: Scene) -> None:
    await scene.grants.chatbot()
    scene.clock.advance(3541)
    assert (await scene.process().chatbot()).token == Secret("access-2")


async def test_knows_the_lifetime_of_a_users_token_from_the_store(scene: Scene) -> None:
    await scene.authorize(lifetime=100)
    scene.clock.advance(49)
    assert (await scene.process().user(ANA)).token == Secret("access-0")
    scene.clock.advance(1)
    assert (await scene.process().user(ANA)).token == Secret("access-1")


async def test_serves_a_token_that_still_lives_while_zoom_cannot_renew_it(scene: Scene) -> None:
    await scene.authorize()
    await scene.grants.user(ANA)
    scene.clock.advance(3550)
    scene.zoom.script.extend([BUSY] * 20)
    assert (await scene.grants.user(ANA)).token == Secret("access-0")
    assert (await scene.process().user(ANA)).token == Secret("access-0")
    scene.clock.advance(50)
    with pytest.raises(Unreachable):
        await scene.grants.user(ANA)
    assert not scene.store.grants[ANA].dead


async def test_serves_a_token_that_still_lives_while_zoom_is_left_alone(scene: Scene) -> None:
    await scene.authorize()
    scene.clock.advance(3550)
    scene.zoom.script.append(BUSY)
    with pytest.raises(Unreachable):
        await scene.grants.chatbot()
    assert (await scene.grants.user(ANA)).token == Secret("access-0")
    assert len(scene.zoom.forms) == 1


async def test_serves_no_token_of_a_grant_that_zoom_calls_over(scene: Scene) -> None:
    await scene.authorize()
    await scene.grants.user(ANA)
    scene.clock.advance(3550)
    scene.zoom.refresh = "rotated elsewhere"
    with pytest.raises(NeedsReauth):
        await scene.grants.user(ANA)


async def test_serves_a_token_that_still_lives_while_the_store_is_away(scene: Scene) -> None:
    await scene.authorize()
    await scene.grants.user(ANA)
    scene.clock.advance(3550)
    scene.store.broken = [StoreUnavailable("disk full"), StoreUnavailable("disk full")]
    assert (await scene.grants.user(ANA)).token == Secret("access-0")
    scene.clock.advance(6)
    assert (await scene.grants.user(ANA)).token == Secret("access-0")
    scene.clock.advance(6)
    assert (await scene.grants.user(ANA)).token == Secret("access-1")
    assert len(scene.zoom.forms) == 1


async def test_a_cancelled_caller_does_not_cancel_the_renewal(scene: Scene) -> None:
    scene.zoom.gate = asyncio.Event()
    caller = asyncio.ensure_future(scene.grants.chatbot())
    other = asyncio.ensure_future(scene.grants.chatbot())
    await scene.zoom.asked.wait()
    caller.cancel()
    scene.zoom.gate.set()
    assert (await other).token == Secret("access-1")
    assert caller.cancelled()
    assert len(scene.zoom.forms) == 1


async def test_a_renewal_that_nobody_waits_for_any_more_is_kept(scene: Scene) -> None:
    scene.zoom.gate = asyncio.Event()
    caller = asyncio.ensure_future(scene.grants.chatbot())
    await scene.zoom.asked.wait()
    caller.cancel()
    await asyncio.sleep(0)
    scene.zoom.gate.set()
    await scene.grants.aclose()
    assert (await scene.grants.chatbot()).token == Secret("access-1")
    assert len(scene.zoom.forms) == 1


async def test_a_failure_that_nobody_waits_for_does_no_harm(scene: Scene) -> None:
    scene.zoom.gate = asyncio.Event()
    scene.zoom.script.append(BUSY)
    caller = asyncio.ensure_future(scene.grants.chatbot())
    await scene.zoom.asked.wait()
    caller.cancel()
    scene.zoom.gate.set()
    await scene.grants.aclose()
    with pytest.raises(Unreachable):
        await scene.grants.chatbot()


async def test_k50_a_token_that_the_api_refuses_is_asked_for_anew_once(scene: Scene) -> None:
    access = await scene.grants.chatbot()
    assert [await scene.grants.refused(access) for _ in range(3)] == [True, True, True]
    assert (await scene.grants.chatbot()).token == Secret("access-2")
    assert (await scene.grants.chatbot()).token == Secret("access-2")
    assert len(scene.zoom.forms) == 2


async def test_a_refused_token_is_not_served_even_if_zoom_cannot_give_another(
    scene: Scene,
) -> None:
    await scene.authorize()
    access = await scene.grants.user(ANA)
    scene.zoom.script.append(BUSY)
    await scene.grants.refused(access)
    with pytest.raises(Unreachable):
        await scene.grants.user(ANA)


async def test_k43_an_api_that_refuses_everything_costs_one_renewal_a_minute(scene: Scene) -> None:
    for _ in range(100):
        await scene.grants.refused(await scene.grants.chatbot())
        scene.clock.advance(1)
    assert len(scene.zoom.forms) == 3  # the first one, then one for each minute begun


async def test_takes_what_another_process_has_renewed_after_a_refusal(scene: Scene) -> None:
    other = scene.process()
    stale = await other.chatbot()
    await scene.grants.refused(await scene.grants.chatbot())
    await scene.grants.chatbot()
    assert await other.refused(stale)
    assert (await other.chatbot()).token == Secret("access-2")
    assert len(scene.zoom.forms) == 2


async def test_an_old_refusal_does_not_cost_the_token_that_came_since(scene: Scene) -> None:
    stale = await scene.grants.chatbot()
    scene.clock.advance(3550)
    await scene.grants.chatbot()
    assert await scene.grants.refused(stale)
    current = await scene.grants.chatbot()
    assert current.token == Secret("access-2")
    assert await scene.grants.refused(current)
    assert (await scene.grants.chatbot()).token == Secret("access-3")


async def test_a_refusal_is_of_no_concern_to_a_process_that_never_gave_the_token(
    scene: Scene,
) -> None:
    access = await scene.grants.chatbot()
    assert await scene.process().refused(access)


async def test_forgets_a_token_while_it_is_being_renewed(scene: Scene) -> None:
    await scene.authorize()
    await scene.expire()
    scene.zoom.gate = asyncio.Event()
    caller = asyncio.ensure_future(scene.grants.user(ANA))
    await scene.zoom.asked.wait()
    await scene.grants.adopt(ANA, tokens(access="newer"))
    scene.zoom.gate.set()
    assert (await caller).token == Secret("newer")
    assert (await scene.grants.user(ANA)).token == Secret("newer")


async def test_remembers_no_token_that_was_replaced_while_it_was_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.authorize()
    find = scene.store.find_grant

    async def overtaken(grant_id: str) -> Grant | None:
        found = await find(grant_id)
        monkeypatch.undo()
        await scene.grants.adopt(ANA, tokens(access="newer"))
        return found

    monkeypatch.setattr(scene.store, "find_grant", overtaken)
    assert (await scene.grants.user(ANA)).token == Secret("access-0")
    assert (await scene.grants.user(ANA)).token == Secret("newer")


async def test_forgetting_what_was_never_known_does_no_harm(scene: Scene) -> None:
    scene.grants.forget(ANA)


async def test_asks_again_only_after_a_while_if_zoom_refuses_the_app(scene: Scene) -> None:
    refusal = {"reason": "Invalid client_id or client_secret", "error": "invalid_client"}
    scene.zoom.script.extend([Answer(400, refusal), Answer(400, refusal)])
    for _ in range(10):
        with pytest.raises(GrantRefused, match="invalid_client"):
            await scene.grants.chatbot()
    assert len(scene.zoom.forms) == 1
    scene.clock.advance(5)
    with pytest.raises(GrantRefused):
        await scene.grants.chatbot()
    scene.clock.advance(5)
    assert (await scene.grants.chatbot()).token == Secret("access-1")


async def test_renews_ahead_what_was_used_so_that_nobody_waits(scene: Scene) -> None:
    await scene.authorize()
    await scene.grants.user(ANA)
    scene.clock.advance(3400)
    assert await scene.grants.renew_ahead(scene.clock.now()) == 1
    assert (await scene.grants.user(ANA)).token == Secret("access-1")
    assert len(scene.zoom.forms) == 1


async def test_leaves_alone_ahead_of_time_what_lives_long_enough(scene: Scene) -> None:
    await scene.authorize()
    scene.clock.advance(2650)
    assert await scene.grants.renew_ahead(scene.clock.now()) == 0


async def test_stops_renewing_ahead_what_nobody_uses(scene: Scene) -> None:
    await scene.authorize()
    renewed: list[int] = []
    for _ in range(3):
        scene.clock.advance(3400)
        renewed.append(await scene.grants.renew_ahead(scene.clock.now()))
    assert renewed == [1, 0, 0]


async def test_notes_the_use_of_a_token_once_for_each_lifetime(scene: Scene) -> None:
    await scene.authorize()
    scene.clock.advance(3400)
    await scene.grants.renew_ahead(scene.clock.now())
    scene.clock.advance(10)
    for _ in range(3):
        await scene.grants.user(ANA)
        await scene.process().user(ANA)
    assert scene.store.touches == 1
    scene.clock.advance(3390)
    assert await scene.grants.renew_ahead(scene.clock.now()) == 1


async def test_gives_a_token_even_if_its_use_cannot_be_noted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.authorize()
    scene.clock.advance(3400)
    await scene.grants.renew_ahead(scene.clock.now())
    scene.clock.advance(10)

    async def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(scene.store, "touch_grant", refuse)
    assert (await scene.grants.user(ANA)).token == Secret("access-1")


async def test_renews_an_idle_grant_every_day_long_before_its_ninety_days_end(
    scene: Scene,
) -> None:
    await scene.authorize()
    scene.clock.advance(3400)
    await scene.grants.renew_ahead(scene.clock.now())  # nobody uses what it got
    scene.clock.advance(timedelta(hours=15).total_seconds())
    assert await scene.grants.renew_ahead(scene.clock.now()) == 0
    for day in range(2, 100):
        scene.clock.advance(timedelta(hours=6 if day == 2 else 24).total_seconds())
        assert await scene.grants.renew_ahead(scene.clock.now()) == 1
        assert scene.store.grants[ANA].refresh_token == Secret(f"refresh-{day}")
    scene.clock.advance(3600)
    assert await scene.grants.renew_ahead(scene.clock.now()) == 0


async def test_a_grant_that_zoom_will_not_renew_now_waits_its_turn(scene: Scene) -> None:
    await scene.authorize()
    scene.clock.advance(3400)
    odd = Answer(200, {"access_token": "no more"})
    scene.zoom.script.extend([odd, odd])
    passes: list[int] = []
    for _ in range(60):
        passes.append(await scene.grants.renew_ahead(scene.clock.now()))
        scene.clock.advance(10)
    assert (sum(passes), len(scene.zoom.forms)) == (1, 3)


async def test_a_deferral_that_cannot_be_written_stops_no_pass(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.authorize()
    scene.clock.advance(3400)

    async def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(scene.store, "touch_grant", refuse)
    scene.zoom.script.append(Answer(200, {"access_token": "no more"}))
    assert await scene.grants.renew_ahead(scene.clock.now()) == 0
    assert await scene.grants.renew_ahead(scene.clock.now()) == 1


async def test_the_background_gives_up_early_where_zoom_is_down(scene: Scene) -> None:
    for number in range(100):
        await scene.grants.adopt(InstallationId(f"ins_{number}"), tokens())
    scene.clock.advance(3590)
    scene.zoom.script.extend([BUSY] * 100)
    scene.store.reads = 0
    assert await scene.grants.renew_ahead(scene.clock.now()) == 0
    assert len(scene.zoom.forms) <= PARALLEL  # no more than were under way together
    assert scene.store.reads <= 2 * PARALLEL
    assert not any(grant.dead for grant in scene.store.grants.values())


async def test_a_dead_grant_does_not_stop_the_background(scene: Scene) -> None:
    await scene.authorize()
    await scene.grants.chatbot()
    scene.zoom.refresh = "rotated elsewhere"
    scene.clock.advance(3400)
    assert await scene.grants.renew_ahead(scene.clock.now()) == 1
    assert scene.lost == [ANA]
    assert await scene.grants.renew_ahead(scene.clock.now()) == 0


async def test_the_background_leaves_a_renewal_under_way_alone(scene: Scene) -> None:
    await scene.authorize()
    await scene.expire()
    scene.zoom.gate = asyncio.Event()
    caller = asyncio.ensure_future(scene.grants.user(ANA))
    await scene.zoom.asked.wait()
    assert await scene.grants.renew_ahead(scene.clock.now()) == 0
    scene.zoom.gate.set()
    await caller
    assert len(scene.zoom.forms) == 1


async def test_remembers_nobody_longer_than_their_token_lives(scene: Scene) -> None:
    await scene.authorize()
    await scene.grants.user(ANA)
    scene.clock.advance(4000)
    await scene.store.kill_grant(ANA, 1)
    with pytest.raises(NeedsReauth):
        await scene.grants.user(ANA)
    await scene.grants.renew_ahead(scene.clock.now())
    tokens_at_hand = scene.grants._tokens  # pyright: ignore[reportPrivateUsage]  # nobody else can
    assert tokens_at_hand._known == {}  # pyright: ignore[reportPrivateUsage]  # tell what it keeps
