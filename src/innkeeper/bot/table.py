"""What handles what, in the whole bot? Worked out once, when it starts.

All that is wrong is said at once, with file, line and remedy: a parameter that nothing
fills, a context that the event does not have, two handlers that take the same.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from itertools import combinations
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from innkeeper.bot.calls import Calls
from innkeeper.bot.contexts import (
    Action,
    Authorized,
    Command,
    Context,
    Deauthorized,
    Edited,
    Happened,
    Installed,
    Linked,
    Mentioned,
    ReauthNeeded,
    Selected,
    Submitted,
)
from innkeeper.bot.forms import Filled, Form
from innkeeper.bot.functions import Nature
from innkeeper.bot.matching import ANY, Ambiguous, Commands, Values
from innkeeper.bot.reactions import Call, Reaction
from innkeeper.bot.routing import Registration, Router
from innkeeper.bot.tables import PurgedTable
from innkeeper.bot.words import WordsRefused, plain, read_words
from innkeeper.errors import BotRefused
from innkeeper.flows.authorized import Authorization
from innkeeper.flows.reauth import ReauthDue
from innkeeper.flows.steps import PurgeStep
from innkeeper.store.owned import OwnedDatabase
from innkeeper.wire.events import Event
from innkeeper.wire.payloads import (
    PAYLOADS,
    AppDeauthorized,
    AppMention,
    BotInstalled,
    BotNotification,
    ChatMessageSubmit,
    InteractiveMessageActions,
    InteractiveMessageEditable,
    InteractiveMessageFieldsEditable,
    InteractiveMessageSelect,
    LinkShared,
    Payload,
)

GIVEN: Final[Mapping[str, type[Context[Any]]]] = {
    "on_install": Installed,
    "on_authorized": Authorized,
    "on_deauthorize": Deauthorized,
    "on_reauth_needed": ReauthNeeded,
    "command": Command,
    "action": Action,
    "select": Selected,
    "form": Submitted,
    "edited": Edited,
    "mention": Mentioned,
    "link": Linked,
    "event": Happened,
}
"""The context that each decorator's handler is given."""

_TYPED: Final = frozenset({"command", "action"})
"""Where the parameters after the context are typed, or stand in a button's value."""
_ANY_DAY: Final = date(2000, 1, 1)
_LONGEST_STEP: Final = 100
_LONGEST_KEY: Final = 4000
"""In characters. Zoom names no maximum for a message, and people see it cut at about this."""


class Match(NamedTuple):
    """What takes an event."""

    reaction: Reaction
    given: type[Context[Any]]
    own: int = 0
    """How many words of the command were the handler's own."""
    rest: str = ""
    """What is left for its typed words."""
    others: tuple[Reaction, ...] = ()
    """What takes it besides."""
    form: type[Form] | None = None
    """What reads what was filled in."""


class Route(NamedTuple):
    """A handler, as an author or an operator looks at it."""

    decorator: str
    """The decorator's name, such as `command`."""
    key: str
    """What the decorator was given; empty where it takes whatever no other takes."""
    usage: str
    """How the command is used, with the words that are typed for it."""
    handler: str
    file: str
    line: int
    about: str
    """The first line of the handler's documentation."""


class Branch(NamedTuple):
    """A router with what stands around its handlers, from the outside in and the inside out."""

    router: Router
    layers: tuple[Registration, ...] = ()
    guards: tuple[tuple[Registration, ...], ...] = ()


