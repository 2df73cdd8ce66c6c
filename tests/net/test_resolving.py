import socket
from collections.abc import Sequence

import pytest

from innkeeper.errors import Unreachable
from innkeeper.net.outbound import HttpTransport, Request
from innkeeper.net.resolving import Address, AddressRefused, CheckedResolver, may_reach

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  # an address to refuse
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "64:ff9b::a9fe:a9fe",
        "2002:a00:1::1",
        "2001:0:53aa:64c::1",
        "::ffff:10.0.0.1",
        "not an address",
    ],
)
def test_nothing_is_sent_into_the_network_around(address: str):
    assert not may_reach(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "8.8.8.8", "2606:4700::1111"]
)
def test_this_machine_and_public_hosts_are_reached(address: str):
    assert may_reach(address)


class Names:
    """A name server that answers what it is told."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0

    async def resolve(self, _host: str, port: int) -> Sequence[Address]:
        self.asked += 1
        kinds = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
        return [(*kinds, (address, port)) for address in self.addresses]

    async def close(self) -> None:
        self.asked = -1


async def test_one_bad_address_among_good_ones_refuses_the_name():  # F54
    with pytest.raises(AddressRefused, match=r"leads to 10\.0\.0\.1"):
        await CheckedResolver(Names("8.8.8.8", "10.0.0.1")).resolve("two-faced.test", 80)


async def test_the_connection_goes_to_the_address_that_was_looked_at():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))  # bound and not listening: refused at once, nobody else's
    names = Names("127.0.0.1")
    transport = HttpTransport(resolver=lambda: CheckedResolver(names))
    url = f"http://bot.test:{listener.getsockname()[1]}/"

    with pytest.raises(Unreachable, match="no connection"):
        await transport.send(Request("GET", url, {}, b""))

    await transport.aclose()
    listener.close()
    assert names.asked == -1, "asked once, and closed with the transport"


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1", id="K40-loopback"),
        pytest.param("::1", id="K40-loopback-6"),
        pytest.param("::ffff:127.0.0.1", id="K40-mapped"),
        pytest.param("169.254.169.254", id="K40-metadata"),
        pytest.param("10.0.0.1", id="K40-private"),
        pytest.param("64:ff9b::7f00:1", id="K40-nat64"),
    ],
)
@pytest.mark.parametrize("host", ["zoom.us", "api.zoom.us", "API-us.Zoom.US", "api.zoom.us."])
async def test_zooms_own_names_lead_to_public_addresses_only(host: str, address: str):
    with pytest.raises(AddressRefused):
        await CheckedResolver.for_zoom(Names("170.114.0.1", address)).resolve(host, 443)


@pytest.mark.parametrize("host", ["zoom.us.example", "notzoom.us", "zoom-proxy.internal"])
async def test_where_other_names_lead_is_for_who_configured_them(host: str):
    (found,) = await CheckedResolver.for_zoom(Names("10.0.0.1")).resolve(host, 443)

    assert found[4][0] == "10.0.0.1"


async def test_k40_a_second_answer_of_the_name_server_leads_nowhere_else():  # F54
    names = Names("170.114.0.1")
    resolver = CheckedResolver.for_zoom(names)
    (found,) = await resolver.resolve("api.zoom.us", 443)
    names.addresses = ("127.0.0.1",)
    transport = HttpTransport(resolver=lambda: resolver)

    assert found[4][0] == "170.114.0.1"
    with pytest.raises(Unreachable, match="leads where nothing is sent"):
        await transport.send(Request("POST", "https://api.zoom.us/v2/x", {}, b"secret"))
    await transport.aclose()


async def test_a_refused_name_is_no_connection():
    transport = HttpTransport(resolver=lambda: CheckedResolver(Names("169.254.169.254")))

    with pytest.raises(Unreachable, match="no connection"):
        await transport.send(Request("GET", "http://metadata.test/", {}, b""))

    await transport.aclose()
