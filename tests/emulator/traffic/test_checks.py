"""The list of checks is what the code checks, no more and no less."""

import re
from pathlib import Path

from innkeeper import emulator
from innkeeper.emulator.traffic.checks import CHECKS
from innkeeper.emulator.traffic.records import Refusal

SOURCES = [
    path.read_text("utf-8")
    for path in Path(str(emulator.__file__)).parent.rglob("*.py")
    if path.name != "checks.py"
]
AREAS = {name.partition(".")[0] for name in CHECKS} - {"not_emulated"}
NAMED_BY_PATTERN = {"http.method_not_allowed", "http.not_found", "http.refused"}
NOT_CHECKS = {"http.disconnect", "http.request"}


def checked() -> set[str]:
    literal = re.compile(rf'"((?:{"|".join(AREAS)})\.[a-z_]+)"')
    found = {name for source in SOURCES for name in literal.findall(source)}
    return (found | NAMED_BY_PATTERN | {"not_emulated"}) - NOT_CHECKS


def test_every_check_says_what_it_would_have_accepted():
    assert checked() == set(CHECKS)


def test_what_is_accepted_fits_into_a_header():
    assert all(text.isascii() and text.isprintable() for text in CHECKS.values())
    assert all(not text.endswith(".") and text[:1].strip() for text in CHECKS.values())


def test_a_refusal_knows_what_would_have_been_accepted():
    assert Refusal("code.missing", "code is missing").accepts == "a code"
