"""Which token may be used now? One machine for the chatbot's, the account's and users'.

A caller asks for a token each time it calls Zoom and keeps none: a token that lives
costs a look into a dictionary. Renewal is shared by all who ask at the same time.
"""

from contextlib import suppress
from datetime import datetime

from innkeeper.clock import Clock
from innkeeper.errors import Fenced, GrantRefused, Unreachable
from innkeeper.flows.endpoint import ACCOUNT, CHATBOT, Credentials, Subject, TokenEndpoint
from innkeeper.flows.log import Log
from innkeeper.flows.renewal import Death, Recovery, Renewal, make_grant
from innkeeper.flows.schedule import scheduled
from innkeeper.flows.tokens import AccessToken, TokensAtHand
from innkeeper.ids import InstallationId
from innkeeper.metrics import Metrics
from innkeeper.net.outbound import Transport
from innkeeper.store.base import GrantStore
from innkeeper.wire.oauth import Tokens

__all__ = ["AccessToken", "Credentials", "Grants"]


class Grants:
    """Gives out tokens that can be used now, and renews them when it is time.

    Args:
        on_needs_reauth: Called when a user's grant has died for good, with what Zoom said;
            again for the same death where it failed, or where we crashed just then.
        on_recovered: Called when a new authorization, or an answer that came late, brought
            a grant back that may have been given up.
    """

    def __init__(
        self,
        store: GrantStore,
        *,
        transport: Transport,
        clock: Clock,
        credentials: Credentials,
        on_needs_reauth: Death | None = None,
        on_recovered: Recovery | None = None,
        log: Log,
        metrics: Metrics | None = None,
    ) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._api_url = credentials.api_url
        self._endpoint = TokenEndpoint(transport, clock=clock, credentials=credentials)
        self._renewal = Renewal(
            store,
            endpoint=self._endpoint,
            clock=clock,
            on_needs_reauth=on_needs_reauth,
            on_recovered=on_recovered,
            log=log,
            metrics=metrics,
        )
        self._tokens = TokensAtHand(
            store, renewal=self._renewal, clock=clock, api_url=credentials.api_url, log=log
        )

    async def chatbot(self) -> AccessToken:
        """Give the chatbot's token.

        Raises:
            GrantRefused: If Zoom refuses the app's credentials, or the scope is missing.
            Unreachable: If Zoom could not be asked.
            StoreUnavailable: If the store cannot be used.
        """
        return self._tokens.cached(CHATBOT.id) or await self._tokens.renewed(CHATBOT)

    async def account(self) -> AccessToken:
        """Give the account's token.

        Raises:
            GrantRefused: If Zoom refuses, or no account is configured.
            Unreachable: If Zoom could not be asked.
            StoreUnavailable: If the store cannot be used.
        """
        return self._tokens.cached(ACCOUNT.id) or await self._tokens.renewed(ACCOUNT)

    async def user(self, installation_id: InstallationId) -> AccessToken:
        """Give the token of the user who authorized an installation.

        Raises:
            NeedsReauth: If there is none, or the person must authorize the app again.
            GrantRefused: If Zoom refuses, or answers what makes no sense.
            Unreachable: If Zoom could not be asked.
            Fenced: If the installation is gone.
            StoreUnavailable: If the store cannot be used.
        """
        return self._tokens.cached(installation_id) or await self._tokens.renewed(
            Subject.user(installation_id)
        )

    async def refused(self, access: AccessToken) -> bool:
        """Forget a token that the API refused; say whether asking again gives another.

        At most once a minute a token is given up for being refused: where Zoom refuses
        each new one too, another would not help.
        """
        return self._tokens.refused(access)

    async def exchange(self, code: str, *, redirect_uri: str, verifier: str | None) -> Tokens:
        """Trade an authorization code for a user's tokens, in one attempt: a code works once.

        Raises:
            NeedsReauth: If Zoom refuses the code.
            GrantRefused: If Zoom refuses the request, or its answer makes no sense.
            AnswerLost: If the code may be spent.
            Unreachable: If Zoom could not be asked.
        """
        return await self._endpoint.exchange(code, redirect_uri=redirect_uri, verifier=verifier)

    async def adopt(self, installation_id: InstallationId, tokens: Tokens) -> None:
        """Keep the tokens of a new authorization, whatever stood there before.

        Raises:
            Fenced: If the installation is gone; then the tokens are revoked.
            StoreUnavailable: If they could not be saved.
        """
        now = self._clock.now()
        subject = Subject.user(installation_id)
        grant = make_grant(subject, tokens, at=now, api_url=self._api_url, log=self._log)
        try:
            kept = await self._store.replace_grant(scheduled(grant, now=now), now=now)
        except Fenced:
            await self._endpoint.try_revoke(tokens.access_token)
            raise
        self.forget(installation_id)
        if kept.version > 1:
            await self._renewal.recovered(subject)

    async def give_back(self, tokens: Tokens) -> None:
        """Have Zoom end tokens that could not be kept, if it will."""
        await self._endpoint.try_revoke(tokens.access_token)

    async def revoke(self, installation_id: InstallationId) -> bool:
        """Have Zoom end a user's tokens, both of them, as far as it will; say whether it did.

        False says that there were none, that they were over already, or that Zoom could not
        be asked or would not. What Zoom ended is dead here too, unless the person authorized
        the app anew meanwhile. Zoom may remove the app with them and send `app_deauthorized`.

        Raises:
            StoreUnavailable: If the store cannot be used.
        """
        with suppress(GrantRefused, Unreachable, Fenced):
            await self.user(installation_id)  # one that has expired is renewed: Zoom ends no other
        grant = await self._store.find_grant(str(installation_id))
        if grant is None or grant.dead:
            return False
        done = await self._endpoint.try_revoke(grant.access_token)
        if grant.refresh_token is not None:
            done = await self._endpoint.try_revoke(grant.refresh_token) or done
        self.forget(installation_id)
        if done:
            await self._store.kill_grant(grant.id, grant.version)
        return done

    def forget(self, installation_id: InstallationId) -> None:
        """Drop what this process remembers of a user's tokens."""
        self._tokens.forget(installation_id)

    async def renew_ahead(self, now: datetime) -> int:
        """Renew what is used and ends soon, and what idles and would end for good.

        Run it every few seconds in the background. A pass ends early where Zoom cannot
        be reached; failures of single grants are logged. Returns how many were renewed.

        Raises:
            StoreUnavailable: If the store cannot be used.
        """
        return await self._tokens.renew_ahead(now)

    async def aclose(self) -> None:
        """Let the renewals under way finish, so that no answer is thrown away."""
        await self._tokens.aclose()
