"""What does a scope allow? In a sentence for the person who is asked."""

import re
from typing import Final

from innkeeper.ui.views import ScopeView

KNOWN: Final = {
    "imchat:bot": "Send and edit messages in Team Chat as a chatbot",
    "imchat:userapp": "Work as a chatbot for you in Team Chat",
    "marketplace:read:app": "See the apps of your account",
    "marketplace:write:app": "Create and change apps of your account",
    "user:read:user": "See your name, your email address and your account",
    "user:read:email": "See your email address",
    "team_chat:read:list_user_channels": "See which channels you are in",
    "team_chat:read:list_members": "See who is in your channels",
    "team_chat:read:user_message": "Read messages that you can see",
    "team_chat:write:user_message": "Send messages in your name",
}
_VERBS: Final = {
    "read": "See",
    "write": "Create or change",
    "update": "Change",
    "delete": "Delete",
}
_GRANULAR: Final = re.compile(
    r"(?P<area>\w+):(?P<verb>read|write|update|delete)(?::(?P<what>\w+))?(?P<all>:admin|:master)?"
)


def view(scope: str, *, granted: bool = True) -> ScopeView:
    """Show a scope to a page."""
    return ScopeView(scope, sentence(scope), granted)


def sentence(scope: str) -> str:
    """Say what a scope allows; Zoom's granular names nearly speak for themselves.

    Example:
        >>> sentence("meeting:read:participant:admin")
        'See participant (meeting), of everybody in the account'
    """
    if scope in KNOWN:
        return KNOWN[scope]
    found = _GRANULAR.fullmatch(scope)
    if found is None:
        return scope
    what = (found["what"] or found["area"]).replace("_", " ")
    area = f" ({found['area'].replace('_', ' ')})" if found["what"] else ""
    everybody = ", of everybody in the account" if found["all"] else ""
    return f"{_VERBS[found['verb']]} {what}{area}{everybody}"
