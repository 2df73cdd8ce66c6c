"""How does an event reach its handler? With its context, and with a hint if there is none."""

from collections.abc import Awaitable
from functools import partial
from typing import Any, Final

from innkeeper.bot.contexts import Context, ReauthNeeded, Services
from innkeeper.bot.forms import Filled, Form, correction
from innkeeper.bot.inject import Overrides
from innkeeper.bot.reactions import Reaction, Surroundings, Typed
from innkeeper.bot.table import Match, Table
from innkeeper.bot.threads import Threads
from innkeeper.errors import FormRefused
from innkeeper.flows.dispatch import Happening, Run, Say
from innkeeper.flows.reauth import ReauthDue
from innkeeper.wire.events import Event
from innkeeper.wire.messages import Card
from innkeeper.wire.payloads import Payload

_NO_MORE: Final = "Zoom takes its permission no more, so it cannot do anything for you."
_ASKS_MORE: Final = "It needs a permission that you have not given it yet."
_HINTS: Final = {
    "bot_installed": "@app.on_install\nasync def hello(ctx: Installed) -> str: ...",
    "bot_notification": "@app.command()\nasync def anything(ctx: Command) -> str: ...",
    "interactive_message_actions": "@app.action()\nasync def pressed(ctx: Action) -> None: ...",
    "interactive_message_select": "@app.select\nasync def chosen(ctx: Selected) -> None: ...",
    "interactive_message_editable": "@app.edited\nasync def edited(ctx: Edited) -> None: ...",
    "interactive_message_fields_editable": (
        "@app.edited\nasync def edited(ctx: Edited) -> None: ..."
    ),
    "chat_message.submit": "@app.form\nasync def submitted(ctx: Submitted) -> None: ...",
    "team_chat.app_mention": "@app.mention\nasync def mentioned(ctx: Mentioned) -> str: ...",
    "team_chat.link_shared": "@app.link\nasync def linked(ctx: Linked) -> None: ...",
}


class RoutedBot:
    """Gives each event its context, and to the handlers that wait for it."""

    def __init__(
        self, table: Table, services: Services, *, threads: Threads, overrides: Overrides
    ) -> None:
        self._table = table
        self._services = services
        self._around = Surroundings(threads, overrides)

    def find(self, event: Event[Payload]) -> Run | None:
        """Find what is to be done with an event; None if no handler waits for it."""
        match = self._table.find(event)
        if match is None:
            return self._ask_again if isinstance(event.payload, ReauthDue) else None
        if match.form is not None:
            return partial(self._run_form, match, match.form)
        if match.others:
            return lambda happening, say: self._run_all(match, happening, say)
        return lambda happening, say: self._run(match.reaction, match, happening, say)

    def hint(self, event: Event[Payload]) -> str:
        """Write the handler that would have taken this event, to paste."""
        name = event.name
        other = f"@app.event({name!r})\nasync def happened(ctx: Happened) -> None: ..."
        return _HINTS.get(name, other)

    def _run(
        self, reaction: Reaction, match: Match, happening: Happening, say: Say
    ) -> Awaitable[None]:
        context: Context[Any] = match.given(happening, self._services, words=match.own)
        typed = NOTHING
        if reaction.call.words:
            day = (happening.event.at or happening.arrival.received_at).date()
            typed = Typed(match.rest, day)
        return reaction.run(context, typed, say, self._around)

    async def _run_form(
        self, match: Match, form: type[Form], happening: Happening, say: Say
    ) -> None:
        """Run a handler with what was filled in; tell whoever did what is wrong with it."""
        context: Filled[Any] = Filled(happening, self._services)
        try:
            context.fill(form)
        except FormRefused as refused:
            await say(correction(refused))
            return
        await match.reaction.run(context, NOTHING, say, self._around)

    async def _run_all(self, match: Match, happening: Happening, say: Say) -> None:
        """Run every handler; what one raises keeps no other from it, and is raised at the end."""
        failure: Exception | None = None
        for reaction in (match.reaction, *match.others):
            try:
                await self._run(reaction, match, happening, say)
            except Exception as error:  # the others have their turn
                failure = failure or error
        if failure is not None:
            raise failure

    async def _ask_again(self, happening: Happening, say: Say) -> None:
        """Say what a bot says that does not handle this itself."""
        context = ReauthNeeded(happening, self._services)
        await say(
            Card("Please allow this app again")
            .text(_ASKS_MORE if context.scopes else _NO_MORE)
            .text("Allow it again", link=context.install_url)
        )


NOTHING: Final = Typed("")
