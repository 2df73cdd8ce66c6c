"""The chat client in a browser: conversations, the messages as they come, and the forms."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.chat.client import Chat
from innkeeper.emulator.chat.conversations import Conversation
from innkeeper.emulator.chat.inputs import PREFIX
from innkeeper.emulator.chat.live import Live
from innkeeper.emulator.streams import EventStream, last_seen
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import Message, User, World
from innkeeper.errors import ChatRefused
from innkeeper.ui import cards, markdown, pages
from innkeeper.ui.sketch import as_map
from innkeeper.ui.views import ChannelAppView, ChatView, CommandView, ConversationView, MessageView

TEXT_SHOWN: Final = 4_096
"""How much of a text the composer takes."""

Act = Callable[[Chat, User, answers.Form], Awaitable[object]]
"""Does what a form of a card says."""


class ChatPages:
    """Draws conversations for whoever is signed in, and takes what they do."""

    def __init__(self, world: World, chat: Chat, live: Live) -> None:
        self._world = world
        self._chat = chat
        self._live = live

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route("/chat", self.show, methods=["GET"]),
            Route("/chat/say", self.say, methods=["POST"]),
            Route("/chat/click", self.click, methods=["POST"]),
            Route("/chat/select", self.select, methods=["POST"]),
            Route("/chat/apps", self.apps, methods=["POST"]),
            Route("/chat/pick", self.pick, methods=["POST"]),
            Route("/chat/edit", self.edit, methods=["POST"]),
            Route("/chat/submit", self.submit, methods=["POST"]),
            Route("/chat/events", self.events, methods=["GET"]),
            Route("/_emulator/messages", self.listing, methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show a conversation, the first if none is named; or the list of them alone."""
        user = viewer(request)
        if user is None:
            return _to_sign_in(request)
        everything = self._chat.conversations.all(user)
        first = everything and "list" not in request.query_params
        current = everything[0] if first else None
        wanted = request.query_params.get("with", "")
        if wanted:
            try:
                current = self._chat.conversations.find(user, wanted)
            except ChatRefused:
                return answers.redirect("/chat")
        if current is not None and current not in everything:
            everything.insert(0, current)
        view = self._view(user, everything, current)
        view = replace(view, draft=request.query_params.get("draft", "")[:TEXT_SHOWN])
        parent = next(
            (each for each in view.messages if each.id == request.query_params.get("reply_to")),
            None,
        )
        if parent is not None:
            words = self._first_words(parent.id)
            view = replace(view, reply_to=parent.id, reply_words=words)
        return answers.page(request, view, viewer=user)

    async def say(self, request: Request) -> Response:
        """Take what somebody wrote."""
        user = viewer(request)
        if user is None:
            return _to_sign_in(request)
        form = await answers.read_form(request)
        try:
            await self._chat.says(user, form["with"], form["text"], reply_to=form["reply_to"])
        except ChatRefused as error:
            self._tell(user, form["with"], error)
        return answers.redirect(_address(form["with"]))

    async def click(self, request: Request) -> Response:
        """Take the press of a button."""
        return await self._used(request, _press)

    async def select(self, request: Request) -> Response:
        """Take the choice from a dropdown."""
        return await self._used(request, _select)

    async def pick(self, request: Request) -> Response:
        """Take what was set outside a form."""
        return await self._used(request, _pick)

    async def edit(self, request: Request) -> Response:
        """Take a text or a field's value that was edited in place."""
        return await self._used(request, _edit)

    async def submit(self, request: Request) -> Response:
        """Take a form that was filled in."""
        return await self._used(request, _submit)

    async def apps(self, request: Request) -> Response:
        """Add an app to a channel, or take it out."""
        user = viewer(request)
        if user is None:
            return _to_sign_in(request)
        form = await answers.read_form(request)
        present = form["action"] == "add"
        try:
            self._chat.channel_app(user, form["with"], form["app"], present=present)
        except ChatRefused as error:
            self._tell(user, form["with"], error)
        return answers.redirect(_address(form["with"]))

    async def _used(self, request: Request, act: Act) -> Response:
        """Take what somebody did with a card; if it is not possible, say why in the chat."""
        user = viewer(request)
        if user is None:
            return _to_sign_in(request)
        form = await answers.read_form(request)
        peer = self._peer_of(form["message"])
        try:
            await act(self._chat, user, form)
        except ChatRefused as error:
            self._tell(user, peer, error)
        return answers.redirect(_address(peer))

    async def events(self, request: Request) -> Response:
        """Send a conversation's messages as they come and change."""
        user = viewer(request)
        if user is None:
            return PlainTextResponse("Sign in first.", 401)
        try:
            conversation = self._chat.conversations.find(user, request.query_params.get("with", ""))
        except ChatRefused:
            return PlainTextResponse("There is no such conversation.", 404)
        query = request.query_params.get("after", "")
        after = last_seen(request.headers.get("last-event-id"), query)
        draw = partial(self._fragment, conversation)
        return EventStream(self._live.stream(draw, after=after))

    async def listing(self, _: Request) -> Response:
        """List every message there is, as JSON."""
        messages = [_plain(each) for each in self._world.messages.values()]
        return answers.json_answer({"messages": messages})

    def _view(
        self, user: User, everything: list[Conversation], current: Conversation | None
    ) -> ChatView:
        shown = self._chat.conversations.messages(current) if current else []
        query = f"with={quote(current.peer)}&after={self._live.last}" if current else ""
        return ChatView(
            viewer=answers.person(self._world, user),
            conversations=tuple(_line(each, active=each == current) for each in everything),
            current=_line(current, active=True) if current else None,
            messages=tuple(self._message(current, each) for each in shown if current),
            commands=tuple(self._commands(current)) if current else (),
            event_stream_url=f"/chat/events?{query}" if current else "",
            closed=self._closed(current) if current else "",
            apps=tuple(self._apps(current)) if current else (),
        )

    def _apps(self, conversation: Conversation) -> list[ChannelAppView]:
        """List which installed apps are in a channel, and which could be."""
        channel = conversation.channel
        if channel is None:
            return []
        return [
            ChannelAppView(app.client_id, app.name, app.client_id in channel.apps)
            for app in self._world.apps.values()
            if self._world.installation_for(app, conversation.user)
        ]

    def _closed(self, conversation: Conversation) -> str:
        app = conversation.app
        if app is None or self._world.installation_for(app, conversation.user):
            return ""
        return f"{app.name} is not added, so nobody reads what you write here."

    def _commands(self, conversation: Conversation) -> list[CommandView]:
        user = conversation.user
        apps = [conversation.app] if conversation.app else list(self._world.apps.values())
        found: list[CommandView] = []
        for app in apps:
            if app.command and self._world.installation_for(app, user):
                name = f"/{app.command.removeprefix('/')}"
                hints = app.command_hints or [("", app.description)]
                found += [CommandView(f"{name} {use}".strip(), hint) for use, hint in hints]
        return found

    def _fragment(self, conversation: Conversation, message: Message) -> str | None:
        if not self._chat.conversations.shows(conversation, message):
            return None
        return pages.render(self._message(conversation, message))

    def _message(self, conversation: Conversation, message: Message) -> MessageView:
        drawn = self._drawn(conversation.user, message)
        return MessageView(
            id=message.id,
            sender=message.sender_name,
            time=message.sent_at,
            html=drawn.html if drawn else markdown.plain(message.text),
            version=message.version,
            is_bot=bool(message.client_id),
            mine=message.sender == conversation.user.jid,
            warnings=drawn.warnings if drawn else (),
            edited=message.edited,
            deleted=message.deleted,
            system=not message.sender,
            private=bool(message.visible_to) and bool(message.sender),
            replies_to=self._first_words(message.reply_to),
            reply_with=conversation.peer if message.client_id else "",
        )

    def _first_words(self, message_id: str | None) -> str:
        """Say what a reply is to, in its first words."""
        parent = self._world.messages.get(message_id or "")
        if parent is None:
            return ""
        head: Any = (parent.card or {}).get("head")
        words = as_map(head).get("text") or parent.text or "a card"
        return str(words)[:80]

    def _drawn(self, user: User, message: Message) -> cards.Drawn | None:
        if message.card is None:
            return None
        members, channels = self._chat.choices(user)
        app = self._world.apps.get(message.client_id)
        return cards.draw(
            message.card,
            markdown=message.markdown,
            message_id=message.id,
            interactive=app is not None and self._world.installation_for(app, user) is not None,
            members=members,
            channels=channels,
            bold=self._world.rules.markdown_bold,
            long_texts=self._world.rules.text_limit != "none",
        )

    def _peer_of(self, message_id: str) -> str:
        message = self._world.messages.get(message_id)
        return message.conversation.partition("|")[2] if message else ""

    def _tell(self, user: User, peer: str, error: ChatRefused) -> None:
        """Say in the conversation why nothing happened, if there is one."""
        try:
            conversation = self._chat.conversations.find(user, peer)
        except ChatRefused:
            return
        what = error.what[:1].upper() + error.what[1:]
        self._chat.conversations.note(conversation, f"{what}: {error.why}.")


