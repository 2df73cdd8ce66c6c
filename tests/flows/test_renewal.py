import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import structlog

from innkeeper.errors import AnswerLost, Fenced, NeedsReauth, StoreUnavailable, Unreachable
from innkeeper.flows.grants import Grants
from innkeeper.ids import InstallationId
from innkeeper.secret import Secret
from innkeeper.store.records import Grant
from tests.flows.granting import ANA, LOST, SILENT, ZOOM, Answer, Scene, credentials, tokens

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene() -> Scene:
    """Ana authorized the app an hour ago: her access token has expired."""
    scene = Scene()
    await scene.authorize()
    await scene.expire()
    return scene


async def test_trades_the_refresh_token_for_the_next_pair(scene: Scene) -> None:
    assert (await scene.grants.user(ANA)).token == Secret("access-1")
    assert scene.zoom.forms == [{"grant_type": "refresh_token", "refresh_token": "refresh-0"}]
    saved = scene.store.grants[ANA]
    assert (saved.version, saved.refresh_token) == (2, Secret("refresh-1"))
    assert saved.attempted_at is None
    assert scene.store.leases == {}


async def test_k07_takes_the_same_refresh_token_again(scene: Scene) -> None:
    same = {"refresh_token": "refresh-0"}
    body = {"access_token": "next", "token_type": "bearer", "expires_in": 3600, **same}
    scene.zoom.script.append(Answer(200, body))
    assert (await scene.grants.user(ANA)).token == Secret("next")
    assert scene.store.grants[ANA].refresh_token == Secret("refresh-0")


async def test_a_scope_left_out_means_the_same_as_before(scene: Scene) -> None:
    scene.zoom.scope = ""
    assert (await scene.grants.user(ANA)).scope == frozenset({"user:read"})


async def test_journals_a_renewal_before_it_asks(scene: Scene) -> None:
    scene.zoom.gate = asyncio.Event()
    caller = asyncio.ensure_future(scene.grants.user(ANA))
    await scene.zoom.asked.wait()
    assert scene.store.grants[ANA].attempted_at == scene.clock.now()
    scene.zoom.gate.set()
    await caller


