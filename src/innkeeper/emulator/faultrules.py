"""What can go wrong on purpose? Every kind of fault with its bounds, and the rule around it.

Plain values, so that a snapshot keeps them: a rule's counters stand beside it.
"""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta

from innkeeper.errors import InnkeeperError

RULES_LIMIT: Final = 1_000
LONGEST_SECONDS: Final = 3_600

Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Skip = Annotated[int, Meta(ge=0, le=1_000_000)]
Chance = Annotated[float, Meta(ge=0, le=1)]
Draw = Annotated[int, Meta(ge=0, le=2**53)]
Seconds = Annotated[float, Meta(ge=0, le=LONGEST_SECONDS)]
Code = Annotated[int, Meta(ge=200, le=599)]
Body = Annotated[str, Meta(max_length=65_536)]
Pattern = Annotated[str, Meta(min_length=1, max_length=2_048)]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,64}(?![\s\S])")]
HeaderValue = Annotated[str, Meta(pattern=r"^[\x20-\x7e]{0,4096}(?![\s\S])")]
Headers = Annotated[dict[HeaderName, HeaderValue], Meta(max_length=50)]


class _Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """One kind of fault, and its parameters."""


class Status(_Kind, frozen=True, tag="status"):
    """Answer with a status instead of acting. A 429 without a body is answered as Zoom does."""

    status: Code
    body: Body = ""
    headers: Headers = msgspec.field(default_factory=dict[str, str])
    limit: Literal["per_second", "daily"] = "per_second"
    """Which of Zoom's two limits a 429 names."""
    wait: Annotated[float, Meta(ge=0, le=86_400)] = 1
    """How many seconds a 429 asks for."""


class Html(_Kind, frozen=True, tag="html"):
    """Answer as a gateway in front of Zoom does, with a page."""

    status: Code = 502


class Slow(_Kind, frozen=True, tag="slow"):
    """Act, and hold the answer back."""

    seconds: Seconds = 60


class Dribble(_Kind, frozen=True, tag="dribble"):
    """Act, and send the answer's body a byte at a time."""

    seconds: Seconds = 0.01
    """Between two bytes."""


class Truncate(_Kind, frozen=True, tag="truncate"):
    """Act, and break off in the middle of the answer."""


class Reset(_Kind, frozen=True, tag="reset"):
    """Reset the connection instead of acting."""


class Empty(_Kind, frozen=True, tag="empty"):
    """Close the connection before a byte instead of acting."""


class Garbage(_Kind, frozen=True, tag="garbage"):
    """Send what is no HTTP instead of acting."""


class BadJson(_Kind, frozen=True, tag="bad_json"):
    """Answer 200 with half a JSON object instead of acting."""


class Redirect(_Kind, frozen=True, tag="redirect"):
    """Send the client elsewhere instead of acting."""

    location: HeaderValue = "https://example.com/"
    status: Literal[301, 302, 303, 307, 308] = 302


class LostAnswer(_Kind, frozen=True, tag="lost_answer"):
    """Act, and reset the connection instead of answering."""


class Drop(_Kind, frozen=True, tag="drop"):
    """Lose an attempt on its way; the schedule goes on as after any failure."""


class Delay(_Kind, frozen=True, tag="delay"):
    """Hold an event back, once; later ones overtake it."""

    seconds: Seconds = 60


class Reorder(_Kind, frozen=True, tag="reorder"):
    """Hold an event back until the next one to the same address has gone."""

    seconds: Seconds = 60
    """How long to wait for a next one."""


class Duplicate(_Kind, frozen=True, tag="duplicate"):
    """Send an event twice, byte for byte."""


class Burst(_Kind, frozen=True, tag="burst"):
    """Send many of one event at once, each with a tracking id and a time of its own."""

    count: Annotated[int, Meta(ge=1, le=1_000)] = 100


class BadSignature(_Kind, frozen=True, tag="bad_signature"):
    """Sign with a secret that is not the app's."""


class OldSecret(_Kind, frozen=True, tag="old_secret"):
    """Sign with the secret token from before it was changed, if it was."""


class Stale(_Kind, frozen=True, tag="stale"):
    """Stamp and sign a time that has passed."""

    seconds: Annotated[float, Meta(ge=0, le=31_622_400)] = 172_800


class Future(_Kind, frozen=True, tag="future"):
    """Stamp and sign a time that is to come."""

    seconds: Annotated[float, Meta(ge=0, le=31_622_400)] = 3_600


class Tamper(_Kind, frozen=True, tag="tamper"):
    """Change the body after it was signed."""


class WrongContentType(_Kind, frozen=True, tag="wrong_content_type"):
    """Call the body something else than JSON."""

    content_type: HeaderValue = "text/plain"


class OddKeyOrder(_Kind, frozen=True, tag="odd_key_order"):
    """Write the keys of every object backwards, and sign that."""


class NonCanonical(_Kind, frozen=True, tag="non_canonical"):
    """Write the JSON with blanks and escapes that Zoom does not use, and sign that."""


ApiKind = (
    Status
    | Html
    | Slow
    | Dribble
    | Truncate
    | Reset
    | Empty
    | Garbage
    | BadJson
    | Redirect
    | LostAnswer
)
CourierKind = (
    Drop
    | Delay
    | Reorder
    | Duplicate
    | Burst
    | BadSignature
    | OldSecret
    | Stale
    | Future
    | Tamper
    | WrongContentType
    | OddKeyOrder
    | NonCanonical
)
Kind = ApiKind | CourierKind

