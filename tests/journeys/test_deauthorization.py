"""Rows D of the catalogue of bad inputs: what Zoom says of a removal, and what becomes of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from innkeeper import AccountScope, App, UserScope
from innkeeper.errors import StoreUnavailable
from innkeeper.flows.receipts import Statement, read_statement
from innkeeper.net.exchange import Request, Response
from innkeeper.settings import Management
from innkeeper.store.records import EventState, InstallationStatus
from innkeeper.store.sqlite import connection
from innkeeper.testing import BOT_URL, Zoom
from tests.journeys.bots import Notes, porter
from tests.journeys.house import CLIENT_ID, NOW, House, mac, notification, running, signed, stamp

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
MALFORMED = {
    "null": None,
    "int": 7,
    "star": "*",
    "percent": "%",
    "sql": "' OR 1=1",
    "long": "x" * 10_240,
    "empty": "",
    "line": "User-1\n",
    "list": ["User-1"],
}


class Ledger:
    """What the bot itself keeps: who was to be forgotten."""

    def __init__(self) -> None:
        self.scopes: list[UserScope | AccountScope] = []

    def app(self) -> App:
        app = App("The test's bot")

        @app.purge("ledger")
        def forget(scope: UserScope | AccountScope) -> int:
            self.scopes.append(scope)
            return 0

        return app


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def house(tmp_path: Path, ledger: Ledger) -> AsyncIterator[House]:
    structlog.reset_defaults()
    async with running(tmp_path, app=ledger.app()) as house:
        yield house


def removal(at: datetime = NOW, **changes: Any) -> bytes:
    payload: dict[str, Any] = {
        "account_id": "Account-1",
        "user_id": "User-1",
        "signature": "ab" * 32,
        "deauthorization_time": at.isoformat().replace("+00:00", "Z"),
        "client_id": CLIENT_ID,
    }
    payload.update(changes)
    kept = {key: value for key, value in payload.items() if value is not ...}
    return json.dumps(
        {
            "event": "app_deauthorized",
            "event_ts": int(at.timestamp() * 1000),
            "payload": kept,
        }
    ).encode()


def greeting(at: datetime = NOW, user: str = "User-1", account: str = "Account-1") -> bytes:
    """Write an event that opens an installation."""
    return notification(
        timestamp=int(at.timestamp() * 1000), userId=user, accountId=account, cmd=f"hi {at}"
    )


async def statements(house: House) -> list[Statement]:
    return [read_statement(each) for each in await house.parts.store.receipts()]


async def people(house: House) -> list[str]:
    return sorted(
        str(each.owner.user_id or each.owner.account_id)
        for each in await house.parts.store.installations()
    )


async def reasons(house: House) -> dict[str, tuple[EventState, str]]:
    return {row.name: (row.state, row.reason) for row in reversed(await house.rows())}


# who may say so


async def test_the_oracle_helps_nobody_to_forge_a_removal(house: House) -> None:
    """Row D02: a URL validation must not sign what somebody else wrote."""
    await house.deliver(greeting())
    wanted = f"v0:{stamp()}:{removal().decode()}"
    asked = json.dumps({"event": "endpoint.url_validation", "payload": {"plainToken": wanted}})
    unsigned = [(b"content-type", b"application/json")]
    assert (await house.deliver(asked.encode(), unsigned))[0] == 401
    status, answer = await house.deliver(asked.encode())
    assert status == 400
    assert b"encryptedToken" not in answer
    forged = [
        (b"x-zm-request-timestamp", stamp().encode()),
        (b"x-zm-signature", mac(removal(), stamp(), "a-secret-of-somebody-else").encode()),
    ]
    assert await house.deliver(removal(), forged, path="/deauthorize") == (
        401,
        b'{"error":"unauthorized"}',
    )
    assert await people(house) == ["User-1"]
    assert [row.name for row in await house.rows()] == ["bot_notification"]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([(b"authorization", b"a-verification-token")], id="D03-token"),
        pytest.param([], id="D03-payload-signature"),
        pytest.param(
            [(b"x-zm-signature", ("v0=" + "ab" * 32).encode())], id="D03-signature-in-header"
        ),
    ],
)
async def test_the_ways_of_years_ago_are_refused(
    house: House, headers: list[tuple[bytes, bytes]]
) -> None:
    await house.deliver(greeting())
    for path in ("/events", "/deauthorize"):
        assert await house.deliver(removal(), headers, path=path) == (
            401,
            b'{"error":"unauthorized"}',
        )
    assert await people(house) == ["User-1"]
    assert len(await house.rows()) == 1


async def test_a_captured_removal_is_of_no_use_three_hours_later(house: House) -> None:
    """Row D14."""
    await house.deliver(greeting())
    old = NOW - timedelta(hours=3)
    headers = signed(removal(old), timestamp=stamp(-10_800))
    assert (await house.deliver(removal(old), headers))[0] == 401
    assert await people(house) == ["User-1"]
    assert await statements(house) == []


async def test_a_removal_of_another_app_deletes_nothing(house: House) -> None:
    await house.deliver(greeting())
    with capture_logs() as logs:
        assert (await house.deliver(removal(client_id="another-client")))[0] == 200
    assert (await reasons(house))["app_deauthorized"] == (EventState.QUARANTINED, "wrong_client")
    assert [each["event"] for each in logs if each["log_level"] == "error"] == [
        "dispatch.kept_aside",
        "case.opened",
    ]
    assert await people(house) == ["User-1"]


# of whom


@pytest.mark.parametrize(
    "whom",
    [
        pytest.param({"account_id": "Account-9", "user_id": "User-9"}, id="D05-unknown-account"),
        pytest.param({"user_id": "User-9"}, id="D06-unknown-user"),
    ],
)
async def test_a_removal_of_somebody_unknown_is_proven_and_touches_nobody(
    house: House, ledger: Ledger, whom: dict[str, Any]
) -> None:
    await house.deliver(greeting())
    await house.deliver(greeting(user="User-2"))
    assert await house.deliver(removal(NOW + MINUTE, **whom), path="/deauthorize") == (200, b"{}")
    (statement,) = await statements(house)
    assert (statement.outcome, statement.complete) == ("nothing_held", True)
    assert set(statement.steps.values()) == {0}
    assert await people(house) == ["User-1", "User-2"]
    (scope,) = ledger.scopes
    assert isinstance(scope, UserScope)
    assert scope.user_id == whom.get("user_id", "User-1")
    assert scope.account_id == whom.get("account_id", "Account-1")


async def test_somebody_unknown_is_not_brought_back_by_an_older_event(house: House) -> None:
    await house.deliver(removal(NOW))
    await house.deliver(greeting(NOW - MINUTE))
    assert (await reasons(house))["bot_notification"] == (EventState.DROPPED, "removed")
    assert await people(house) == []
    await house.deliver(greeting(NOW + MINUTE))
    (back,) = await house.parts.store.installations()
    assert back.generation == 2


@pytest.mark.parametrize("field", ["account_id", "user_id"])
@pytest.mark.parametrize(
    "value", [pytest.param(value, id=f"D09-{name}") for name, value in MALFORMED.items()]
)
async def test_a_removal_that_cannot_be_understood_waits_for_a_person(
    house: House, field: str, value: Any
) -> None:
    await house.deliver(greeting())
    with capture_logs() as logs:
        assert await house.deliver(removal(**{field: value})) == (200, b"{}")
    assert (await reasons(house))["app_deauthorized"] == (
        EventState.QUARANTINED,
        f"field:{field}",
    )
    assert await people(house) == ["User-1"]
    assert await statements(house) == []
    (case,) = await house.parts.store.cases()
    assert (case.reason, case.installation_id) == ("deauthorization_unreadable", None)
    assert "case.opened" in [each["event"] for each in logs]
    assert "User-1" not in str(logs)


@pytest.mark.parametrize(
    ("management", "left"),
    [
        pytest.param("admin", ["Account-2"], id="D08-account"),
        pytest.param("user", ["User-2", "User-3"], id="D08-user"),
    ],
)
async def test_an_admin_removes_the_whole_account(
    tmp_path: Path, ledger: Ledger, management: Management, left: list[str]
) -> None:
    async with running(tmp_path, management=management, app=ledger.app()) as house:
        for user, account in (("User-1", "Account-1"), ("User-2", "Account-1")):
            await house.deliver(greeting(user=user, account=account))
        await house.deliver(greeting(user="User-3", account="Account-2"))
        await house.deliver(removal(NOW + MINUTE))
        assert await people(house) == left
        (statement,) = await statements(house)
        assert statement.outcome == "purged"
        kind = AccountScope if management == "admin" else UserScope
        assert [type(scope) for scope in ledger.scopes] == [kind]


# how often, and when


async def test_a_thousand_replays_are_one_purge(house: House, ledger: Ledger) -> None:
    """Row D11."""
    await house.deliver(greeting())
    body, headers = removal(NOW + MINUTE), signed(removal(NOW + MINUTE))
    for _ in range(20):
        answers = await asyncio.gather(
            *(house.request("POST", "/deauthorize", headers, body) for _ in range(50))
        )
        assert {status for status, _, _ in answers} == {200}
    await house.parts.dispatcher.settled()
    assert len(await statements(house)) == 1
    assert len(ledger.scopes) == 1
    assert [row.name for row in await house.rows()].count("app_deauthorized") == 1


async def test_the_same_removal_in_other_words_is_superseded(house: House, ledger: Ledger) -> None:
    await house.deliver(greeting())
    await house.deliver(removal(NOW + MINUTE))
    for retention in (None, "false", True):
        await house.deliver(removal(NOW + MINUTE, user_data_retention=retention))
    assert len(await statements(house)) == 1
    assert len(ledger.scopes) == 1
    assert (await reasons(house))["app_deauthorized"] == (EventState.DROPPED, "superseded")


async def test_an_old_removal_spares_whoever_came_back(house: House) -> None:
    """Row D12."""
    await house.deliver(greeting())
    await house.deliver(removal(NOW + MINUTE))
    await house.deliver(greeting(NOW + 2 * MINUTE))
    (back,) = await house.parts.store.installations()
    await house.deliver(removal(NOW + MINUTE, user_data_retention=None))
    assert (await reasons(house))["app_deauthorized"] == (EventState.DROPPED, "superseded")
    assert await house.parts.store.installations() == [back]
    assert (back.generation, len(await statements(house))) == (2, 1)
    assert await house.parts.store.cases() == []


async def test_an_older_removal_that_nothing_explains_opens_a_case(house: House) -> None:
    await house.deliver(greeting())
    await house.deliver(removal(NOW - MINUTE))
    assert await people(house) == ["User-1"]
    (case,) = await house.parts.store.cases()
    assert case.reason == "deauthorization_before_authorization"


async def test_a_second_removal_covers_what_came_between(house: House) -> None:
    """Nobody saw the reinstallation but Zoom; its late event must bring nobody back."""
    await house.deliver(greeting())
    await house.deliver(removal(NOW + MINUTE))
    await house.deliver(removal(NOW + 3 * MINUTE))
    await house.deliver(greeting(NOW + 2 * MINUTE))
    assert await people(house) == []
    assert [each.outcome for each in await statements(house)] == ["purged", "nothing_held"]


@pytest.mark.parametrize(
    ("events", "left"),
    [
        pytest.param((greeting(NOW), removal(NOW + MINUTE)), [], id="D18-in-order"),
        pytest.param((removal(NOW + MINUTE), greeting(NOW)), [], id="D18-swapped"),
        pytest.param((removal(NOW), greeting(NOW + MINUTE)), ["User-1"], id="D18-back"),
        pytest.param((greeting(NOW + MINUTE), removal(NOW)), ["User-1"], id="D18-back-swapped"),
        pytest.param((greeting(NOW), removal(NOW)), [], id="D18-tie"),
        pytest.param((removal(NOW), greeting(NOW)), [], id="D18-tie-swapped"),
    ],
)
async def test_the_times_of_the_events_decide_and_not_their_order(
    house: House, events: tuple[bytes, bytes], left: list[str]
) -> None:
    for event in events:
        assert (await house.deliver(event))[0] == 200
    assert await people(house) == left


async def test_a_tie_is_told(house: House) -> None:
    await house.deliver(greeting())
    with capture_logs() as logs:
        await house.deliver(removal())
    assert "deauthorize.same_moment" in [each["event"] for each in logs]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=f"D24-{value!r}")
        for value in ("true", True, "false", False, None, "maybe", ..., 1, [True])
    ],
)
async def test_whatever_it_says_of_retention_all_is_deleted(
    house: House, ledger: Ledger, value: Any
) -> None:
    await house.deliver(greeting())
    await house.deliver(removal(NOW + MINUTE, user_data_retention=value))
    (statement,) = await statements(house)
    assert (statement.complete, statement.kept) == (True, [])
    assert "bot:ledger" in statement.steps
    assert len(ledger.scopes) == 1
    assert await people(house) == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        pytest.param({"user_data_retention": "true"}, True, id="D24-honoured-text"),
        pytest.param({"user_data_retention": True}, True, id="D24-honoured-bool"),
        pytest.param({"userDataRetention": True}, True, id="D24-honoured-camel"),
        pytest.param({"user_data_retention": "false"}, False, id="D24-no"),
        pytest.param({"user_data_retention": None}, False, id="D24-null"),
        pytest.param({"user_data_retention": "maybe"}, False, id="D24-maybe"),
        pytest.param({"user_data_retention": 1}, False, id="D24-number"),
        pytest.param(
            {"user_data_retention": True, "userDataRetention": False}, False, id="D24-both"
        ),
        pytest.param({}, False, id="D24-absent"),
    ],
)
async def test_an_operator_may_honour_the_wish_to_keep(
    tmp_path: Path, ledger: Ledger, said: dict[str, Any], kept: bool
) -> None:
    async with running(tmp_path, app=ledger.app(), honour_retention=True) as house:
        await house.deliver(greeting())
        await house.deliver(removal(NOW + MINUTE, **said))
        (statement,) = await statements(house)
        assert await people(house) == []
        assert statement.steps["data_key"] == 1
        assert (statement.complete, statement.kept) == (not kept, ["bot:ledger"] if kept else [])
        assert len(ledger.scopes) == (0 if kept else 1)
        _, _, page = await house.request("GET", f"/receipts/{statement.receipt}")
        assert (b"was kept" in page) is kept


# Zoom's data compliance address


COMPLIANCE = "https://api.zoom.us/oauth/data/compliance"
TAKEN = Response(200, {}, b"")


@pytest.fixture
async def reporting(tmp_path: Path) -> AsyncIterator[House]:
    structlog.reset_defaults()
    async with running(tmp_path, data_compliance=True) as house:
        await house.deliver(greeting())
        yield house


def everything_in(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


async def chores(house: House, *, days: float = 0) -> list[str]:
    """Let time pass, do what is done each minute, and tell what was an alarm."""
    house.clock.advance(days * 86_400)
    with capture_logs() as logs:
        await house.app.worker.do_chores()
    assert "User-1" not in str(logs)
    return [each["event"] for each in logs if each["log_level"] == "error"]


async def test_zoom_is_told_of_a_purge_once_it_is_done(reporting: House) -> None:
    """Row D23."""
    reporting.zoom.answers = [TAKEN]
    await reporting.deliver(removal(NOW + MINUTE, user_data_retention="false"))
    assert len(await statements(reporting)) == 1
    assert reporting.zoom.asked == []
    assert await chores(reporting) == []
    (told,) = reporting.zoom.asked
    assert told.url == COMPLIANCE
    assert told.headers["authorization"].startswith("Basic ")
    said = json.loads(told.body)
    assert (said["user_id"], said["account_id"]) == ("User-1", "Account-1")
    assert said["deauthorization_event_received"]["signature"] == "ab" * 32
    assert said["compliance_completed"] is True
    assert await chores(reporting, days=1) == []
    assert len(reporting.zoom.asked) == 1


@pytest.mark.parametrize("status", [500, 501, 429, 403, 302])
async def test_a_report_that_zoom_does_not_take_blocks_nothing(
    reporting: House, status: int
) -> None:
    """Row D23: tried for ten days, with one alarm after seven, then given up."""
    reporting.zoom.answers = [Response(status, {}, b"")]
    await reporting.deliver(removal(NOW + MINUTE))
    (statement,) = await statements(reporting)
    assert statement.complete
    alarms = {day: await chores(reporting, days=1 if day else 0) for day in range(12)}
    assert {day: found for day, found in alarms.items() if found} == {
        7: ["report.late"],
        10: ["report.given_up"],
    }
    assert 8 < len(reporting.zoom.asked) < 50
    assert await reporting.parts.vault.find_key(f"report:{statement.installation}") is None


async def test_a_report_survives_a_restart_and_then_nothing_of_it_is_left(
    reporting: House, tmp_path: Path
) -> None:
    await reporting.deliver(removal(NOW + MINUTE))
    await chores(reporting)
    assert b"User-1" not in everything_in(tmp_path)
    await reporting.app.stop()
    await reporting.app.start(background=False)
    reporting.zoom.answers = [TAKEN]
    await chores(reporting, days=1)
    assert len(reporting.zoom.asked) == 2
    assert await chores(reporting, days=1) == []
    assert len(reporting.zoom.asked) == 2


async def test_nobody_is_told_unless_an_operator_wants_it(house: House) -> None:
    await house.deliver(greeting())
    await house.deliver(removal(NOW + MINUTE))
    await chores(house, days=1)
    assert house.zoom.asked == []


# alarms


async def test_a_late_purge_is_told_three_times_and_seen_where_people_look(
    tmp_path: Path,
) -> None:
    app = App("The test's bot")

    @app.purge("elsewhere")
    def never(_scope: object) -> int:
        raise ConnectionError

    async with running(tmp_path, app=app) as house:
        await house.deliver(greeting())
        await house.deliver(removal(NOW + MINUTE))
        alarms: dict[int, list[Any]] = {}
        for day in range(12):
            with capture_logs() as logs:
                await house.app.worker.do_chores()
            if late := [each["percent"] for each in logs if each["event"] == "purge.late"]:
                alarms[day] = late
            if day == 6:
                await house.app.stop()
                house.parts = await house.app.start(background=False)
            house.clock.advance(86_400)
        assert alarms == {5: [50], 8: [80], 10: [100]}
        assert await statements(house) == []
        (purge,) = await house.parts.store.purges()
        assert purge.alarm == 100
        status, _, body = await house.request("GET", "/readyz")
        report = json.loads(body)
        assert (status, report["status"]) == (200, "degraded")
        late = {"ok": False, "under_way": 1, "overdue": 1, "time_used": 1.2}
        assert report["purges"] | {"time_used": round(report["purges"]["time_used"], 1)} == late


# when storage fails


@pytest.mark.sqlite  # its file is locked
async def test_a_removal_that_cannot_be_kept_is_asked_for_again(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Row D20."""
    monkeypatch.setattr(connection, "_WRITER_WAITS_MS", 1)
    await house.deliver(greeting())
    held = connection.connect(str(tmp_path / "innkeeper.db"))
    held.run("BEGIN IMMEDIATE")
    assert (await house.deliver(removal(NOW + MINUTE)))[0] == 503
    held.close()
    assert await people(house) == ["User-1"]
    assert (await house.deliver(removal(NOW + MINUTE)))[0] == 200
    assert await people(house) == []
    assert len(await statements(house)) == 1