async def test_saves_tokens_before_anybody_uses_them(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    save = scene.store.save_grant

    async def watched(grant: Grant, *, replaces: int, now: datetime) -> Grant | None:
        seen.append(caller.done())
        await asyncio.sleep(0)
        return await save(grant, replaces=replaces, now=now)

    monkeypatch.setattr(scene.store, "save_grant", watched)
    caller = asyncio.ensure_future(scene.grants.user(ANA))
    await caller
    assert seen == [False]


async def test_two_processes_at_one_expiry_make_one_call(scene: Scene) -> None:
    scene.zoom.gate = asyncio.Event()
    other = scene.process()
    callers = asyncio.gather(scene.grants.user(ANA), other.user(ANA))
    await scene.zoom.asked.wait()
    scene.zoom.gate.set()
    first, second = await scene.settle(callers)
    assert first.token == second.token == Secret("access-1")
    assert len(scene.zoom.forms) == 1


async def test_takes_a_short_lived_token_that_another_process_just_got(scene: Scene) -> None:
    scene.zoom.lifetime = 50
    scene.zoom.gate = asyncio.Event()
    callers = asyncio.gather(scene.grants.chatbot(), scene.process().chatbot())
    await scene.zoom.asked.wait()
    scene.zoom.gate.set()
    first, second = await scene.settle(callers)
    assert first.token == second.token == Secret("access-1")


async def test_waits_for_nobody_while_the_token_still_lives(scene: Scene) -> None:
    await scene.grants.user(ANA)
    scene.clock.advance(3550)
    await hold_lease(scene, version=2, seconds=3600)
    assert (await scene.process().user(ANA)).token == Secret("access-1")
    assert len(scene.zoom.forms) == 1


async def test_takes_over_from_a_process_that_died_with_the_lease(scene: Scene) -> None:
    await hold_lease(scene, seconds=30)
    before = scene.clock.now()
    assert (await scene.settle(scene.grants.user(ANA))).token == Secret("access-1")
    assert (scene.clock.now() - before).total_seconds() >= 30


async def test_waits_for_another_process_only_so_long(scene: Scene) -> None:
    await hold_lease(scene, seconds=3600)
    with pytest.raises(Unreachable, match="lease"):
        await scene.settle(scene.grants.user(ANA))
    assert scene.zoom.forms == []


async def hold_lease(scene: Scene, *, seconds: int, version: int = 1) -> None:
    now = scene.clock.now()
    until = now + timedelta(seconds=seconds)
    assert await scene.store.lease_grant(ANA, version, holder="another", now=now, until=until)


async def test_a_lost_answer_is_asked_for_once_more_and_then_ana_must_authorize(
    scene: Scene,
) -> None:
    scene.zoom.script.append(LOST)
    for _ in range(3):
        with pytest.raises(NeedsReauth):
            await scene.grants.user(ANA)
    sent = [form["refresh_token"] for form in scene.zoom.forms]
    assert sent == ["refresh-0", "refresh-0"]
    assert scene.lost == [ANA]
    assert scene.store.grants[ANA].dead
    assert scene.store.grants[ANA].refresh_token == Secret("refresh-0")


async def test_a_lost_answer_costs_nothing_if_zoom_takes_the_old_token_again(
    scene: Scene,
) -> None:
    scene.zoom.script.append(SILENT)
    assert (await scene.grants.user(ANA)).token == Secret("access-1")
    assert (len(scene.zoom.forms), scene.lost) == (2, [])


async def test_silence_alone_never_ends_a_grant(scene: Scene) -> None:
    scene.zoom.script.extend([SILENT] * 6)
    for _ in range(5):
        with pytest.raises(AnswerLost):
            await scene.grants.user(ANA)
        scene.clock.advance(5)
    assert (len(scene.zoom.forms), scene.lost) == (6, [])  # who probes asks once
    assert scene.store.grants[ANA].attempted_at is not None
    assert (await scene.grants.user(ANA)).token == Secret("access-1")


async def test_zoom_being_down_costs_one_call_in_five_seconds(scene: Scene) -> None:
    scene.zoom.script.extend([Answer(503)] * 100)
    for _ in range(60):
        with pytest.raises(Unreachable):
            await scene.grants.user(ANA)
        with pytest.raises(Unreachable):
            await scene.grants.chatbot()
        scene.clock.advance(1)
    assert len(scene.zoom.forms) == 12
    assert not scene.store.grants[ANA].dead


async def test_nothing_is_journalled_while_zoom_is_left_alone(scene: Scene) -> None:
    scene.transport.apps.clear()
    with pytest.raises(Unreachable):
        await scene.grants.chatbot()
    with pytest.raises(Unreachable):
        await scene.grants.user(ANA)
    assert scene.store.grants[ANA].attempted_at is None
    assert scene.store.leases == {}


async def test_a_crash_before_the_commit_ends_in_asking_ana_and_never_in_a_loop(
    scene: Scene,
) -> None:
    scene.store.broken.append(RuntimeError("power cut"))
    with pytest.raises(RuntimeError):
        await scene.grants.user(ANA)
    restarted = scene.process()
    with pytest.raises(NeedsReauth):
        await scene.settle(restarted.user(ANA))
    with pytest.raises(NeedsReauth):
        await restarted.user(ANA)
    assert (len(scene.zoom.forms), scene.lost) == (2, [ANA])


async def test_a_crash_before_the_commit_heals_if_zoom_takes_the_old_token_again(
    scene: Scene,
) -> None:
    scene.store.broken.append(RuntimeError("power cut"))
    with pytest.raises(RuntimeError):
        await scene.grants.user(ANA)
    scene.zoom.refresh = "refresh-0"
    assert (await scene.settle(scene.process().user(ANA))).token == Secret("access-2")
    assert scene.lost == []


async def test_tokens_that_the_store_would_not_take_are_saved_later(scene: Scene) -> None:
    scene.store.broken.extend([StoreUnavailable("disk full")] * 2)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await scene.grants.user(ANA)
    assert (await scene.grants.user(ANA)).token == Secret("access-1")
    assert len(scene.zoom.forms) == 1


async def test_nobody_else_renews_what_is_still_to_be_saved(scene: Scene) -> None:
    scene.store.broken.append(StoreUnavailable("disk full"))
    with pytest.raises(StoreUnavailable):
        await scene.grants.user(ANA)
    waiting = asyncio.ensure_future(scene.process().user(ANA))
    await asyncio.sleep(0)
    await scene.grants.user(ANA)
    assert (await scene.settle(waiting)).token == Secret("access-1")
    assert scene.lost == []


async def test_tokens_saved_too_late_give_way_to_a_new_authorization(scene: Scene) -> None:
    scene.store.broken.append(StoreUnavailable("disk full"))
    with pytest.raises(StoreUnavailable):
        await scene.grants.user(ANA)
    await scene.grants.adopt(ANA, tokens(access="newer"))
    assert (await scene.grants.user(ANA)).token == Secret("newer")


async def test_a_late_answer_wins_though_the_grant_was_given_up(scene: Scene) -> None:
    scene.zoom.gate = gate = asyncio.Event()
    late = asyncio.ensure_future(scene.grants.user(ANA))
    await scene.zoom.asked.wait()
    scene.clock.advance(31)
    scene.zoom.gate = None
    scene.zoom.script.append(Answer(400, {"reason": "Invalid Token!", "error": "invalid_grant"}))
    with pytest.raises(NeedsReauth):
        await scene.process().user(ANA)
    assert scene.store.grants[ANA].dead
    assert scene.lost == [ANA]
    gate.set()
    assert (await late).token == Secret("access-1")
    assert not scene.store.grants[ANA].dead
    assert scene.recovered == [ANA]


async def test_a_late_holder_that_zoom_refuses_takes_what_the_other_got(scene: Scene) -> None:
    scene.zoom.gate = gate = asyncio.Event()
    late = asyncio.ensure_future(scene.grants.user(ANA))
    await scene.zoom.asked.wait()
    scene.clock.advance(31)
    scene.zoom.gate = None
    assert (await scene.process().user(ANA)).token == Secret("access-1")
    gate.set()
    assert (await late).token == Secret("access-1")
    assert scene.lost == []


async def test_k17_a_refusal_looks_once_whether_somebody_else_has_rotated(scene: Scene) -> None:
    scene.zoom.script.append(Answer(400, {"errorCode": 4740, "errorMessage": "out of tolerance"}))
    scene.zoom.gate = asyncio.Event()
    caller = asyncio.ensure_future(scene.grants.user(ANA))
    await scene.zoom.asked.wait()
    await scene.store.replace_grant(
        replace(scene.store.grants[ANA], expires_at=scene.clock.now().replace(year=2031)),
        now=scene.clock.now(),
    )
    scene.zoom.gate.set()
    assert (await caller).token == Secret("access-0")
    assert (len(scene.zoom.forms), scene.lost) == (1, [])


async def test_a_version_that_moved_before_the_journal_is_read_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = scene.store.lease_grant

    async def overtaken(
        grant_id: str, version: int, *, holder: str, now: datetime, until: datetime
    ) -> bool:
        taken = await lease(grant_id, version, holder=holder, now=now, until=until)
        await scene.grants.adopt(ANA, tokens(access="newer"))
        return taken

    monkeypatch.setattr(scene.store, "lease_grant", overtaken)
    assert (await scene.grants.user(ANA)).token == Secret("newer")
    assert scene.zoom.forms == []


async def test_a_purge_while_renewing_leaves_nothing_behind(scene: Scene) -> None:
    scene.zoom.gate = asyncio.Event()
    caller = asyncio.ensure_future(scene.grants.user(ANA))
    await scene.zoom.asked.wait()
    scene.store.gone.add(ANA)
    scene.zoom.gate.set()
    with pytest.raises(Fenced):
        await caller
    assert scene.zoom.revoked == ["access-1"]
    assert scene.store.grants[ANA].version == 1
    scene.store.grants.clear()
    with pytest.raises(NeedsReauth):
        await scene.grants.user(ANA)
    assert scene.lost == []


async def test_a_purge_ends_a_token_that_would_have_lived_on(scene: Scene) -> None:
    await scene.grants.user(ANA)
    scene.clock.advance(3550)
    scene.store.gone.add(ANA)
    with pytest.raises(Fenced):
        await scene.process().user(ANA)


async def test_a_purge_is_no_worse_if_zoom_cannot_be_asked_to_revoke(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object, **__: object) -> None:
        scene.transport.apps.clear()
        raise Fenced(ANA)

    monkeypatch.setattr(scene.store, "save_grant", gone)
    with pytest.raises(Fenced):
        await scene.grants.user(ANA)


async def test_a_grant_without_refresh_token_needs_ana(scene: Scene) -> None:
    scene.store.grants[ANA] = replace(scene.store.grants[ANA], refresh_token=None)
    with pytest.raises(NeedsReauth):
        await scene.grants.user(ANA)
    assert (scene.zoom.forms, scene.lost) == ([], [ANA])


async def test_a_dead_grant_is_never_asked_for_again(scene: Scene) -> None:
    scene.zoom.refresh = "rotated elsewhere"
    for _ in range(1000):
        with pytest.raises(NeedsReauth):
            await scene.grants.user(ANA)
        scene.clock.advance(10)
    assert (len(scene.zoom.forms), scene.lost) == (1, [ANA])


async def test_a_hook_that_fails_is_called_again_and_hides_nothing(scene: Scene) -> None:
    told: list[InstallationId] = []

    async def fails_once(installation_id: InstallationId, _: NeedsReauth) -> None:
        told.append(installation_id)
        if len(told) == 1:
            raise ValueError

    grants = Grants(
        scene.store,
        transport=scene.transport,
        clock=scene.clock,
        credentials=credentials(),
        on_needs_reauth=fails_once,
        log=structlog.get_logger(),
    )
    scene.zoom.refresh = "rotated elsewhere"
    for _ in range(3):
        with pytest.raises(NeedsReauth):
            await grants.user(ANA)
    assert told == [ANA, ANA]
    assert len(scene.zoom.forms) == 2


async def test_f13_a_crash_before_a_death_was_told_makes_it_no_secret(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> bool:
        raise RuntimeError("power cut")

    scene.zoom.refresh = "rotated elsewhere"
    with monkeypatch.context() as patched:
        patched.setattr(scene.store, "kill_grant", crash)
        with pytest.raises(RuntimeError):
            await scene.grants.user(ANA)
    assert not scene.store.grants[ANA].dead
    with pytest.raises(NeedsReauth):
        await scene.settle(scene.process().user(ANA))
    assert scene.store.grants[ANA].dead
    assert scene.lost == [ANA, ANA]  # the inbox tells her once


async def test_a_death_that_somebody_prevented_in_time_is_taken_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = scene.store.kill_grant

    async def overtaken(grant_id: str, version: int) -> bool:
        await scene.grants.adopt(ANA, tokens(access="newer"))
        return await kill(grant_id, version)

    monkeypatch.setattr(scene.store, "kill_grant", overtaken)
    scene.zoom.refresh = "rotated elsewhere"
    assert (await scene.grants.user(ANA)).token == Secret("newer")
    assert (scene.lost, scene.recovered[-1:]) == ([ANA], [ANA])


async def test_works_without_hooks(scene: Scene) -> None:
    grants = Grants(
        scene.store,
        transport=scene.transport,
        clock=scene.clock,
        credentials=credentials(),
        log=structlog.get_logger(),
    )
    scene.zoom.refresh = "rotated elsewhere"
    with pytest.raises(NeedsReauth):
        await grants.user(ANA)
    await grants.adopt(ANA, tokens(access="newer"))
    assert (await grants.user(ANA)).token == Secret("newer")


async def test_a_lease_that_cannot_be_given_up_hides_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(scene.store, "release_grant", refuse)
    scene.zoom.script.append(Answer(503))
    with pytest.raises(Unreachable, match="503"):
        await scene.grants.user(ANA)
    assert ZOOM in scene.transport.apps
