"""What does each event of a chatbot say? Its payload, with Zoom's keys in Zoom's order.

Sources: https://developers.zoom.us/docs/api/chatbot/events,
https://developers.zoom.us/docs/chat/capabilities/
"""

from collections.abc import Mapping
from typing import Any

from innkeeper.emulator.world import AppRecord, Channel, Installation, Message, User

Payload = dict[str, Any]


def bot_installed(
    app: AppRecord, installation: Installation, user: User, *, timestamp: int
) -> Payload:
    """Say that a person added the app; the answer is the welcome message."""
    return {
        "accountId": installation.account_id,
        "robotJid": app.bot_jid.lower(),
        "timestamp": timestamp,
        "userId": user.id,
        "userJid": user.jid.lower(),
        "userMemberId": user.member_id,
        "userName": user.name,
        "userStatus": "authenticated",
    }


def bot_notification(
    app: AppRecord,
    user: User,
    *,
    cmd: str,
    channel: Channel | None,
    trigger_id: str,
    timestamp: int,
) -> Payload:
    """Say what a person wrote to the bot, in a channel or between the two of them."""
    return {
        "accountId": user.account_id,
        "channelName": channel.name if channel else user.name,
        "cmd": cmd,
        "robotJid": app.bot_jid.lower(),
        "timestamp": timestamp,
        "toJid": channel.jid if channel else user.jid.lower(),
        "triggerId": trigger_id,
        "userId": user.id,
        "userJid": user.jid.lower(),
        "userMemberId": user.member_id,
        "userName": user.name,
        "userStatus": "authorized",
    }


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