FAILING = [
    ("vault", "bury"),
    ("store", "begin_purge"),
    *[("store", f"erase:{part}") for part in ("grants", "state", "inbox", "cases")],
    ("store", "erase_installation"),
    ("vault", "destroy_key"),
    ("store", "scrub"),
    ("vault", "keep_receipt"),
    ("store", "end_purge"),
]


@pytest.mark.parametrize(
    ("part", "name"), [pytest.param(*each, id=f"D21-{each[1]}") for each in FAILING]
)
async def test_a_purge_that_storage_fails_goes_on_and_is_never_called_done_before(
    house: House, part: str, name: str
) -> None:
    await house.deliver(greeting())
    (before,) = await house.parts.store.installations()
    target, method, wanted = getattr(house.parts, part), *(name + ":").split(":")[:2]
    real = getattr(target, method)
    failed: list[str] = []

    async def failing(*args: Any, **named: Any) -> Any:
        if not failed and (
            not wanted or named.get("part", wanted) == wanted in (*args, *named.values())
        ):
            failed.append(name)
            raise StoreUnavailable("no space left")
        return await real(*args, **named)

    setattr(target, method, failing)
    assert (await house.deliver(removal(NOW + MINUTE)))[0] == 200
    assert failed
    assert await statements(house) == []
    status, _, page = await house.request("GET", f"/receipts/{before.receipt_id}")
    assert (status, b"receipt verify" in page) == (200, False)
    house.clock.advance(60)
    await house.app.worker.turn()
    await house.parts.dispatcher.settled()
    await house.app.worker.turn()
    (statement,) = await statements(house)
    assert statement.complete
    assert statement.steps["installation"] == 1
    assert await people(house) == []


