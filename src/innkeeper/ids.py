"""What are things called? Ids as types of their own, so one cannot stand in for another."""

import secrets
from typing import NewType

AccountId = NewType("AccountId", str)
"""Zoom's id of an account."""
UserId = NewType("UserId", str)
"""Zoom's id of a user; case-sensitive, unlike a JID."""
Jid = NewType("Jid", str)
"""An address in Team Chat: of a user, a channel, a chatbot, or a conversation."""
ClientId = NewType("ClientId", str)
"""Zoom's id of an app in one environment."""
MessageId = NewType("MessageId", str)
"""Zoom's id of a chat message; opaque."""
InstallationId = NewType("InstallationId", str)
"""Our random id of one authorization of the app."""
EventId = NewType("EventId", str)
"""Our id of one event in the inbox."""
ReceiptId = NewType("ReceiptId", str)
"""Our random id of one signed proof of a purge."""

USER_DOMAIN = "@xmpp.zoom.us"
CHANNEL_DOMAIN = "@conference.xmpp.zoom.us"


def random_token(bits: int = 256) -> str:
    """Draw an unguessable value of URL-safe characters."""
    return secrets.token_urlsafe(bits // 8)


def new_id(kind: str) -> str:
    """Draw an id that says its kind and nothing else, such as `ins_5f0c…`."""
    return f"{kind}_{secrets.token_hex(12)}"


def user_jid(user_id: str) -> Jid:
    """Name a user's address: the id in lower case at `xmpp.zoom.us`.

    Source: https://devsupport.zoom.us/hc/en-us/articles/360060332871
    """
    return Jid(user_id.lower() + USER_DOMAIN)


def channel_jid(channel_id: str) -> Jid:
    """Name a channel's address.

    Source: https://devsupport.zoom.us/hc/en-us/articles/360060332871
    """
    return Jid(channel_id + CHANNEL_DOMAIN)
