"""What does each event of a chatbot say? Its payload, with Zoom's keys in Zoom's order.

Sources: https://developers.zoom.us/docs/api/chatbot/events,
https://developers.zoom.us/docs/chat/capabilities/
"""

from collections.abc import Mapping
from typing import Any, Literal

from innkeeper.emulator.world import AppRecord, Channel, Installation, Message, User

Payload = dict[str, Any]
Era = Literal["current", "2019", "2018"]


def bot_installed(
    app: AppRecord,
    installation: Installation,
    user: User,
    *,
    timestamp: int,
    era: Era = "current",
) -> Payload:
    """Say that a person added the app; the answer is the welcome message."""
    payload = {
        "accountId": installation.account_id,
        "robotJid": app.bot_jid.lower(),
        "timestamp": timestamp,
        "userId": user.id,
        "userJid": user.jid.lower(),
        "userMemberId": user.member_id,
        "userName": user.name,
        "userStatus": "authenticated",
    }
    return payload if era == "current" else _without(payload, "userMemberId", "userStatus")


def bot_notification(
    app: AppRecord,
    user: User,
    *,
    cmd: str,
    channel: Channel | None,
    trigger_id: str,
    timestamp: int,
    era: Era = "current",
    robot_too: bool = False,
) -> Payload:
    """Say what a person wrote to the bot, in a channel or between the two of them.

    Args:
        era: Which year's keys it has.
        robot_too: Whether `toJid` names the bot as well when the two are alone.
    """
    alone = f"{user.jid.lower()}/robot_{app.bot_jid.lower()}" if robot_too else user.jid.lower()
    payload = {
        "accountId": user.account_id,
        "channelName": channel.name if channel else user.name,
        "cmd": cmd,
        "robotJid": app.bot_jid.lower(),
        "timestamp": timestamp,
        "toJid": channel.jid if channel else alone,
        "triggerId": trigger_id,
        "userId": user.id,
        "userJid": user.jid.lower(),
        "userMemberId": user.member_id,
        "userName": user.name,
        "userStatus": "authorized",
    }
    if era == "current":
        return payload
    older = _without(payload, "triggerId", "userMemberId", "userStatus") | {"name": app.name}
    return dict(sorted(older.items()))


def interaction(
    app: AppRecord,
    user: User,
    message: Message,
    specific: Mapping[str, Any],
    *,
    channel: Channel | None,
    timestamp: int,
) -> Payload:
    """Say what a person did with a card. `specific` holds the event's own keys.

    All keys of these events stand in alphabetical order.
    """
    alone = f"{user.jid.lower()}/robot_{app.bot_jid.lower()}"
    payload: Payload = {
        "accountId": user.account_id,
        "channelName": channel.name if channel else user.name,
        "messageId": message.id,
        "original": message.card,
        "robotJid": app.bot_jid.lower(),
        "timestamp": timestamp,
        "toJid": channel.jid if channel else alone,
        "userId": user.id,
        "userJid": user.jid.lower(),
        "userName": user.name,
        **specific,
    }
    return dict(sorted(payload.items()))


def form_submit(
    user: User,
    message: Message,
    items: list[Payload],
    *,
    channel: Channel | None,
    people: bool = True,
) -> Payload:
    """Say what a person filled into a form; the pressed button is the last item.

    Args:
        people: Whether it says who: the sample code that this is known from does without.
    """
    settings: Payload = (message.card or {}).get("settings") or {}
    payload: Payload = {
        "account_id": user.account_id,
        "operator": user.email,
        "operator_id": user.id,
        "operator_member_id": user.member_id,
        "object": {
            "to_jid": channel.jid if channel else user.jid.lower(),
            "form_id": settings.get("form_id", ""),
            "message_id": message.id,
            "submit_items": items,
        },
    }
    if people:
        return payload
    return _without(payload, "operator", "operator_id", "operator_member_id")


def _without(payload: Payload, *keys: str) -> Payload:
    return {key: value for key, value in payload.items() if key not in keys}
