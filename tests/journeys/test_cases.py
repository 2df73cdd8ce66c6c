"""What if Zoom's notice of a removal is lost? It is noticed, and ends in a purge or in a word."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog

from innkeeper import AccountScope, Card, UserScope
from innkeeper.flows.cases import EVIDENCE, KEPT_FOR, Reason
from innkeeper.flows.sweep import ANSWER_WITHIN
from innkeeper.ids import Jid
from innkeeper.net.outbound import Request
from innkeeper.store.records import Case, InstallationStatus, Outcome
from innkeeper.testing import BOT_URL, Zoom
from innkeeper.testing.people import Visitor
from tests.journeys.bots import Notes, porter
from tests.journeys.test_forgetting import CutOffError, cut_off

pytestmark = pytest.mark.anyio


async def lost_removal(zoom: Zoom, visitor: Visitor) -> None:
    """Have somebody remove the app, and Zoom's notice of it never arrive."""
    zoom.faults.add("drop", on={"event": "app_deauthorized"})
    await visitor.removes_app()


async def pass_hours(zoom: Zoom, hours: int) -> None:
    """Let time pass as it does for a running app, which looks about again and again."""
    for _ in range(hours):
        await zoom.clock.advance(hours=1)


async def only_case(zoom: Zoom) -> Case:
    (case,) = await zoom.parts.store.cases()
    return case


async def says_in_a_message(zoom: Zoom, text: str = "Good morning") -> None:
    """Have the bot write to whoever installed it, unasked."""
    (installation, *_) = await zoom.parts.store.installations()
    client = zoom.parts.clients.of(installation)
    await client.chat.send(Card(text))


