"""The operator's port gives numbers, to this machine alone, and names nobody."""

import json
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from innkeeper.admin import admin_site
from innkeeper.environment import read_settings
from innkeeper.errors import SettingsRefused, StoreUnavailable
from innkeeper.exposition import expose
from innkeeper.net.outbound import AsgiTransport, Request, Response
from innkeeper.settings import Settings
from innkeeper.work import Parts
from tests.cli.commands import CONFIGURED
from tests.doors import opened

pytestmark = pytest.mark.anyio

CANARY = "canary.of_a_name"


async def asked(parts: Parts, host: str = "127.0.0.1:9090", path: str = "/metrics") -> Response:
    transport = AsgiTransport({f"http://{host}": admin_site(parts)})
    return await transport.send(Request("GET", f"http://{host}{path}"))


def read(text: bytes) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


async def test_prometheus_reads_what_was_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, parts):
        parts.metrics.deliveries.add("taken")
        parts.metrics.deliveries.add("taken")
        parts.metrics.events.add("bot_notification", "done")
        parts.metrics.events.add(CANARY, "dead")
        now = parts.clock.now()
        parts.metrics.ack_seconds.observe(now - now)
        answer = await asked(parts)
    assert answer.status == 200
    assert CANARY.encode() not in answer.body
    found = read(answer.body)
    assert found["innkeeper_deliveries_total", ("taken",)] == 2
    assert found["innkeeper_events_total", ("bot_notification", "done")] == 1
    assert found["innkeeper_events_total", ("other", "dead")] == 1
    assert found["innkeeper_ack_seconds_bucket", ("+Inf",)] == 1
    assert found["innkeeper_ack_seconds_count", ()] == 1
    assert found["innkeeper_ready", ()] == 1
    assert found["innkeeper_backlog", ()] == 0
    assert found["innkeeper_receipts", ()] == 0


async def test_what_cannot_be_read_now_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise StoreUnavailable("the database cannot be read")

    async def no(_: object) -> bool:
        return False

    async with opened(tmp_path) as (_, parts):
        monkeypatch.setattr(type(parts.store), "census", broken)
        monkeypatch.setattr(type(parts.store), "ready", no)
        found = read(await expose(parts))
    assert found["innkeeper_ready", ()] == 0
    assert ("innkeeper_backlog", ()) not in found


async def test_says_how_a_process_is_that_has_no_other_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no(_: object) -> bool:
        return False

    async with opened(tmp_path) as (_, parts):
        assert (await asked(parts, path="/healthz")).status == 200
        ready = await asked(parts, path="/readyz")
        monkeypatch.setattr(type(parts.store), "ready", no)
        broken = await asked(parts, path="/readyz")
    assert (ready.status, json.loads(ready.body)["status"]) == (200, "ready")
    assert (broken.status, json.loads(broken.body)["store"]) == (503, {"ok": False})


async def test_says_what_to_install_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    async with opened(tmp_path) as (_, parts):
        answer = await asked(parts)
    assert answer.status == 501
    assert b"pip install 'innkeeper[metrics]'" in answer.body


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9090", 200),
        ("localhost:9090", 200),
        ("rebound.example.com:9090", 421),
        ("192.0.2.1", 421),
    ],
)
async def test_answers_whoever_asks_for_this_machine(
    host: str, status: int, tmp_path: Path
) -> None:
    async with opened(tmp_path) as (_, parts):
        for path in ("/metrics", "/healthz", "/readyz"):
            assert (await asked(parts, host, path)).status == status


def port(value: str, directory: Path) -> Settings:
    return read_settings({**CONFIGURED, "INNKEEPER_ADMIN_PORT": value}, directory)


def test_no_port_is_opened_unless_one_is_named(tmp_path: Path) -> None:
    assert read_settings(CONFIGURED, tmp_path).admin_port is None
    assert port("", tmp_path).admin_port is None
    assert port("9090", tmp_path).admin_port == 9090


@pytest.mark.parametrize("value", ["0", "65536", "0.0.0.0:9090", "*:9090", "-1", "9090 ", "٩٠٩٠"])
def test_another_interface_cannot_be_named(value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused) as refused:
        port(value, tmp_path)
    [fault] = refused.value.faults
    assert fault.name == "INNKEEPER_ADMIN_PORT"
    assert "this machine only" in fault.fix
