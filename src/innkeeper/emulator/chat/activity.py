"""What does Zoom tell apps of a chat? Mentions of the bot, what is posted, apps that move.

Sources: https://developers.zoom.us/docs/api/chatbot/events and
https://developers.zoom.us/docs/api/team-chat/events/
"""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from innkeeper.clock import from_epoch
from innkeeper.emulator.chat.conversations import Conversation
from innkeeper.emulator.chat.unfurls import open_trigger
from innkeeper.emulator.courier.rounds import Courier
from innkeeper.emulator.world import AppRecord, Channel, Message, Subscription, User, World
from innkeeper.ids import USER_DOMAIN

SHARED: Final = "team_chat.link_shared"
MENTION: Final = "team_chat.app_mention"
POSTED: Final = "team_chat.channel_message_posted"
DIRECT: Final = "team_chat.dm_message_posted"
ADDED: Final = "team_chat.channel_app_added"
REMOVED: Final = "team_chat.channel_app_removed"
_LINK: Final = re.compile(r"https?://[^\s<>\"]{1,2000}", re.IGNORECASE)
_CHANNEL_TYPE: Final = 5
"""What `object.type` is when apps move: a number there, a word elsewhere."""


class Activity:
    """Tells apps what happens in channels.

    Args:
        stamp: Draws a time that no event had before, in milliseconds.
    """

    def __init__(self, world: World, courier: Courier, stamp: Callable[[], int]) -> None:
        self._world = world
        self._courier = courier
        self._stamp = stamp

    async def said(self, conversation: Conversation, message: Message) -> None:
        """Tell subscriptions what was posted in a channel, and a bot that it was mentioned."""
        channel, user = conversation.channel, conversation.user
        if channel is None:
            return
        if any(POSTED in each.event_types for each in self._subscriptions()):
            stamp = self._stamp()
            self._publish(POSTED, user, posted(user, channel, message, stamp=stamp), stamp)
        app = self._mentioned(message.text)
        if app is not None and self._world.installation_for(app, user) is not None:
            payload = mention(
                app,
                user,
                channel,
                message,
                stamp=self._stamp(),
                observed=self._world.rules.mention_payload == "observed",
            )
            await self._courier.post_now(
                app, app.bot_endpoint, MENTION, payload, event_ts=self._stamp()
            )
        await self._links(user, channel, message)

    def told(self, app: AppRecord, user: User, message: Message) -> None:
        """Tell subscriptions what somebody wrote to a bot alone, if the rules say so."""
        if self._world.rules.direct_messages == "published":
            stamp = self._stamp()
            self._publish(DIRECT, user, direct(app, user, message, stamp=stamp), stamp)

    async def _links(self, user: User, channel: Channel, message: Message) -> None:
        """Offer the links of a message to the apps that unfurl their domains."""
        for link in dict.fromkeys(_LINK.findall(message.text)):
            for app in self._world.apps.values():
                if _trusts(app, link) and self._world.installation_for(app, user) is not None:
                    trigger = open_trigger(self._world, app, user, message)
                    payload = shared(
                        user, channel, message, link=link, trigger=trigger, stamp=self._stamp()
                    )
                    await self._courier.post_now(
                        app,
                        app.bot_endpoint,
                        SHARED,
                        payload,
                        event_ts=self._stamp(),
                        response_url=response_url(self._world, user, trigger),
                    )

    def app_moved(self, user: User, channel: Channel, app: AppRecord, *, present: bool) -> None:
        """Tell subscriptions that an app came into a channel, or left it."""
        stamp = self._stamp()
        event = ADDED if present else REMOVED
        self._publish(event, user, moved(app, user, channel, stamp=stamp), stamp)

    def _publish(self, event: str, user: User, payload: dict[str, Any], stamp: int) -> None:
        self._courier.publish(
            event, payload, account_id=user.account_id, user_ids=[user.id], event_ts=stamp
        )

    def _subscriptions(self) -> list[Subscription]:
        return [each for app in self._world.apps.values() for each in app.subscriptions]

    def _mentioned(self, text: str) -> AppRecord | None:
        """Find the app that a text begins by mentioning, the longest name first."""
        if not text.startswith("@"):
            return None
        able = [app for app in self._world.apps.values() if app.mention]
        named = [app for app in able if text[1:].lower().startswith(app.name.lower())]
        return max(named, key=lambda app: len(app.name), default=None)


