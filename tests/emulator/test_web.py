"""The emulator as a whole: settling, moving, starting, resetting, repeating itself."""

import asyncio
import json
from typing import Any

import pytest

from innkeeper.clock import MovableClock
from innkeeper.emulator import Emulator
from innkeeper.emulator.marketplace.removal import InstallationUnknown
from innkeeper.emulator.planting import plant
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.web import AuthorizationRefused
from innkeeper.net.outbound import AsgiTransport, Message
from tests.emulator.visit import BOT, CALLBACK, START, Bot, Visit, read, returned

pytestmark = pytest.mark.anyio


async def _journey(visit: Visit) -> list[Any]:
    """Do the same few things, and tell every id and token that was drawn on the way."""
    tokens = await visit.tokens()
    await visit.zoom.settle()
    refreshed = read(await visit.refresh(tokens["refresh_token"]))
    chatbot = read(await visit.chatbot_token())
    visit.app.environment = "production"
    await visit.zoom.remove_app(visit.installation.id)
    await visit.zoom.advance(60)
    state = read(await visit.ask("GET", "/_emulator/state"))
    deliveries = read(await visit.ask("GET", "/_emulator/deliveries"))["deliveries"]
    bodies = [delivery["body"] for delivery in deliveries]
    return [tokens, refreshed, chatbot, {**state, "clock": None}, bodies]


async def test_a_seeded_run_repeats_itself() -> None:
    """T-3, E17."""
    first, second, other = Visit(), Visit(), Visit(random_seed=8)
    told = await _journey(first)
    assert told == await _journey(second)
    assert told != await _journey(other)


async def test_an_unseeded_run_does_not() -> None:
    first, second = Visit(random_seed=None), Visit(random_seed=None)
    assert first.app.client_id != second.app.client_id


async def test_takes_the_seed_of_the_seed_file() -> None:
    document = {"seed": 3, "accounts": [{"users": [{"name": "Dana"}]}]}
    first, second = (
        Emulator(seed=Seed.parse(document), transport=AsgiTransport()) for _ in range(2)
    )
    assert first.world.users()[0].id == second.world.users()[0].id


async def test_begins_again_exactly_as_it_began() -> None:
    """T-4."""
    visit = Visit()
    told = await _journey(visit)
    await visit.zoom.reset()
    visit.bot.secret = visit.app.secret_token
    again = await _journey(visit)
    assert [told[0], told[2]] == [again[0], again[2]]


async def test_tells_who_listens_that_it_began_again() -> None:
    visit = Visit()
    heard: list[str] = []
    visit.world.listeners.append(lambda kind, _: heard.append(kind))
    await visit.zoom.reset()
    assert heard == ["reset"]


async def test_nothing_happens_by_itself_while_the_clock_is_frozen() -> None:
    visit = Visit()
    await visit.zoom.start()
    await visit.code()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not visit.bot.heard
    assert not visit.zoom.quiet
    await visit.zoom.settle()
    assert visit.bot.events("bot_installed")
    assert visit.zoom.quiet
    await visit.zoom.aclose()


async def test_delivers_by_itself_once_started_where_time_runs() -> None:
    bot = Bot()
    zoom = Emulator(clock=MovableClock(START), transport=AsgiTransport({BOT: bot}))
    (app,) = zoom.world.apps.values()
    app.environment = "production"
    await zoom.start()
    await zoom.start()
    url = await zoom.add_app(app, zoom.world.users()[0])
    assert url.startswith(f"{CALLBACK}?code=")
    assert set(returned(url)) == {"code"}
    (installation,) = zoom.world.installations
    async with asyncio.timeout(5):
        await bot.hears("bot_installed")
        await zoom.remove_app(installation)
        await bot.hears("app_deauthorized")
    await zoom.aclose()


