"""How is an event sent without anybody doing what causes it? As its row builds it, and changed."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.chat.causes import BY_EVENT, Cause, Happening, Occasion
from innkeeper.emulator.chat.client import Chat
from innkeeper.emulator.courier import envelope
from innkeeper.emulator.courier.rounds import Courier
from innkeeper.emulator.delivery import Delivery
from innkeeper.emulator.world import AppRecord, User, World
from innkeeper.errors import BodyRefused, ChatRefused, InnkeeperError
from innkeeper.net.inbound import read_body
from innkeeper.net.outbound import Request as Delivered
from innkeeper.wire import lossless

PATH: Final = "/_emulator/trigger"
_TOPS: Final = ("payload", "event_ts", "response_url")
"""Where the path of a change begins."""
_DEEPEST: Final = 32


class TriggerRefused(InnkeeperError):
    """An event that cannot be triggered as it was asked for; `fix` lists what can be named."""

    code = "trigger_refused"

    def __init__(self, what: str, fix: str) -> None:
        self.fix = fix
        super().__init__(what)


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to send: an event, of which app, by whom, and what to change by dotted paths."""

    event: str
    app: str | None = None
    user: str | None = None
    set: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class _Way:
    """Where an event goes, and whom it is about."""

    url: str
    who: dict[str, str]


class Trigger:
    """Sends any event of the table on demand, through the courier as any other."""

    def __init__(self, world: World, chat: Chat, courier: Courier) -> None:
        self._world = world
        self._chat = chat
        self._courier = courier

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [Route(PATH, self.trigger, methods=["POST"])]

    async def trigger(self, request: Request) -> Response:
        """Send an event, and tell what became of its first attempt."""
        try:
            order = _read(await read_body(request.scope, request.receive))
            delivery = await self.send(order)
        except (TriggerRefused, ChatRefused) as error:
            message = ": ".join(part for part in (error.what, error.why) if part)
            body = {"error": error.code, "message": message, "fix": error.fix}
            return answers.json_answer(body, 400)
        return answers.json_answer(delivery.json())

    async def send(self, order: Order) -> Delivery:
        """Send an event, and make its first attempt.

        Raises:
            TriggerRefused: Listing what could have been named.
            ChatRefused: If nobody could cause it now.
        """
        app, way, payload, top = self._composed(order)
        return await self._courier.post_now(app, way.url, order.event, payload, **way.who, **top)

    def seal(self, order: Order) -> Delivered:
        """Write and sign an event as `send` would, and send nothing.

        Raises:
            TriggerRefused: Listing what could have been named.
            ChatRefused: If nobody could cause it now.
        """
        app, way, payload, top = self._composed(order)
        drafted = self._courier.draft(app, way.url, order.event, payload, **way.who, **top)
        return envelope.seal(self._world, app, drafted)

    def _composed(self, order: Order) -> tuple[AppRecord, _Way, Any, dict[str, Any]]:
        cause = BY_EVENT.get(order.event)
        if cause is None:
            raise TriggerRefused(f"no event is called {order.event[:80]}", _known(BY_EVENT))
        app = self._app(order.app)
        user = self._user(order.user, app)
        url, subscription_id = _endpoint(cause, app)
        built = cause.build(Occasion(self._world, app, user, self._chat.timestamp()))
        top = deepcopy({**built.top, "payload": built.payload})
        for path, value in order.set.items():
            override(top, path, value)
        self._place(built)
        way = _Way(url, {"user_id": user.id, "subscription_id": subscription_id})
        return app, way, top.pop("payload"), top

    def _app(self, client_id: str | None) -> AppRecord:
        apps = self._world.apps
        if client_id is not None:
            found = apps.get(client_id)
        else:
            found = next(iter(apps.values())) if len(apps) == 1 else None
        if found is None:
            said = "say which app" if client_id is None else f"no app is called {client_id[:80]}"
            raise TriggerRefused(said, _known(apps))
        return found

    def _user(self, user_id: str | None, app: AppRecord) -> User:
        users = {user.id: user for user in self._world.users()}
        if user_id is None:
            installers = [
                each.user_id
                for each in self._world.installations.values()
                if each.client_id == app.client_id and each.user_id in users
            ]
            user_id = next(iter([*installers, *users]), "")
        found = users.get(user_id)
        if found is None:
            raise TriggerRefused(f"nobody has the id {user_id[:80]}", _known(users))
        return found

    def _place(self, built: Happening) -> None:
        """Put the card that an event is about into the chat, so that it can be edited."""
        if built.message is not None:
            self._world.messages[built.message.id] = built.message
            self._world.announce("message", built.message)


def override(document: dict[str, Any], path: str, value: Any) -> None:
    """Change one place of a document, named by keys and indexes with dots between.

    Raises:
        TriggerRefused: If there is no such place; the last key of an object may be new.
    """
    *way, last = path.split(".")
    if (way or [last])[0] not in _TOPS or len(way) > _DEEPEST:
        raise TriggerRefused(f"{path[:80]}: no path begins so", f"Known are: {', '.join(_TOPS)}.")
    if path == "payload" and not isinstance(value, dict):
        raise TriggerRefused("payload: must be an object", "Give a JSON object.")
    place: Any = document
    for part in way:
        if isinstance(place, dict):
            place = cast("dict[str, Any]", place).setdefault(part, {})
        else:
            place = _items(place, part, path)[int(part)]
    if isinstance(place, dict):
        place[last] = value
    else:
        _items(place, last, path)[int(last)] = value


def _items(place: Any, part: str, path: str) -> list[object]:
    items = cast("list[object]", place) if isinstance(place, list) else []
    if not (part.isascii() and part.isdigit() and len(part) < 6 and int(part) < len(items)):
        fix = "Name keys of objects and indexes of lists, with dots between."
        raise TriggerRefused(f"{path[:80]}: there is no {part[:80]}", fix)
    return items


def _endpoint(cause: Cause, app: AppRecord) -> tuple[str, str]:
    """Find where an event goes, and which subscription asked for it."""
    if cause.where == "subscription":
        for each in app.subscriptions:
            if cause.event in each.event_types:
                return each.url, each.id
    deauthorization = cause.where == "deauthorization"
    url = app.deauthorization_endpoint if deauthorization else app.bot_endpoint
    if not url:
        name = "deauthorization_endpoint" if deauthorization else "bot_endpoint"
        fix = f"Give it one: PATCH /_emulator/apps/{app.client_id}."
        raise TriggerRefused(f"{app.client_id} has no {name}", fix)
    return url, ""


def _read(body: bytes) -> Order:
    keys = f"Send a JSON object with {', '.join(Order.__struct_fields__)}."
    try:
        return msgspec.convert(lossless.parse(body), Order)
    except BodyRefused as error:
        raise TriggerRefused(f"the body is no JSON ({error.reason})", keys) from None
    except msgspec.ValidationError as error:
        raise TriggerRefused(str(error), keys) from None


def _known(names: Mapping[str, Any]) -> str:
    return f"Known are: {', '.join(names) or 'none'}."
