"""To whom may a bot send? A `to_jid` in any of its shapes, and whether the app reaches there.

Source: https://developers.zoom.us/docs/chat/send-edit-and-delete-messages
"""

from innkeeper.emulator.chat.conversations import Conversation
from innkeeper.emulator.world import AppRecord, Channel, Installation, User, World
from innkeeper.wire.links import robot_of


class NotAuthorized(Exception):  # Zoom's own words for it; caught next door
    """The app does not reach this address; the text says why."""


def conversation_for(
    world: World, app: AppRecord, to_jid: str, *, on_behalf_of: User | None
) -> tuple[Conversation, User | None]:
    """Find the conversation that a `to_jid` names, and the one person it is meant for, if so.

    All shapes that a webhook's `toJid` has are taken: a user's JID, a channel's, either
    after `<user>/`, and `<user>/robot_<bot>`.

    Args:
        on_behalf_of: Whom a user-managed app sends for.

    Raises:
        NotAuthorized: If the JID is nobody's, or the app is not installed there.
    """
    first, _, second = to_jid.lower().partition("/")
    target = robot_of(second) if second else ""
    user = world.user_by_jid(first)
    if second and user is None:
        raise NotAuthorized("the part before the slash is no user's JID")
    if target and target != app.bot_jid.lower():
        return _in_channel(world, app, target, on_behalf_of or user), user
    if user is not None:
        _check_reach(world, app, user)
        return Conversation(user, app=app), None
    return _in_channel(world, app, first, on_behalf_of), None


def _in_channel(world: World, app: AppRecord, jid: str, on_behalf_of: User | None) -> Conversation:
    channel = next((each for each in world.channels() if each.jid.lower() == jid), None)
    if channel is None:
        raise NotAuthorized("to_jid is no JID of a user or a channel here")
    installation = _installation_in(world, app, channel)
    if installation is None:
        raise NotAuthorized("the app is not installed for anybody in this channel's account")
    sender = on_behalf_of or world.user(installation.user_id)
    if sender is None or sender.account_id != channel.account_id:
        raise NotAuthorized("the channel is another account's")
    return Conversation(sender, channel=channel)


def _installation_in(world: World, app: AppRecord, channel: Channel) -> Installation | None:
    return next(
        (
            each
            for each in world.installations.values()
            if each.client_id == app.client_id and each.account_id == channel.account_id
        ),
        None,
    )


def _check_reach(world: World, app: AppRecord, user: User) -> None:
    if world.installation_for(app, user) is None:
        raise NotAuthorized("the app is not installed for this user")


def sender_for(world: World, app: AppRecord, user_jid: str) -> User:
    """Find whom a user-managed app sends for. A webhook's `toJid` is taken, too.

    Raises:
        NotAuthorized: If it is nobody, or the app is not installed for that person.
    """
    user = world.user_by_jid(user_jid.partition("/")[0])
    if user is None:
        raise NotAuthorized("user_jid is no user's JID")
    _check_reach(world, app, user)
    return user
