"""How does a request leave over sockets? Through one pool of connections, by aiohttp.

No redirects, no cookies, no proxies from the environment, no compressed answers:
each of these has carried somebody's tokens to a place they did not belong.
"""

import asyncio
from types import SimpleNamespace

import aiohttp
from aiohttp.abc import AbstractResolver

from innkeeper.errors import AnswerLost, Unreachable
from innkeeper.net.exchange import Request, Response, joined, shown_address
from innkeeper.net.resolving import AddressRefused


class Pool:
    """Connections that are kept for the next request; made where a loop runs.

    Args:
        resolver: Turns names into addresses; the machine's own when omitted. It is closed
            with the pool.
    """

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_note_sending)
        self._resolver = resolver
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"user-agent": "Innkeeper", "accept-encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None),
            connector=aiohttp.TCPConnector(limit=100, resolver=resolver),
            skip_auto_headers=("content-type",),
            trace_configs=[trace],
        )

    async def send(self, request: Request, *, deadline: float, limit_bytes: int) -> Response:
        """Send a request and read its whole answer within `deadline` seconds.

        Raises:
            Unreachable: If the request cannot have taken effect.
            AnswerLost: If it may have.
        """
        gone_out: list[bool] = []
        try:
            async with asyncio.timeout(deadline):
                return await self._exchange(request, limit_bytes, gone_out)
        except TimeoutError:
            what = "no answer in time"
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            what = "not an address to call"
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, AddressRefused)
            what = "no connection" + (": the name leads where nothing is sent" if refused else "")
        except (aiohttp.ClientError, OSError) as error:
            what = f"the answer broke off ({type(error).__name__})"
        except ValueError:
            what = "not a request to send"
        outcome = AnswerLost if gone_out else Unreachable
        raise outcome(what, shown_address(request.url))

    async def _exchange(self, request: Request, limit_bytes: int, gone_out: list[bool]) -> Response:
        async with self._session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
            trace_request_ctx=gone_out,
        ) as answer:
            body = await _capped(answer, limit_bytes)
            return Response(answer.status, joined(answer.headers.items()), body)

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._session.close()
        if self._resolver is not None:
            await self._resolver.close()


async def _capped(answer: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > limit_bytes:
            raise AnswerLost("the answer is too large", f"over {limit_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


async def _note_sending(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _parameters: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    context.trace_request_ctx.append(True)  # from here on it may take effect
