import pytest

from innkeeper.emulator.chat.recipients import NotAuthorized, conversation_for, sender_for
from tests.emulator.scene import Scene

GENERAL = "c0general@conference.xmpp.zoom.us"


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("to_jid", "kind", "meant_for"),
    [
        ("uben2@xmpp.zoom.us", "bot", None),
        ("uben2@xmpp.zoom.us/robot_v1dueday@xmpp.zoom.us", "bot", None),
        (GENERAL, "channel", None),
        (GENERAL.upper(), "channel", None),
        (f"uben2@xmpp.zoom.us/{GENERAL}", "channel", "UBen2"),
    ],
)
def test_reads_every_shape_of_a_to_jid(
    scene: Scene, to_jid: str, kind: str, meant_for: str | None
) -> None:
    scene.install()
    found, user = conversation_for(scene.world, scene.app, to_jid, on_behalf_of=None)
    assert (found.kind, user.id if user else None) == (kind, meant_for)


@pytest.mark.parametrize(
    "to_jid", ["", "/", "x/y", "uben2@xmpp.zoom.us/", "uben2@xmpp.zoom.us/a/b", "//", "robot_"]
)
def test_never_breaks_on_odd_ones(scene: Scene, to_jid: str) -> None:
    scene.install()
    if to_jid == "uben2@xmpp.zoom.us/":
        assert conversation_for(scene.world, scene.app, to_jid, on_behalf_of=None)[1] is None
        return
    with pytest.raises(NotAuthorized):
        conversation_for(scene.world, scene.app, to_jid, on_behalf_of=None)


def test_a_sender_must_have_installed_the_app(scene: Scene) -> None:
    scene.install(scene.solo, scene.ana)
    assert sender_for(scene.world, scene.solo, "UANA1@xmpp.zoom.us") is scene.ana
    for jid in ("uben2@xmpp.zoom.us", "", GENERAL):
        with pytest.raises(NotAuthorized):
            sender_for(scene.world, scene.solo, jid)


def test_a_user_sends_to_no_channel_of_another_account(scene: Scene) -> None:
    scene.install(scene.solo, scene.ana)
    scene.install(scene.solo, scene.cem)
    with pytest.raises(NotAuthorized, match="another account"):
        conversation_for(
            scene.world,
            scene.solo,
            "c0south@conference.xmpp.zoom.us",
            on_behalf_of=scene.ana,
        )
