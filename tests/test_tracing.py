"""Spans say what happens within what, and nothing of whom it is about."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from innkeeper import App, Card, Command, Installed
from innkeeper.net.outbound import Response
from innkeeper.testing import Zoom
from innkeeper.tracing import find_tracer
from tests.journeys.house import notification, running

pytestmark = pytest.mark.anyio

TOKEN = b'{"access_token":"a.b-c","token_type":"bearer","expires_in":3600,"scope":"imchat:bot"}'


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Set OpenTelemetry up as an operator does, for one test."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield exporter
    provider.shutdown()


def porter() -> App:
    app = App("Porter")

    @app.on_install
    async def hello(ctx: Installed) -> Card:
        return Card(f"Hi {ctx.user.name}")

    @app.command("help")
    async def help_(ctx: Command) -> str:
        with trace.get_tracer_provider().get_tracer("bot").start_as_current_span("bot.work"):
            return f"Try anything, {ctx.user.name}"

    @app.command("break")
    async def broken(ctx: Command) -> None:
        raise RuntimeError(ctx.user.name)

    return app


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


def facts(span: ReadableSpan) -> dict[str, Any]:
    return {key.removeprefix("innkeeper."): value for key, value in (span.attributes or {}).items()}


async def test_an_event_its_handler_and_its_calls_are_one_trace(
    spans: InMemorySpanExporter,
) -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        spans.clear()
        await ana.says("/bot help")
        [row] = await zoom.parts.store.inbox_rows(limit=1)
    [event], [handler], [bots] = (
        named(spans, name) for name in ("innkeeper.event", "innkeeper.handler", "bot.work")
    )
    [call] = named(spans, "innkeeper.api_call")
    told = facts(event)
    assert told == {
        "event_id": row.id,
        "event": "bot_notification",
        "attempt": 1,
        "state": "done",
    }
    assert facts(call) == {"kind": "chatbot", "outcome": "done"}
    assert event.start_time == int(row.received_at.timestamp() * 1_000_000) * 1_000
    assert event.parent is None
    within = {id(handler): event, id(bots): handler, id(call): handler}
    for inner in (handler, bots, call):
        assert inner.parent is not None
        assert inner.parent.span_id == within[id(inner)].context.span_id
        assert inner.context.trace_id == event.context.trace_id


async def test_of_an_error_the_kind_is_told_and_no_word(spans: InMemorySpanExporter) -> None:
    async with Zoom(porter()) as zoom:
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.says("/bot break")
        await zoom.clock.advance(seconds=6)
        person = zoom.emulator.world.users()[0]
    [first, second] = [span for span in named(spans, "innkeeper.handler") if span.attributes]
    assert facts(first) == facts(second) == {"error.type": "RuntimeError"}
    assert not first.status.is_ok
    attempts = [facts(span)["attempt"] for span in named(spans, "innkeeper.event")]
    assert attempts[-2:] == [1, 2]
    everything = "".join(span.to_json() for span in spans.get_finished_spans())
    assert not [
        who for who in (person.name, person.id, person.jid, person.email) if who in everything
    ]


async def test_what_was_named_outside_is_told_as_other(
    spans: InMemorySpanExporter, tmp_path: Path
) -> None:
    async with running(tmp_path) as house:
        await house.deliver(b'{"event":"canary.event","payload":{"canary":1}}')
        [event] = named(spans, "innkeeper.event")
    assert (facts(event)["event"], facts(event)["state"]) == ("other", "ignored")
    assert "canary" not in event.to_json()


def test_nobody_is_told_unless_opentelemetry_was_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_tracer() is None
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert find_tracer() is None


async def test_a_call_that_is_refused_tells_its_status(
    spans: InMemorySpanExporter, tmp_path: Path
) -> None:
    app = App("Porter")

    @app.command("speak")
    async def speak(_: Command) -> str:
        return "words"

    json_type = {"content-type": "application/json"}
    async with running(tmp_path, app=app) as house:
        house.zoom.answers = [
            Response(200, json_type, TOKEN),
            Response(400, json_type, b'{"code":7001,"message":"canary"}'),
        ]
        await house.deliver(notification(cmd="speak"))
    calls = [facts(span) for span in named(spans, "innkeeper.api_call")]
    assert [(call.get("outcome"), call.get("status")) for call in calls] == [("refused", 400)]
    assert "canary" not in "".join(span.to_json() for span in spans.get_finished_spans())