API_KINDS: Final = tuple(str(kind.__struct_config__.tag) for kind in get_args(ApiKind))
COURIER_KINDS: Final = tuple(str(kind.__struct_config__.tag) for kind in get_args(CourierKind))
PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    str(kind.__struct_config__.tag): kind.__struct_fields__ for kind in get_args(Kind)
}
"""What each kind takes besides its name."""
ABOUT: Final[Mapping[str, str]] = {
    str(kind.__struct_config__.tag): (kind.__doc__ or "").strip() for kind in get_args(Kind)
}
"""What each kind does, in a sentence; empty where Python was told to drop them."""
API_MATCHERS: Final = ("path", "method", "grant_type", "client_id")
COURIER_MATCHERS: Final = ("event", "client_id", "url")


class On(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """What a rule looks at; what is left out is not looked at."""

    path: Pattern = ""
    """A glob, such as `/v2/im/*`."""
    method: Pattern = ""
    grant_type: Pattern = ""
    client_id: Pattern = ""
    event: Pattern = ""
    url: Pattern = ""
    """A glob over the whole address."""

    def matches(self, facts: Mapping[str, str]) -> bool:
        """Tell whether everything named here is so."""
        asked = msgspec.structs.asdict(self)
        return all(
            fnmatchcase(facts.get(name, ""), wanted) for name, wanted in asked.items() if wanted
        )


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as somebody asks for it."""

    do: Kind
    on: On = msgspec.field(default_factory=On)
    times: Count | None = None
    skip: Skip = 0
    p: Chance | None = None
    seed: Draw | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """A fault that was done: what kind, by which rule."""

    kind: str
    rule: int

    def json(self) -> dict[str, Any]:
        """Write it as the control API gives it."""
        return {"kind": self.kind, "rule": self.rule}


@dataclass(slots=True)
class FaultRule:
    """A rule that stands, with what it has counted. Without `times` it never wears out."""

    number: int
    order: Order
    seen: int = 0
    """How many exchanges matched while the rule was not worn out."""
    applied: int = 0
    holding: list[str] = field(default_factory=list[str])
    """The deliveries that `reorder` holds back."""

    @property
    def kind(self) -> str:
        """The kind's name."""
        return str(self.order.do.__struct_config__.tag)

    @property
    def spent(self) -> bool:
        """Whether it was applied as often as it should be."""
        return self.order.times is not None and self.applied >= self.order.times

    def takes(self, facts: Mapping[str, str]) -> bool:
        """Count an exchange if it matches, and tell whether the fault falls on it."""
        order = self.order
        if self.spent or not order.on.matches(facts):
            return False
        self.seen += 1
        if self.seen <= order.skip:
            return False
        if order.p is not None and self._drawn() >= order.p:
            return False
        self.applied += 1
        return True

    def _drawn(self) -> float:
        """Draw this exchange's chance: the seed and the count alone decide, so it repeats."""
        return random.Random(f"{self.order.seed}:{self.seen}").random()  # noqa: S311  # repeatable on purpose

    def json(self) -> dict[str, Any]:
        """Write the rule as the control API gives it."""
        given = msgspec.to_builtins(self.order)
        counted = {"number": self.number, "seen": self.seen, "applied": self.applied}
        return {**counted, "spent": self.spent, **given}


class FaultRefused(InnkeeperError):
    """A fault rule says something that is not known, or goes beyond its bounds."""

    code = "fault_refused"

    def __init__(self, why: str, fix: str) -> None:
        self.fix = fix
        super().__init__("the fault rule was refused", why)


def read_order(document: Any) -> Order:
    """Read a rule that somebody asks for, strictly.

    Raises:
        FaultRefused: With what is known in its place.
    """
    try:
        order = msgspec.convert(document, Order)
    except msgspec.ValidationError as error:
        raise FaultRefused(str(error), _known(document)) from None
    _check_side(order)
    if order.p is not None and order.seed is None:
        fix = "Give a `seed` beside `p`, so that the run repeats itself."
        raise FaultRefused("chance without a seed", fix)
    if order.seed is not None and order.p is None:
        fix = "Give `p` beside the `seed`, or leave the seed out."
        raise FaultRefused("a seed without a chance", fix)
    return order


def _check_side(order: Order) -> None:
    at_api = str(order.do.__struct_config__.tag) in API_KINDS
    known = API_MATCHERS if at_api else COURIER_MATCHERS
    asked = msgspec.structs.asdict(order.on)
    odd = [name for name, value in asked.items() if value and name not in known]
    if odd:
        why = f"`{odd[0]}` is nothing that this kind looks at - at `$.on`"
        raise FaultRefused(why, f"Known are: {', '.join(known)}.")


def _known(document: Any) -> str:
    """List what could have stood there: the kinds first, then the keys of the kind given."""
    do = document.get("do") if isinstance(document, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # from outside
    kind: Any = do.get("kind") if isinstance(do, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # from outside
    found = [each for each in get_args(Kind) if each.__struct_config__.tag == kind]
    kinds = f"Known kinds are: {', '.join((*API_KINDS, *COURIER_KINDS))}."
    if not found:
        return kinds
    keys = ("kind", *found[0].__struct_fields__)
    matchers = API_MATCHERS if kind in API_KINDS else COURIER_MATCHERS
    return (
        f"Known in a rule: {', '.join(Order.__struct_fields__)};"
        f" in `do`: {', '.join(keys)}; in `on`: {', '.join(matchers)}. {kinds}"
    )


def first(
    rules: Collection[FaultRule], facts: Mapping[str, str], kinds: Collection[str]
) -> FaultRule | None:
    """Give the first rule of these kinds that falls on an exchange; those after it do not count."""
    return next((rule for rule in rules if rule.kind in kinds and rule.takes(facts)), None)
