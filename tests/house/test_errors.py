"""Every error has a code of its own, and says what to do next."""

import importlib
import inspect
import pkgutil
import re

import pytest

import innkeeper
from innkeeper.errors import InnkeeperError

WITHOUT_A_FIX = {
    "InnkeeperError": "the root is not raised",
    "SettingsRefused": "each of its faults has a fix",
    "ClientGone": "nobody is left to read it",
    "OAuthRefused": "the client is told in OAuth's own words",
}


def every_error() -> list[type[InnkeeperError]]:
    for module in pkgutil.walk_packages(innkeeper.__path__, "innkeeper."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, new = {InnkeeperError}, {InnkeeperError}
    while new:
        new = {child for parent in new for child in parent.__subclasses__()} - found
        found |= new
    return sorted(
        (
            kind
            for kind in found
            if kind.__module__.startswith("innkeeper.") and not kind.__name__.startswith("_")
        ),
        key=lambda kind: kind.__qualname__,
    )


ERRORS = every_error()


def test_every_code_is_one_errors_alone():
    codes: dict[str, list[str]] = {}
    for kind in ERRORS:
        codes.setdefault(kind.code, []).append(kind.__qualname__)

    assert {code: kinds for code, kinds in codes.items() if len(kinds) > 1} == {}


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__qualname__)
def test_a_code_is_its_own_and_stable_to_read(kind):
    assert "code" in vars(kind)
    assert re.fullmatch(r"[a-z][a-z0-9_]{2,40}", kind.code)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__qualname__)
def test_an_error_says_what_it_is_and_what_to_do_next(kind):
    raiser_says = inspect.signature(kind).parameters.get("fix")

    assert kind.__doc__
    if kind.__qualname__ not in WITHOUT_A_FIX and raiser_says is None:
        assert kind.fix.endswith(".")
    if raiser_says is not None and isinstance(raiser_says.default, str):
        assert raiser_says.default.endswith(".")


def test_no_exception_to_the_rule_is_out_of_date():
    assert set(WITHOUT_A_FIX) <= {kind.__qualname__ for kind in ERRORS}
