"""A signature, worked out again for whoever looks."""

import pytest

from innkeeper.emulator.courier.explained import explain
from innkeeper.secret import Secret
from innkeeper.wire import signature
from tests.emulator.scene import make_app

BODY = b'{"event":"bot_notification"}'


def headers(secret: str) -> dict[str, str]:
    made = signature.sign(BODY, timestamp="1654503849", secret=Secret(secret))
    return {signature.TIMESTAMP_HEADER: "1654503849", signature.SIGNATURE_HEADER: made}


def test_each_step_leads_to_the_header():
    app = make_app("Dueday")
    sent = headers(app.secret_token)

    made = explain(sent, BODY, app)

    results = [step.result for step in made.steps]
    assert results[0] == "1654503849"
    assert results[1] == 'v0:1654503849:{"event":"bot_notification"}'
    assert f"v0={results[2]}" == results[3] == results[4] == sent[signature.SIGNATURE_HEADER]
    assert made.fits
    assert app.secret_token not in str(made)


@pytest.mark.parametrize(
    ("sent", "word"),
    [(headers("another"), "does not fit"), ({}, "not signed")],
)
def test_what_does_not_fit_says_why(sent: dict[str, str], word: str):
    made = explain(sent, BODY, make_app("Dueday"))

    assert not made.fits
    assert word in made.verdict


def test_a_long_body_is_shortened_to_be_read():
    made = explain(headers("x"), b"y" * 5000, make_app("Dueday"))

    assert len(made.steps[1].result) < 250
    assert "5000 bytes" in made.steps[1].result
