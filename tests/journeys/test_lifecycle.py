"""The whole life of an installation, through the harness that users are given."""

import pytest

from innkeeper.emulator.world import WelcomeMode
from innkeeper.store.records import EventState
from innkeeper.testing import BOT_URL, Zoom
from tests.journeys.bots import Notes, porter

pytestmark = pytest.mark.anyio


async def test_walks_from_add_app_to_nothing_left() -> None:
    notes = Notes()
    async with Zoom(porter(notes)) as zoom:
        ana = await zoom.user("Ana")
        page = await ana.add_app()
        assert f"{BOT_URL}/launch" in page.url
        assert "Hi Ana" in ana.chat.last.text
        await ana.says("/bot due friday ship it")
        assert "friday ship it" in ana.chat.last.text
        assert await zoom.leftovers(ana) == []
        await zoom.clock.advance(hours=2)
        await ana.clicks("Approve")
        assert "Approved" in ana.chat.last.text
        assert ana.chat.last.edited
        await ana.removes_app()
        receipt = zoom.receipts.one()
        assert receipt.complete
        assert receipt.steps["bot:notes"] == 1
        assert receipt.steps["state"] == 1
        assert not notes.kept
        assert await zoom.leftovers(ana) == []


@pytest.mark.parametrize("management", ["admin", "user"])
async def test_forgets_the_account_or_the_user(management: str) -> None:
    notes = Notes()
    async with Zoom(porter(notes), management=management) as zoom:  # type: ignore[arg-type]
        ana, ben = await zoom.user("Ana"), await zoom.user("Ben")
        await ana.add_app()
        if management == "user":
            await ben.add_app()
        await ana.says("due monday towels")
        await ben.says("due tuesday keys")
        assert len(notes.kept) == 2
        await ana.removes_app()
        assert len(notes.kept) == (0 if management == "admin" else 1)
        if management == "user":
            await ben.says("help")
            assert "Try" in ben.chat.last.text


@pytest.mark.parametrize(
    ("mode", "words"),
    [("default", "Innkeeper"), ("static", "Good evening"), ("dynamic", "Hi Ana")],
)
async def test_shows_the_right_welcome(mode: WelcomeMode, words: str) -> None:
    async with Zoom(porter(), welcome=mode) as zoom:
        zoom.record.welcome.title, zoom.record.welcome.body = "", ""
        if mode == "static":
            zoom.record.welcome.title, zoom.record.welcome.body = "Welcome", "Good evening"
        ana = await zoom.user("Ana")
        await ana.add_app()
        expected = zoom.record.name if mode == "default" else words
        assert expected in ana.chat.last.text


async def test_asks_for_consent_once_and_again_after_a_change_of_scopes() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.signs_in()
        page = await ana.browser.open(f"{BOT_URL}/install")
        assert f"{BOT_URL}/launch" in page.url
        await zoom.add_scope("team_chat:read:list_user_channels")
        page = await ana.browser.open(f"{BOT_URL}/install")
        assert page.form_with("Allow")


async def test_keeps_the_generation_when_the_same_person_authorizes_again() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        (first,) = await zoom.parts.store.installations()
        await zoom.clock.advance(hours=1)
        await ana.installs()
        (second,) = await zoom.parts.store.installations()
        assert (second.id, second.generation) == (first.id, first.generation)
        assert second.authorized_at > first.authorized_at


async def test_begins_a_new_generation_after_a_removal() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        (first,) = await zoom.parts.store.installations()
        await ana.removes_app()
        await zoom.clock.advance(minutes=1)
        await ana.add_app()
        (second,) = await zoom.parts.store.installations()
        assert second.id != first.id
        assert second.generation == first.generation + 1
        assert "Hi Ana" in ana.chat.last.text


async def test_an_old_deauthorization_spares_a_newer_installation() -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.removes_app()
        await zoom.clock.advance(minutes=1)
        await ana.add_app()
        old = next(d for d in zoom.emulator.courier.deliveries if d.event == "app_deauthorized")
        await zoom.emulator.courier.redeliver(old.id)
        await zoom.settle()
        assert len(await zoom.parts.store.installations()) == 1
        assert len(zoom.receipts.all()) == 1


async def test_chains_its_receipts() -> None:
    async with Zoom(porter()) as zoom:
        for name in ("Ana", "Ben", "Chiara"):
            person = await zoom.user(name)
            await person.add_app()
            await person.removes_app()
            await zoom.clock.advance(minutes=1)
        receipts = zoom.receipts.all()
        assert [receipt.sequence for receipt in receipts] == [1, 2, 3]
        assert receipts[0].previous == ""
        assert len({receipt.previous for receipt in receipts}) == 3


async def test_a_chatbot_only_app_opens_its_installation_at_the_first_event() -> None:
    async with Zoom(porter(), user_oauth=False) as zoom:
        ana = await zoom.user("Ana")
        page = await ana.add_app()
        assert page.url == f"{BOT_URL}/launch"
        assert "Hi Ana" in ana.chat.last.text
        assert len(await zoom.parts.store.installations()) == 1
        assert not [token for token in zoom.emulator.world.tokens if token.kind == "user"]


async def test_a_development_app_is_told_nothing_of_its_removal() -> None:
    async with Zoom(porter(), environment="development") as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.removes_app()
        assert zoom.receipts.all() == ()
        assert "app_deauthorized" not in {d.event for d in zoom.emulator.courier.deliveries}


async def test_answers_in_the_channel_it_was_asked_in() -> None:
    async with Zoom(porter(), management="admin") as zoom:
        ana, ben = await zoom.user("Ana"), await zoom.user("Ben")
        await ana.add_app()
        await ben.says("/bot help", in_channel="general")
        said = [m for m in zoom.emulator.world.messages.values() if m.client_id and m.card]
        assert "general" in {
            c.name for c in zoom.emulator.world.channels() if c.jid == said[-1].to_jid
        }


async def test_a_handler_that_fails_is_tried_again_and_then_kept_aside() -> None:
    app = porter()
    tries: list[int] = []

    @app.command("break")
    async def broken(_ctx: object) -> None:
        tries.append(1)
        raise RuntimeError

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.says("break")
        assert len(tries) == 1
        for _ in range(7):
            await zoom.clock.advance(hours=1)
        assert len(tries) == 6
        rows = [row for row in await zoom.parts.store.inbox_rows() if row.state is EventState.DEAD]
        assert [row.reason for row in rows] == ["RuntimeError"]
        assert await zoom.parts.store.revive(rows[0].id, now=zoom.parts.clock.now())
        await zoom.settle()
        assert len(tries) == 7


async def test_a_failing_purge_step_is_tried_again_until_it_holds() -> None:
    app = porter()
    tries: list[int] = []

    @app.purge("elsewhere", verify=lambda _scope: len(tries) > 2)
    def delete(_scope: object) -> int:
        tries.append(1)
        return 1

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.removes_app()
        assert zoom.receipts.all() == ()
        await zoom.clock.advance(hours=1)
        await zoom.clock.advance(hours=1)
        assert len(tries) == 3
        receipt = zoom.receipts.one()
        assert receipt.steps["bot:elsewhere"] == 3  # it said that it deleted one, each time
        assert receipt.tries["bot:elsewhere"] == 3
