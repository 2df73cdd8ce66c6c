"""How is a log line written? As JSON on stderr, with every known secret taken out."""

import logging
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, cast

import msgspec
import structlog

from innkeeper.secret import Secret

_MASK = "Secret(…)"


def configure(secrets: Sequence[Secret] = (), *, level: int = logging.INFO) -> None:
    """Set up the process's log: one JSON object a line, times in UTC.

    Args:
        secrets: Values that must not appear, whatever writes them.
    """
    hidden = tuple(secret.reveal() for secret in secrets if secret)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _Redaction(hidden),
            _to_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


class _Redaction:
    """Takes known secrets out by value, for a key's name says little."""

    def __init__(self, hidden: Sequence[str]) -> None:
        self._hidden = hidden

    def __call__(
        self, _logger: object, _method: str, line: MutableMapping[str, Any]
    ) -> Mapping[str, Any]:
        return {key: self._clean(value) for key, value in line.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            pairs = cast("Mapping[str, Any]", value).items()
            return {key: self._clean(item) for key, item in pairs}
        if isinstance(value, list | tuple):
            return [self._clean(item) for item in cast("Sequence[Any]", value)]
        if isinstance(value, str | bytes | Secret) or hasattr(value, "__dict__"):
            text = str(value)
            for secret in self._hidden:
                text = text.replace(secret, _MASK)
            return text
        return value


def _to_json(_logger: object, _method: str, line: Mapping[str, Any]) -> str:
    return msgspec.json.encode(line, enc_hook=str).decode()
