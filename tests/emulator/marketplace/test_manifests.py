"""An app and its manifest become each other; Zoom's validation is as lenient as Zoom's."""

import json
from typing import Any

import pytest

from innkeeper.emulator.marketplace import manifests
from innkeeper.emulator.marketplace.manifests import export, faults
from innkeeper.wire.manifest import Manifest
from tests.emulator.scene import make_app
from tests.emulator.visit import Visit, read

pytestmark = pytest.mark.anyio


def document(**changes: Any) -> dict[str, Any]:
    """Write a manifest that Zoom takes, with changes by path."""
    manifest: dict[str, Any] = {
        "display_information": {"display_name": "Porter", "description": "Carries."},
        "oauth_information": {
            "usage": "ADMIN_MANAGEMENT",
            "development_redirect_uri": "http://127.0.0.1:9/callback",
            "scopes": [{"scope": "imchat:bot"}, {"scope": "user:read:user", "optional": True}],
        },
        "features": {
            "products": ["ZOOM_CHAT"],
            "team_chat_subscription": {
                "enable": True,
                "enable_support_channel": False,
                "slash_command": {
                    "command": "porter",
                    "command_hints": [{"usage_hint": "due", "description": "What is due"}],
                    "development_message_url": "http://127.0.0.1:9/events",
                    "sender_type": "zoom",
                    "welcome_msg": {"title": "Hello", "body": "there"},
                },
            },
        },
    }
    for path, value in changes.items():
        *above, last = path.split("__")
        part = manifest
        for key in above:
            part = part[key]
        part[last] = value
    return manifest


COMMAND = "features__team_chat_subscription__slash_command"

FAULTY = [
    (None, "/"),
    ([], "/"),
    ({}, "/"),
    (document(display_information__display_name="x" * 51), "/display_information/display_name"),
    (document(display_information__display_name=" "), "/display_information/display_name"),
    (document(display_information__display_name=7), "/display_information/display_name"),
    (document(oauth_information__usage="ACCOUNT_OPERATION"), "/oauth_information/usage"),
    (document(oauth_information__usage="USER_OPERATION"), "/oauth_information/scopes"),
    (
        document(oauth_information__scopes=[{"scope": "a:read:b", "optional": True}]),
        "/oauth_information/scopes",
    ),
    (document(**{f"{COMMAND}__command": ""}), "slash_command/command"),
    (document(**{f"{COMMAND}__command": "/bot"}), "slash_command/command"),
    (document(**{f"{COMMAND}__development_message_url": ""}), "development_message_url"),
    (
        document(features__products=[], features__development_home_uri="http://h.test/"),
        "/features/development_home_uri",
    ),
    (
        document(features__team_chat_subscription__shortcuts=[{}] * 21),
        "/features/team_chat_subscription/shortcuts",
    ),
    (
        document(features__event_subscription={"enable": True, "events": [{}]}),
        "/features/event_subscription/events/0/development_webhook_url",
    ),
]


@pytest.mark.parametrize(("manifest", "setting"), FAULTY)
def test_names_the_setting_that_is_wrong(manifest: Any, setting: str) -> None:
    found = faults(manifest, Visit().world)
    assert len(found) == 1
    assert found[0].setting.endswith(setting)


@pytest.mark.parametrize(
    "manifest",
    [
        document(),
        document(oauth_information__development_redirect_uri="no address at all"),
        document(oauth_information__colour="red"),
        document(colour="red"),
        document(oauth_information__scopes=[]),
        document(features__event_subscription={"enable": False, "events": [{}]}),
    ],
)
def test_minds_neither_bad_addresses_nor_unknown_keys(manifest: Any) -> None:
    assert faults(manifest, Visit().world) == []


def test_a_rule_lets_a_user_managed_app_ask_for_the_chatbot_scope() -> None:
    visit = Visit()
    visit.world.rules.user_managed_imchat = "allow"
    assert faults(document(oauth_information__usage="USER_OPERATION"), visit.world) == []


async def test_what_is_exported_makes_the_same_app_again() -> None:
    visit = Visit()
    posted = json.dumps({"manifest": document(), "client_id": "porter"}).encode()
    made = await visit.ask("POST", "/_emulator/apps", body=posted)
    assert made.status == 201
    app = visit.world.apps["porter"]
    app.name, app.scopes = "Porter the second", ["imchat:bot", "user:read:user", "a:read:b"]
    app.redirect_uris = ["http://127.0.0.1:9/callback", "http://127.0.0.1:9/other"]
    app.bot_endpoint, app.welcome.mode = "http://127.0.0.1:9/changed", "dynamic"
    manifest = read(await visit.ask("GET", "/_emulator/apps/porter/manifest"))
    assert manifest["features"]["team_chat_subscription"]["enable_support_channel"] is False
    other = read(await visit.ask("POST", "/_emulator/apps", body=json.dumps(manifest).encode()))
    again = visit.world.apps[other["client_id"]]
    own = {"client_id", "client_secret", "secret_token", "bot_jid", "manifest"}
    for key in set(type(app).__slots__) - own:
        assert getattr(again, key) == getattr(app, key), key
    assert export(again) == manifest


