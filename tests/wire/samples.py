"""Events as Zoom would send them, with values of our own.

Each has keys that no version of ours knows, at every level, so that a test which sends
one through and compares the JSON also says that nothing is lost.
"""

from typing import Any

STAMP = 1_762_950_123_456
ROBOT = "v1lantern0keeper@xmpp.zoom.us"
CHANNEL = "9c1fharbour@conference.xmpp.zoom.us"
NEW = {"since": 2031, "why": ["unknown", None]}

Json = dict[str, Any]


def event(name: str, payload: Json, **more: Any) -> Json:
    """Put an event together as Zoom's envelope does."""
    return {"event": name, "payload": payload, "event_ts": STAMP, "novelty": NEW, **more}


def person(**more: Any) -> Json:
    """Say who it was, in the keys of chatbot events."""
    return {
        "accountId": "Lantern_Acct-07",
        "robotJid": ROBOT,
        "timestamp": STAMP - 3,
        "userId": "Kq2_Wren-4",
        "userJid": "kq2_wren-4@xmpp.zoom.us",
        "userName": "Wren O'Hara",
        "personNovelty": NEW,
        **more,
    }


CARD: Json = {
    "settings": {"form": True, "default_sidebar_color": "#0E72ED"},
    "head": {"text": "Oil order", "version": 1, "sub_head": {"text": "12 casks", "novelty": NEW}},
    "body": [
        {"type": "message", "text": "For the north tower", "editable": False, "event_id": "m0"},
        {"type": "actions", "items": [{"text": "Approve", "value": "ok", "style": "Primary"}]},
    ],
}


def interaction(**more: Any) -> Json:
    """Say which card was used, and by whom."""
    return person(
        channelName="Harbour planning",
        messageId="20251112122203456_Tide77_aw1",
        original=CARD,
        toJid="kq2_wren-4@xmpp.zoom.us/robot_" + ROBOT,
        **more,
    )


def activity(about: Json, **more: Any) -> Json:
    """Say who did what, in the keys of subscription events."""
    return {
        "account_id": "Lantern_Acct-07",
        "operator": "wren@lanterns.example",
        "operator_id": "Kq2_Wren-4",
        "operator_member_id": "bWVtYmVyIHdyZW4",
        "by_external_user": False,
        "object": {"timestamp": STAMP - 7, "novelty": NEW, **about},
        **more,
    }


POSTED: Json = {
    "message_id": "0B1D5E3C-77AA-4F0E-9C55-6E1B7A90D2F4",
    "type": "to_channel",
    "channel_id": "9c1fharbour",
    "channel_name": "Harbour planning",
    "message": "@Keeper the lamp is out",
    "date_time": "2025-11-12T12:22:03Z",
    "rich_text": [{"start_position": 0, "end_position": 7, "format_type": "Bold"}],
    "at_items": [{"at_type": 1, "start_position": 0, "end_position": 7}],
    "files": [{"file_id": "f-1", "file_name": "log.txt", "file_size": 21}],
}
IN_DM: Json = {
    "type": "to_contact",
    "contact_id": "Jo_8-Quay",
    "contact_member_id": "am8",
    "message": "hm",
}

