"""How do we come by tokens? Three ways to ask Zoom, one for each kind."""

from dataclasses import dataclass, field

from innkeeper.clock import Clock
from innkeeper.errors import (
    AnswerLost,
    BotScopeMissing,
    GrantRefused,
    NeedsReauth,
    TokenResponseInvalid,
    Unreachable,
)
from innkeeper.flows.turns import Turns
from innkeeper.ids import InstallationId
from innkeeper.net.outbound import Transport
from innkeeper.secret import Secret
from innkeeper.store.records import Grant, GrantKind
from innkeeper.wire.oauth import CHATBOT_SCOPE, TokenRequest, Tokens
from innkeeper.zoom import oauth

CALL_DEADLINE = 10.0
EXCHANGE_DEADLINE = 40.0
"""A code works once, and somebody waits who was told so: that is worth more patience."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to Zoom, and where its doors are.

    The account's own client (Server-to-Server OAuth) defaults to the app's.
    """

    oauth_url: str
    api_url: str
    client_id: str
    client_secret: Secret
    account_id: str = ""
    s2s_client_id: str = ""
    s2s_client_secret: Secret = field(default_factory=lambda: Secret(""))

    @property
    def app(self) -> tuple[str, Secret]:
        """The app's client id and secret."""
        return self.client_id, self.client_secret

    @property
    def account(self) -> tuple[str, Secret]:
        """The client id and secret that ask for the account's tokens."""
        own = bool(self.s2s_client_id)
        return (self.s2s_client_id, self.s2s_client_secret) if own else self.app


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose tokens: the chatbot's, the account's, or one installation's."""

    id: str
    kind: GrantKind
    installation_id: InstallationId | None = None

    @classmethod
    def user(cls, installation_id: InstallationId) -> "Subject":
        """Name the tokens of one installation."""
        return cls(str(installation_id), GrantKind.USER, installation_id)


CHATBOT = Subject("chatbot", GrantKind.CHATBOT)
ACCOUNT = Subject("account", GrantKind.ACCOUNT)


class TokenEndpoint:
    """Asks Zoom for tokens, in the way that suits the subject. Callers take turns first."""

    def __init__(self, transport: Transport, *, clock: Clock, credentials: Credentials) -> None:
        self.credentials = credentials
        self.turns = Turns(clock)
        self._transport = transport

    async def renew(self, subject: Subject, old: Grant | None, *, probing: bool = False) -> Tokens:
        """Obtain the next tokens. A lost answer is asked for once more, with the old token.

        Args:
            probing: Whether this call only finds out if Zoom serves again. Then it is one
                call: if its answer is lost, whoever comes next asks for it.

        Raises:
            NeedsReauth: If Zoom says that a user's grant is over for good.
            GrantRefused: If Zoom refuses, or answers what makes no sense.
            AnswerLost: If the last answer was lost too.
            Unreachable: If Zoom cannot serve now.
        """
        try:
            try:
                tokens = await self._ask(subject, old)
            except AnswerLost:
                if probing:
                    raise
                tokens = await self._ask_again(subject, old)
        except Unreachable as error:
            self.turns.failed(error)
            raise
        except GrantRefused:
            self.turns.served()
            raise
        self.turns.served()
        return tokens

    async def _ask_again(self, subject: Subject, old: Grant | None) -> Tokens:
        try:
            return await self._ask(subject, old)
        except NeedsReauth as refusal:
            refusal.spent = True
            raise

    async def _ask(self, subject: Subject, old: Grant | None) -> Tokens:
        if subject.kind is GrantKind.USER:
            return await self._refresh(old)
        try:
            if subject.kind is GrantKind.CHATBOT:
                return await self._chatbot()
            return await self._account()
        except NeedsReauth as refusal:  # nobody can authorize these anew: it is a setting
            raise GrantRefused(
                refusal.what, refusal.why, reason=refusal.reason, zoom_code=refusal.zoom_code
            ) from refusal

    async def _chatbot(self) -> Tokens:
        tokens = await self._fetch(TokenRequest.chatbot(), self.credentials.app)
        # Right after an app was made, Zoom leaves the scope out for some seconds.
        if CHATBOT_SCOPE not in tokens.scope and "scope" not in tokens.left_out:
            raise BotScopeMissing("no chatbot token", f"it lacks {CHATBOT_SCOPE}", reason="scope")
        return tokens

    async def _account(self) -> Tokens:
        account_id = self.credentials.account_id
        if not account_id:
            raise GrantRefused("no account token", "ZOOM_ACCOUNT_ID is not set", reason="settings")
        return await self._fetch(TokenRequest.account(account_id), self.credentials.account)

    async def _refresh(self, old: Grant | None) -> Tokens:
        if old is None or old.refresh_token is None:
            raise NeedsReauth("no refresh token", reason="refresh_token")
        request = TokenRequest.refresh(old.refresh_token)
        return await self._fetch(request, self.credentials.app, refreshable=True)

    async def exchange(self, code: str, *, redirect_uri: str, verifier: str | None) -> Tokens:
        """Trade an authorization code for a user's tokens, in one attempt: a code works once.

        Raises:
            NeedsReauth: If Zoom refuses the code.
            GrantRefused: If Zoom refuses the request, or gives no refresh token; the
                useless access token is revoked.
            AnswerLost: If the code may be spent.
            Unreachable: If Zoom could not be asked.
        """
        request = TokenRequest.code(code, redirect_uri=redirect_uri, verifier=verifier)
        tokens = await self._fetch(request, self.credentials.app, deadline=EXCHANGE_DEADLINE)
        if tokens.refresh_token is None:
            await self.try_revoke(tokens.access_token)
            part = "refresh_token"
            raise TokenResponseInvalid("token answer not usable", part, reason=part)
        return tokens

    async def revoke(self, token: Secret) -> bool:
        """Have Zoom end a user's token, and say whether it did.

        Raises:
            Unreachable: If Zoom could not be asked, or did not answer.
        """
        client_id, client_secret = self.credentials.app
        return await oauth.revoke(
            self._transport,
            oauth_url=self.credentials.oauth_url,
            client_id=client_id,
            client_secret=client_secret,
            token=token,
            deadline=CALL_DEADLINE,
        )

    async def try_revoke(self, token: Secret) -> bool:
        """Have Zoom end a token that nobody will use, if it can be asked."""
        try:
            return await self.revoke(token)
        except Unreachable:
            return False

    async def _fetch(
        self,
        request: TokenRequest,
        client: tuple[str, Secret],
        *,
        refreshable: bool = False,
        deadline: float = CALL_DEADLINE,
    ) -> Tokens:
        client_id, client_secret = client
        return await oauth.fetch_tokens(
            self._transport,
            oauth_url=self.credentials.oauth_url,
            client_id=client_id,
            client_secret=client_secret,
            request=request,
            refreshable=refreshable,
            deadline=deadline,
        )