async def test_an_app_that_is_known_gets_the_manifest_and_stays_itself() -> None:
    visit = Visit()
    before = (visit.app.client_secret, visit.app.bot_jid, visit.app.consent_version)
    posted = {"manifest": document(), "client_id": visit.app.client_id}
    answer = await visit.ask("POST", "/_emulator/apps", body=json.dumps(posted).encode())
    assert (answer.status, visit.app.name) == (200, "Porter")
    assert (visit.app.client_secret, visit.app.bot_jid) == before[:2]
    assert visit.app.consent_version == before[2] + 1


async def test_the_limit_of_subscriptions_holds_for_an_app_that_stands_too() -> None:
    visit = Visit()
    event = {"development_webhook_url": "http://127.0.0.1:9/e", "event_types": ["a.b"]}
    many = {"enable": True, "events": [event] * 21}
    posted = {
        "manifest": document(features__event_subscription=many),
        "client_id": visit.app.client_id,
    }
    refused = await visit.ask("POST", "/_emulator/apps", body=json.dumps(posted).encode())
    assert refused.status == 400
    assert "21 event subscriptions, of 20" in read(refused)["message"]
    assert visit.app.subscriptions == []
    (fault,) = faults(posted["manifest"], visit.world, of=visit.app)
    assert fault.setting == "/features/event_subscription/events"


async def test_a_public_client_comes_and_goes_with_its_manifest() -> None:
    world = Visit().world
    app = next(iter(world.apps.values()))
    found: list[str] = []
    for public in (True, True, False):
        changed = document(oauth_information__enable_public_pkce_client=public)
        manifests.replace(world, app, Manifest.parse(changed))
        found.append(app.public_client_id)
    assert found[0] == found[1] != ""
    assert not found[2]


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        ({"manifest": "./manifest.json"}, "for seed files"),
        ({"manifest": {}}, "display_information"),
        ({"manifest": document(), "colour": "red"}, "Known there are"),
        ({"manifest": document(), "environment": "prod"}, "development or production"),
        ({"manifest": document(), "account": "nowhere"}, "there is no nowhere"),
        ({"display_information": {}}, "display_name"),
    ],
)
async def test_an_import_names_the_place_and_the_remedy(posted: Any, words: str) -> None:
    visit = Visit()
    refused = await visit.ask("POST", "/_emulator/apps", body=json.dumps(posted).encode())
    assert (refused.status, read(refused)["error"]) == (400, "seed_refused")
    assert words in refused.body.decode()
    assert len(visit.world.apps) == 1


async def test_the_page_imports_what_is_pasted() -> None:
    visit = Visit()
    form = {"manifest": json.dumps(document())}
    answer = await visit.ask("POST", "/marketplace/import", form=form)
    assert answer.status == 303
    app = list(visit.world.apps.values())[-1]
    assert answer.headers["location"].startswith(f"/marketplace/apps/{app.client_id}")
    for typed, words in (("{", "no JSON"), ("{}", "display_name"), ("<b>", "no JSON")):
        refused = await visit.ask("POST", "/marketplace/import", form={"manifest": typed})
        assert refused.status == 400
        assert words in refused.body.decode() or "display_information" in refused.body.decode()
    assert b"&lt;b&gt;" in refused.body


async def test_the_settings_page_leads_to_the_manifest() -> None:
    visit = Visit()
    page = (await visit.ask("GET", f"/marketplace/apps/{visit.app.client_id}")).body.decode()
    link = f"/_emulator/apps/{visit.app.client_id}/manifest"
    assert f'href="{link}" download="manifest.json"' in page
    assert (await visit.ask("GET", link)).status == 200


def test_an_app_without_a_command_has_none_in_its_manifest() -> None:
    app = make_app("Quiet", bot_endpoint="", command="", command_hints=[])
    features = export(app).get("features", {})
    assert "slash_command" not in features.get("team_chat_subscription", {})


def test_drops_what_zoom_does_not_know() -> None:
    kept = manifests.known(document(colour="red"))
    assert "colour" not in kept
    assert Manifest.parse(kept).display_information.display_name == "Porter"