def _press(chat: Chat, user: User, form: answers.Form) -> Awaitable[object]:
    return chat.clicks(user, form["message"], form["value"])


def _select(chat: Chat, user: User, form: answers.Form) -> Awaitable[object]:
    return chat.selects(user, form["message"], form["block"], form["value"])


def _pick(chat: Chat, user: User, form: answers.Form) -> Awaitable[object]:
    return chat.picks(user, form["message"], form["block"], form.all("value"))


def _edit(chat: Chat, user: User, form: answers.Form) -> Awaitable[object]:
    target = form["target"].replace("\r\n", "\n")
    key = form["key"] or None
    return chat.edits(user, form["message"], form["block"], target, key=key)


def _submit(chat: Chat, user: User, form: answers.Form) -> Awaitable[object]:
    filled = {
        name.removeprefix(PREFIX): [value.replace("\r\n", "\n") for value in values]
        for name, values in form.fields.items()
        if name.startswith(PREFIX)
    }
    return chat.submits(user, form["message"], filled, form["value"])


def _to_sign_in(request: Request) -> Response:
    back = f"/chat?{request.url.query}" if request.url.query else "/chat"
    return answers.redirect(f"/signin?next={quote(back, safe='')}")


def _address(peer: str) -> str:
    return f"/chat?with={quote(peer, safe='@/')}" if peer else "/chat"


def _line(conversation: Conversation, *, active: bool) -> ConversationView:
    """Show a conversation. No preview of its last message: the rail is not live."""
    app = conversation.app
    return ConversationView(
        jid=conversation.peer,
        name=conversation.name,
        kind=conversation.kind,
        active=active,
        subtitle=f"/{app.command.removeprefix('/')}" if app and app.command else "",
    )


def _plain(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "conversation": message.conversation,
        "to_jid": message.to_jid,
        "sender": message.sender,
        "sender_name": message.sender_name,
        "client_id": message.client_id,
        "text": message.text,
        "card": message.card,
        "markdown": message.markdown,
        "edited": message.edited,
        "deleted": message.deleted,
        "visible_to": message.visible_to,
        "reply_to": message.reply_to,
        "at": message.sent_at.isoformat(),
    }
