import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.wire.manifest import (
    Features,
    Manifest,
    SlashCommand,
    TeamChatSubscription,
    WelcomeMessage,
)
from tests.wire.samples import NEW


def document(**changes: Any) -> dict[str, Any]:
    return {
        "display_information": {"display_name": "Keeper", "novelty": NEW},
        "oauth_information": {
            "usage": "USER_OPERATION",
            "development_redirect_uri": "https://bot.example/oauth/callback",
            "production_redirect_uri": "",
            "oauth_allow_list": ["https://bot.example"],
            "strict_mode": False,
            "subdomain_strict_mode": True,
            "scopes": [{"scope": "imchat:userapp", "optional": False, "novelty": NEW}],
            "novelty": NEW,
        },
        "developer_information": {"contact": "wren@lanterns.example"},
        "features": {
            "products": ["ZOOM_CHAT"],
            "development_home_uri": "",
            "domain_allow_list": [{"domain": "bot.example", "explanation": ""}],
            "team_chat_subscription": {
                "enable": True,
                "enable_support_channel": True,
                "slash_command": {
                    "command": "keeper",
                    "command_hints": [{"usage_hint": "due", "description": "", "novelty": NEW}],
                    "development_message_url": "https://bot.example/events",
                    "sender_type": "zoom",
                    "welcome_msg": {"title": "", "body": ""},
                    "trust_domain_list": [{"domain": "lanterns.example", "unfurling": True}],
                    "novelty": NEW,
                },
                "shortcuts": [],
            },
            "event_subscription": {
                "enable": True,
                "events": [
                    {
                        "subscription_id": "",
                        "subscription_name": "Chat",
                        "event_types": ["team_chat.starred"],
                        "development_webhook_url": "https://bot.example/events",
                        "event_usage": "EVENT_FOR_USER",
                    }
                ],
            },
        },
        "novelty": NEW,
        "raw": "theirs",
        **changes,
    }


MINIMAL: dict[str, Any] = {
    "display_information": {"display_name": "Keeper"},
    "oauth_information": {"usage": "ADMIN_MANAGEMENT"},
}


def test_reads_what_a_chatbot_needs():
    found = Manifest.parse(document())

    assert found.display_information.display_name == "Keeper"
    assert [scope.scope for scope in found.oauth_information.scopes] == ["imchat:userapp"]
    assert found.oauth_information.subdomain_strict_mode
    command = found.features.team_chat_subscription.slash_command
    assert command is not None
    assert command.command == "keeper"
    assert command.welcome_msg == WelcomeMessage()
    assert command.trust_domain_list[0].unfurling
    assert found.features.event_subscription.events[0].event_types == ["team_chat.starred"]


@pytest.mark.parametrize("raw", [document(), MINIMAL])
def test_is_read_and_written_without_loss(raw):
    found = Manifest.parse(raw)

    assert found.document() == raw
    assert list(found.document()) == list(raw)
    assert Manifest.parse(found.document()) == found


def test_reads_a_manifest_wrapped_as_the_api_gives_it():
    wrapped = {"manifest": document(), "app_id": "app-7"}

    assert Manifest.parse(wrapped) == Manifest.parse(document())


@pytest.mark.parametrize(
    ("usage", "admin"), [("ADMIN_MANAGEMENT", True), ("USER_OPERATION", False)]
)
def test_says_who_manages_the_app(usage, admin):
    raw = {**MINIMAL, "oauth_information": {"usage": usage}}

    assert Manifest.parse(raw).admin_managed is admin


def test_what_is_left_out_has_zooms_defaults():
    found = Manifest.parse(MINIMAL)

    assert found.features == Features()
    assert found.features.team_chat_subscription.slash_command is None
    assert not found.features.event_subscription.enable


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ({}, "display_information"),
        (None, "object"),
        ([], "object"),
        ("x", "object"),
        ({"manifest": None}, "object"),
        ({"raw": {}}, "display_information"),
        ({**MINIMAL, "display_information": {}}, "display_name"),
        ({**MINIMAL, "display_information": {"display_name": 5}}, "$.display_information"),
        ({**MINIMAL, "oauth_information": {}}, "usage"),
        ({**MINIMAL, "oauth_information": {"usage": "ACCOUNT_OPERATION"}}, "ACCOUNT_OPERATION"),
        (
            document(oauth_information={"usage": "", "scopes": [{}]}),
            "$.oauth_information.scopes[0]",
        ),
        (document(oauth_information={"usage": ""}), "ADMIN_MANAGEMENT and USER_OPERATION"),
        (
            document(features={"team_chat_subscription": {"slash_command": {}}}),
            "$.features.team_chat_subscription.slash_command",
        ),
    ],
)
def test_names_the_place_of_a_fault(raw, place):
    with pytest.raises(ValueError, match=r"\S") as caught:
        Manifest.parse(raw)

    assert place in str(caught.value)


def test_what_is_changed_is_written_over_the_rest():
    found = Manifest.parse(document())
    chat = TeamChatSubscription(enable=False, slash_command=SlashCommand(command="lamp"))

    changed = msgspec.structs.replace(
        found, features=msgspec.structs.replace(found.features, team_chat_subscription=chat)
    ).document()

    written = changed["features"].pop("team_chat_subscription")
    expected = document()
    del expected["features"]["team_chat_subscription"]
    assert changed == expected
    assert written["enable"] is False
    assert written["enable_support_channel"] is True
    assert written["slash_command"]["command"] == "lamp"
    assert written["slash_command"]["development_message_url"] == ""
    assert written["slash_command"]["novelty"] == NEW


def test_a_manifest_shares_nothing_with_what_it_was_read_from():
    raw = document()
    found = Manifest.parse(raw)

    raw["features"].clear()
    found.document()["display_information"].clear()

    assert found.document() == document()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
        max_leaves=5,
    ),
    st.sampled_from([*document(), "scopes", "manifest"]),
)
def test_any_document_is_refused_or_kept_as_it_is(value, key):
    raw = json.loads(json.dumps(document()))
    raw[key] = value

    try:
        found = Manifest.parse(raw)
    except ValueError:
        return
    assert found.document() == raw
