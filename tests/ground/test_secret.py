import copy
import dataclasses
import io
import json
import logging
import pickle
import pprint
import re
import reprlib
import traceback
import warnings
from inspect import getmembers

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich import inspect
from rich.console import Console
from rich.pretty import pretty_repr

from innkeeper.secret import Secret

CANARY = "canary-7f3a-tide"


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    name: str
    token: Secret


@pytest.mark.parametrize(
    "shown",
    [
        repr,
        str,
        "{}".format,
        "{!r}".format,
        "{:>40}".format,
        "{:.3}".format,
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031  # loggers still do it
        lambda secret: f"{secret}",
        lambda secret: f"{[secret]} { ({'a': secret}) } {(secret,)}",
        lambda secret: repr(Holder("n", secret)),
        lambda secret: repr(dataclasses.replace(Holder("n", Secret("x")), token=secret)),
        lambda secret: repr(ValueError(secret)),
        lambda secret: pprint.pformat({"a": [secret]}),
        lambda secret: reprlib.repr([secret]),
        lambda secret: json.dumps([secret], default=str, ensure_ascii=False),
        lambda secret: pretty_repr([secret]),
        lambda secret: str(ExceptionGroup("several", [ValueError(secret)]).exceptions),
    ],
)
def test_shows_nothing_wherever_it_is_printed(shown):
    text = shown(Secret(CANARY))

    assert CANARY[:5] not in text
    assert "Secret(…)" in text


def test_shows_nothing_in_a_log_or_a_traceback():
    log = io.StringIO()
    logger = logging.Logger("test")
    logger.addHandler(logging.StreamHandler(log))
    secret = Secret(CANARY)

    logger.warning("the token is %s, or %r", secret, {"token": secret})
    with pytest.raises(RuntimeError) as raised:
        raise RuntimeError(secret)
    shown = "".join(
        traceback.TracebackException.from_exception(raised.value, capture_locals=True).format()
    )

    assert log.getvalue() == "the token is Secret(…), or {'token': Secret(…)}\n"
    assert "RuntimeError: Secret(…)" in shown
    assert "secret = Secret(…)" in shown


def test_shows_nothing_in_a_warning():
    secret = Secret(CANARY)

    with pytest.warns(UserWarning, match=re.escape("Secret(…) is old")) as warned:
        warnings.warn(f"{secret} is old", stacklevel=1)
    [each] = warned.list

    assert CANARY not in warnings.formatwarning(each.message, each.category, "a.py", 1, "")


def test_shows_nothing_to_a_debugger_or_an_inspector():
    secret = Secret(CANARY)
    console = Console(file=io.StringIO(), width=200)

    inspect(secret, console=console, all=True, private=True, dunder=True)

    assert CANARY not in console.file.getvalue()
    assert CANARY not in repr(getmembers(secret))


@pytest.mark.parametrize(
    "careless",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        lambda secret: dataclasses.asdict(Holder("n", secret)),
        json.dumps,
        msgspec.json.encode,
        msgspec.to_builtins,
        hash,
        len,
        iter,
        bytes,
        vars,
        lambda secret: secret.__getstate__(),
        lambda secret: pickle.dumps(Holder("n", secret)),
        lambda secret: msgspec.json.encode(Holder("n", secret)),
        lambda secret: msgspec.to_builtins(Holder("n", secret)),
        lambda secret: json.dumps(secret, default=vars),
        lambda secret: "".join([secret]),
        lambda secret: "%d" % secret,  # noqa: UP031  # the same
        int,
        lambda secret: secret + "x",
        lambda secret: secret[0],
        lambda secret: secret < Secret("z"),
    ],
)
def test_cannot_be_handled_like_a_text(careless):
    with pytest.raises(TypeError) as refusal:
        careless(Secret(CANARY))

    assert CANARY not in str(refusal.value)


def test_is_equal_to_a_secret_of_the_same_value_only():
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret(CANARY + "x")
    assert Secret(CANARY) != CANARY
    assert Secret("") != Secret("x")


def test_is_false_only_when_empty():
    assert not Secret("")
    assert Secret(" ")


@given(st.text(st.characters(exclude_categories=[])), st.text(st.characters(exclude_categories=[])))
@example("\udc80", "\udc80")
@example("\udc80", "\udc81")
def test_takes_any_text_and_never_fails_on_it(one, other):
    assert Secret(one).reveal() == one
    assert (Secret(one) == Secret(other)) is (one == other)
    assert isinstance(Secret(one).encode(), bytes)


def test_encodes_as_utf_8():
    assert Secret("clé").encode() == b"cl\xc3\xa9"
