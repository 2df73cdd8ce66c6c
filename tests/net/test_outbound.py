"""What a peer on the network may do to us, over real sockets of this machine only."""

import asyncio
import gzip
import resource
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from innkeeper.errors import AnswerLost, Unreachable
from innkeeper.net.outbound import (
    AsgiTransport,
    Message,
    Receive,
    Request,
    Response,
    Scope,
    Send,
)
from tests.net.certificates import Certificates
from tests.net.peers import OK, Wire, drips, floods, says

pytestmark = pytest.mark.anyio


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    yield wire
    await wire.close()


async def get(wire: Wire, url: str, *, deadline: float = 5.0) -> Response:
    return await wire.transport.send(Request("GET", url), deadline=deadline)


async def test_brings_an_answer_and_sends_no_more_than_it_must(wire: Wire) -> None:
    answer = OK + b"Content-Length: 2\r\nX-One: a\r\nX-One: b\r\n\r\n{}"
    url = await wire.serve(says(answer))
    request = Request("POST", url + "a%2Fb?c=d%26e", {"authorization": "Bearer t"}, b"x=1")
    got = await wire.transport.send(request)
    assert (got.status, got.body, got.content_type) == (200, b"{}", "application/json")
    assert got.headers["x-one"] == "a\nb"
    head = wire.heads[0].lower()
    assert head.startswith(b"post /a%2fb?c=d%26e http/1.1\r\n")
    assert b"authorization: bearer t" in head
    assert b"accept-encoding: identity" in head
    assert b"cookie" not in head


@pytest.mark.parametrize(
    ("head", "chunk"),
    [
        pytest.param(OK + b"Content-Length: 1000000000\r\n\r\n", b"a" * 65_536, id="K22-gigabyte"),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\n",
            b"4000\r\n" + b"a" * 0x4000 + b"\r\n",
            id="K22-endless",
        ),
    ],
)
async def test_reads_no_more_of_an_answer_than_its_limit(
    wire: Wire, head: bytes, chunk: bytes
) -> None:
    url = await wire.serve(floods(head, chunk))
    with pytest.raises(AnswerLost, match="too large"):
        await get(wire, url)


async def test_k23_never_inflates_an_answer(wire: Wire) -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    url = await wire.serve(says(head, bomb))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    got = await get(wire, url)
    assert got.body == bomb
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        pytest.param(OK + b"Content-Length: 60000\r\n\r\n", b"a", id="K25-body"),
        pytest.param(OK + b"X-Long: ", b"a", id="K26-headers"),
        pytest.param(b"HTTP/1.1 2", b"0", id="K26-status"),
        pytest.param(b"", b"", id="silence"),
    ],
)
async def test_waits_no_longer_than_the_deadline(wire: Wire, head: bytes, drop: bytes) -> None:
    url = await wire.serve(drips(head, drop))
    began = asyncio.get_running_loop().time()
    with pytest.raises(AnswerLost):
        await get(wire, url, deadline=0.2)
    assert asyncio.get_running_loop().time() - began < 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            OK + b"".join(b"X-%d: a\r\n" % n for n in range(10_000)) + b"\r\n", id="K26-10000"
        ),
        pytest.param(OK + b"X-Long: " + b"a" * 1_000_000 + b"\r\n\r\n", id="K26-megabyte"),
        pytest.param(b"HTTP/9.9 200 OK\r\n\r\n", id="K26-version"),
        pytest.param(b"HTTP/1.1 twenty OK\r\n\r\n", id="K26-number"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", id="garbage"),
        pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n", id="ssh"),
        pytest.param(OK + b"Content-Length: 100\r\n\r\n{}", id="cut-off"),
        pytest.param(OK + b"Content-Length: -1\r\n\r\n", id="negative"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", id="bad-chunk"),
        pytest.param(
            OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", id="two-lengths"
        ),
    ],
)
async def test_an_answer_that_is_none_counts_as_lost(wire: Wire, answer: bytes) -> None:
    url = await wire.serve(says(answer))
    with pytest.raises(AnswerLost):
        await get(wire, url)


