"""What a scope allows, in words."""

import pytest

from innkeeper.emulator.oauth.scopes import KNOWN, sentence, view


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("imchat:bot", "Send and edit messages in Team Chat as a chatbot"),
        ("meeting:read", "See meeting"),
        ("meeting:write:open_app", "Create or change open app (meeting)"),
        ("user:update:user:admin", "Change user (user), of everybody in the account"),
        (
            "contact_group:delete:member:master",
            "Delete member (contact group), of everybody in the account",
        ),
        ("zoomapp:inmeeting", "zoomapp:inmeeting"),
        ("<script>", "<script>"),
    ],
)
def test_says_what_a_scope_allows(scope: str, words: str) -> None:
    assert sentence(scope) == words


def test_shows_whether_the_app_asks_for_it() -> None:
    assert [view(name, granted=name == "imchat:bot").granted for name in KNOWN].count(True) == 1
