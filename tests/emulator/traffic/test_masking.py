import base64
import json

import pytest

from innkeeper.emulator.oauth.tokens import issue
from innkeeper.emulator.traffic.masking import Mask
from tests.emulator.scene import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_hides_what_stands_under_a_name_that_holds_secrets(scene: Scene) -> None:
    mask = Mask(scene.world)
    assert mask.text('{"access_token": "abcdefghijklmnopqrst"}') == '{"access_token": "emu_…qrst"}'
    assert mask.text("grant_type=x&refresh_token=abcdefghijklmnopqrst&a=b") == (
        "grant_type=x&refresh_token=emu_…qrst&a=b"
    )
    assert mask.text("http://bot.test/cb?jid=robot_x&code=abcdefghijklmnopqrst") == (
        "http://bot.test/cb?jid=robot_x&code=emu_…qrst"
    )


@pytest.mark.parametrize(
    "name",
    [
        "client_secret",
        "code",
        "access_token",
        "refresh_token",
        "token",
        "code_verifier",
        "secret_token",
    ],
)
def test_hides_every_such_name_in_json_and_in_forms(scene: Scene, name: str) -> None:
    mask = Mask(scene.world)
    secret = 'pq"rs\\tuvwxyz012345'
    assert "rs" not in mask.text(json.dumps({name: secret, "other": "stays"}))
    assert "stays" in mask.text(json.dumps({name: secret, "other": "stays"}))
    assert "uvwxyz" not in mask.text(f"{name.upper()}=uvwxyzuvwxyz0123")


def test_hides_a_value_that_was_cut_off(scene: Scene) -> None:
    assert "abcdefghijkl" not in Mask(scene.world).text('{"refresh_token":"abcdefghijklmnopqrst')


def test_leaves_zooms_error_numbers_and_the_plain_token(scene: Scene) -> None:
    mask = Mask(scene.world)
    for text in ('{"code":7010,"message":"Invalid"}', '{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}'):
        assert mask.text(text) == text


def test_hides_what_the_world_knows_to_be_secret_anywhere(scene: Scene) -> None:
    token = issue(
        scene.world, scene.app, "user", account_id="acc_north", scopes=[], user_id="UAna1"
    )
    scene.app.secret_token = "a seeded secret/with signs"
    mask = Mask(scene.world)
    said = (
        f"he said {token.access} and {token.refresh} and {scene.app.client_secret}"
        f" and a seeded secret/with signs and a%20seeded%20secret%2Fwith%20signs"
    )
    assert mask.text(said) == (
        f"he said emu_…{token.access[-4:]} and emu_…{(token.refresh or '')[-4:]}"
        " and emu_…_9x1 and emu_…igns and emu_…igns"
    )


def test_learns_new_secrets_and_keeps_old_ones_of_ours_hidden(scene: Scene) -> None:
    mask = Mask(scene.world)
    assert mask.text("nothing-secret-here") == "nothing-secret-here"
    old = scene.app.secret_token
    scene.app.secret_token = scene.world.new_secret()
    token = issue(scene.world, scene.app, "chatbot", account_id="acc_north", scopes=[])
    shown = mask.text(f"{old} {scene.app.secret_token} {token.access}")
    assert shown.count("emu_…") == 3
    scene.world.clear()
    assert mask.text("nothing-secret-here") == "nothing-secret-here"


def test_a_short_seeded_secret_is_hidden_by_its_name_alone(scene: Scene) -> None:
    scene.app.client_secret = "s"
    mask = Mask(scene.world)
    assert mask.text("sunny days") == "sunny days"
    assert mask.text('{"client_secret":"s"}') == '{"client_secret":"emu_…"}'
    assert mask.text('{"client_secret":""}') == '{"client_secret":""}'


def test_hides_credentials_and_cookies_among_headers(scene: Scene) -> None:
    pair = base64.b64encode(b"client_x:emu_abcdefghijklmnop").decode()
    shown = Mask(scene.world).headers(
        [
            ("Authorization", f"Basic {pair}"),
            ("authorization", "Bearer abcdefghijklmnopqrst"),
            ("proxy-authorization", "abcdefgh"),
            ("Cookie", "emu_user=UAna1"),
            ("Set-Cookie", "emu_browser=abc"),
            ("Location", "http://bot.test/?code=abcdefghijklmnopqrst"),
            ("X-Plain", "one"),
            ("x-plain", "two"),
        ]
    )
    assert shown == {
        "authorization": "Basic client_x:emu_…mnop, Bearer emu_…qrst",
        "proxy-authorization": "…",
        "cookie": "…",
        "set-cookie": "…",
        "location": "http://bot.test/?code=emu_…qrst",
        "x-plain": "one, two",
    }