async def test_k26_needs_no_reason_after_the_status(wire: Wire) -> None:
    url = await wire.serve(says(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}"))
    assert (await get(wire, url)).body == b"{}"


async def test_a_connection_reset_after_the_request_loses_the_answer(wire: Wire) -> None:  # F52
    async def peer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    url = await wire.serve(peer)
    with pytest.raises(AnswerLost):
        await wire.transport.send(Request("POST", url, body=b"x"), deadline=5.0)
    assert len(wire.heads) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_follows_no_redirect(wire: Wire, status: int) -> None:
    elsewhere = await wire.serve(says(OK + b"\r\n"))
    head = f"HTTP/1.1 {status} Go\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n"
    url = await wire.serve(says(head.encode()))
    got = await wire.transport.send(Request("POST", url, {"authorization": "Bearer t"}, b"x"))
    assert (got.status, len(wire.heads)) == (status, 1)


async def test_k29_keeps_no_cookie(wire: Wire) -> None:
    answer = OK + b"Set-Cookie: a=b; Path=/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    url = await wire.serve(says(answer))
    await get(wire, url)
    await get(wire, url)
    assert b"cookie" not in wire.heads[1].lower()


async def test_asks_no_proxy_from_the_environment(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await wire.serve(says(OK + b"\r\n"))
    url = await wire.serve(says(OK + b"Content-Length: 2\r\n\r\n{}"))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    await get(wire, url)
    assert wire.heads[0].startswith(b"GET / ")


async def test_nobody_listening_means_that_nothing_happened(wire: Wire) -> None:
    url = await wire.serve(says(b""))
    wire.servers[0].close()
    await wire.servers[0].wait_closed()
    with pytest.raises(Unreachable) as caught:
        await get(wire, url)
    assert not isinstance(caught.value, AnswerLost)


async def test_a_deadline_that_passes_before_the_request_went_out_means_the_same(
    wire: Wire,
) -> None:
    async def no_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(no_handshake, "127.0.0.1", 0)
    wire.servers.append(server)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        await get(wire, f"https://127.0.0.1:{port}/", deadline=0.1)
    assert not isinstance(caught.value, AnswerLost)


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    """An authority that the transport trusts besides, and none of the machine's."""
    made = Certificates(tmp_path)
    machines = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: machines(cafile=made.authority))
    return made


@pytest.mark.parametrize("alpn", [["http/1.1"], []])
async def test_trusts_a_certificate_of_a_known_authority_with_alpn_or_without(
    wire: Wire, certificates: Certificates, alpn: list[str]
) -> None:
    tls = certificates.server()
    if alpn:
        tls.set_alpn_protocols(alpn)
    url = await wire.serve(says(OK + b"Content-Length: 2\r\n\r\n{}"), tls=tls)
    assert (await get(wire, url)).body == b"{}"


@pytest.mark.parametrize(
    ("server", "why"),
    [
        pytest.param(lambda made: made.server(signed=False), "self.signed", id="K28-self-signed"),
        pytest.param(lambda made: made.server(days=(-9, -2)), "expired", id="K28-expired"),
        pytest.param(lambda made: made.server(days=(2, 9)), "not yet valid", id="K28-not-yet"),
        pytest.param(lambda made: made.server(host="127.0.0.2"), "mismatch", id="K28-wrong-host"),
        pytest.param(lambda made: made.server(old=True), "no connection:", id="K28-tls-1.0"),
    ],
)
async def test_says_nothing_to_a_peer_that_cannot_prove_who_it_is(
    wire: Wire,
    certificates: Certificates,
    server: Callable[[Certificates], ssl.SSLContext],
    why: str,
) -> None:
    url = await wire.serve(says(OK + b"\r\n"), tls=server(certificates))
    request = Request("POST", url, {"authorization": "Bearer t"}, b"secret")
    with pytest.raises(Unreachable, match=why) as caught:
        await wire.transport.send(request, deadline=5.0)
    assert not isinstance(caught.value, AnswerLost)
    assert (wire.heads, wire.greeted) == ([], 0)  # and it was not tried again, less strictly


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "ftp://zoom.test/"),
        Request("GET", "zoom"),
        Request("GET", "http://[half"),
        Request("GET", "http://127.0.0.1:99999/"),
    ],
)
async def test_what_cannot_be_sent_is_not_sent(wire: Wire, request_: Request) -> None:
    with pytest.raises(Unreachable) as caught:
        await wire.transport.send(request_)
    assert not isinstance(caught.value, AnswerLost)


