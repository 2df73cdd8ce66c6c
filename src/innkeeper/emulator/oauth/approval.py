"""Which apps may an account's people add? All, or where its admins want so, those approved.

Sources: https://developers.zoom.us/docs/api/marketplace/events/ and
https://developers.zoom.us/docs/integrations/oauth-error-messages/ (4738).
"""

from typing import Any, Final, Protocol

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.clock import epoch_ms
from innkeeper.emulator import answers
from innkeeper.emulator.oauth import tokens
from innkeeper.emulator.orders import OrderRefused, read_json
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import Account, AppRecord, ApprovalRequest, User, World
from innkeeper.ui.views import NoticeView, OAuthErrorView

APPROVAL_PATH: Final = "/oauth/approval"
_ACCOUNT: Final = "/_emulator/accounts/{account_id}"
_REQUEST: Final = "/_emulator/approvals/{approval_id}"
CREATED: Final = "app.authorization_request_created"
DECLINED: Final = "app.authorization_request_declined"


class Publisher(Protocol):
    """Brings an event to every subscription that wants it."""

    def publish(self, event: str, payload: Any, *, account_id: str, **top: Any) -> object:
        """Queue an event."""
        ...


class AccountChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an admin decides about apps; what is left out stays."""

    approval_required: bool | UnsetType = UNSET
    approved_apps: list[str] | UnsetType = UNSET


class Approvals:
    """Takes requests for approval, and what an admin decides."""

    def __init__(self, world: World, publisher: Publisher) -> None:
        self._world = world
        self._publisher = publisher

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(APPROVAL_PATH, self.ask, methods=["POST"]),
            Route(_ACCOUNT, self.change, methods=["PATCH"]),
            Route(_REQUEST, self.decline, methods=["DELETE"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Ask the account's admins to approve an app."""
        form = await answers.read_form(request)
        app, user = self._world.app_by_client(form["client_id"]), self._world.user(form["user"])
        if app is None or user is None:
            answers.refuse(request, "approval.unknown", "no such app, or no such person")
            return answers.json_answer({"error": "not_found"}, 404)
        asked = ApprovalRequest(
            self._world.new_id(), app.client_id, user.account_id, user.id, self._world.now()
        )
        self._world.approvals[asked.id] = asked
        self._tell(CREATED, app, user)
        what = "An admin of the account decides."
        view = OAuthErrorView(
            "4700", "The request was sent.", what, "Try again once it is approved."
        )
        notice = NoticeView(f"Your admins were asked to approve {app.name}.")
        return answers.page(request, view, viewer=viewer(request), notice=notice)

    async def change(self, request: Request) -> Response:
        """Have an admin say whether apps need approval, and which have it."""
        account = self._world.account(request.path_params["account_id"])
        if account is None:
            return _unknown("unknown_account", "no account has this id").answer()
        try:
            change = await read_json(request, AccountChange)
        except OrderRefused as refusal:
            return refusal.answer()
        unknown = set(change.approved_apps or ()) - set(self._world.apps)
        if unknown:
            known = f"Known are: {', '.join(self._world.apps) or 'none'}."
            what = f"no app is called {min(unknown)}"
            return OrderRefused("change_refused", what, known).answer()
        self.decide(account, change)
        described = {name: getattr(account, name) for name in change.__struct_fields__}
        return answers.json_answer({"id": account.id, **described})

    def decide(self, account: Account, change: AccountChange) -> None:
        """Change an account; what loses its approval loses its tokens (4738)."""
        if change.approval_required is not UNSET:
            account.approval_required = change.approval_required
        if change.approved_apps is not UNSET:
            account.approved_apps = list(dict.fromkeys(change.approved_apps))
        for app in self._world.apps.values():
            if not account.approves(app.client_id):
                tokens.withdraw(self._world, app, account)
        for asked in list(self._world.approvals.values()):
            if asked.account_id == account.id and account.approves(asked.client_id):
                del self._world.approvals[asked.id]

    async def decline(self, request: Request) -> Response:
        """Have an admin decline a request for approval."""
        asked = self._world.approvals.pop(request.path_params["approval_id"], None)
        app = self._world.apps.get(asked.client_id) if asked else None
        user = self._world.user(asked.user_id) if asked else None
        if asked is None or app is None or user is None:
            return _unknown("unknown_approval", "no request has this id").answer()
        self._tell(DECLINED, app, user)
        return answers.json_answer({"id": asked.id, "declined": True})

    def _tell(self, event: str, app: AppRecord, user: User) -> None:
        stamp = str(epoch_ms(self._world.now()))  # a text in Zoom's own example, of all events
        self._publisher.publish(
            event, asked_for(app, user), account_id=user.account_id, event_ts=stamp
        )


def asked_for(app: AppRecord, user: User) -> dict[str, Any]:
    """Write what both events of a request for approval say."""
    return {
        "app_name": app.name,
        "app_status": "published" if app.environment == "production" else "unpublished",
        "app_description": app.description,
        "app_scopes": app.scopes,
        "requester_name": user.name,
    }


def _unknown(code: str, what: str) -> OrderRefused:
    return OrderRefused(code, what, "Look at GET /_emulator/state.", status=404)
