"""How does a bot call Zoom? Its chat, its users and every other call, for one installation.

Three kinds of token are there, and the call chooses: the Chatbot API is called with the
chatbot's, all else with that of the user who installed the app, unless the call says
otherwise.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeVar, overload

import msgspec

from innkeeper.bot.progress import Progress
from innkeeper.clock import Clock
from innkeeper.errors import AnswerLost, InnkeeperError, NotInstalled, ScopeNotGranted
from innkeeper.flows.calls import BUDGET, Budget, Caller, Token
from innkeeper.flows.gates import Quota
from innkeeper.flows.grants import AccessToken, Grants
from innkeeper.flows.installations import Registry
from innkeeper.flows.log import Log
from innkeeper.flows.speak import Place, Speaker
from innkeeper.ids import AccountId, InstallationId, Jid, MessageId, UserId
from innkeeper.net.outbound import Transport
from innkeeper.store.records import Installation
from innkeeper.wire.messages import Card, card_of
from innkeeper.zoom import api
from innkeeper.zoom.api import REPEATABLE, Method, Query, path_of
from innkeeper.zoom.chat import SentMessage
from innkeeper.zoom.users import User

TokenKind = Literal["chatbot", "user", "account"]
_CHATBOT_PATH: Final = "/v2/im/chat/"
_USERS_ON_A_PAGE: Final = 300
_PAGES_LIMIT: Final = 1000
_PAGE_TOKEN_LIMIT: Final = 4096

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Reauthorize:
    """How a person is asked for scopes that they have not granted: a notice, and where to go."""

    ask: Callable[[InstallationId, Sequence[str]], Awaitable[None]]
    install_url: str


class Clients:
    """Gives out the API, one client for each installation; all share one pool of connections."""

    def __init__(
        self,
        *,
        registry: Registry,
        grants: Grants,
        speaker: Speaker,
        caller: Caller,
        transport: Transport,
        clock: Clock,
        log: Log,
        reauthorize: Reauthorize,
    ) -> None:
        self.log = log
        self.reauthorize = reauthorize
        self.grants = grants
        self.speaker = speaker
        self.caller = caller
        self.transport = transport
        self._registry = registry
        self._clock = clock

    def of(self, installation: Installation) -> "Client":
        """Give the API for an installation."""
        return Client(self, installation)

    async def find(self, account_id: AccountId, user_id: UserId | None) -> "Client":
        """Give the API for whoever installed the app.

        Raises:
            NotInstalled: If nobody of these ids has.
            StoreUnavailable: If the store cannot be read.
        """
        owner = self._registry.owner(account_id, user_id)
        if owner is None:
            raise NotInstalled("no client", "each user installs this app, and none was named")
        installation = await self._registry.find(owner)
        if installation is None:
            raise NotInstalled("no client", "there is no installation for these ids")
        return self.of(installation)

    def progress(self, place: Place, title: str, *, text: str = "") -> Progress:
        """Make a message that says how far something is."""
        return Progress(self.speaker, place, clock=self._clock, title=title, text=text)


class Client:
    """Zoom's API, for one installation.

    Every call is made as often as it helps: again where Zoom could not be reached, asked to
    wait (429) or failed (5xx), within 30 seconds in all and 10 for an attempt. What may have
    been done and must not be done twice, such as posting a message, is never repeated.
    """

    def __init__(self, clients: Clients, installation: Installation) -> None:
        self._clients = clients
        self._installation = installation

    @property
    def chat(self) -> "ChatCalls":
        """The bot's messages."""
        return ChatCalls(self._clients.speaker, self._installation)

    @property
    def users(self) -> "UserCalls":
        """Who is there."""
        return UserCalls(self)

    @overload
    async def request(
        self,
        method: Method,
        path: str,
        *ids: str,
        query: Query | None = None,
        body: Any = None,
        token: TokenKind | None = None,
        budget: Budget = BUDGET,
    ) -> Any: ...

    @overload
    async def request(
        self,
        method: Method,
        path: str,
        *ids: str,
        shape: type[_T],
        query: Query | None = None,
        body: Any = None,
        token: TokenKind | None = None,
        budget: Budget = BUDGET,
    ) -> _T: ...

    async def request(
        self,
        method: Method,
        path: str,
        *ids: str,
        shape: Any = Any,
        query: Query | None = None,
        body: Any = None,
        token: TokenKind | None = None,
        budget: Budget = BUDGET,
    ) -> Any:
        """Make any call of Zoom's API, and read its answer.

        Args:
            path: As Zoom's reference has it, with `{}` where an id goes: `/v2` may be left out.
            ids: The ids, in their order; whatever one holds, it stays one segment.
            shape: The type of the answer, as msgspec reads it; anything when omitted.
            body: What JSON can hold.
            token: `chatbot`, `user` or `account`; when omitted, `chatbot` below `/im/chat/`,
                and `user` for all else.
            budget: How long it may take.

        Raises:
            ValueError: If the path is none, or its holes and the ids do not match.
            ScopeNotGranted: If the token may not. A user is asked to authorize the app again.
            ApiRefused: If Zoom would not do it: `zoom_code`, `meaning` and `fix` say more.
            AnswerLost: If it may have been done, or the answer is of another shape.
            Unreachable: If it was not done.
            NeedsReauth: If the user must authorize the app again.
            GrantRefused: If there is no such token.
        """
        filled = path_of(path, ids)
        kind: TokenKind = token or ("chatbot" if filled.startswith(_CHATBOT_PATH) else "user")

        async def attempt(access: AccessToken, deadline: float) -> Any:
            return await api.call(
                self._clients.transport,
                api_url=access.api_url,
                token=access.token,
                method=method,
                path=filled,
                query=query,
                body=body,
                shape=shape,
                deadline=deadline,
            )

        try:
            return await self._clients.caller.call(
                self._token(kind),
                attempt,
                quota=Quota(self._installation.owner.account_id, f"{method} {path}"),
                repeatable=method in REPEATABLE,
                budget=budget,
            )
        except ScopeNotGranted as refusal:
            await self._ask_again(refusal, kind)
            raise

    @overload
    def pages(
        self,
        path: str,
        *ids: str,
        items: str,
        query: Query | None = None,
        token: TokenKind | None = None,
    ) -> AsyncIterator[Any]: ...

    @overload
    def pages(
        self,
        path: str,
        *ids: str,
        items: str,
        shape: type[_T],
        query: Query | None = None,
        token: TokenKind | None = None,
    ) -> AsyncIterator[_T]: ...

    async def pages(
        self,
        path: str,
        *ids: str,
        items: str,
        shape: Any = Any,
        query: Query | None = None,
        token: TokenKind | None = None,
    ) -> AsyncIterator[Any]:
        """Read a list to its end, asking for the next page when it is needed.

        Args:
            items: The key that holds the rows, such as `users`.
            shape: The type of a row; anything when omitted.
            query: More parameters, such as `page_size`.

        Raises:
            ValueError: If the path is none, or its holes and the ids do not match.
            ApiRefused: If Zoom would not do it.
            AnswerLost: If an answer makes no sense.
            Unreachable: If Zoom could not be asked.
        """
        asked = dict(query or {})
        seen: set[str] = set()
        while True:
            page = await self.request("GET", path, *ids, query=asked, token=token, shape=_Page)
            for row in _rows(page, items, shape):
                yield row
            following = page.get("next_page_token")
            if not isinstance(following, str) or not following:
                return
            if following in seen:
                raise AnswerLost("Zoom's answer makes no sense", "its pages lead in a circle")
            if len(following) > _PAGE_TOKEN_LIMIT or len(seen) >= _PAGES_LIMIT:
                raise AnswerLost("Zoom's answer makes no sense", "the list has no end")
            seen.add(following)
            asked["next_page_token"] = following

    async def _ask_again(self, refusal: ScopeNotGranted, kind: TokenKind) -> None:
        """Put the link into the error; a user is asked for the scopes besides."""
        refusal.install_url = self._clients.reauthorize.install_url
        if kind != "user" or not refusal.scopes:
            return
        try:
            await self._clients.reauthorize.ask(self._installation.id, refusal.scopes)
        except InnkeeperError as error:
            self._clients.log.warning("scope.not_asked_for", code=error.code)

    def _token(self, kind: TokenKind) -> Token:
        grants = self._clients.grants
        if kind == "user":
            return partial(grants.user, self._installation.id)
        return grants.chatbot if kind == "chatbot" else grants.account


