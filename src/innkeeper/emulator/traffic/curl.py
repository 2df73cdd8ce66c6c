"""How is a request made again by hand? As a curl command, with placeholders for secrets."""

import shlex
from typing import Final

from innkeeper.emulator.traffic.records import Record

_OWN: Final = frozenset({"host", "content-length", "connection", "accept-encoding", "user-agent"})
"""Headers that curl writes itself."""


def curl(record: Record, base_url: str) -> str:
    """Write a request that came in as a command; what was masked must be filled in by hand."""
    parts = ["curl", "--request", record.method, f"{base_url}{record.url}"]
    if record.method == "GET":
        parts = ["curl", f"{base_url}{record.url}"]
    for name, value in record.request.headers.items():
        if name not in _OWN:
            parts += ["--header", f"{name}: {value}"]
    if record.request.body:
        parts += ["--data-raw", record.request.body]
    return " ".join(shlex.quote(part) for part in parts)
