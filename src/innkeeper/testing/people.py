"""What can a person do in a test? All that she can do at Zoom: browse, write, press, choose."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

from innkeeper.bot.forms import Form
from innkeeper.browser import Browser, Page
from innkeeper.emulator import Emulator
from innkeeper.emulator.world import AppRecord, Channel, User
from innkeeper.net.outbound import Transport
from innkeeper.testing.expected import Unexpected
from innkeeper.testing.seen import Chat

Raw = Mapping[str, Any]
_LOOSE: Final = ("checkboxes", "radio_buttons", "datepicker", "timepicker")
_INPUTS: Final = (*_LOOSE, "plain_text_input", "select")


class Place(Protocol):
    """Where a person is: `Zoom`, as far as she needs it."""

    @property
    def emulator(self) -> Emulator:
        """What plays Zoom."""
        ...

    @property
    def transport(self) -> Transport:
        """What leads to Zoom and to the bot."""
        ...

    @property
    def record(self) -> AppRecord:
        """The app as the Marketplace knows it."""
        ...

    @property
    def local_test_url(self) -> str:
        """Where the app is added and removed."""
        ...

    @property
    def install_url(self) -> str:
        """Where the bot itself offers to be added."""
        ...

    async def settle(self) -> None:
        """Let everything happen that is due."""
        ...

    def transcript(self) -> str:
        """Write down everything that was said, and sent."""
        ...


class Visitor:
    """A person at the emulated Zoom, with a browser of her own.

    After each deed all has happened that follows from it.
    """

    def __init__(self, zoom: Place, user: User) -> None:
        self._zoom = zoom
        self.user = user
        self.browser = Browser(zoom.transport)
        self.chat = Chat(zoom.emulator, user, zoom.record.bot_jid, transcript=zoom.transcript)

    def __repr__(self) -> str:
        return f"<{self.user.name} at the emulated Zoom>"

    # at the browser

    def tab(self) -> Browser:
        """Open a second tab: it shares the cookies of her browser."""
        return self.browser.tab()

    async def signs_in(self) -> None:
        """Be the one who sits at the browser."""
        url = f"{self._zoom.emulator.base_url}/signin"
        await self.browser.post(url, {"user": self.user.id, "next": "/"})

    async def adds_app(self, *, decision: str = "Allow") -> Page:
        """Add the app from its Local Test page, as at Zoom, and see where that ends."""
        await self.signs_in()
        page = await self.browser.open(self._zoom.local_test_url)
        page = await self.browser.press(page, "Add App Now")
        return await self._decides(page, decision)

    add_app = adds_app

    async def installs(self, url: str | None = None, *, decision: str = "Allow") -> Page:
        """Add the app from the app's own install page, or from another page's address."""
        await self.signs_in()
        page = await self.browser.open(url or self._zoom.install_url)
        return await self._decides(page, decision)

    async def removes_app(self) -> Page:
        """Remove the app on its Local Test page."""
        await self.signs_in()
        page = await self.browser.open(self._zoom.local_test_url)
        hers = self._zoom.emulator.world.installation_for(self._zoom.record, self.user)
        page = await self.browser.press(page, hers.id if hers else "Remove App")
        await self._zoom.settle()
        return page

    async def _decides(self, page: Page, decision: str) -> Page:
        if any(button.value == "allow" for form in page.forms for button in form.buttons):
            page = await self.browser.press(page, decision, user=self.user.id)
        await self._zoom.settle()
        return page

    # in the chat

    def channel(self, name: str) -> Chat:
        """See a channel as she sees it.

        Raises:
            Unexpected: If no channel is called that.
        """
        jid = self._channel(name).jid
        return Chat(self._zoom.emulator, self.user, jid, transcript=self._zoom.transcript)

    async def says(self, text: str, *, in_channel: str | None = None, reply_to: str = "") -> None:
        """Write to the bot, or in a channel; `reply_to` is a message's id.

        Raises:
            Unexpected: If no channel is called that.
        """
        peer = self._zoom.record.bot_jid if in_channel is None else self._channel(in_channel).jid
        await self._zoom.emulator.chat.says(self.user, peer, text, reply_to=reply_to)
        await self._zoom.settle()

    async def mentions(self, text: str, *, in_channel: str) -> None:
        """Write to the bot in a channel by its name, `@Name text`.

        Raises:
            Unexpected: If no channel is called that.
        """
        await self.says(f"@{self._zoom.record.name} {text}", in_channel=in_channel)

    async def adds_app_to(self, channel: str, *, present: bool = True) -> None:
        """Add the app to a channel; with `present=False`, take it out.

        Raises:
            Unexpected: If no channel is called that.
            ChatRefused: If the app is not installed for her.
        """
        jid, client_id = self._channel(channel).jid, self._zoom.record.client_id
        self._zoom.emulator.chat.channel_app(self.user, jid, client_id, present=present)
        await self._zoom.settle()

    async def clicks(self, words: str, *, in_channel: str | None = None) -> None:
        """Press the latest button with these words, or with this value.

        Raises:
            Unexpected: If there is none.
            ChatRefused: If it cannot be pressed.
        """
        message, button = self._sees(in_channel).with_button(words)
        await self._zoom.emulator.chat.clicks(self.user, message.id, str(button.get("value", "")))
        await self._zoom.settle()

    async def chooses(
        self, option: str, *, of: str | None = None, in_channel: str | None = None
    ) -> None:
        """Choose in the latest dropdown that has this option, by its words or its value.

        Args:
            of: The dropdown's text, where several have the option.

        Raises:
            Unexpected: If there is none.
            ChatRefused: If it cannot be chosen.
        """
        for message in reversed(self._sees(in_channel).messages):
            for pointer, raw in message.elements("select"):
                value = self._option(raw, option)
                if value is not None and of in {None, raw.get("text")}:
                    await self._zoom.emulator.chat.selects(self.user, message.id, pointer, value)
                    await self._zoom.settle()
                    return
        raise Unexpected(f"no dropdown has {option!r}", self._zoom.transcript())

    async def sets(self, named: str, *values: str, in_channel: str | None = None) -> None:
        """Set a picker, radio buttons, checkboxes or a switch that stands outside a form.

        Args:
            named: Its `action_id`, its label or its text.
            values: Options by words or value; a date as `2026-03-02`, a time as `09:00`.

        Raises:
            Unexpected: If there is none.
            ChatRefused: If it cannot be set so.
        """
        message, pointer, raw = self._sees(in_channel).with_element(named, *_LOOSE)
        chosen = self._values(raw, values)
        await self._zoom.emulator.chat.picks(self.user, message.id, pointer, chosen)
        await self._zoom.settle()

    async def edits(self, old: str, new: str, *, in_channel: str | None = None) -> None:
        """Write another text over an editable one, or another value into an editable field.

        Args:
            old: The text as it stands, or the field's key.

        Raises:
            Unexpected: If there is none.
            ChatRefused: If it cannot be edited.
        """
        edits = self._zoom.emulator.chat.edits
        for message in reversed(self._sees(in_channel).messages):
            for pointer, raw in message.elements("message", "fields"):
                if raw.get("text") == old:
                    await edits(self.user, message.id, pointer, new)
                elif old in _keys(raw):
                    await edits(self.user, message.id, pointer, new, key=old)
                else:
                    continue
                await self._zoom.settle()
                return
        raise Unexpected(f"nothing to edit called {old!r}", self._zoom.transcript())

    async def submits(
        self,
        button: str,
        form: Form | None = None,
        /,
        *,
        in_channel: str | None = None,
        **values: str | Sequence[str],
    ) -> None:
        """Fill the latest form with a button of these words, and press it.

        Args:
            form: What to fill in, as the form's own class holds it.
            values: What to fill in, by the inputs' `action_id`, or a dropdown's label;
                options by words or value.

        Raises:
            Unexpected: If there is no such form, or no such input in it.
            ChatRefused: If it cannot be filled so.
        """
        message, pressed = self._sees(in_channel).with_button(button)
        filled: dict[str, Sequence[str]] = {}
        for name, value in {**(form.sent() if form else {}), **values}.items():
            found = message.find(name, *_INPUTS)
            if found is None:
                raise Unexpected(f"the form has no input {name!r}", self._zoom.transcript())
            pointer, raw = found
            filled[pointer] = self._values(raw, [value] if isinstance(value, str) else value)
        value = str(pressed.get("value", ""))
        await self._zoom.emulator.chat.submits(self.user, message.id, filled, value)
        await self._zoom.settle()

    def _sees(self, in_channel: str | None) -> Chat:
        return self.chat if in_channel is None else self.channel(in_channel)

    def _channel(self, name: str) -> Channel:
        channels = self._zoom.emulator.world.channels()
        for channel in channels:
            if channel.name == name and channel.account_id == self.user.account_id:
                return channel
        known = ", ".join(channel.name for channel in channels) or "none"
        raise Unexpected(f"no channel is called {name!r}", f"there are {known}")

    def _values(self, raw: Raw, values: Sequence[str]) -> list[str]:
        return [self._option(raw, value) or value for value in values]

    def _option(self, raw: Raw, wanted: str) -> str | None:
        """Find the value of an option by its words or its value."""
        members, channels = self._zoom.emulator.chat.choices(self.user)
        source = raw.get("static_source")
        people = members if source == "members" else channels if source == "channels" else []
        for jid, name in people:
            if wanted in {jid, name}:
                return jid
        for key in ("select_items", "options"):
            for option in cast("list[Raw]", raw.get(key) or []):
                if wanted in {option.get("text"), option.get("value")}:
                    return str(option.get("value"))
        return None


def _keys(raw: Raw) -> set[Any]:
    return {field.get("key") for field in cast("list[Raw]", raw.get("items") or [])}
