"""May the courier post there? To this machine, and to hosts that were named; nowhere else.

An emulator that posts to any configured address would be a way into the network around it.
"""

import ipaddress
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from innkeeper.errors import EndpointRefused

_LONGEST: Final = 2048


def check_address(url: str, *, allow_hosts: Collection[str] = ()) -> None:
    """Refuse an address that is no plain http(s) one, or leads off this machine.

    `localhost` is this machine by definition; any other name could lead anywhere and
    must stand in `allow_hosts`.

    Raises:
        EndpointRefused: Saying what is wrong with the address.

    Example:
        >>> check_address("http://127.0.0.1:8080/events")
    """
    if not url:
        raise EndpointRefused("no address is configured", "Enter the address of the running app.")
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or set(url) & set(" \\"):
        raise EndpointRefused("the address has characters that no address has, or too many")
    host = _host(url)
    if host != "localhost" and host not in allow_hosts and not _is_loopback(host):
        raise EndpointRefused(
            f"{host} is not on this machine",
            "Use an address on 127.0.0.1 or localhost, or allow this host to the emulator.",
        )


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise EndpointRefused("the address is malformed") from None
    if parts.scheme not in {"http", "https"}:
        raise EndpointRefused(f"the scheme is {parts.scheme or 'missing'}, not http or https")
    if "@" in parts.netloc:
        raise EndpointRefused("the address holds a user name or a password")
    if not parts.hostname:
        raise EndpointRefused("the address has no host")
    if parts.fragment:
        raise EndpointRefused("the address has a fragment")
    return parts.hostname


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
