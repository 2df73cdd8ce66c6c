"""What does the emulator show of what went over the wire?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class TrafficRow:
    """One request and its answer, secrets masked.

    Args:
        direction: `in`: the bot or a browser asked us; `out`: we posted to the bot.
        status: The HTTP status; 0 when there was no answer.
        refused: The check behind a refusal, empty when it was taken.
        accepts: What that check would have accepted.
        curl: The same request as a command; empty for what we posted.
        request: Head and body as text, shown when the row is opened. So is `response`.
        delivery_id: Leads to the delivery's page; empty when it is none.
        app_name: Whose request it was, or who was posted to; empty where it is not known.
        fault: The fault that was done to it on purpose, in words; empty for none.
    """

    number: int
    time: datetime
    direction: Literal["in", "out"]
    method: str
    target: str
    status: int
    milliseconds: float = 0
    summary: str = ""
    refused: str = ""
    accepts: str = ""
    curl: str = ""
    request: str = ""
    response: str = ""
    delivery_id: str = ""
    app_name: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class ClientView:
    """An app, to choose whose requests are shown."""

    client_id: str
    name: str


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a signature: what is done, and what comes out."""

    what: str
    result: str


@dataclass(frozen=True, slots=True)
class SignatureView:
    """A signature, worked out again, and whether it fits."""

    steps: tuple[StepView, ...]
    fits: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One try to deliver. `status` 0 means no answer; `error` then says why."""

    number: int
    time: datetime
    status: int
    milliseconds: float = 0
    error: str = ""
    request: str = ""
    response: str = ""
    signature: SignatureView | None = None


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One event on its way to the bot, at GET /traffic/deliveries/{id}.

    Posts /traffic/deliveries/{id}/redeliver with nothing.
    """

    id: str
    event: str
    app_name: str
    url: str
    state: Literal["delivered", "waiting", "gave up"]
    created_at: datetime
    attempts: tuple[AttemptView, ...] = ()
    next_at: datetime | None = None
    body: str = ""
    diagnostics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrafficView:
    """Requests both ways, newest first, and the deliveries, newest first.

    Gets /traffic with `q` (words that the request or its answer holds), `only` (`in`,
    `out`, `refused` or `fault`), `client` (a client id), `status` (`2xx` to `5xx`, or `none`
    where no answer came) and `before` (a request's number).

    Args:
        clients: The client ids that one may choose from, and the names of their apps.
        narrowed: Whether anything was searched for or chosen.
        found: How many requests fit, of `total`.
        older: Leads to what is older and fits; empty where nothing is.
        events_url: GET /traffic/events?after=…, which sends `event: traffic` when there is
            more; empty on a page of older requests.
    """

    rows: tuple[TrafficRow, ...] = ()
    deliveries: tuple[DeliveryView, ...] = ()
    query: str = ""
    only: str = ""
    client: str = ""
    status: str = ""
    clients: tuple[ClientView, ...] = ()
    narrowed: bool = False
    found: int = 0
    total: int = 0
    older: str = ""
    events_url: str = ""
