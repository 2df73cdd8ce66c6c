"""A log line is one line of ASCII JSON, whatever is in it, and holds no known secret."""

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog

from innkeeper.logs import configure, crashes_told, masked
from innkeeper.secret import Secret

SECRET = 'hunter-"two"-\\-ünder'


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    handlers = list(logging.getLogger().handlers)
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers = handlers


class Written:
    """What stands in the log by now."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def text(self) -> str:
        return self._capsys.readouterr().err

    def line(self) -> dict[str, Any]:
        [line] = self.text().splitlines()
        assert line.isascii()
        assert line.isprintable()
        found: dict[str, Any] = json.loads(line)
        return found


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Written:
    configure([Secret(SECRET)])
    return Written(capsys)


def fail(error: Exception) -> None:
    raise error


def log() -> Any:
    return structlog.get_logger("innkeeper")


def test_writes_an_event_with_its_facts_and_its_time(written: Written) -> None:
    log().warning("purge.late", installation="ins_1", steps=3, share=0.5, done=False, left=None)
    line = written.line()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "purge.late",
        "level": "warning",
        "installation": "ins_1",
        "steps": 3,
        "share": 0.5,
        "done": False,
        "left": None,
    }


@pytest.mark.parametrize(
    "hostile",
    [
        'Eve"\r\n{"event":"purge.done"}',
        "\x1b[31mred\x1b[0m",
        "\x9b31m and \x7f",
        "\u202egnp.exe and \u2028",
        "\x00",
        "half a pair \ud800",
        "🛎️",
    ],
)
def test_stays_one_line_of_ascii_whatever_is_in_it(hostile: str, written: Written) -> None:
    log().info("said", name=hostile, **{f"key {hostile}": 1})
    line = written.line()
    assert line["name"] == hostile
    assert line[f"key {hostile}"] == 1


class Named:
    """Something with words of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"named {SECRET}"


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        f"before {SECRET} and after",
        Secret(SECRET),
        [SECRET, (SECRET,)],
        {"inner": {"deeper": [SECRET]}},
        {SECRET: 1},
        {(1, SECRET): 1},
        ValueError(SECRET),
        Named(),
        {Named()},
        {"body": json.dumps({"token": SECRET})},
        f"GET /?{urlencode({'token': SECRET})}",
    ],
    ids=lambda value: type(value).__name__,
)
def test_takes_a_known_secret_out_wherever_it_stands(value: object, written: Written) -> None:
    log().error("spilt", value=value)
    text = written.text()
    assert "hunter" not in text
    assert "nder" not in text


BY_CHANCE = "Zk3wX9_a-Qp7Lr2vN8sTb5YcHd1Fg6Ju4Me0Ki"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("got eyJzdiI6IjAwMDAwMiJ9.eyJhdWQiOiJodHRwcyJ9.c2lnbmF0dXJl again", "got * again"),
        ("got eyJhbGciOiJkaXIi..aXY.Y2lwaGVy.dGFn", "got *"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: *"),
        ("authorization: basic Y2xpZW50OnNlY3JldA==", "authorization: *"),
        ("v0=" + "0a" * 32, "*"),
        ("emu_secret_abc-123", "*"),
        ("GET /oauth/callback?code=abc&state=def HTTP/1.1", "GET /oauth/callback?*&* HTTP/1.1"),
        ("refresh_token=abc; x", "*; x"),
        ("client_secret=abc", "*"),
        (f"'{BY_CHANCE}'", "'*'"),
        (f"/install?invitation={BY_CHANCE}", "/install?*"),
        ("ins_5f0c5f0c5f0c5f0c5f0c5f0c", None),
        ("https://api.zoom.us/v2/users/me", None),
        ("/srv/Bot2/src/bot/HandlersOfTheFrontDesk.py:123", None),
        ("a" * 64, None),
        ("A_CONSTANT_WITH_A_VERY_LONG_NAME_IN_IT", None),
        ("the status code is 7, the state unknown, the token gone", None),
        ("basic works", None),
    ],
)
def test_takes_out_what_looks_like_a_token(text: str, left: str | None, written: Written) -> None:
    log().info("said", text=text, **{f"key {text}": [text]})
    expected = (text if left is None else left).replace("*", "Secret(…)")
    line = written.line()
    assert line["text"] == expected
    assert line[f"key {expected}"] == [expected]


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("error", ["a"]),
        ("warning", ["a", "b"]),
        ("info", ["a", "b", "c"]),
        ("requests", ["a", "b", "c"]),
    ],
)
def test_tells_as_much_as_is_asked_for(
    amount: str, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    configure(amount=amount)
    log().error("a")
    log().warning("b")
    log().info("c")
    lines = Written(capsys).text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == told


def test_takes_a_known_secret_out_of_a_traceback(written: Written) -> None:
    try:
        fail(RuntimeError(SECRET))
    except RuntimeError:
        log().exception("broken")
    line = written.line()
    assert "RuntimeError" in line["exception"]
    assert "hunter" not in line["exception"]


@pytest.mark.parametrize("value", [2**80, float("inf"), b"\xff", object, {1, 2}, ...])
def test_no_value_is_too_odd_to_be_written(value: object, written: Written) -> None:
    log().info("odd", value=value)
    assert "odd" in written.text()


def test_keeps_still_below_its_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level=logging.ERROR)
    log().warning("not.so.bad")
    log().error("bad")
    assert Written(capsys).line()["event"] == "bad"


