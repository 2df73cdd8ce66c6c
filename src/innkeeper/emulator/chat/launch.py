"""Where does a deep link lead? Through its four steps to the bot's conversation.

Not signed in at the website: sign in. Then the browser asks to open the client. Is somebody
else signed in there, the client asks to switch. Then the conversation opens. Here "who is
signed in to the client" is the query's `client`, so each step can be seen by its address.

Source: https://developers.zoom.us/docs/chat/installation-and-authentication/
"""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.viewer import viewer
from innkeeper.emulator.world import AppRecord, User, World
from innkeeper.ui.views import LaunchStepView, LinkView
from innkeeper.wire.links import LAUNCH_PATH, robot_of, with_query

_TRIES = 3


class Launch:
    """The website's /launch/chat."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [Route(LAUNCH_PATH, self.launch, methods=["GET"])]

    async def launch(self, request: Request) -> Response:
        """Take the next step towards the bot's conversation.

        Whatever else stands in the query, such as an authorization's `code` when the link
        is a redirect URL, goes no further than here.
        """
        jid = request.query_params.get("jid", "")
        app = self._app_of(jid)
        user = viewer(request)
        if app is None:
            view = LaunchStepView("not_found", bot_name="", jid=jid[:200], next_url="/chat")
            return answers.page(request, view, status=404, viewer=user)
        if user is None:
            return answers.page(request, self._sign_in(app, jid))
        client = self._world.user(request.query_params.get("client", ""))
        if client is None:
            return answers.page(request, self._open(app, jid, user), viewer=user)
        if client.id != user.id:
            return answers.page(request, self._switch(app, jid, user, client), viewer=user)
        return answers.redirect(f"/chat?with={quote(app.bot_jid, safe='@')}")

    def _app_of(self, jid: str) -> AppRecord | None:
        wanted = robot_of(jid.strip()).lower()
        apps = self._world.apps.values()
        return next((app for app in apps if app.bot_jid.lower() == wanted), None)

    def _sign_in(self, app: AppRecord, jid: str) -> LaunchStepView:
        people = tuple(answers.person(self._world, user) for user in self._world.users())
        return LaunchStepView(
            "sign_in", bot_name=app.name, jid=app.bot_jid, next_url=_link(jid), people=people
        )

    def _open(self, app: AppRecord, jid: str, user: User) -> LaunchStepView:
        others = [other for other in self._world.users() if other.id != user.id]
        tries = [
            LinkView(f"with {other.name} signed in to the client", _link(jid, other))
            for other in others[:_TRIES]
        ]
        return LaunchStepView(
            "open",
            bot_name=app.name,
            jid=app.bot_jid,
            next_url=_link(jid, user),
            tries=tuple(tries),
        )

    def _switch(self, app: AppRecord, jid: str, user: User, client: User) -> LaunchStepView:
        return LaunchStepView(
            "switch",
            bot_name=app.name,
            jid=app.bot_jid,
            next_url=_link(jid, user),
            client_user=answers.person(self._world, client),
            tries=(LinkView("from the step before", _link(jid)),),
        )


def _link(jid: str, client: User | None = None) -> str:
    return with_query(LAUNCH_PATH, jid=jid, client=client.id if client else None)