class Table:
    """The handlers of a bot, by what they wait for.

    Raises:
        BotRefused: With all that is wrong.
    """

    def __init__(self, root: Router) -> None:
        self.commands: Commands[Reaction] = Commands()
        self.actions: Values[Reaction] = Values()
        self.reactions: list[tuple[Registration, Reaction]] = []
        """All, in the order of their registration."""
        self.purges: list[PurgeStep] = []
        self.tables: list[PurgedTable] = []
        self.databases: list[OwnedDatabase] = []
        self._others: dict[tuple[str, str], Reaction] = {}
        self._forms: dict[str, type[Form]] = {}
        self._events: dict[str, tuple[Reaction, ...]] = {}
        self._finders: Mapping[type[Payload], Callable[[Any], Match | None]] = {
            BotInstalled: lambda _: self._other("on_install"),
            Authorization: lambda _: self._other("on_authorized"),
            AppDeauthorized: lambda _: self._other("on_deauthorize"),
            ReauthDue: lambda _: self._other("on_reauth_needed"),
            BotNotification: self._command,
            InteractiveMessageActions: self._action,
            InteractiveMessageSelect: lambda payload: self._other(
                "select", [item.value for item in payload.selected_items]
            ),
            InteractiveMessageEditable: lambda _: self._other("edited"),
            InteractiveMessageFieldsEditable: lambda payload: self._other(
                "edited", [payload.field_edit_item.key]
            ),
            ChatMessageSubmit: self._submitted,
            AppMention: lambda _: self._other("mention"),
            LinkShared: lambda payload: self._other("link", domains_of(payload.object.link or "")),
        }
        self._fill(root)

    def find(self, event: Event[Payload]) -> Match | None:
        """Find what takes an event; None if nothing does."""
        finder = self._finders.get(type(event.payload))
        found = finder(event.payload) if finder is not None else None
        if found is None:
            happened = self._events.get(event.name)
            return Match(happened[0], Happened, others=happened[1:]) if happened else None
        return found

    def hears(self, kind: str) -> bool:
        """Tell whether a handler was registered with this decorator."""
        return any(registration.kind == kind for registration, _ in self.reactions)

    def routes(self) -> list[Route]:
        """List all handlers, in the order of their registration."""
        return [
            Route(
                decorator=registration.kind,
                key=registration.key,
                usage=reaction.usage,
                handler=registration.origin.name,
                file=registration.origin.file,
                line=registration.origin.line,
                about=reaction.about,
            )
            for registration, reaction in self.reactions
        ]

    def _command(self, payload: BotNotification) -> Match | None:
        found = self.commands.find(payload.cmd)
        return found and Match(found.target, Command, found.own, found.rest)

    def _action(self, payload: InteractiveMessageActions) -> Match | None:
        for found in self.actions.find(payload.action_item.value):
            if _fits(found.target, found.rest):
                return Match(found.target, Action, 0, found.rest)
        return None

    def _submitted(self, payload: ChatMessageSubmit) -> Match | None:
        form_id = payload.object.form_id or ANY
        found, form = self._other("form", [form_id]), self._forms.get(form_id)
        if found is None or form is None:
            return found
        return found._replace(given=Filled, form=form)

    def _other(self, kind: str, keys: Sequence[str] = ()) -> Match | None:
        for key in (*keys, ANY):
            reaction = self._others.get((kind, key))
            if reaction is not None:
                return Match(reaction, GIVEN[kind])
        return None

    def faults(self, management: Literal["admin", "user"]) -> list[BotRefused]:
        """List what is wrong with the bot where the app is managed so."""
        return [fault for table in self.tables if (fault := table.fault(management))]

    def suit(self, management: Literal["admin", "user"]) -> None:
        """Make sure that the bot can forget whoever may remove the app.

        Raises:
            BotRefused: With all that is wrong.
        """
        _refuse(self.faults(management))

    # filling it

    def _fill(self, root: Router) -> None:
        faults: list[BotRefused] = []
        calls = Calls()
        for branch in _branches(Branch(root), root.noted.middleware, root.noted.guards):
            faults += _guards_twice(branch.guards[0], calls)
            for registration in branch.router.noted.handlers:
                try:
                    self._put(registration, _reaction(registration, branch, calls))
                except BotRefused as fault:
                    faults.append(fault)
            for step in branch.router.noted.purges:
                faults += _step_faults(step, self.purges)
                self.purges.append(step)
            self.tables += branch.router.noted.tables
            self.databases += branch.router.noted.databases
        _refuse(faults)

    def _put(self, registration: Registration, reaction: Reaction) -> None:
        kind, key, typed = registration.kind, registration.key, bool(reaction.call.words)
        _check_key(registration)
        try:
            if kind == "command":
                self.commands.put(key, reaction, typed=typed)
            elif kind == "action":
                self.actions.put(key, reaction, typed=typed)
            elif kind == "event":
                self._events[key] = (*self._events.get(key, ()), reaction)
            else:
                self._put_other(kind, key, reaction)
        except Ambiguous as taken:
            both = f"{taken.other.call.origin} and {registration.origin}"
            raise BotRefused(
                str(registration),
                f"is registered twice: {both}",
                "Remove one, or give them different words.",
            ) from None
        if registration.form is not None:
            self._forms[key] = registration.form
        self.reactions.append((registration, reaction))

    def _put_other(self, kind: str, key: str, reaction: Reaction) -> None:
        other = self._others.setdefault((kind, key), reaction)
        if other is not reaction:
            raise Ambiguous(other)


def _branches(
    branch: Branch, middleware: Sequence[Registration], guards: Sequence[Registration]
) -> Iterator[Branch]:
    """List a router and all that it includes, however deep."""
    here = Branch(branch.router, (*branch.layers, *middleware), (tuple(guards), *branch.guards))
    yield here
    for inner in branch.router.included:
        yield from _branches(
            here._replace(router=inner), inner.noted.middleware, inner.noted.guards
        )


def _reaction(registration: Registration, branch: Branch, calls: Calls) -> Reaction:
    """Make a handler ready, and all that stands around it."""
    kind = registration.kind
    given = GIVEN[kind] if registration.form is None else Filled
    call = calls.handler(registration.handler, given, route=f"@app.{kind}", typed=kind in _TYPED)
    layers = (calls.layer(layer.handler, given) for layer in branch.layers)
    around = tuple(layer for layer in layers if layer is not None)
    return Reaction(
        call,
        route=str(registration),
        usage=" ".join([*registration.key.split(), *(word.usage for word in call.words)]),
        about=(inspect.getdoc(registration.handler) or "").partition("\n")[0],
        layers=around,
        guards=tuple(_guards(level, given, calls) for level in branch.guards),
        is_bare=call.nature is Nature.ASYNC and not (call.sources or call.keywords or around),
    )


