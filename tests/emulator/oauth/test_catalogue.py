"""Every number of Zoom's error table is given by a check that exists, or says why by none."""

import re
from pathlib import Path

from innkeeper.emulator import oauth
from innkeeper.emulator.oauth.catalogue import CATALOGUE, ended
from innkeeper.emulator.traffic.checks import CHECKS

ATTESTED = {
    *(4700, 4702, 4704, 4705, 4706, 4709, 4711, 4717, 4724, 4732, 4733, 4734, 4735, 4737),
    *(4738, 4740, 4741),
}


def test_has_every_number_that_is_attested():
    assert set(CATALOGUE) == ATTESTED


def test_every_number_is_given_by_checks_or_says_why_not():
    for code in CATALOGUE.values():
        assert set(code.checks) <= set(CHECKS)
        assert bool(code.checks) != bool(code.not_emulated)


def test_no_refusal_names_a_number_that_is_not_in_the_table():
    sources = [path.read_text("utf-8") for path in Path(str(oauth.__path__[0])).glob("*.py")]
    named = {int(found) for source in sources for found in re.findall(r"\b47[0-4]\d\b", source)}

    assert named <= ATTESTED


def test_says_why_a_token_is_over():
    assert ended(4738) == "An admin withdrew the app's approval (4738)"
