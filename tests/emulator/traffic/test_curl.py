"""A request as a command that a shell takes apart into the same request."""

import shlex
from datetime import UTC, datetime
from typing import Any

from innkeeper.emulator.traffic.curl import curl
from innkeeper.emulator.traffic.records import Half, Record

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def record(method: str, **request: Any) -> Record:
    half = Half(**request)
    return Record(1, NOON, "in", method, "/v2/users/me?a='b", half, Half(), 200, 1.0)


def test_a_shell_reads_the_same_request():
    sent = record("POST", headers={"authorization": "Bearer emu_…1234"}, body='{"text": "it\'s"}')

    assert shlex.split(curl(sent, "http://127.0.0.1:8700")) == [
        "curl",
        "--request",
        "POST",
        "http://127.0.0.1:8700/v2/users/me?a='b",
        "--header",
        "authorization: Bearer emu_…1234",
        "--data-raw",
        '{"text": "it\'s"}',
    ]


def test_what_curl_writes_itself_is_left_out():
    sent = record("GET", headers={"host": "x", "accept": "*/*", "content-length": "0"})

    assert shlex.split(curl(sent, "http://z"))[2:] == ["--header", "accept: */*"]