class _Twice(BotRefused):
    """Two error handlers take the same."""


def _guards(
    level: Sequence[Registration], given: type[Context[Any]], calls: Calls
) -> Mapping[type[BaseException], Call]:
    """Make a router's error handlers ready, by what they take in a context.

    Raises:
        BotRefused: If two take the same.
    """
    found: dict[type[BaseException], Call] = {}
    for registration in level:
        ready = calls.guard(registration.handler, given)
        if ready is None:
            continue
        call, kinds = ready
        for kind in kinds:
            if kind in found:
                both = f"{found[kind].origin} and {call.origin}"
                raise _Twice(f"@app.error for {kind.__name__}", f"is registered twice: {both}")
            found[kind] = call
    return found


def _guards_twice(level: Sequence[Registration], calls: Calls) -> list[BotRefused]:
    """List a router's error handlers that take the same in some context, whoever is in it."""
    found: list[BotRefused] = []
    for one, other in combinations(level, 2):
        for given in set(GIVEN.values()):
            try:
                _guards((one, other), given, calls)
            except _Twice as fault:
                found.append(fault)
            except BotRefused:  # it is told where a handler needs it
                continue
    return found


def _step_faults(step: PurgeStep, others: Sequence[PurgeStep]) -> Iterator[BotRefused]:
    """List what is wrong with a step's name: it stands in every receipt."""
    where = f"@app.purge({step.name[:_LONGEST_STEP]!r})"
    if step.name in {other.name for other in others}:
        yield BotRefused(where, "is registered twice")
    if not plain(step.name).strip() or len(step.name) > _LONGEST_STEP:
        why = f"has no name that can be seen, or one of over {_LONGEST_STEP} characters"
        yield BotRefused(where, why, "Name what it deletes in a word or two: receipts say it.")


def _check_key(registration: Registration) -> None:
    """Refuse what no event can ever match.

    Raises:
        BotRefused: With what to write instead.
    """
    kind, key, place = registration.kind, registration.key, str(registration.origin)
    if len(key) > _LONGEST_KEY:
        why = f"gives @app.{kind} {len(key):,} characters, more than a message at Zoom has"
        raise BotRefused(place, why, f"Write at most {_LONGEST_KEY:,}.")
    if kind == "event" and not key.strip():
        raise BotRefused(place, "takes an event without a name", "Write Zoom's name for it.")
    meant = _misspelt(key) if kind == "event" else None
    if meant is not None:
        why = f"takes {registration}, which Zoom does not send"
        raise BotRefused(place, why, f"Did you mean `{meant}`?")
    if kind == "command" and key and not plain(key).strip():
        raise BotRefused(place, "takes a command of nothing that can be seen", "Write its words.")
    if kind == "command" and key.startswith("/"):
        why = f"takes {registration}, but a command begins after the bot's own slash command"
        raise BotRefused(place, why, "Leave the slash away.")
    if kind == "link" and ("/" in key or ":" in key):
        why = f"takes {registration}, but links are matched by their domain"
        raise BotRefused(place, why, "Write the domain alone, such as `example.com`.")
    if kind == "action" and key and not key.strip():
        raise BotRefused(place, "takes a blank action", "Write the value of the button.")


def _misspelt(name: str) -> str | None:
    """Find the event that was meant: one that is a letter or two away.

    Other names are taken as they are: Zoom may send tomorrow what nobody knows today.
    """
    if name in PAYLOADS:
        return None
    near = get_close_matches(name, PAYLOADS, n=1, cutoff=0.9)
    return near[0] if near and abs(len(near[0]) - len(name)) <= 1 else None


def _refuse(faults: Sequence[BotRefused]) -> None:
    """Say all that is wrong, each thing once: a layer may stand around many handlers."""
    said = list({str(fault): fault for fault in faults}.values())
    if len(said) == 1:
        raise said[0]
    if said:
        lines = [f"{fault.what} {fault.why}. {fault.fix}" for fault in said]
        why = "\n".join(["", *lines]).removesuffix(".")  # a sentence more follows
        raise BotRefused(f"{len(said)} things in the bot are wrong", why)


def _fits(reaction: Reaction, rest: str) -> bool:
    """Whether a value's words can be read; nobody has typed them, so nobody is told."""
    if reaction.call.words:
        try:
            read_words(reaction.call.words, rest, _ANY_DAY)
        except WordsRefused:
            return False
    return True


def domains_of(link: str) -> list[str]:
    """List a link's host and the domains above it, the longest first."""
    try:
        host = (urlsplit(link).hostname or "").rstrip(".")
    except ValueError:
        return []
    labels = host.split(".") if host else []
    return [".".join(labels[place:]) for place in range(len(labels))]