class ChatCalls:
    """`client.chat`: the bot's messages, with the chatbot's token."""

    def __init__(self, speaker: Speaker, installation: Installation) -> None:
        self._speaker = speaker
        self._installation = installation

    async def send(
        self,
        answer: str | Card,
        *,
        to: Jid | None = None,
        reply_to: MessageId | None = None,
        visible_to_user: UserId | None = None,
        budget: Budget = BUDGET,
    ) -> SentMessage:
        """Post a message.

        Args:
            to: A user's or a channel's JID; whoever installed the app when omitted.
            reply_to: The message in whose thread it belongs.
            visible_to_user: The only person who sees it in a channel, by id; for apps that
                an admin installs.

        Raises:
            CardRefused: If Zoom would not take the card; nothing was sent.
            ApiRefused: If Zoom would not take it.
            MessageUnconfirmed: If it may or may not have been posted.
            Unreachable: If it was not.
        """
        return await self._speaker.send(
            self._place(to or self._installation.person.jid),
            card_of(answer),
            reply_to=reply_to,
            visible_to_user=visible_to_user,
            budget=budget,
        )

    async def edit(
        self, message_id: MessageId, answer: str | Card, *, budget: Budget = BUDGET
    ) -> SentMessage:
        """Replace a message's whole card.

        Raises:
            CardRefused: If Zoom would not take the card; nothing was sent.
            ApiRefused: If Zoom would not take it.
            Unreachable: If Zoom could not be asked, or did not answer.
        """
        return await self._speaker.update(
            self._place(Jid("")), message_id, card_of(answer), budget=budget
        )

    async def delete(self, message_id: MessageId, *, budget: Budget = BUDGET) -> SentMessage:
        """Delete a message.

        Raises:
            ApiRefused: If Zoom would not do it.
            Unreachable: If Zoom could not be asked, or did not answer.
        """
        return await self._speaker.delete(self._place(Jid("")), message_id, budget=budget)

    async def unfurl(
        self,
        trigger_id: str,
        answer: str | Card,
        *,
        user_id: UserId,
        budget: Budget = BUDGET,
    ) -> None:
        """Show a card beside a link that somebody posted; a trigger is good for one.

        Args:
            trigger_id: From the event.
            user_id: Who posted the link, from the event.

        Raises:
            CardRefused: If Zoom would not take the card; nothing was sent.
            ApiRefused: If Zoom would not do it.
            MessageUnconfirmed: If it may or may not stand there.
            Unreachable: If it does not.
        """
        account_id = self._installation.owner.account_id
        await self._speaker.unfurl(account_id, user_id, trigger_id, card_of(answer), budget=budget)

    def _place(self, to: Jid) -> Place:
        owner, person = self._installation.owner, self._installation.person
        behalf = person.jid if owner.user_id is not None else None
        return Place(owner.account_id, to, behalf, installation_id=self._installation.id)


