"""Where can it go wrong? At every call to the outside: each is a named failpoint.

Flows reach the outside through Store, Vault and Transport only, and these are given to
them. So the failpoints stand in what is given, and the product knows nothing of them.
A point is called `store.save_grant:before`, `vault.bury:after`, `transport.token:after`.
"""

import inspect
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

from innkeeper.errors import AnswerLost, InnkeeperError, StoreUnavailable, Unreachable
from innkeeper.net.outbound import (
    ANSWER_LIMIT_BYTES,
    DEADLINE_SECONDS,
    AsgiApp,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    Transport,
)

_BY_ITSELF = frozenset({"open", "close"})
"""What is not watched: a process that begins or ends is the business of whoever runs it."""


class CutOff(BaseException):  # no error: the process is gone
    """Ends the process, as far as the code under test can tell."""


class Plan:
    """What happens at the points; this one lets everything pass, and writes down what passed.

    It counts while it is armed.
    """

    def __init__(self) -> None:
        self.armed = False
        self.dead = False
        self.passed: list[str] = []
        self.failed = ""
        """The point at which a call was told to fail."""
        self.shown: set[str] = set()
        """The access tokens that Zoom has been shown, as the header has them."""
        self._times: Counter[str] = Counter()

    async def at(self, point: str) -> None:
        """Pass a point."""
        self.alive()
        if self.armed:
            self._times[point] += 1
            self.passed.append(f"{point}#{self._times[point]}")
            await self.strike(point)

    async def strike(self, point: str) -> None:
        """Do what is planned for this point."""

    def rise(self) -> None:
        """Live again."""
        self.dead = False

    def alive(self) -> None:
        """Let nobody do anything who is dead."""
        if self.dead:
            raise CutOff

    def within(self, point: str) -> AbstractContextManager[object]:  # noqa: ARG002  # for whoever asks
        """Mark what is done between a call and its end."""
        return nullcontext()


class At(Plan):
    """Does something once, at the point that comes as the nth."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.struck = ""
        """The point it struck at, with its occurrence."""
        self._counted = 0

    async def strike(self, point: str) -> None:
        """Do it, if this is the point."""
        if self.counts(point):
            self._counted += 1
            if self._counted == self.number:
                self.struck = self.passed[-1]
                await self.do(point)

    def counts(self, point: str) -> bool:  # noqa: ARG002  # for whoever makes a difference
        """Tell whether it makes a difference to do it here."""
        return True

    async def do(self, point: str) -> None:
        """Do what is done there."""


class Crash(At):
    """Ends the process there: from then on it touches nothing any more.

    Args:
        again: At which point the next process dies, counted from its start; 0 lets it live.
        every: Count every point, and not only those since which something has changed:
            a process that dies between two reads leaves what it left before the first.
    """

    def __init__(self, number: int, *, again: int = 0, every: bool = False) -> None:
        super().__init__(number)
        self.again = again
        self.every = every
        self.first = ""
        """The point that the first process died at, if there was to be a second."""
        self.world: Callable[[], object] = object
        """Gives what compares equal while nothing has changed outside of the process."""
        self.seen: Callable[[], None] = lambda: None
        """Looks at what is left behind, at that very moment."""
        self._last: object = None

    def counts(self, point: str) -> bool:  # noqa: ARG002  # every point is alike
        """Count the first point, and each since which something has changed."""
        before, self._last = self._last, None if self.every else self.world()
        return self.every or before != self._last

    async def do(self, point: str) -> None:  # noqa: ARG002  # every point is alike
        """Die."""
        self.armed, self.dead = False, True
        self.seen()
        raise CutOff

    def rise(self) -> None:
        """Live again; if need be until the next point."""
        self.dead = False
        if self.again:
            self.first, self.struck = self.struck, ""
            self.number, self.again = self.again, 0
            self._counted, self._last, self.armed = 0, None, True


class Fail(At):
    """Has this one call fail, as its edge fails; the process lives on."""

    def counts(self, point: str) -> bool:
        """Leave out what no store may do: fail after it has written."""
        return point.endswith(":before") or point.startswith("transport.")

    async def do(self, point: str) -> None:
        """Fail."""
        self.failed = point
        raise failure(point)


def failure(point: str) -> InnkeeperError:
    """Say how an edge fails: a store before anything is written, Zoom before or after."""
    if not point.startswith("transport."):
        return StoreUnavailable("the store of the test", "it was told to fail")
    if point.endswith(":before"):
        return Unreachable("the network of the test", "it was told to fail")
    return AnswerLost("the network of the test", "it was told to fail")


class WatchedPart:
    """A store or a vault; each of its calls is two points."""

    def __init__(self, name: str, owned: object, plan: Plan) -> None:
        self._name = name
        self._owned = owned
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._owned, name)
        if name in _BY_ITSELF or not callable(real):
            return real
        made = self._asynchronous if inspect.iscoroutinefunction(real) else self._synchronous
        watched = made(f"{self._name}.{name}", cast("Callable[..., Any]", real))
        setattr(self, name, watched)
        return watched

    def _asynchronous(self, point: str, real: Callable[..., Any]) -> Callable[..., Any]:
        async def watched(*args: Any, **kwargs: Any) -> Any:
            part = f"[{kwargs['part']}]" if "part" in kwargs else ""
            await self._plan.at(f"{point}{part}:before")
            with self._plan.within(point):
                outcome = await real(*args, **kwargs)
            await self._plan.at(f"{point}{part}:after")
            return outcome

        return watched

    def _synchronous(self, _point: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._plan.alive()
            return real(*args, **kwargs)

        return watched


class WatchedTransport:
    """What leads to Zoom; a point is named by the last part of the path."""

    def __init__(self, owned: Transport, plan: Plan) -> None:
        self._owned = owned
        self._plan = plan

    async def send(
        self,
        request: Request,
        *,
        deadline: float = DEADLINE_SECONDS,
        limit_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> Response:
        """Send a request; two points."""
        point = "transport." + request.url.partition("?")[0].rpartition("/")[2]
        await self._plan.at(f"{point}:before")
        self._plan.shown.add(request.headers.get("authorization", ""))
        with self._plan.within(point):
            answer = await self._owned.send(request, deadline=deadline, limit_bytes=limit_bytes)
        await self._plan.at(f"{point}:after")
        return answer

    async def aclose(self) -> None:
        """Nothing is held that the owner does not close."""


class Mortal:
    """An application whose process may die: whoever talks to it then loses the connection."""

    def __init__(self, app: AsgiApp, plan: Plan) -> None:
        self._app = app
        self._plan = plan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, while there is anybody to answer."""
        if self._plan.dead:
            raise ConnectionRefusedError
        try:
            await self._app(scope, receive, send)
        except CutOff:
            raise ConnectionResetError from None
