"""Both sides of what Zoom leaves open about the welcome."""

from typing import Any

import pytest

from tests.emulator.scene import Scene
from tests.emulator.visit import Visit, cookies, hidden

pytestmark = pytest.mark.anyio

CARD = {"content": {"head": {"text": "Hello from the bot"}}}


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.app.welcome.mode = "dynamic"
    return scene


async def welcomed(scene: Scene) -> list[str]:
    await scene.chat.welcome(scene.install())
    scene.clock.advance(300)
    await scene.courier.run_due()
    return [(each.card or {})["head"]["text"] for each in scene.messages() if each.card]


@pytest.mark.parametrize(
    ("rule", "seen"),
    [("nothing", []), ("default", ["Dueday"]), ("late", ["Hello from the bot"])],
)
async def test_failed_welcome(scene: Scene, rule: Any, seen: list[str]):
    scene.world.rules.failed_welcome = rule
    scene.bot.then(500).then(200, CARD)

    assert await welcomed(scene) == seen


@pytest.mark.parametrize(("rule", "seen"), [("nothing", []), ("default", ["Dueday"])])
async def test_an_answer_that_is_no_card_is_a_failed_welcome(
    scene: Scene, rule: Any, seen: list[str]
):
    scene.world.rules.failed_welcome = rule
    scene.bot.then(200, b"thanks")

    assert await welcomed(scene) == seen


async def test_a_good_welcome_is_not_followed_by_the_default(scene: Scene):
    scene.world.rules.failed_welcome = "default"
    scene.bot.then(200, CARD)

    assert await welcomed(scene) == ["Hello from the bot"]


@pytest.mark.parametrize(("rule", "asked"), [("installer", 1), ("everybody", 2)])
async def test_welcome_audience(scene: Scene, rule: Any, asked: int):
    scene.world.rules.welcome_audience = rule

    await scene.chat.welcome(scene.install())

    assert len({event["payload"]["userId"] for event in scene.bot.bodies}) == asked


@pytest.mark.parametrize(("rule", "times"), [("never", 1), ("always", 2)])
async def test_welcome_again(rule: Any, times: int):
    visit = Visit()
    visit.app.welcome.mode = "dynamic"
    visit.world.rules.welcome_again = rule
    for _ in range(2):
        await visit.code()
        await visit.zoom.settle()

    assert [event["event"] for event in visit.bot.heard] == ["bot_installed"] * times


@pytest.mark.parametrize(("rule", "heard"), [("redirect_first", 0), ("event_first", 1)])
async def test_install_order(rule: Any, heard: int):
    visit = Visit()
    visit.app.welcome.mode = "dynamic"
    visit.world.rules.install_order = rule
    shown = await visit.authorize()
    form = {"request": hidden(shown, "request"), "user": visit.ana.id, "decision": "allow"}
    headers = {"cookie": f"emu_browser={cookies(shown)['emu_browser']}"}
    gone = await visit.ask("POST", "/oauth/authorize", form=form, headers=headers)

    assert gone.status == 303
    assert len(visit.bot.heard) == heard