@pytest.mark.parametrize("used", [False, True], ids=["F32-idle", "F32-used"])
async def test_f32_a_lost_removal_is_noticed_within_a_day_and_purged_within_three(
    used: bool,
) -> None:
    notes = Notes()
    async with Zoom(porter(notes)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.says("due friday ship it")
        await pass_hours(zoom, 1 if used else 30)
        removed_at = zoom.clock.now()
        await lost_removal(zoom, ana)
        with structlog.testing.capture_logs() as logs:
            await pass_hours(zoom, 24)
        case = await only_case(zoom)
        assert (case.reason, case.outcome) == (Reason.GRANT_DIED, None)
        assert case.opened_at - removed_at <= timedelta(hours=24)
        (alarm,) = [line for line in logs if line["event"] == "case.opened"]
        assert alarm["log_level"] == "error"
        assert (alarm["case"], alarm["installation"]) == (case.id, case.installation_id)
        assert len(await zoom.parts.store.installations()) == 1
        await pass_hours(zoom, 48)
        assert zoom.clock.now() - removed_at <= timedelta(hours=72)
        assert zoom.receipts.one().complete
        assert zoom.receipts.one().removed_at == case.opened_at.isoformat()
        assert not notes.kept
        assert await zoom.leftovers(ana) == []
        assert await zoom.parts.store.cases() == []
        tombstones = await zoom.parts.vault.tombstones()
        assert [each.at for each in tombstones.values()] == [case.opened_at]


async def test_f32_survives_restarts_and_two_workers() -> None:
    notes = Notes()
    async with Zoom(porter(notes), workers=2) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.says("due friday ship it")
        await lost_removal(zoom, ana)
        for _ in range(12):
            await pass_hours(zoom, 6)
            await zoom.restart()
        await pass_hours(zoom, 3)
        assert zoom.receipts.one().complete
        assert not notes.kept
        assert await zoom.leftovers(ana) == []


async def test_what_is_not_answered_for_is_purged_in_time_and_not_before() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await lost_removal(zoom, ana)
        await pass_hours(zoom, 2)
        case = await only_case(zoom)
        await zoom.clock.advance(
            seconds=(case.opened_at + ANSWER_WITHIN - zoom.clock.now()).total_seconds() - 1
        )
        assert not zoom.receipts.all()
        await zoom.clock.advance(seconds=2)
        assert zoom.receipts.one().complete


# what opens a case, and what does not


REFUSALS = [
    pytest.param(4735, True, id="K16-4735"),
    pytest.param(4737, True, id="K16-4737"),
    pytest.param(4738, True, id="K16-4738"),
    pytest.param(4741, True, id="K16-4741"),
    pytest.param(0, True, id="K16-no-number"),
    pytest.param(4711, False, id="K16-4711"),
    pytest.param(4733, False, id="K16-4733"),
    pytest.param(4734, False, id="K16-4734"),
    pytest.param(4740, False, id="K17-4740"),
]


def refused(number: int) -> dict[str, Any]:
    """Write the fault with which Zoom refuses a refresh."""
    body: dict[str, object] = {"reason": "Invalid Token!", "error": "invalid_grant"}
    body |= {"errorCode": number} if number else {}
    return {"kind": "status", "status": 400, "body": json.dumps(body)}


REFRESH = {"grant_type": "refresh_token"}


@pytest.mark.parametrize(("number", "suspected"), REFUSALS)
async def test_a_grant_that_dies_before_its_time_opens_a_case(number: int, suspected: bool) -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        zoom.faults.add(refused(number), on=REFRESH)
        await pass_hours(zoom, 1)
        (installation,) = await zoom.parts.store.installations()
        assert installation.status is InstallationStatus.NEEDS_REAUTH
        reasons = [case.reason for case in await zoom.parts.store.cases()]
        assert reasons == ([Reason.GRANT_DIED] if suspected else [])


@pytest.mark.parametrize(("number", "suspected"), [(0, False), (4741, False), (4735, True)])
async def test_a_token_that_we_may_have_spent_ourselves_is_no_evidence(
    number: int, suspected: bool
) -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        zoom.faults.add("lost_answer", on=REFRESH, times=1)
        zoom.faults.add(refused(number), on=REFRESH)
        await pass_hours(zoom, 1)
        assert len(await zoom.parts.store.cases()) == suspected


async def test_an_idle_grant_that_merely_expired_is_no_evidence() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await zoom.app.stop()
        await zoom.emulator.advance(timedelta(days=91).total_seconds())
        await zoom.restart()
        (installation,) = await zoom.parts.store.installations()
        assert installation.status is InstallationStatus.NEEDS_REAUTH
        assert await zoom.parts.store.cases() == []


async def test_a_message_that_zoom_refuses_to_deliver_opens_a_case() -> None:
    async with Zoom(porter(), user_oauth=False) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await lost_removal(zoom, ana)
        with structlog.testing.capture_logs() as logs:
            for _ in range(5):
                with pytest.raises(Exception, match="7004"):
                    await says_in_a_message(zoom)
        case = await only_case(zoom)
        assert case.reason == Reason.SEND_REFUSED
        assert [line["event"] for line in logs].count("case.opened") == 1
        await pass_hours(zoom, 49)
        assert zoom.receipts.one().complete
        assert await zoom.leftovers(ana) == []


async def test_a_channel_that_refuses_a_message_says_nothing() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        zoom.new_channel("Lobby")
        jid = next(each.jid for each in zoom.emulator.world.channels() if each.name == "Lobby")
        (installation,) = await zoom.parts.store.installations()
        refusal = {"kind": "status", "status": 400, "body": '{"code":7004,"message":"No."}'}
        zoom.faults.add(refusal, on={"path": "*/im/chat/messages"})
        with pytest.raises(Exception, match="7004"):
            await zoom.parts.clients.of(installation).chat.send(Card("x"), to=Jid(jid))
        assert await zoom.parts.store.cases() == []
        with pytest.raises(Exception, match="7004"):
            await zoom.parts.clients.of(installation).chat.send(Card("x"))
        assert (await only_case(zoom)).reason == Reason.SEND_REFUSED


# what speaks against it


async def test_an_event_of_hers_that_is_newer_keeps_ana() -> None:
    notes = Notes()
    async with Zoom(porter(notes)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        zoom.faults.add(refused(4735), on=REFRESH, times=1)
        await pass_hours(zoom, 2)
        assert (await only_case(zoom)).outcome is None
        await ana.says("due friday ship it")
        assert (await only_case(zoom)).outcome is Outcome.LIVES
        await pass_hours(zoom, 100)
        assert notes.kept
        assert not zoom.receipts.all()
        (installation,) = await zoom.parts.store.installations()
        assert installation.generation == 1


async def test_an_event_from_before_the_evidence_keeps_nobody() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        said = zoom.signed("bot_notification", {"payload.cmd": "help"}, by=ana)
        await lost_removal(zoom, ana)
        await pass_hours(zoom, 1)
        assert (await only_case(zoom)).outcome is None
        assert (await zoom.posts(said)).status == 200
        assert (await only_case(zoom)).outcome is None


async def test_the_notice_that_we_send_ourselves_is_no_sign_of_life() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        zoom.faults.add(refused(4735), on=REFRESH, times=1)
        await zoom.clock.advance(hours=2)
        case = await only_case(zoom)
        names = [row.name for row in await zoom.parts.store.inbox_rows()]
        assert "innkeeper.reauth_needed" in names
        assert case.outcome is None


async def test_the_worker_that_hears_her_need_not_be_the_one_that_doubts() -> None:
    async with Zoom(porter(), workers=2) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        zoom.faults.add(refused(4735), on=REFRESH, times=1)
        await pass_hours(zoom, 2)
        for _ in range(2):
            await ana.says("help")
        assert (await only_case(zoom)).outcome is Outcome.LIVES


async def test_what_was_heard_just_before_a_stop_is_not_forgotten() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        zoom.faults.add(refused(4735), on=REFRESH, times=1)
        await pass_hours(zoom, 2)
        case = await only_case(zoom)
        assert case.installation_id is not None
        zoom.parts.sweeper.saw(case.installation_id, zoom.clock.now())
        await zoom.restart()
        assert (await only_case(zoom)).outcome is Outcome.LIVES


async def test_authorizing_again_keeps_ana() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await lost_removal(zoom, ana)
        await pass_hours(zoom, 2)
        zoom.faults.clear()
        await zoom.clock.advance(minutes=1)
        await ana.installs()
        assert (await only_case(zoom)).outcome is Outcome.LIVES
        await pass_hours(zoom, 60)
        assert not zoom.receipts.all()
        (installation,) = await zoom.parts.store.installations()
        assert installation.status is InstallationStatus.LIVE


async def test_tokens_that_zoom_has_renewed_since_keep_ana() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        refusal = {"kind": "status", "status": 400, "body": '{"code":7004,"message":"No."}'}
        zoom.faults.add(refusal, on={"path": "*/im/chat/messages"}, times=1)
        with pytest.raises(Exception, match="7004"):
            await says_in_a_message(zoom)
        assert (await only_case(zoom)).outcome is None
        await pass_hours(zoom, 49)
        assert (await only_case(zoom)).outcome is Outcome.LIVES
        assert not zoom.receipts.all()


async def test_the_word_of_whoever_operates_the_app_keeps_ana() -> None:
    async with Zoom(porter(), user_oauth=False) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await lost_removal(zoom, ana)
        with pytest.raises(Exception, match="7004"):
            await says_in_a_message(zoom)
        case = await only_case(zoom)
        now = zoom.clock.now()
        assert await zoom.parts.store.close_case(case.id, outcome=Outcome.KEPT, now=now)
        await pass_hours(zoom, 100)
        with pytest.raises(Exception, match="7004"):
            await says_in_a_message(zoom)
        assert (await only_case(zoom)).outcome is Outcome.KEPT  # and no second case
        assert len(await zoom.parts.store.installations()) == 1
        await zoom.clock.advance(hours=KEPT_FOR.total_seconds() / 3600)
        assert await zoom.parts.store.cases() == []
        with pytest.raises(Exception, match="7004"):
            await says_in_a_message(zoom)
        assert (await only_case(zoom)).outcome is None


async def test_a_word_for_a_purge_is_carried_out_at_once() -> None:
    notes = Notes()
    async with Zoom(porter(notes)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.says("due friday ship it")
        await lost_removal(zoom, ana)
        await pass_hours(zoom, 2)
        case, now = await only_case(zoom), zoom.clock.now()
        assert await zoom.parts.store.close_case(case.id, outcome=Outcome.PURGE, now=now)
        await zoom.settle()
        assert zoom.receipts.one().complete
        assert not notes.kept
        assert [each.at for each in (await zoom.parts.vault.tombstones()).values()] == [now]


async def test_an_order_to_revoke_ends_the_tokens_at_zoom_and_forgets() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        (installation,) = await zoom.parts.store.installations()
        store, now = zoom.parts.store, zoom.clock.now()
        case = await store.open_case(Reason.ORDERED, installation_id=installation.id, now=now)
        await store.close_case(case.id, outcome=Outcome.PURGE, now=now)
        await zoom.settle()
        assert zoom.receipts.one().complete
        assert all(t.revoked for t in zoom.emulator.world.tokens if t.kind == "user")
        assert await zoom.leftovers(ana) == []


async def test_an_order_to_revoke_waits_for_nobody() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        zoom.faults.add({"kind": "status", "status": 503}, on={"path": "/oauth/*"})
        (installation,) = await zoom.parts.store.installations()
        store, now = zoom.parts.store, zoom.clock.now()
        case = await store.open_case(Reason.ORDERED, installation_id=installation.id, now=now)
        await store.close_case(case.id, outcome=Outcome.PURGE, now=now)
        await zoom.settle()
        assert zoom.receipts.one().complete
        assert not all(t.revoked for t in zoom.emulator.world.tokens if t.kind == "user")


# what must never happen


async def test_a_newer_installation_is_never_hit() -> None:
    notes = Notes()
    async with Zoom(porter(notes)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await lost_removal(zoom, ana)
        await pass_hours(zoom, 2)
        case, now = await only_case(zoom), zoom.clock.now()
        await zoom.parts.store.close_case(case.id, outcome=Outcome.UNANSWERED, now=now)
        await zoom.clock.advance(seconds=0)  # the purge is begun, and done
        zoom.faults.clear()
        await zoom.clock.advance(minutes=1)
        await ana.installs()
        await ana.says("due friday ship it")
        await pass_hours(zoom, 60)
        (installation,) = await zoom.parts.store.installations()
        assert installation.generation == 2
        assert notes.kept
        assert len(zoom.receipts.all()) == 1
        await zoom.restart()
        assert len(await zoom.parts.store.installations()) == 1


async def test_authorizing_again_between_the_decision_and_the_purge_begins_anew() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await lost_removal(zoom, ana)
        await pass_hours(zoom, 2)
        zoom.faults.clear()
        await zoom.clock.advance(minutes=1)
        store, case, now = zoom.parts.store, await only_case(zoom), zoom.clock.now()
        await store.close_case(case.id, outcome=Outcome.UNANSWERED, now=now)
        (old,) = await store.installations()
        new, fresh = await store.open_installation(
            old.owner, old.person, authorized_at=now + timedelta(seconds=1)
        )
        assert fresh
        await zoom.restart()
        assert zoom.receipts.one().complete
        assert zoom.receipts.one().installation == old.id
        (left,) = await zoom.parts.store.installations()
        assert (left.id, left.generation) == (new.id, 2)


async def test_too_many_doubts_at_once_purge_nobody_by_themselves() -> None:
    async with Zoom(porter()) as zoom:
        store, now = zoom.parts.store, zoom.clock.now()
        people = [zoom.new_person(f"Guest {number}") for number in range(11)]
        for person in people:
            await person.installs()
        zoom.faults.add(refused(0), on=REFRESH)  # Zoom is wrong about everybody, or we are
        with structlog.testing.capture_logs() as logs:
            await pass_hours(zoom, 75)
        assert not zoom.receipts.all()
        assert {case.outcome for case in await store.cases()} == {None}
        alarms = [line for line in logs if line["event"] == "case.too_many"]
        assert [(line["doubtful"], line["living"]) for line in alarms[:1]] == [(11, 11)]
        assert 1 <= len(alarms) <= 2
        case = (await store.cases())[0]
        await store.close_case(case.id, outcome=Outcome.KEPT, now=now)
        await pass_hours(zoom, 1)
        assert len(zoom.receipts.all()) == 10


async def test_silence_counts_only_while_we_listen() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        zoom.faults.add(refused(4735), on=REFRESH, times=1)
        await pass_hours(zoom, 2)
        await zoom.app.stop()
        await zoom.emulator.advance(timedelta(days=4).total_seconds())
        await zoom.restart()
        assert not zoom.receipts.all()
        await ana.says("help")
        await pass_hours(zoom, 5)
        assert (await only_case(zoom)).outcome is Outcome.LIVES
        assert not zoom.receipts.all()


async def test_a_removal_from_before_the_authorization_waits_for_a_person() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        removal = zoom.signed("app_deauthorized", by=ana)
        await zoom.clock.advance(minutes=5)
        await ana.installs()
        with structlog.testing.capture_logs() as logs:
            assert (await zoom.posts(removal, "/deauthorize")).status == 200
        case = await only_case(zoom)
        assert case.reason == Reason.REMOVED_BEFORE
        assert [line["case"] for line in logs if line["event"] == "case.opened"] == [case.id]
        await pass_hours(zoom, 100)
        assert (await only_case(zoom)).outcome is None
        assert len(await zoom.parts.store.installations()) == 1


def forged(zoom: Zoom, ana: Visitor, number: int, now: datetime) -> Request:
    payload = {
        "account_id": ana.user.account_id,
        "user_id": ana.user.id,
        "client_id": zoom.record.client_id,
        "deauthorization_time": now.isoformat(),
        "number": number,
    }
    body = json.dumps({"event": "app_deauthorized", "payload": payload}).encode()
    headers = {
        "x-zm-request-timestamp": str(int(now.timestamp())),
        "x-zm-signature": "v0=" + "0" * 64,
    }
    return Request("POST", f"{BOT_URL}/deauthorize", headers, body)


def opened(logs: Sequence[Any]) -> int:
    return [line["event"] for line in logs].count("case.opened")


async def test_a_storm_of_forged_removals_changes_nothing_but_one_capped_alarm() -> None:
    notes = Notes()
    async with Zoom(porter(notes)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.says("due friday ship it")
        before = await zoom.parts.store.installations()
        rows = {row.id for row in await zoom.parts.store.inbox_rows()}
        with structlog.testing.capture_logs() as logs:
            for hour in range(30):
                storm = [forged(zoom, ana, number, zoom.clock.now()) for number in range(40)]
                answers = await asyncio.gather(*map(zoom.transport.send, storm))
                assert {(each.status, each.body) for each in answers} == {
                    (401, b'{"error":"unauthorized"}')
                }
                await zoom.settle()
                if hour == 20:
                    await zoom.restart()
                await zoom.clock.advance(hours=1)
        case = await only_case(zoom)
        assert (case.reason, case.installation_id) == (Reason.REMOVAL_REFUSED, None)
        assert opened(logs) == 1
        await pass_hours(zoom, 100)
        assert (await only_case(zoom)).outcome is None
        assert [each.id for each in await zoom.parts.store.installations()] == [
            each.id for each in before
        ]
        assert {row.id for row in await zoom.parts.store.inbox_rows()} <= rows
        assert notes.kept
        assert not await zoom.parts.store.purges()
        assert not zoom.receipts.all()


async def test_a_settled_alarm_is_raised_again_a_day_later_at_the_earliest() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await zoom.transport.send(forged(zoom, ana, 1, zoom.clock.now()))
        await zoom.settle()
        case, now = await only_case(zoom), zoom.clock.now()
        await zoom.parts.store.close_case(case.id, outcome=Outcome.KEPT, now=now)
        await zoom.clock.advance(hours=23)
        await zoom.transport.send(forged(zoom, ana, 2, zoom.clock.now()))
        await zoom.settle()
        assert len(await zoom.parts.store.cases()) == 1
        await zoom.clock.advance(hours=2)
        await zoom.transport.send(forged(zoom, ana, 3, zoom.clock.now()))
        await zoom.settle()
        assert len(await zoom.parts.store.cases()) == 2


async def test_another_apps_removal_is_not_even_an_alarm() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        request = forged(zoom, ana, 1, zoom.clock.now())
        other = request.body.replace(zoom.record.client_id.encode(), b"somebodyElsesApp")
        await zoom.transport.send(Request("POST", request.url, request.headers, other))
        await zoom.settle()
        assert await zoom.parts.store.cases() == []


async def test_a_purge_that_fails_is_tried_again_at_its_own_pace() -> None:
    app = porter()
    tried: list[int] = []

    @app.purge("broken")
    async def broken(_scope: UserScope | AccountScope) -> int:
        tried.append(1)
        raise OSError("disk")

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await lost_removal(zoom, ana)
        await pass_hours(zoom, 2)
        case, now = await only_case(zoom), zoom.clock.now()
        await zoom.parts.store.close_case(case.id, outcome=Outcome.PURGE, now=now)
        for _ in range(10):
            await zoom.settle()
        assert len(tried) == 1


CUTS = [
    ("vault", "bury", 1),
    ("store", "close_case", 1),
    ("store", "begin_purge", 1),
    ("store", "erase", 4),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("part", "name", "count"), CUTS)
async def test_a_crash_anywhere_between_the_doubt_and_the_receipt_loses_nothing(
    part: str, name: str, count: int, after: bool
) -> None:
    notes = Notes()
    async with Zoom(porter(notes)) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.says("due friday ship it")
        await lost_removal(zoom, ana)
        await pass_hours(zoom, 2)
        cut_off(getattr(zoom.parts, part), name, count, after=after)
        with pytest.raises(CutOffError):
            await pass_hours(zoom, 48)
        await zoom.restart()
        await pass_hours(zoom, 3)
        assert zoom.receipts.one().complete
        assert not notes.kept
        assert await zoom.leftovers(ana) == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", ["open_case", "accept", "set_status", "kill_grant"])
async def test_a_crash_while_a_grant_dies_loses_no_evidence(name: str, after: bool) -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await lost_removal(zoom, ana)
        cut_off(zoom.parts.store, name, 1, after=after)
        with pytest.raises(CutOffError):
            await pass_hours(zoom, 2)
        await zoom.restart()
        await pass_hours(zoom, 2)
        # Before the case was open, the crash makes it doubtful who spent the token. But the
        # notice to authorize again cannot be delivered, and that is evidence, too.
        assert (await only_case(zoom)).reason in EVIDENCE
        await pass_hours(zoom, 49)
        assert zoom.receipts.one().complete
