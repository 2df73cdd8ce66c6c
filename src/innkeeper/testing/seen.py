"""What does a person see? Messages as the chat draws them, and where in a card what stands."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from innkeeper.emulator import Emulator
from innkeeper.emulator.chat.cards import buttons, elements
from innkeeper.emulator.world import Message, User
from innkeeper.testing.expected import Unexpected
from innkeeper.ui.cards import draw

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as a person sees it."""

    id: str
    text: str
    """All of its words, a card's included, without markup."""
    card: dict[str, Any] | None
    edited: bool
    by_bot: bool
    reply_to: str = ""
    """The message that it is a reply to."""

    @property
    def buttons(self) -> list[str]:
        """The words on its buttons, in order."""
        return [str(button.get("text", "")) for button in buttons(self.card or {})]

    def elements(self, *kinds: str) -> Iterator[tuple[str, Raw]]:
        """List the elements of these types, each with its JSON pointer in the card."""
        for pointer, raw in elements(self.card or {}):
            if raw.get("type") in kinds:
                yield pointer, raw

    def find(self, named: str, *kinds: str) -> tuple[str, Raw] | None:
        """Find an element of the card by its `action_id`, its label or its text.

        Args:
            kinds: The types that it may have.

        Returns:
            Its JSON pointer in the card, and itself.
        """
        for pointer, raw in self.elements(*kinds):
            if named in {raw.get(key) for key in ("action_id", "label", "text")}:
                return pointer, raw
        return None


def seen(message: Message) -> Seen:
    """See a message of the emulator's."""
    text = message.text
    if message.card is not None:
        text = draw(message.card, markdown=message.markdown, message_id=message.id).text
    return Seen(
        message.id,
        text,
        message.card,
        message.edited,
        bool(message.client_id),
        message.reply_to or "",
    )


class Chat:
    """A person's conversation with the bot, or her view of a channel.

    Args:
        peer: The JID of the bot or the channel.
        transcript: Writes down all that was said and sent, for whoever looks in vain.
    """

    def __init__(
        self, emulator: Emulator, user: User, peer: str, *, transcript: Callable[[], str]
    ) -> None:
        self._conversations = emulator.chat.conversations
        self._user = user
        self._peer = peer
        self._transcript = transcript

    @property
    def messages(self) -> list[Seen]:
        """Everything that stands there for her eyes, oldest first."""
        conversation = self._conversations.find(self._user, self._peer)
        found = self._conversations.messages(conversation)
        return [seen(message) for message in found if not message.deleted]

    @property
    def last(self) -> Seen:
        """The last thing the bot said.

        Raises:
            Unexpected: If it has said nothing.
        """
        said = [message for message in self.messages if message.by_bot]
        if not said:
            raise Unexpected("the bot has said nothing", self._transcript())
        return said[-1]

    def expect(self, words: str) -> Seen:
        """Give the last thing the bot said, which has to hold these words.

        Raises:
            Unexpected: With the transcript, if it does not.
        """
        last = self.last
        if words not in last.text:
            why = f"the bot's last words are {last.text[:500]!r}\n{self._transcript()}"
            raise Unexpected(f"not said: {words!r}", why)
        return last

    def expect_silence(self, *, after: Seen | None = None) -> None:
        """Make sure that the bot said nothing, or nothing after a message.

        Raises:
            Unexpected: With what it said, and the transcript.
        """
        ids = [message.id for message in self.messages]
        later = self.messages[ids.index(after.id) + 1 :] if after else self.messages
        said = [message.text for message in later if message.by_bot]
        if said:
            raise Unexpected("the bot was not silent", f"it said {said}\n{self._transcript()}")

    def with_button(self, words: str) -> tuple[Seen, Raw]:
        """Find the latest message with a button of these words, or of this value.

        Raises:
            Unexpected: With the transcript, if no message has one.
        """
        for message in reversed(self.messages):
            for button in buttons(message.card or {}):
                if words in {button.get("text"), button.get("value")}:
                    return message, button
        raise Unexpected(f"no button {words!r}", self._transcript())

    def with_element(self, named: str, *kinds: str) -> tuple[Seen, str, Raw]:
        """Find the latest message with an element of this `action_id`, label or text.

        Returns:
            The message, the element's JSON pointer in its card, and the element.

        Raises:
            Unexpected: With the transcript, if no message has one.
        """
        for message in reversed(self.messages):
            found = message.find(named, *kinds)
            if found is not None:
                return message, *found
        raise Unexpected(f"no {' or '.join(kinds)} {named!r}", self._transcript())