async def test_smuggles_no_header(wire: Wire) -> None:
    url = await wire.serve(says(OK + b"\r\n"))
    with pytest.raises(Unreachable):
        await wire.transport.send(Request("GET", url, {"x": "a\r\ny: b"}))
    assert wire.heads == []


async def test_an_error_names_no_query_header_or_body(wire: Wire) -> None:
    url = await wire.serve(says(b""))
    secrets = {"authorization": "Bearer hush"}
    assert "hush" not in repr(Request("POST", url, secrets, b"hush"))
    with pytest.raises(AnswerLost) as caught:
        await wire.transport.send(Request("POST", url + "p?code=hush", secrets, b"hush"))
    assert "hush" not in f"{caught.value} {caught.value!r}"


async def test_opens_again_after_it_was_closed(wire: Wire) -> None:
    url = await wire.serve(says(OK + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"))
    await get(wire, url)
    await wire.transport.aclose()
    await wire.transport.aclose()
    assert (await get(wire, url)).status == 200


# In this process


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    headers = [(b"x-path", scope["raw_path"]), (b"x-two", b"a"), (b"x-two", b"b")]
    headers += [(b"x-got", name) for name, _ in scope["headers"]]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": message["body"], "more_body": True})
    await send({"type": "http.response.body", "body": b"!"})


async def test_hands_a_request_to_an_application_in_this_process() -> None:
    transport = AsgiTransport({"http://bot.test": echo})
    request = Request("POST", "http://bot.test/a%2Fb?c", {"Host": "x", "X-A": "1"}, b"hi")
    got = await transport.send(request)
    assert (got.status, got.body) == (200, b"hi!")
    assert got.headers["x-path"] == "/a%2Fb"
    assert got.headers["x-two"] == "a\nb"
    assert got.headers["x-got"].split() == ["host", "content-length", "x-a"]
    await transport.aclose()


async def test_an_application_hears_no_disconnect_while_it_answers() -> None:
    async def patient(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        hearing = asyncio.ensure_future(_wait(receive))
        await asyncio.sleep(0)
        assert not hearing.done()
        hearing.cancel()
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    async def _wait(receive: Receive) -> Message:
        return await receive()

    got = await AsgiTransport({"http://bot.test": patient}).send(Request("GET", "http://bot.test"))
    assert (got.status, got.body) == (204, b"")


@pytest.mark.parametrize("url", ["http://other.test/", "http://[half"])
async def test_no_application_means_that_nothing_happened(url: str) -> None:
    with pytest.raises(Unreachable) as caught:
        await AsgiTransport({"http://bot.test": echo}).send(Request("GET", url))
    assert not isinstance(caught.value, AnswerLost)


async def _fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ConnectionResetError


async def _says_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    return


async def _never_ends(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})
    while True:
        await send({"type": "http.response.body", "body": b"a" * 1000, "more_body": True})


async def _does_not_listen(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})
    try:
        await send({"type": "http.response.body", "body": b"a" * 100_000})
    except AnswerLost:
        return


@pytest.mark.parametrize("app", [_fails, _says_nothing, _never_ends, _does_not_listen])
async def test_an_application_that_fails_loses_the_answer(
    app: Callable[[Scope, Receive, Send], Awaitable[None]],
) -> None:
    with pytest.raises(AnswerLost):
        await AsgiTransport({"http://bot.test": app}).send(Request("GET", "http://bot.test/"))