class UserCalls:
    """`client.users`: who is there, with the user's token unless `token` says otherwise."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def me(self) -> User:
        """Describe whoever installed the app. Scope: `user:read:user`.

        Raises:
            ApiRefused: If Zoom would not say.
            Unreachable: If Zoom could not be asked, or did not answer.
            NeedsReauth: If the user must authorize the app again.
        """
        return await self._client.request("GET", "/users/me", shape=User)

    async def get(self, user: UserId | str, *, token: TokenKind | None = None) -> User:
        """Describe a user of the account, by id or e-mail address.

        Somebody else than the token's own user needs `user:read:user:admin`.

        Raises:
            ApiRefused: If Zoom would not say; code 1001 if there is no such user.
            Unreachable: If Zoom could not be asked, or did not answer.
            NeedsReauth: If the user must authorize the app again.
        """
        return await self._client.request("GET", "/users/{}", user, shape=User, token=token)

    def all(self, *, token: TokenKind | None = None) -> AsyncIterator[User]:
        """List the users of the account. Scope: `user:read:list_users:admin`.

        Raises:
            ApiRefused: If Zoom would not say.
            Unreachable: If Zoom could not be asked, or did not answer.
            NeedsReauth: If the user must authorize the app again.
        """
        size = {"page_size": _USERS_ON_A_PAGE}
        return self._client.pages("/users", items="users", shape=User, query=size, token=token)


_Page = dict[str, Any]


def _rows(page: _Page, items: str, shape: Any) -> list[Any]:
    try:
        return msgspec.convert(page.get(items), type=list[shape])
    except msgspec.ValidationError:
        raise AnswerLost(
            "Zoom's answer makes no sense", f"its {items} are of no known shape"
        ) from None
