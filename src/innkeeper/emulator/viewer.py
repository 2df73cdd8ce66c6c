"""Who sits at this browser? A cookie says so, one per browser, so several people can at once."""

from urllib.parse import quote, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.world import User, World
from innkeeper.net.inbound import read_cookies
from innkeeper.ui.views import SignInView

VIEWER_COOKIE = "emu_user"
BROWSER_COOKIE = "emu_browser"


def viewer(request: Request) -> User | None:
    """Tell who is signed in at the browser that asks, if anybody."""
    values = read_cookies(request.scope).get(VIEWER_COOKIE, [])
    return answers.world_of(request).user(unquote(values[0])) if len(values) == 1 else None


def sign_in(response: Response, user: User) -> Response:
    """Have the browser that gets this answer belong to a user from now on."""
    response.set_cookie(VIEWER_COOKIE, quote(user.id, safe=""), httponly=True, samesite="lax")
    return response


def browser(request: Request) -> str:
    """Tell browsers apart; empty for one that has no name yet."""
    values = read_cookies(request.scope).get(BROWSER_COOKIE, [])
    return values[0] if len(values) == 1 else ""


def name_browser(response: Response, name: str) -> Response:
    """Give a browser a name that only it knows."""
    response.set_cookie(BROWSER_COOKIE, name, httponly=True, samesite="lax")
    return response


def own_path(text: str) -> str:
    r"""Keep a path of ours; anything that could lead elsewhere becomes `/`.

    Example:
        >>> own_path("/chat?with=a"), own_path("//evil.test"), own_path(r"/\evil.test")
        ('/chat?with=a', '/', '/')
    """
    unsafe = any(not "\x21" <= char <= "\x7e" for char in text) or "\\" in text
    if unsafe or not text.startswith("/") or text.startswith("//") or len(text) > 4096:
        return "/"
    parts = urlsplit(text)
    return text if not parts.scheme and not parts.netloc else "/"


class SignIn:
    """The page where a browser's person is chosen: no password, it is an emulator."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route("/signin", self.show, methods=["GET"]),
            Route("/signin", self.sign_in, methods=["POST"]),
            Route("/signout", self.sign_out, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Ask who sits here."""
        return self._page(request, own_path(request.query_params.get("next", "/")))

    async def sign_in(self, request: Request) -> Response:
        """Take the choice and go back to where it was asked for."""
        form = await answers.read_form(request)
        user = self._world.user(form["user"])
        if user is None:
            why = "Nobody here has that id. Choose one of these people."
            return self._page(request, own_path(form["next"]), why=why, status=400)
        return sign_in(answers.redirect(own_path(form["next"])), user)

    async def sign_out(self, request: Request) -> Response:
        """Forget who sits here."""
        form = await answers.read_form(request)
        response = answers.redirect(own_path(form["next"]))
        response.delete_cookie(VIEWER_COOKIE)
        return response

    def _page(self, request: Request, after: str, *, why: str = "", status: int = 200) -> Response:
        people = tuple(answers.person(self._world, user) for user in self._world.users())
        view = SignInView(people, next=after, why=why)
        return answers.page(request, view, status=status, viewer=viewer(request))
