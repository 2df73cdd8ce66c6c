"""How is a log line written? As one line of ASCII JSON on stderr, with secrets taken out."""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Generator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO, cast
from urllib.parse import quote

import structlog

from innkeeper.secret import Secret

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from threading import ExceptHookArgs

_MASK = "Secret(…)"
_FRAMES_SHOWN = 4
_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING}
_TOKEN = re.compile(
    r"""
      eyJ[\w-]{8,}(?:\.[\w-]*){1,4}                   # a JWT, as Zoom's tokens are
    | \b(?i:bearer|basic)\ +[\w.~+/=-]{8,}            # the header that carries one
    | \bv0=[0-9A-Fa-f]{64}                            # what a delivery is signed with
    | \bemu_[\w-]{8,}                                 # the emulator's secrets
    | \b(?i:code|state|[\w-]*token|[\w-]*secret|code_verifier|invitation)=[^\s&;"']+
    | (?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*[0-9])[\w-]{32,}  # drawn by chance
    """,
    re.VERBOSE | re.ASCII,
)
"""What a token looks like: one that nobody has told us of is taken out as well."""


def configure(
    secrets: Sequence[Secret] = (), *, level: int = logging.INFO, amount: str = ""
) -> None:
    """Set up the process's log: one JSON object a line, times in UTC.

    What libraries log by the standard module joins it from warnings upwards.

    Args:
        secrets: Values that must not appear, whatever writes them; nor may what looks like
            a token.
        amount: How much is told, as `INNKEEPER_LOG` says it, instead of the level.
    """
    level = _LEVELS.get(amount, level)
    hidden = _all_spelt(secrets)
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
        logger_factory=lambda *_: _Lines(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, _Relay) for handler in root.handlers):
        root.addHandler(_Relay(logging.WARNING))


def masked(text: str, secrets: Sequence[Secret]) -> str:
    """Take secrets out of a text that somebody else wrote."""
    for secret in _all_spelt(secrets):
        text = text.replace(secret, _MASK)
    return text


def _all_spelt(secrets: Sequence[Secret]) -> list[str]:
    return [text for secret in secrets if secret for text in _spelt(secret.reveal())]


def _spelt(secret: str) -> set[str]:
    """Spell a secret in every way in which it may turn up inside another text."""
    return {
        secret,
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        quote(secret, "", errors="replace"),
    }


class _Redaction:
    """Takes secrets out by value, for a key's name says little."""

    def __init__(self, hidden: Sequence[str]) -> None:
        self._hidden = hidden

    def __call__(
        self, _logger: object, _method: str, line: MutableMapping[str, Any]
    ) -> Mapping[str, Any]:
        return {self._text(key): self._clean(value) for key, value in line.items()}

    def _clean(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            pairs = cast("Mapping[str, Any]", value).items()
            return {self._text(key): self._clean(item) for key, item in pairs}
        if isinstance(value, list | tuple):
            return [self._clean(item) for item in cast("Sequence[Any]", value)]
        return self._text(value)

    def _text(self, value: Any) -> str:
        text = str(value)
        for secret in self._hidden:
            text = text.replace(secret, _MASK)
        return _TOKEN.sub(_MASK, text)


def _to_json(_logger: object, _method: str, line: Mapping[str, Any]) -> str:
    """Escape all that is not printable ASCII: a name may hold what moves a terminal's cursor."""
    return json.dumps(line).replace("\x7f", "\\u007f")


class _Lines:
    """Writes lines; one that nobody can read any more stops no work."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    def msg(self, line: str) -> None:
        if self._file is not None:
            with suppress(OSError, ValueError):
                print(line, file=self._file, flush=True)

    log = debug = info = warning = error = critical = msg


class _Relay(logging.Handler):
    """Takes over what libraries say. Of an exception it tells the kind and the place alone.

    A message of somebody else's may quote the address or the value it was about.
    """

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage().strip()
        facts: dict[str, Any] = {"text": text, "logger": record.name}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            facts["text"] = text.partition("\n")[
                0
            ]  # asyncio goes on with what the task failed with
            facts |= _kind_and_place(error)
        structlog.get_logger().log(record.levelno, "library", **facts)


def _kind_and_place(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_SHOWN:]
    at = [f"{frame.filename}:{frame.lineno}" for frame in frames]
    return {"error": type(error).__name__, "at": at}


@contextmanager
def crashes_told(*but: type[Exception]) -> Generator[None]:
    """Write into the log what Python would print as it is: warnings, and errors nobody caught.

    Of an error it tells the kind and the place alone, as of a library's.

    Args:
        but: What somebody further out will tell.

    Raises:
        SystemExit: With 1, for an error that nobody caught.
    """
    hooks = threading.excepthook, sys.unraisablehook
    threading.excepthook = partial(_tell, "thread.crashed")
    sys.unraisablehook = partial(_tell, "object.crashed")
    logging.captureWarnings(capture=True)
    try:
        yield
    except but:
        raise
    except Exception as error:
        structlog.get_logger().error("process.crashed", **_kind_and_place(error))
        raise SystemExit(1) from None
    finally:
        logging.captureWarnings(capture=False)
        threading.excepthook, sys.unraisablehook = hooks


def _tell(event: str, crash: "ExceptHookArgs | UnraisableHookArgs", /) -> None:
    if crash.exc_value is not None and not isinstance(crash.exc_value, SystemExit):
        structlog.get_logger().error(event, **_kind_and_place(crash.exc_value))
