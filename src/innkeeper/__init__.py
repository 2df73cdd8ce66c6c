"""Authorize, run and test Zoom Team Chat chatbots.

Each name is fetched from its home when it is first asked for, so that a command line
or an emulator that needs few of them does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from innkeeper.app import App
    from innkeeper.bot.contexts import (
        Action,
        Command,
        Context,
        Deauthorized,
        Happened,
        Installed,
        Interaction,
        Selected,
        State,
    )
    from innkeeper.errors import (
        AnswerLost,
        ApiRefused,
        CardRefused,
        Fenced,
        InnkeeperError,
        MessageUnconfirmed,
        NeedsReauth,
        SettingsRefused,
        Unreachable,
    )
    from innkeeper.flows.deauthorize import AccountScope, UserScope
    from innkeeper.ids import AccountId, InstallationId, Jid, MessageId, UserId
    from innkeeper.secret import Secret
    from innkeeper.wire.blocks import (
        Actions,
        Attachments,
        Button,
        Field,
        Fields,
        Head,
        Message,
        Option,
        Section,
        Select,
        Style,
        SubHead,
    )
    from innkeeper.wire.messages import Card

_HOMES = {
    "innkeeper.app": ("App",),
    "innkeeper.bot.contexts": (
        "Action",
        "Command",
        "Context",
        "Deauthorized",
        "Happened",
        "Installed",
        "Interaction",
        "Selected",
        "State",
    ),
    "innkeeper.errors": (
        "AnswerLost",
        "ApiRefused",
        "CardRefused",
        "Fenced",
        "InnkeeperError",
        "MessageUnconfirmed",
        "NeedsReauth",
        "SettingsRefused",
        "Unreachable",
    ),
    "innkeeper.flows.deauthorize": (
        "AccountScope",
        "UserScope",
    ),
    "innkeeper.ids": (
        "AccountId",
        "InstallationId",
        "Jid",
        "MessageId",
        "UserId",
    ),
    "innkeeper.secret": ("Secret",),
    "innkeeper.wire.blocks": (
        "Actions",
        "Attachments",
        "Button",
        "Field",
        "Fields",
        "Head",
        "Message",
        "Option",
        "Section",
        "Select",
        "Style",
        "SubHead",
    ),
    "innkeeper.wire.messages": ("Card",),
}

__all__ = [
    "AccountId",
    "AccountScope",
    "Action",
    "Actions",
    "AnswerLost",
    "ApiRefused",
    "App",
    "Attachments",
    "Button",
    "Card",
    "CardRefused",
    "Command",
    "Context",
    "Deauthorized",
    "Fenced",
    "Field",
    "Fields",
    "Happened",
    "Head",
    "InnkeeperError",
    "InstallationId",
    "Installed",
    "Interaction",
    "Jid",
    "Message",
    "MessageId",
    "MessageUnconfirmed",
    "NeedsReauth",
    "Option",
    "Secret",
    "Section",
    "Select",
    "Selected",
    "SettingsRefused",
    "State",
    "Style",
    "SubHead",
    "Unreachable",
    "UserId",
    "UserScope",
]


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    message = f"module 'innkeeper' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return __all__
