"""An event is sent from a shell, and its fate is told."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from innkeeper.cli.trigger import TriggerFailed, order, replay, send
from innkeeper.emulator import Emulator
from innkeeper.net.outbound import AsgiTransport
from tests.cli.commands import free_ports, innkeeper
from tests.emulator.visit import BOT, Bot


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
def emulator_url(bot: Bot) -> Generator[str]:
    emulator = Emulator(transport=AsgiTransport({BOT: bot}), random_seed=7)
    for app in emulator.world.apps.values():
        app.bot_endpoint = f"{BOT}/events"
    with emulator.serve() as url:
        yield url


def asked(*changes: str, event: str = "bot_notification") -> dict[str, Any]:
    return order(event, changes, app=None, user=None)


def test_tells_that_it_arrived(bot: Bot, emulator_url: str, tmp_path: Path) -> None:
    argv = ("trigger", "bot_notification", "--set", "payload.cmd=help", "--emulator")
    ended = innkeeper(*argv, emulator_url, cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert ended.said == f"bot_notification to {BOT}/events: delivered\n  200\n"
    assert [each["payload"]["cmd"] for each in bot.heard] == ["help"]


def test_gives_the_delivery_as_json(emulator_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert send(asked(), emulator_url, as_json=True) == 0
    delivery = json.loads(capsys.readouterr().out)
    assert (delivery["state"], delivery["attempts"][0]["status"]) == ("delivered", 200)


def test_delivers_the_last_event_once_more(
    bot: Bot, emulator_url: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(TriggerFailed, match="nothing was delivered yet"):
        replay(None, emulator_url, as_json=False)
    for word in ("first", "second"):
        send(asked(f"payload.cmd={word}"), emulator_url, as_json=True)
        capsys.readouterr()
    ended = innkeeper("replay", "--emulator", emulator_url, cwd=tmp_path)
    assert (ended.code, ended.out) == (
        0,
        f"bot_notification to {BOT}/events: delivered\n  200\n  200\n",
    )
    assert [each["payload"]["cmd"] for each in bot.heard] == ["first", "second", "second"]


def test_delivers_an_event_once_more_by_its_id(
    bot: Bot, emulator_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    send(asked("payload.cmd=first"), emulator_url, as_json=True)
    first = json.loads(capsys.readouterr().out)["id"]
    send(asked("payload.cmd=second"), emulator_url, as_json=True)
    capsys.readouterr()
    assert replay(first, emulator_url, as_json=True) == 0
    assert len(json.loads(capsys.readouterr().out)["attempts"]) == 2
    assert [each["payload"]["cmd"] for each in bot.heard] == ["first", "second", "first"]
    bot.silent = True
    assert replay(first, emulator_url, as_json=False) == 1  # although it had arrived before
    with pytest.raises(TriggerFailed) as caught:
        replay("nope", emulator_url, as_json=False)
    assert caught.value.exit_code == 2


def test_nothing_is_delivered_again_where_no_emulator_is(emulator_url: str) -> None:
    for delivery in (None, "x"):
        with pytest.raises(TriggerFailed, match="no emulator answers"):
            replay(delivery, f"{emulator_url}/nothing", as_json=False)


def test_an_event_that_failed_ends_with_1(
    bot: Bot, emulator_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.silent = True
    assert send(asked(), emulator_url + "/", as_json=False) == 1
    assert "retrying\n  500: answered 500" in capsys.readouterr().out


def test_a_refusal_is_misuse(emulator_url: str, tmp_path: Path) -> None:
    ended = innkeeper("trigger", "bot_uninstalled", "--emulator", emulator_url, cwd=tmp_path)
    assert ended.code == 2
    assert "no event is called bot_uninstalled. Known are: bot_installed" in ended.line


def test_an_app_or_person_that_is_unknown_is_misuse(emulator_url: str) -> None:
    for names in ({"app": "x", "user": None}, {"app": None, "user": "x"}):
        with pytest.raises(TriggerFailed) as caught:
            send(order("bot_notification", [], **names), emulator_url, as_json=False)
        assert caught.value.exit_code == 2


def test_a_change_without_a_value_is_misuse(tmp_path: Path) -> None:
    ended = innkeeper("trigger", "bot_notification", "--set", "payload.cmd", cwd=tmp_path)
    assert ended.code == 2
    assert "--set payload.cmd has no value" in ended.line


def test_says_when_no_emulator_is_there(tmp_path: Path) -> None:
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    ended = innkeeper("trigger", "bot_notification", "--emulator", url, cwd=tmp_path)
    assert ended.code == 1
    assert f"no emulator answers at {url}. Start one with innkeeper emulator start" in ended.line


@pytest.mark.parametrize("url", ["", "nowhere", "ftp://127.0.0.1", "http://"])
def test_what_is_no_address_has_no_emulator(url: str) -> None:
    with pytest.raises(TriggerFailed, match="no emulator answers"):
        send(asked(), url, as_json=False)


def test_another_server_is_no_emulator(emulator_url: str) -> None:
    with pytest.raises(TriggerFailed, match="no emulator answers"):
        send(asked(), f"{emulator_url}/nothing", as_json=False)


def test_values_are_json_if_they_read_as_json() -> None:
    changes = ("payload.a=1", 'payload.b={"c": null}', "payload.d=help me", "payload.e=x=y", "f=")
    assert asked(*changes)["set"] == {
        "payload.a": 1,
        "payload.b": {"c": None},
        "payload.d": "help me",
        "payload.e": "x=y",
        "f": "",
    }