CHATBOT: dict[str, Json] = {
    "endpoint.url_validation": {"plainToken": "Vn3xQ0-tide_7Zb5YhLw2A", "novelty": NEW},
    "bot_installed": person(userMemberId="bWVtYmVyIHdyZW4", userStatus="authenticated"),
    "bot_notification": person(
        channelName="Harbour planning",
        cmd="due friday  größer 🏮",
        toJid=CHANNEL,
        triggerId="dHJpZ2dlciA3",
        userMemberId="bWVtYmVyIHdyZW4",
        userStatus="authorized",
        replyMainMessageId="77AA",
    ),
    "interactive_message_actions": interaction(
        actionItem={"text": "Approve", "value": "ok", "novelty": NEW}
    ),
    "interactive_message_select": interaction(
        selectedItems=[{"value": "north"}, {"value": "s", "text": "South", "novelty": NEW}]
    ),
    "interactive_message_editable": interaction(
        editItem={"origin": "12 casks", "target": "13 casks", "novelty": NEW}
    ),
    "interactive_message_fields_editable": interaction(
        fieldEditItem={"key": "Tower", "currentValue": "", "newValue": "north", "novelty": NEW}
    ),
    "chat_message.submit": {
        "account_id": "Lantern_Acct-07",
        "operator": "wren@lanterns.example",
        "operator_id": "Kq2_Wren-4",
        "novelty": NEW,
        "object": {
            "to_jid": "kq2_wren-4@xmpp.zoom.us",
            "form_id": "oil-order",
            "novelty": NEW,
            "submit_items": [
                {"plain_text_input": {"action_id": "casks", "text": "Casks", "value": "12"}},
                {"actionItem": {"text": "Send", "value": "order"}},
            ],
        },
    },
    "team_chat.link_shared": activity(
        {
            "message_id": "0B1D",
            "type": "to_channel",
            "channel_id": "9c1fharbour",
            "channel_name": "Harbour planning",
            "link": "https://lanterns.example/oil/7",
            "trigger_id": "dHJpZ2dlciA3",
            "date_time": "2025-11-12T12:22:03Z",
        }
    ),
    "team_chat.app_mention": activity(
        {**POSTED, "to_jid": CHANNEL, "robot_jid": ROBOT, "robot_name": "Keeper"},
        operator_jid="kq2_wren-4@xmpp.zoom.us",
    ),
    "app_deauthorized": {
        "account_id": "Lantern_Acct-07",
        "user_id": "Kq2_Wren-4",
        "client_id": "L4mpL1ghterClient0001",
        "signature": "5f" * 32,
        "deauthorization_time": "2025-11-12T12:22:03.456Z",
        "user_data_retention": None,
        "novelty": NEW,
    },
    "app.authorization_request_created": {
        "app_name": "Keeper",
        "app_type": "General",
        "app_status": "published",
        "app_description": "Keeps the lamps.",
        "app_scopes": ["imchat:bot"],
        "app_link": {"developer_support": "https://lanterns.example/help"},
        "requester_name": "Jo Quay",
        "requester_department": "Harbour",
        "request_reason": "It is dark.",
    },
    "app.authorization_request_declined": {"app_name": "Keeper", "requester_name": "Jo Quay"},
}
"""The payloads of the events that have a shape of their own."""

SUBSCRIBED: dict[str, Json] = {
    **{
        f"chat_channel.{what}": activity({"id": "9c1fharbour", "name": "Harbour", "type": 1})
        for what in (
            "created",
            "deleted",
            "member_invited",
            "member_joined",
            "member_left",
            "member_removed",
            "updated",
        )
    },
    **{
        f"chat_message.{what}": activity({"id": "0B1D", "session_id": "s1", **POSTED})
        for what in ("deleted", "replied", "sent", "updated")
    },
    **{
        f"team_chat.channel_{what}": activity(POSTED)
        for what in (
            "archived",
            "message_deleted",
            "message_posted",
            "message_updated",
            "pin_added",
            "pin_removed",
            "reaction_added",
            "reaction_removed",
            "unarchived",
        )
    },
    **{
        f"team_chat.channel_{what}": activity({"channel": {"channel_id": "9c1f", "type": 5}})
        for what in (
            "invitation_accepted",
            "invitation_approval_requested",
            "invitation_approved",
            "invitation_created",
            "invitation_declined",
            "invitation_rejected",
            "invitation_removed",
            "join_approval_requested",
            "join_approved",
            "join_declined",
            "join_requested",
        )
    },
    **{
        f"team_chat.channel_app_{what}": activity(
            {"channel_id": "9c1fharbour", "type": 5, "app_members": [{"id": "v1lantern0keeper"}]}
        )
        for what in ("added", "removed")
    },
    **{
        f"team_chat.dm_{what}": activity(IN_DM)
        for what in (
            "message_deleted",
            "message_posted",
            "message_updated",
            "reaction_added",
            "reaction_removed",
        )
    },
    **{
        f"team_chat.file_{what}": activity({"type": "to_channel", "files": [{"file_id": "f-1"}]})
        for what in ("changed", "deleted", "downloaded", "shared", "unshared", "uploaded")
    },
    **{
        f"team_chat.{what}": activity({"items": [{"type": "contact", "contact_id": ""}]})
        for what in (
            "bookmark_added",
            "bookmark_removed",
            "emoji_added",
            "emoji_removed",
            "shared_spaces_edited",
            "shared_spaces_member_invited",
            "shared_spaces_member_left",
            "shared_spaces_member_removed",
            "starred",
            "unstarred",
        )
    },
}
"""The payloads of the events of subscriptions."""

EVENTS: dict[str, Json] = {
    name: event(name, payload) for name, payload in (CHATBOT | SUBSCRIBED).items()
}
EVENTS["team_chat.link_shared"]["response_url"] = (
    "https://api.zoom.us/v2/im/chat/users/Kq2_Wren-4/unfurls/dHJpZ2dlciA3"
)
