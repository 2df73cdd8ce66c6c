"""How does a request leave over sockets? Through one pool of connections, by aiohttp.

No redirects, no cookies, no proxies from the environment, no compressed answers:
each of these has carried somebody's tokens to a place they did not belong.
"""

import asyncio
from contextvars import ContextVar
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from innkeeper.errors import AnswerLost, Unreachable
from innkeeper.net.exchange import Request, Response, joined, shown_address
from innkeeper.net.resolving import AddressRefused

_gone_out: ContextVar[list[bool]] = ContextVar("_gone_out")
"""Holds something once the request of this task may have taken effect."""


class _Connector(aiohttp.TCPConnector):
    """Notes when a request is given its connection: what comes next is sent.

    aiohttp's own way to be told, a trace, costs a seventh of a whole request.
    """

    async def connect(self, *args: Any, **kwargs: Any) -> aiohttp.connector.Connection:
        """Connect, or take a connection that is kept."""
        connection = await super().connect(*args, **kwargs)
        _gone_out.get().append(True)
        return connection


class Pool:
    """Connections that are kept for the next request; made where a loop runs.

    Args:
        resolver: Turns names into addresses; the machine's own when omitted. It is closed
            with the pool.
    """

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"user-agent": "Innkeeper", "accept-encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None),
            connector=_Connector(limit=100, resolver=resolver),
            skip_auto_headers=("content-type",),
        )

    async def send(self, request: Request, *, deadline: float, limit_bytes: int) -> Response:
        """Send a request and read its whole answer within `deadline` seconds.

        Raises:
            Unreachable: If the request cannot have taken effect.
            AnswerLost: If it may have.
        """
        gone_out: list[bool] = []
        _gone_out.set(gone_out)
        try:
            async with asyncio.timeout(deadline):
                return await self._exchange(request, limit_bytes)
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

    async def _exchange(self, request: Request, limit_bytes: int) -> Response:
        async with self._session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
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