async def test_a_moved_clock_wakes_what_was_started() -> None:
    bot = Bot()
    zoom = Emulator(clock=MovableClock(START), transport=AsgiTransport({BOT: bot}))
    (app,) = zoom.world.apps.values()
    app.environment = "production"
    await zoom.add_app(app, zoom.world.users()[0])
    await zoom.settle()
    bot.silent = True
    await zoom.start()
    (installation,) = zoom.world.installations
    tried = asyncio.Event()
    zoom.world.listeners.append(
        lambda kind, subject: tried.set() if kind == "delivery" and subject.attempts else None
    )
    await zoom.remove_app(installation)
    async with asyncio.timeout(5):
        await tried.wait()
    bot.silent = False
    await zoom.advance(301)
    assert len(bot.events("app_deauthorized")) == 1
    await zoom.aclose()


async def test_stops_on_the_way_wherever_something_falls_due() -> None:
    visit = Visit()
    visit.app.environment = "production"
    await visit.code()
    await visit.zoom.settle()
    visit.bot.silent = True
    await visit.zoom.remove_app(visit.installation.id)
    await visit.zoom.advance(7200)
    delivery = visit.zoom.courier.deliveries[-1]
    minutes = [(attempt.at - START).total_seconds() / 60 for attempt in delivery.attempts]
    assert minutes == [0, 5, 25, 85]
    stamps = [
        int(record.request.headers["x-zm-request-timestamp"]) - int(START.timestamp())
        for record in visit.zoom.traffic.records()
        if record.delivery_id == delivery.id
    ]
    assert stamps == [0, 300, 1500, 5100]
    assert (visit.clock.now() - START).total_seconds() == 7200


async def test_time_never_goes_back() -> None:
    visit = Visit()
    with pytest.raises(ValueError, match="cannot go back"):
        await visit.zoom.advance(-1)
    assert visit.clock.now() == START


async def test_a_verb_is_refused_as_the_page_would_be() -> None:
    visit = Visit()
    with pytest.raises(AuthorizationRefused, match="no admin"):
        await visit.zoom.add_app(visit.app, visit.ben)
    visit.app.redirect_uris = []
    with pytest.raises(AuthorizationRefused):
        await visit.zoom.add_app(visit.app, visit.ana)
    with pytest.raises(InstallationUnknown):
        await visit.zoom.remove_app("unknown")


async def test_a_verb_goes_back_with_an_error_where_the_browser_would() -> None:
    visit = Visit()
    url = f"{visit.zoom.base_url}/oauth/authorize?{visit.query(scope='nothing')}"
    assert "error=invalid_scope" in await visit.zoom.authorize(url, visit.ana)


async def test_answers_an_address_that_is_not_there_with_json() -> None:
    visit = Visit()
    missing = await visit.ask("GET", "/nowhere")
    assert (missing.status, read(missing)) == (404, {"error": "not_found"})


async def test_posts_to_no_other_machine_unless_told() -> None:
    bot = Bot()
    transport = AsgiTransport({"http://bot.test": bot})
    inside = Emulator(transport=transport)
    (app,) = inside.world.apps.values()
    bot.secret = app.secret_token
    await inside.courier.validate_url(app, "http://bot.test/events")
    assert inside.courier.allow_hosts == {"bot.test"}
    outside = Emulator(allow_hosts=["bot.example"])
    assert outside.courier.allow_hosts == {"bot.example"}
    await outside.aclose()


async def test_closing_breaks_off_what_is_under_way() -> None:
    visit = Visit()
    await visit.code()
    await visit.zoom.aclose()
    assert visit.zoom.quiet
    assert not visit.bot.heard


async def test_a_client_that_hangs_up_gets_no_more_than_an_end() -> None:
    visit, sent = Visit(), list[Message]()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/oauth/token",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8700")],
        "client": None,
    }
    await visit.zoom.app(scope, receive, send)
    assert sent[0]["status"] == 400


async def test_takes_part_in_a_servers_lifespan() -> None:
    visit, sent = Visit(), list[str]()
    asked = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Message:
        return {"type": next(asked)}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await visit.zoom.app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_the_default_seed_can_be_planted_again_and_again() -> None:
    visit = Visit()
    before = json.dumps(read(await visit.ask("GET", "/_emulator/state"))["apps"])
    plant(Seed.default(), visit.world)
    assert json.dumps(read(await visit.ask("GET", "/_emulator/state"))["apps"]) == before
