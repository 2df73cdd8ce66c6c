import re

import pytest

from innkeeper.emulator.chat.conversations import Conversation
from innkeeper.errors import ChatRefused
from tests.emulator.scene import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


def names(scene: Scene, user: object = None) -> list[str]:
    return [each.name for each in scene.chat.conversations.all(user or scene.ana)]  # type: ignore[arg-type]


def test_lists_installed_bots_then_the_accounts_channels(scene: Scene) -> None:
    assert names(scene) == ["general"]
    scene.install()
    assert names(scene) == ["Dueday", "general"]
    assert names(scene, scene.ben) == ["Dueday", "general"], "an admin installs for everybody"
    assert names(scene, scene.cem) == ["south"]


def test_a_user_managed_bot_is_its_installers_alone(scene: Scene) -> None:
    scene.install(scene.solo, scene.ana)
    assert names(scene) == ["Solo", "general"]
    assert names(scene, scene.ben) == ["general"]


def test_a_removed_bot_stays_where_something_was_said(scene: Scene) -> None:
    installation = scene.install()
    scene.chat.conversations.say(Conversation(scene.ana, app=scene.app), "hi")
    del scene.world.installations[installation.id]
    assert names(scene) == ["Dueday", "general"]
    assert names(scene, scene.ben) == ["general"]


@pytest.mark.parametrize(
    "peer", ["v1dueday@xmpp.zoom.us", "V1DueDay@xmpp.zoom.us", "robot_v1dueday@xmpp.zoom.us"]
)
def test_finds_a_bot_by_its_jid_in_any_case(scene: Scene, peer: str) -> None:
    assert scene.chat.conversations.find(scene.ana, peer).app is scene.app


@pytest.mark.parametrize(
    "peer", ["", "c0south@conference.xmpp.zoom.us", "uben2@xmpp.zoom.us", "nobody", "v1"]
)
def test_refuses_who_is_nobody_or_elsewhere(scene: Scene, peer: str) -> None:
    with pytest.raises(ChatRefused):
        scene.chat.conversations.find(scene.ana, peer)


def test_a_channels_messages_are_everybodys_but_private_ones(scene: Scene) -> None:
    hers = scene.chat.conversations.find(scene.ana, "c0general@conference.xmpp.zoom.us")
    his = scene.chat.conversations.find(scene.ben, "c0general@conference.xmpp.zoom.us")
    scene.chat.conversations.say(hers, "to all")
    scene.chat.conversations.note(hers, "to Ana")
    assert [each.text for each in scene.chat.conversations.messages(hers)] == ["to all", "to Ana"]
    assert [each.text for each in scene.chat.conversations.messages(his)] == ["to all"]


def test_a_talk_with_a_bot_is_ones_own(scene: Scene) -> None:
    scene.chat.conversations.say(Conversation(scene.ana, app=scene.app), "mine")
    assert scene.messages(scene.ben) == []


def test_an_edit_replaces_the_card_and_a_deletion_empties_it(scene: Scene) -> None:
    conversation = Conversation(scene.ana, app=scene.app)
    message = scene.chat.conversations.show(conversation, scene.app, {"head": {"text": "one"}})
    assert re.fullmatch(r"20260302090000000_[\w-]{7}_aw1", message.id)
    heard: list[int] = []
    scene.world.listeners.append(lambda _, each: heard.append(each.version))
    scene.chat.conversations.edit(message, {"head": {"text": "two"}}, markdown=True)
    assert (message.card, message.markdown) == ({"head": {"text": "two"}}, True)
    assert (message.edited, message.deleted) == (True, False)
    scene.chat.conversations.delete(message)
    assert (message.card, message.deleted) == (None, True)
    assert heard == [2, 3]