# while something else is under way


async def test_a_refresh_under_way_leaves_no_token_behind() -> None:
    """Row D15."""
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        (installation,) = await zoom.parts.store.installations()
        await zoom.parts.clock.sleep(7200)
        asked, purged = asyncio.Event(), asyncio.Event()
        real = zoom.transport.send

        async def slowly(request: Request, **how: Any) -> Any:
            answer = await real(request, **how)
            if request.url.endswith("/oauth/token"):
                asked.set()
                await purged.wait()
            return answer

        zoom.transport.send = slowly  # type: ignore[method-assign]
        renewal = asyncio.create_task(zoom.parts.grants.user(installation.id))
        async with asyncio.timeout(5):
            await asked.wait()
        purge = await zoom.parts.forgetter.begin(installation, removed_at=zoom.clock.now())
        assert purge is not None
        assert await zoom.parts.forgetter.run(purge) is not None
        purged.set()
        with pytest.raises(Exception, match="fenced"):
            await renewal
        assert await zoom.parts.store.find_grant(installation.id) is None
        theirs = [token for token in zoom.emulator.world.tokens if token.kind == "user"]
        assert all(token.revoked for token in theirs)
        assert await zoom.leftovers(ana) == []


async def test_a_reinstallation_under_way_survives_the_purge() -> None:
    """Row D17: the removal is heard while the code of the new authorization is exchanged."""
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        (old,) = await zoom.parts.store.installations()
        removed_at = zoom.clock.now() + timedelta(seconds=1)
        await zoom.clock.advance(minutes=1)
        real = zoom.transport.send
        purges: list[object] = []

        async def meanwhile(request: Request, **how: Any) -> Any:
            answer = await real(request, **how)
            if request.url.endswith("/oauth/token") and not purges:
                purge = await zoom.parts.forgetter.begin(old, removed_at=removed_at)
                assert purge is not None
                purges.append(await zoom.parts.forgetter.run(purge))
            return answer

        zoom.transport.send = meanwhile  # type: ignore[method-assign]
        await ana.installs()
        (new,) = await zoom.parts.store.installations()
        assert (new.id != old.id, new.generation) == (True, 2)
        assert new.status is InstallationStatus.LIVE
        assert await zoom.parts.grants.user(new.id)
        assert zoom.receipts.one().installation == old.id


