"""Where does a host's name lead, and may a request go there? Asked once, then held to it.

Whoever posts to addresses that others configure must not be led into the network around it:
every address of a name is looked at, and the connection is made to those that were looked
at, so that no second answer of the name server can lead elsewhere.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

_TUNNELS: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "100.64.0.0/10")
)
"""NAT64, 6to4, Teredo and carrier-grade NAT: addresses that stand for others."""


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(OSError):
    """A name that leads to an address that nothing may be sent to."""


def may_reach(address: str) -> bool:
    """Tell whether an address is this machine's own, or a host's on the public internet.

    Example:
        >>> may_reach("127.0.0.1"), may_reach("169.254.169.254"), may_reach("10.0.0.7")
        (True, False, False)
    """
    found = _read(address)
    return found is not None and (found.is_loopback or _is_public(found))


def is_public(address: str) -> bool:
    """Tell whether an address is a host's on the public internet.

    Example:
        >>> is_public("170.114.0.1"), is_public("127.0.0.1"), is_public("::ffff:127.0.0.1")
        (True, False, False)
    """
    found = _read(address)
    return found is not None and _is_public(found)


def _read(address: str) -> _Address | None:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _is_public(found: _Address) -> bool:
    if found.is_loopback or any(found.version == net.version and found in net for net in _TUNNELS):
        return False
    return found.is_global and not found.is_multicast


def is_zooms(host: str) -> bool:
    """Tell whether a name is one of Zoom's own."""
    return f".{host.lower().rstrip('.')}".endswith(".zoom.us")


Address = tuple[int, int, int, str, Any]
"""One address, as `getaddrinfo` gives it."""


class Resolver(Protocol):
    """Turns names into addresses."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Give every address of a name, for a connection to a port.

        Raises:
            OSError: If there is none.
        """
        ...

    async def close(self) -> None:
        """Let go of what is held."""
        ...


class MachineResolver:
    """Asks whom the machine asks."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Give every address of a name, for a connection to a port."""
        loop = asyncio.get_running_loop()
        return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    async def close(self) -> None:
        """Nothing is held."""


class CheckedResolver:
    """Resolves names, and refuses those of which any address may not be reached.

    Args:
        inner: Who asks the name server; the machine's own resolver when omitted.
        may: Which addresses may be reached.
        minds: Which names are looked at; all when omitted.
    """

    def __init__(
        self,
        inner: Resolver | None = None,
        *,
        may: Callable[[str], bool] = may_reach,
        minds: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._inner = inner or MachineResolver()
        self._may = may
        self._minds = minds

    @classmethod
    def for_zoom(cls, inner: Resolver | None = None) -> "CheckedResolver":
        """Let Zoom's own names lead to public addresses only.

        Other names are those that an operator has configured, who knows where they lead.
        """
        return cls(inner, may=is_public, minds=is_zooms)

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Give every address of a name.

        Raises:
            AddressRefused: If one of them may not be reached; none is used then.
        """
        found = await self._inner.resolve(host, port)
        if not self._minds(host):
            return found
        refused = [at for *_, (at, *_) in found if not self._may(at)]
        if refused:
            message = f"{host} leads to {refused[0]}, where nothing is sent"
            raise AddressRefused(message)
        return found

    async def close(self) -> None:
        """Let go of the inner resolver."""
        await self._inner.close()
