"""Where does a person let a device in? Its user code is typed, then the usual question asked."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.oauth import pending
from innkeeper.emulator.oauth.admission import Admission, question
from innkeeper.emulator.oauth.authorization import Denied, admit
from innkeeper.emulator.oauth.device_grant import COMPLETE_PAGE, DEVICE_PAGE, waiting
from innkeeper.emulator.viewer import name_browser, sign_in, viewer
from innkeeper.emulator.world import AppRecord, DeviceRequest, User, World
from innkeeper.ui.views import DeviceView, OAuthErrorView

_NO_CODE: Final = "No device waits with this code. Look at your device, and mind that codes expire."


class DevicePages:
    """Answers /oauth_device and what follows from it."""

    def __init__(self, world: World, admission: Admission) -> None:
        self._world = world
        self._admission = admission

    def routes(self) -> list[Route]:
        """List what is answered here."""
        complete = f"{COMPLETE_PAGE}/{{user_code}}"
        return [
            Route(DEVICE_PAGE, self.show, methods=["GET"]),
            Route(DEVICE_PAGE, self.type_code, methods=["POST"]),
            Route(complete, self.ask, methods=["GET"]),
            Route(complete, self.answer, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Ask for the code that the device shows."""
        return answers.page(request, DeviceView(), viewer=viewer(request))

    async def type_code(self, request: Request) -> Response:
        """Take the code, and ask whether the app may."""
        typed = (await answers.read_form(request))["user_code"].strip()
        device = waiting(self._world, typed)
        if device is None:
            return self._unknown(request, typed)
        return answers.redirect(f"{COMPLETE_PAGE}/{device.user_code}")

    async def ask(self, request: Request) -> Response:
        """Ask whether the app may, on the device that shows this code."""
        device, app = self._found(request)
        if device is None or app is None:
            return self._unknown(request, request.path_params["user_code"])
        asked = pending.put(request, self._world, _query(device))
        view = question(
            self._world,
            app,
            viewer(request),
            asked_for=app.scopes,
            fields={"request": asked.id},
            leads_to="your device",
            action=f"{COMPLETE_PAGE}/{device.user_code}",
        )
        shown = answers.page(request, view, viewer=viewer(request))
        return name_browser(shown, asked.browser)

    async def answer(self, request: Request) -> Response:
        """Take the answer: once, and only from the browser that was asked."""
        form = await answers.read_form(request)
        device, app = self._found(request)
        if device is None or app is None:
            return self._unknown(request, request.path_params["user_code"])
        asked = pending.asked(request, self._world, form)
        if asked is None or asked.query != _query(device):
            return self._refused(request, pending.REPLAYED)
        person = self._world.user(form["user"]) if form["decision"] == "allow" else None
        if form.repeated() or (person is None and form["decision"] != "decline"):
            return self._refused(request, pending.NO_DECISION)
        denied = admit(self._world, app, person) if person else None
        if denied is not None:
            return self._refused(request, denied)
        del self._world.consent_requests[asked.id]
        return self._decided(request, device, app, person)

    def _decided(
        self, request: Request, device: DeviceRequest, app: AppRecord, person: User | None
    ) -> Response:
        if person is None:
            device.decision = "declined"
            return self._page(request, DeviceView(done=f"{app.name} was not connected"))
        self._admission.install(app, person, app.scopes)
        device.decision, device.user_id = "allowed", person.id
        return sign_in(self._page(request, DeviceView(done=f"{app.name} is connected")), person)

    def _found(self, request: Request) -> tuple[DeviceRequest | None, AppRecord | None]:
        device = waiting(self._world, request.path_params["user_code"])
        return device, self._world.apps.get(device.client_id) if device else None

    def _page(self, request: Request, view: DeviceView, status: int = 200) -> Response:
        return answers.page(request, view, status=status, viewer=viewer(request))

    def _unknown(self, request: Request, typed: str) -> Response:
        answers.refuse(request, "device.user_code", "no device waits with this user code")
        return self._page(request, DeviceView(typed[:20], _NO_CODE), 400)

    def _refused(self, request: Request, denied: Denied) -> Response:
        answers.refuse(request, denied.rule, denied.what)
        view = OAuthErrorView(str(denied.code), denied.message, denied.what, denied.fix, denied.ask)
        return answers.page(request, view, status=denied.status, viewer=viewer(request))


def _query(device: DeviceRequest) -> str:
    """Name a device where an authorization request would stand: neither is taken for the other."""
    return f"user_code={device.user_code}"
