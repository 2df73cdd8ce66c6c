"""A bot's endpoint meets deliveries that nobody sent: well signed, badly signed, for any client."""

from datetime import UTC, datetime

import pytest

from innkeeper import App, Command
from innkeeper.secret import Secret
from innkeeper.testing import Visitor, Zoom, sign
from innkeeper.wire.signature import Verifier

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def innkeeper_app() -> App:
    app = App()

    @app.command("help")
    def help_(_: Command) -> str:
        return "Try anything"

    return app


@pytest.mark.parametrize("event", [{"event": "bot_notification", "payload": {}}, b'{"event" : 1}'])
def test_signs_what_a_verifier_takes(event: dict[str, object] | bytes) -> None:
    signed = sign(event, secret="a-secret", at=NOW)
    verified = Verifier([Secret("a-secret")]).verify(
        signed.body,
        timestamps=[signed.headers["x-zm-request-timestamp"].encode()],
        signatures=[signed.headers["x-zm-signature"].encode()],
        now=NOW,
    )
    assert verified.signed_at == NOW
    if isinstance(event, bytes):
        assert signed.body == event


async def test_a_delivery_that_nobody_sent_is_answered(zoom: Zoom, ana: Visitor) -> None:
    await ana.adds_app()
    signed = zoom.signed("bot_notification", {"payload.cmd": "help"}, by=ana)
    answer = await zoom.posts(signed)
    assert answer.status == 200
    ana.chat.expect("Try anything")
    assert [each.event for each in zoom.deliveries] == ["bot_installed"]


async def test_a_delivery_that_was_changed_is_refused(zoom: Zoom, ana: Visitor) -> None:
    await ana.adds_app()
    signed = zoom.signed("bot_notification", {"payload.cmd": "help"}, by=ana)
    spaced = signed.tampered(signed.body.replace(b":", b": ", 1))
    assert (await zoom.posts(spaced)).status == 401
    assert (await zoom.posts(signed.tampered(x_zm_signature=""))).status == 401
    assert (await zoom.posts(signed.tampered(x_zm_request_timestamp="0"))).status == 401
    ana.chat.expect_silence()


async def test_an_event_is_triggered_and_told(zoom: Zoom, ana: Visitor) -> None:
    await ana.adds_app()
    delivery = await zoom.trigger("bot_notification", {"payload.cmd": "help"})
    assert delivery.state == "delivered"
    ana.chat.expect("Try anything")
