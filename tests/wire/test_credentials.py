"""What Zoom shows beside its signature, and what it sends without."""

from innkeeper.emulator.chat.causes import CAUSES
from innkeeper.secret import Secret
from innkeeper.wire.credentials import UNADORNED, Credential, Demands

CLIENT = Credential("zoom", Secret("a:canary"))


def test_what_goes_to_no_subscription_is_listed_and_nothing_else() -> None:
    assert {each.event for each in CAUSES if each.where != "subscription"} == UNADORNED


def test_nothing_is_demanded_by_itself() -> None:
    assert not Demands()
    assert not Demands(everywhere=True)
    assert Demands(basic=(CLIENT,))
    assert Demands(bearer=(CLIENT,))
    assert Demands(header=(CLIENT,))


def test_lists_every_secret_in_each_of_its_forms() -> None:
    demands = Demands((CLIENT,), (Credential("c", Secret("d")),), (Credential("x", Secret("y")),))
    listed = [each.reveal() for each in demands.secrets]
    assert listed == ["a:canary", "d", "y", "em9vbTphOmNhbmFyeQ==", "Yzpk"]
    assert "canary" not in repr(demands)
