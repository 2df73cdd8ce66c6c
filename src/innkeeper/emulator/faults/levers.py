"""How are fault rules given and taken back? Over /_emulator/faults, or by calling."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.faultrules import (
    RULES_LIMIT,
    FaultRefused,
    FaultRule,
    Kind,
    read_order,
)
from innkeeper.emulator.orders import OrderRefused, read_document
from innkeeper.emulator.world import World
from innkeeper.errors import InnkeeperError

PATH: Final = "/_emulator/faults"


class FaultUnknown(InnkeeperError):
    """No fault rule has this number."""

    code = "fault_unknown"
    fix = "List the rules at /_emulator/faults."


@dataclass(frozen=True, slots=True)
class FaultView:
    """A fault rule, as a page shows it."""

    number: int
    kind: str
    looks_at: str
    does: str
    how_often: str
    seen: int
    applied: int
    spent: bool


class Faults:
    """The fault rules of a world, in the order in which they are tried."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(PATH, self._list, methods=["GET"]),
            Route(PATH, self._add, methods=["POST"]),
            Route(PATH, self._clear, methods=["DELETE"]),
            Route(f"{PATH}/{{number}}", self._remove, methods=["DELETE"]),
        ]

    def add(
        self,
        do: str | Mapping[str, Any],
        *,
        on: Mapping[str, str] | None = None,
        **counts: float,
    ) -> FaultRule:
        """Let something go wrong from now on.

        Args:
            do: A kind, or a kind with its parameters: `{"kind": "slow", "seconds": 5}`.
            on: What to look at, such as `{"path": "/oauth/token"}`; everything when omitted.
            counts: `times`, `skip`, or `p` with its `seed`.

        Raises:
            FaultRefused: With what is known, if the rule is not.
        """
        wanted = {"kind": do} if isinstance(do, str) else dict(do)
        return self.order({"do": wanted, "on": dict(on or {}), **counts})

    def order(self, document: Any) -> FaultRule:
        """Let something go wrong, as a document says.

        Raises:
            FaultRefused: With what is known, if the rule is not.
        """
        order = read_order(document)
        if len(self._world.faults) >= RULES_LIMIT:
            why = f"there are {RULES_LIMIT} already"
            raise FaultRefused(why, f"Clear them first: DELETE {PATH}.")
        self._world.faults_numbered += 1
        rule = FaultRule(self._world.faults_numbered, order)
        self._world.faults.append(rule)
        self._world.announce("fault", rule)
        return rule

    def remove(self, number: int) -> None:
        """Take a rule back.

        Raises:
            FaultUnknown: If there is none with this number.
        """
        kept = [rule for rule in self._world.faults if rule.number != number]
        if len(kept) == len(self._world.faults):
            raise FaultUnknown("no such fault rule")
        self._world.faults = kept
        self._world.announce("fault", None)

    def clear(self) -> None:
        """Let nothing go wrong on purpose any more; numbers go on."""
        self._world.faults = []
        self._world.announce("fault", None)

    def views(self) -> Sequence[FaultView]:
        """Show every rule to a page."""
        return [_view(rule) for rule in self._world.faults]

    async def _list(self, _: Request) -> Response:
        return answers.json_answer({"faults": [rule.json() for rule in self._world.faults]})

    async def _add(self, request: Request) -> Response:
        try:
            rule = self.order(await read_document(request))
        except FaultRefused as error:
            return OrderRefused(error.code, error.why, error.fix).answer()
        except OrderRefused as refusal:
            return refusal.answer()
        return answers.json_answer(rule.json(), 201)

    async def _clear(self, _: Request) -> Response:
        self.clear()
        return answers.json_answer({"faults": []})

    async def _remove(self, request: Request) -> Response:
        try:
            named: str = request.path_params["number"]
            self.remove(int(named) if named.isdecimal() and len(named) < 10 else 0)
        except FaultUnknown as error:
            return OrderRefused(error.code, error.what, error.fix, status=404).answer()
        return answers.json_answer({"faults": [rule.json() for rule in self._world.faults]})


def _unusual(kind: Kind) -> Iterator[str]:
    """Name what a kind was told to do otherwise than it usually does."""
    for each in msgspec.structs.fields(kind):
        value = getattr(kind, each.name)
        usual = each.default
        if each.default_factory is not msgspec.NODEFAULT:
            usual = each.default_factory()
        if value != usual:
            yield f"{each.name} {value}"


def _view(rule: FaultRule) -> FaultView:
    order = rule.order
    on = msgspec.to_builtins(order.on)
    often = "always" if order.times is None else f"{order.times} times"
    often += f", after {order.skip}" if order.skip else ""
    often += "" if order.p is None else f", chance {order.p:g} from seed {order.seed}"
    return FaultView(
        number=rule.number,
        kind=rule.kind,
        looks_at=", ".join(f"{name} {value}" for name, value in on.items()) or "everything",
        does=", ".join(_unusual(order.do)),
        how_often=often,
        seen=rule.seen,
        applied=rule.applied,
        spent=rule.spent,
    )