async def test_events_that_wait_for_somebody_who_left_are_dropped(
    house: House,
) -> None:
    """Row D26."""
    await house.deliver(greeting())
    store = house.parts.store
    for number in range(7):
        body = notification(cmd=f"queued {number}")
        kept = await store.accept(
            key=bytes([number]) * 32, name="bot_notification", body=body, owner=None, now=NOW
        )
        await store.defer(kept.id, until=NOW + timedelta(hours=1), reason="waits")
    await house.deliver(removal(NOW + MINUTE))
    (statement,) = await statements(house)
    assert statement.steps["inbox"] == 7
    house.clock.advance(7200)
    await house.app.worker.turn()
    assert [text for text in house.heard if "queued" in text] == []
    assert {row.state for row in await house.rows() if row.reason == "removed"} == {
        EventState.DROPPED
    }


async def test_nothing_of_the_old_generation_reappears() -> None:
    """Row D30."""
    notes = Notes()
    async with Zoom(porter(notes)) as zoom:
        ana = await zoom.user("Ana")
        page = await ana.add_app()
        await ana.says("due friday ship it")
        (old,) = await zoom.parts.store.installations()
        await ana.removes_app()
        await zoom.clock.advance(minutes=1)
        again = await ana.add_app()
        (new,) = await zoom.parts.store.installations()
        assert (new.generation, new.id == old.id) == (2, False)
        assert new.receipt_id != old.receipt_id
        assert page.links != again.links
        assert await zoom.parts.store.get_state(new.id, f"last of {ana.user.name}") is None
        assert not notes.kept
        proof = await zoom.transport.send(Request("GET", f"{BOT_URL}/receipts/{old.receipt_id}"))
        assert b"receipt verify" in proof.body
