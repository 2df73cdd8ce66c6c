"""How does a client with Zoom's hosts written into it reach the emulator? By the proxy alone."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from innkeeper.net.outbound import (
    ANSWER_LIMIT_BYTES,
    DEADLINE_SECONDS,
    HttpTransport,
    Request,
    Response,
)


@dataclass(frozen=True)
class Proxied:
    """A running proxy: where it is, what to trust, and what it refused so far."""

    url: str
    ca_file: Path
    refused: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    @property
    def environment(self) -> Mapping[str, str]:
        """Give what a client is told, in its environment, instead of the emulator's address."""
        return {
            "HTTPS_PROXY": self.url,
            "NODE_EXTRA_CA_CERTS": str(self.ca_file),
            "REQUESTS_CA_BUNDLE": str(self.ca_file),
        }


class ProxiedTransport:
    """Carries a browser's requests: https by the proxy, http straight."""

    def __init__(self, proxied: Proxied) -> None:
        self._proxied = proxied
        self._straight = HttpTransport()

    async def send(
        self,
        request: Request,
        *,
        deadline: float = DEADLINE_SECONDS,
        limit_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> Response:
        if not request.url.startswith("https:"):
            return await self._straight.send(request, deadline=deadline, limit_bytes=limit_bytes)
        context = ssl.create_default_context(cafile=str(self._proxied.ca_file))
        connector = aiohttp.TCPConnector(ssl=context)
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as pool,
            pool.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.body or None,
                allow_redirects=False,
                proxy=self._proxied.url,
            ) as answer,
        ):
            names = {name.lower() for name in answer.headers}
            headers = {name: "\n".join(answer.headers.getall(name)) for name in names}
            return Response(answer.status, headers, await answer.read())

    async def aclose(self) -> None:
        await self._straight.aclose()
