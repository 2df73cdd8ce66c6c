"""How do spans reach OpenTelemetry? Through its API, if somebody in this process has set it up.

The extra `otel` is that API; what collects is the operator's choice and not ours.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from innkeeper.spans import Tracer

if TYPE_CHECKING:
    from opentelemetry import trace

_PREFIX = "innkeeper."


def find_tracer() -> Tracer | None:
    """Give what spans are told to; None unless a provider of OpenTelemetry's was set."""
    api: Any = sys.modules.get("opentelemetry.trace")  # who has set one up has imported it
    if api is None:
        return None
    provider = api.get_tracer_provider()
    if isinstance(provider, api.ProxyTracerProvider | api.NoOpTracerProvider):
        return None
    return _Traced(api)


class _Traced:
    """Tells OpenTelemetry."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self._tracer: trace.Tracer = api.get_tracer("innkeeper")

    @contextmanager
    def span(
        self, name: str, *, since: datetime | None = None, **facts: str | int
    ) -> Generator[None]:
        """Begin a span under the one that goes on; of an error it tells the kind alone."""
        current = self._tracer.start_as_current_span(
            _PREFIX + name,
            start_time=None if since is None else int(since.timestamp() * 1_000_000) * 1_000,
            attributes=_attributes(facts),
            record_exception=False,  # its words may name somebody
            set_status_on_exception=False,
        )
        with current as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(self._api.StatusCode.ERROR)
                raise

    def tell(self, **facts: str | int) -> None:
        """Add facts to the span that goes on."""
        self._api.get_current_span().set_attributes(_attributes(facts))


def _attributes(facts: dict[str, str | int]) -> dict[str, str | int]:
    return {_PREFIX + name: fact for name, fact in facts.items()}
