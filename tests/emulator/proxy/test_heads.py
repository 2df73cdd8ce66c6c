"""What is asked of a proxy is read exactly, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.emulator.proxy.heads import Ask, read_head


@pytest.mark.parametrize(
    ("line", "ask"),
    [
        ("CONNECT zoom.us:443 HTTP/1.1", Ask("zoom.us", 443)),
        ("CONNECT API.Zoom.US:443 HTTP/1.0", Ask("api.zoom.us", 443)),
        ("CONNECT example.com:25 HTTP/1.1", Ask("example.com", 25)),
    ],
)
def test_reads_a_tunnel(line: str, ask: Ask) -> None:
    assert read_head(f"{line}\r\nhost: whatever\r\n\r\n".encode()) == ask


@pytest.mark.parametrize(
    "line",
    [
        "",
        "CONNECT zoom.us HTTP/1.1",
        "CONNECT :443 HTTP/1.1",
        "CONNECT zoom.us:443x HTTP/1.1",
        "CONNECT [::1]:443 HTTP/1.1",
        "CONNECT user@zoom.us:443 HTTP/1.1",
        "connect zoom.us:443 HTTP/1.1",
        "CONNECT zoom.us:443 HTTP/2.0",
        "CONNECT  zoom.us:443 HTTP/1.1",
        "GET / HTTP/1.1",
        "GET http://zoom.us/ HTTP/1.1",
        "GET https://user@zoom.us/ HTTP/1.1",
        "GET https://zoom.us:/ HTTP/1.1",
        "GET https://zoom.us/#x HTTP/1.1",
        "GET https://zoom.us/\xe9 HTTP/1.1",
        "\x16\x03\x01\x02\x00",
    ],
)
def test_reads_nothing_else(line: str) -> None:
    assert read_head(f"{line}\r\n\r\n".encode("latin-1")) is None


def test_writes_a_full_address_anew_for_its_host() -> None:
    head = (
        b"POST https://api.zoom.us/v2/im/chat/messages?a=1 HTTP/1.1\r\n"
        b"Host: api.zoom.us\r\nAuthorization: Bearer t\r\nProxy-Authorization: Basic x\r\n"
        b"Connection: keep-alive\r\nProxy-Connection: keep-alive\r\nContent-Length: 2\r\n\r\n"
    )
    assert read_head(head) == Ask(
        "api.zoom.us",
        443,
        b"POST /v2/im/chat/messages?a=1 HTTP/1.1\r\n"
        b"Host: api.zoom.us\r\nAuthorization: Bearer t\r\nContent-Length: 2\r\n"
        b"connection: close\r\n\r\n",
    )


@pytest.mark.parametrize(
    ("target", "path"),
    [("https://zoom.us", "/"), ("https://zoom.us?a=b", "/?a=b"), ("HTTPS://ZOOM.us:443/x", "/x")],
)
def test_finds_the_path_of_a_full_address(target: str, path: str) -> None:
    ask = read_head(f"GET {target} HTTP/1.1\r\n\r\n".encode())
    assert ask == Ask("zoom.us", 443, f"GET {path} HTTP/1.1\r\nconnection: close\r\n\r\n".encode())


@given(st.binary(max_size=200) | st.from_regex(rb"(CONNECT|GET) [!-~]{1,40} HTTP/1.1(\r\n.*){0,3}"))
def test_takes_any_bytes(head: bytes) -> None:
    ask = read_head(head + b"\r\n\r\n")
    assert ask is None or ask.forward == b"" or ask.forward.endswith(b"\r\n\r\n")