def test_takes_over_what_libraries_warn_of(written: Written) -> None:
    logging.getLogger("some.library").warning("looks %s", "odd")
    line = written.line()
    assert (line["event"], line["level"]) == ("library", "warning")
    assert (line["logger"], line["text"]) == ("some.library", "looks odd")


def test_lets_libraries_talk_to_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level=logging.DEBUG)
    logging.getLogger("some.library").setLevel(logging.DEBUG)
    logging.getLogger("some.library").info("GET /oauth/callback?code=abc")
    assert Written(capsys).text() == ""


def test_tells_the_kind_and_the_place_of_a_librarys_exception_alone(written: Written) -> None:
    try:
        fail(ConnectionError("GET https://zoom.us/oauth/token?code=abc"))
    except ConnectionError:
        logging.getLogger("some.library").exception("it went wrong")
    line = written.line()
    assert line["error"] == "ConnectionError"
    assert line["at"][-1].startswith(__file__)
    assert "abc" not in json.dumps(line)


def test_takes_libraries_over_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    configure()
    logging.getLogger("some.library").error("once")
    assert Written(capsys).line()["text"] == "once"


@pytest.mark.parametrize("state", ["closed", "broken", "none"])
def test_a_log_that_nobody_can_read_stops_no_work(  # F63
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    file = Broken() if state == "broken" else io.StringIO()
    if state == "closed":
        file.close()
    monkeypatch.setattr(sys, "stderr", None if state == "none" else file)
    configure()
    log().error("is anybody there")


def test_of_what_a_task_failed_with_only_the_first_line_is_told(written: Written) -> None:
    try:
        fail(ValueError("canary"))
    except ValueError:
        logging.getLogger("asyncio").exception("never retrieved\nfuture: ValueError('canary')")
    line = written.line()
    assert (line["text"], line["error"]) == ("never retrieved", "ValueError")
    assert "canary" not in str(line)


def test_takes_secrets_out_of_a_text_of_somebody_elses() -> None:
    assert masked(f"it is {SECRET!r}, not x", [Secret(SECRET), Secret("")]) == (
        "it is 'Secret(…)', not x"
    )


def test_tells_what_a_thread_and_an_object_fail_with(written: Written) -> None:
    hooks = threading.excepthook, sys.unraisablehook
    with crashes_told():
        thread = threading.Thread(target=fail, args=[ValueError("canary")])
        thread.start()
        thread.join()
        line = written.line()
        assert (line["event"], line["error"]) == ("thread.crashed", "ValueError")
        assert "canary" not in str(line)
        sys.unraisablehook(Unraisable(KeyError("canary")))  # type: ignore[arg-type]  # as Python calls it
        line = written.line()
        assert (line["event"], line["error"]) == ("object.crashed", "KeyError")
        sys.unraisablehook(Unraisable(SystemExit()))  # type: ignore[arg-type]  # the same
        assert written.text() == ""
    assert (threading.excepthook, sys.unraisablehook) == hooks


class Unraisable:
    """What Python says of an error that it cannot raise."""

    def __init__(self, error: BaseException) -> None:
        self.exc_value = error


def test_tells_warnings_as_lines_without_secrets(written: Written) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with crashes_told():
            warnings.warn(f"{SECRET} is old", stacklevel=1)
    assert "Secret(…) is old" in written.line()["text"]


def test_an_error_that_nobody_caught_ends_with_1_and_is_told_without_its_words(
    written: Written,
) -> None:
    with pytest.raises(SystemExit) as ended, crashes_told(OSError):
        fail(ValueError("canary"))
    assert ended.value.code == 1
    line = written.line()
    assert (line["event"], line["error"]) == ("process.crashed", "ValueError")
    assert "canary" not in str(line)
    with pytest.raises(OSError, match="canary"), crashes_told(OSError):
        fail(OSError("canary"))
    assert written.text() == ""
