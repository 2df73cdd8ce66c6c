"""A doubt is raised once, kept through every failure, and settled once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from innkeeper.clock import MovableClock
from innkeeper.errors import ApiRefused, NeedsReauth, StoreUnavailable
from innkeeper.flows.cases import Cases, Reason
from innkeeper.flows.evidence import speaks_of_removal
from innkeeper.flows.purge import Forgetter
from innkeeper.flows.speak import Place
from innkeeper.flows.sweep import ANSWER_WITHIN, LISTENED_FOR, Sweeper
from innkeeper.ids import AccountId, InstallationId, Jid
from innkeeper.store.records import Case, InstallationStatus, Outcome
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.vault import SqliteVault
from tests.contracts.houses import SqliteHouse, opened, owner, person, user_grant

pytestmark = pytest.mark.anyio

OVER = NeedsReauth("over", zoom_code=4735)


class Scene:
    """A store, and whoever doubts and sweeps."""

    def __init__(self, store: SqliteStore, vault: SqliteVault) -> None:
        self.store = store
        self.clock = MovableClock(frozen=True)
        log = structlog.get_logger("test")
        self.cases = Cases(store=store, clock=self.clock, log=log)
        self.revoked: list[InstallationId] = []
        forgetter = Forgetter(
            store=store,
            vault=vault,
            steps=(),
            clock=self.clock,
            log=log,
            forget=lambda _: None,
        )

        async def revoke(installation_id: InstallationId) -> bool:
            self.revoked.append(installation_id)
            return True

        self.sweeper = Sweeper(
            store=store,
            cases=self.cases,
            forgetter=forgetter,
            revoke=revoke,
            clock=self.clock,
            log=log,
        )

    async def installed(self) -> InstallationId:
        ana = await opened(self.store, at=self.clock.now())
        await self.store.replace_grant(user_grant(ana), now=self.clock.now())
        return ana

    async def only(self) -> Case:
        (case,) = await self.store.cases()
        return case


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    house = SqliteHouse(tmp_path)
    vault = house.vault()
    await vault.open()
    store = house.store(vault)
    await store.open()
    yield Scene(store, vault)
    await store.close()
    await vault.close()


def place(installation_id: InstallationId, to_jid: str = "") -> Place:
    jid = Jid(to_jid or person().jid)
    return Place(AccountId("account-of-ana"), jid, jid, installation_id=installation_id)


async def test_the_same_doubt_raises_one_alarm(scene: Scene) -> None:
    ana = await scene.installed()
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await scene.cases.open(Reason.REMOVED_BEFORE, ana)
            await scene.cases.grant_died(ana, OVER)
            scene.clock.advance(1)
    alarms = [line for line in logs if line["event"] == "case.opened"]
    assert [line["reason"] for line in alarms] == [Reason.REMOVED_BEFORE, Reason.GRANT_DIED]
    assert {line["installation"] for line in alarms} == {ana}


async def test_a_refused_message_adds_nothing_to_a_grant_that_died(scene: Scene) -> None:
    ana = await scene.installed()
    await scene.cases.grant_died(ana, OVER)
    await scene.cases.send_refused(place(ana), ApiRefused(400, 7004, "Not authorized."))
    assert (await scene.only()).reason == Reason.GRANT_DIED


@pytest.mark.parametrize(
    ("code", "to_jid", "opens"),
    [
        (7004, "", True),
        (7004, "user-ana@xmpp.test/robot@xmpp.test", True),
        (7010, "", False),
        (7004, "user-bob@xmpp.test", False),
        (7004, "channel@conference.xmpp.test", False),
        (7004, "user-ana@xmpp.test/channel@conference.xmpp.test", False),
    ],
)
async def test_only_what_zoom_refuses_to_deliver_to_herself_is_evidence(
    scene: Scene, code: int, to_jid: str, opens: bool
) -> None:
    ana = await scene.installed()
    await scene.cases.send_refused(place(ana, to_jid), ApiRefused(400, code, "No."))
    assert len(await scene.store.cases()) == opens


async def test_a_repeated_refusal_opens_no_second_case_within_a_day(scene: Scene) -> None:
    ana, refusal = await scene.installed(), ApiRefused(400, 7004, "No.")
    await scene.cases.send_refused(place(ana), refusal)
    case = await scene.only()
    await scene.store.close_case(case.id, outcome=Outcome.LIVES, now=scene.clock.now())
    scene.clock.advance(3600)
    await scene.cases.send_refused(place(ana), refusal)
    assert len(await scene.store.cases()) == 1
    scene.clock.advance(86_400)
    await scene.cases.send_refused(place(ana), refusal)
    assert len(await scene.store.cases()) == 2


async def test_doubts_about_nobody_and_about_the_gone_are_none(scene: Scene) -> None:
    ana, nobody = await scene.installed(), InstallationId("ins_nobody")
    refusal = ApiRefused(400, 7004, "No.")
    await scene.cases.send_refused(place(nobody), refusal)
    await scene.cases.send_refused(Place(AccountId("a"), Jid("b")), refusal)
    await scene.cases.grant_died(nobody, OVER)
    now = scene.clock.now()
    await scene.store.begin_purge(ana, removed_at=now, now=now, deadline_at=now + ANSWER_WITHIN)
    await scene.cases.send_refused(place(ana), refusal)
    await scene.cases.grant_died(ana, OVER)
    assert await scene.store.cases() == []


async def test_a_doubt_that_cannot_be_kept_hides_no_refusal(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await scene.installed()

    async def full(*_: object, **__: object) -> None:
        raise StoreUnavailable("disk full")

    with structlog.testing.capture_logs() as logs, monkeypatch.context() as patch:
        patch.setattr(scene.store, "open_case", full)
        await scene.cases.send_refused(place(ana), ApiRefused(400, 7004, "No."))
        with pytest.raises(StoreUnavailable):  # whoever renews keeps the grant alive for it
            await scene.cases.grant_died(ana, OVER)
        scene.cases.removal_refused()
        with pytest.raises(StoreUnavailable):
            await scene.cases.take_note()
    assert [line["event"] for line in logs] == ["case.not_opened"]
    await scene.cases.take_note()
    assert (await scene.only()).reason == Reason.REMOVAL_REFUSED


async def test_a_sign_of_life_that_cannot_be_kept_is_not_forgotten(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await scene.installed()
    await scene.cases.grant_died(ana, OVER)
    scene.clock.advance(60)
    scene.sweeper.saw(ana, scene.clock.now())
    scene.sweeper.saw(ana, scene.clock.now() - timedelta(days=1))  # a late one takes nothing back

    async def full(*_: object, **__: object) -> None:
        raise StoreUnavailable("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(scene.store, "close_case", full)
        with pytest.raises(StoreUnavailable):
            await scene.sweeper.spare_the_living()
    await scene.sweeper.spare_the_living()
    assert (await scene.only()).outcome is Outcome.LIVES


async def test_finds_the_living_among_very_many_doubts(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("innkeeper.flows.sweep._PAGE", 2)
    everybody = [await opened(scene.store, f"guest{n}", at=scene.clock.now()) for n in range(5)]
    for each in everybody:
        await scene.cases.open(Reason.SEND_REFUSED, each)
    scene.clock.advance(60)
    for each in everybody:
        scene.sweeper.saw(each, scene.clock.now())
    await scene.sweeper.spare_the_living()
    assert {case.outcome for case in await scene.store.cases()} == {Outcome.LIVES}


async def test_of_two_sweepers_one_settles_and_both_may_begin(scene: Scene) -> None:
    ana = await scene.installed()
    await scene.cases.grant_died(ana, OVER)
    await scene.store.kill_grant(ana, 1)
    await scene.sweeper.sweep()
    scene.clock.advance((ANSWER_WITHIN + LISTENED_FOR).total_seconds())
    with structlog.testing.capture_logs() as logs:
        await asyncio.gather(*(scene.sweeper.sweep() for _ in range(3)))
        assert await scene.sweeper.sweep() == 0
    assert [line["event"] for line in logs].count("case.closed") == 1
    (purge,) = await scene.store.purges()
    assert purge.removed_at == (await scene.only()).opened_at


async def test_a_case_whose_installation_cannot_be_read_any_more_waits_for_the_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await scene.installed()
    await scene.cases.open(Reason.ORDERED, ana)
    case = await scene.only()
    await scene.store.close_case(case.id, outcome=Outcome.PURGE, now=scene.clock.now())

    async def unreadable(_: InstallationId) -> None:
        return None

    monkeypatch.setattr(scene.store, "get_installation", unreadable)
    assert await scene.sweeper.sweep() == 0
    assert scene.revoked == []
    assert await scene.store.purges() == []


async def test_a_purge_that_a_new_authorization_has_fenced_is_begun(scene: Scene) -> None:
    ana = await scene.installed()
    await scene.cases.open(Reason.ORDERED, ana)
    case = await scene.only()
    scene.clock.advance(1)
    await scene.store.close_case(case.id, outcome=Outcome.PURGE, now=scene.clock.now())
    scene.clock.advance(1)
    new, _ = await scene.store.open_installation(owner(), person(), authorized_at=scene.clock.now())
    assert await scene.sweeper.sweep() == 1
    assert [each.installation_id for each in await scene.store.purges()] == [ana]
    assert scene.revoked == [ana]
    assert await scene.sweeper.sweep() == 0
    left = await scene.store.get_installation(new.id)
    assert left is not None
    assert left.status is InstallationStatus.LIVE


@pytest.mark.parametrize(
    ("code", "spent", "days", "expected"),
    [
        (0, False, 0, True),
        (4741, False, 89, True),
        (4741, False, 91, False),
        (4735, False, 91, False),
        (0, True, 0, False),
        (4741, True, 0, False),
        (4735, True, 0, True),
        (4737, True, 0, True),
        (4738, True, 0, True),
        (4740, False, 0, False),
        (4711, True, 0, False),
    ],
)
def test_what_speaks_of_a_removal(code: int, spent: bool, days: int, expected: bool) -> None:
    grant = user_grant(InstallationId("ins_ana"))
    refusal = NeedsReauth("over", zoom_code=code)
    refusal.spent = spent
    assert grant.refresh_expires_at is not None
    now = grant.refresh_expires_at + timedelta(days=days - 90)
    assert speaks_of_removal(refusal, grant, now=now) is expected