def mention(
    app: AppRecord, user: User, channel: Channel, message: Message, *, stamp: int, observed: bool
) -> dict[str, Any]:
    """Say that a person mentioned a bot in a channel.

    Args:
        observed: Whether it has the JIDs that were seen live, beside the documented keys.
    """
    about = {**_about(message, channel, stamp), "type": "to_channel"}
    payload = _by(user, about)
    if observed:
        end = len(app.name)  # one short of where the name ends, as it was seen
        payload["operator_jid"] = user.jid
        about |= {
            "to_jid": channel.jid,
            "robot_jid": app.bot_jid,
            "robot_name": app.name,
            "at_items": [{"at_contact": app.bot_jid, "start_position": 0, "end_position": end}],
        }
    return payload


def shared(
    user: User, channel: Channel, message: Message, *, link: str, trigger: str, stamp: int
) -> dict[str, Any]:
    """Say that a person posted a link of a domain that the app unfurls."""
    about = _about(message, channel, stamp)
    del about["message"]
    return _by(user, {**about, "type": "to_channel", "link": link, "trigger_id": trigger})


def response_url(world: World, user: User, trigger: str) -> str:
    """Write where an app posts the card beside a link."""
    return f"{world.base_url}/v2/im/chat/users/{user.id}/unfurls/{trigger}"


def _trusts(app: AppRecord, link: str) -> bool:
    """Tell whether an app unfurls a link: its domain, or one below it, is on its list."""
    try:
        host = (urlsplit(link).hostname or "").lower()
    except ValueError:
        return False
    domains = app.manifest.features.team_chat_subscription
    listed = domains.slash_command.trust_domain_list if domains.slash_command else []
    names = [each.domain.lower() for each in listed if each.unfurling]
    return any(host == name or host.endswith(f".{name}") for name in names if name)


def posted(user: User, channel: Channel, message: Message, *, stamp: int) -> dict[str, Any]:
    """Say what a person posted in a channel."""
    about = _about(message, channel, stamp)
    return _by(user, {**about, "channel_owner_account_id": user.account_id})


def direct(app: AppRecord, user: User, message: Message, *, stamp: int) -> dict[str, Any]:
    """Say what a person wrote to one other; here that is a bot, which has no e-mail address."""
    about: dict[str, Any] = {
        "message_id": message.id,
        "message": message.text,
        "contact_id": app.bot_jid.removesuffix(USER_DOMAIN),
        "contact_account_id": app.account_id,
        "date_time": _iso(stamp),
        "timestamp": stamp,
    }
    if message.reply_to:
        about["reply_main_message_id"] = message.reply_to
    return _by(user, about)


def moved(app: AppRecord, user: User, channel: Channel, *, stamp: int) -> dict[str, Any]:
    """Say that a person brought an app into a channel, or out of it."""
    about: dict[str, Any] = {
        "channel_name": channel.name,
        "channel_id": channel.id,
        "type": _CHANNEL_TYPE,
        "date_time": _iso(stamp),
        "timestamp": stamp,
        "app_members": [{"id": app.bot_jid.removesuffix(USER_DOMAIN), "display_name": app.name}],
    }
    return _by(user, about)


def _by(user: User, about: dict[str, Any]) -> dict[str, Any]:
    return {
        "account_id": user.account_id,
        "operator": user.email,
        "operator_id": user.id,
        "operator_member_id": user.member_id,
        "by_external_user": False,
        "object": about,
    }


def _about(message: Message, channel: Channel, stamp: int) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "message": message.text,
        "date_time": _iso(stamp),
        "timestamp": stamp,
    }


def _iso(stamp: int) -> str:
    return f"{from_epoch(stamp / 1000):%Y-%m-%dT%H:%M:%SZ}"
