import pytest

from innkeeper.emulator.courier.addresses import check_address
from innkeeper.errors import EndpointRefused


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.8/events",
        "http://0.0.0.0/events",
        "http://[::]/events",
        "http://[fe80::1]/events",
        "http://2130706433/events",
        "http://0x7f.1/events",
        "http://bot.example.com/events",
        "http://localhost.evil.test/events",
        "http://127.0.0.1.evil.test/events",
        "http://127.0.0.1@evil.test/events",
        "http://ana:pw@127.0.0.1/events",
        "http://127.0.0.1\\@evil.test/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "ftp://127.0.0.1/",
        "127.0.0.1:8080/events",
        "http:///events",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nx: y",
        "http://127.0.0.1/#fragment",
        "http://127.0.0.1/" + "a" * 2048,
        "http://bücher.test/",
    ],
)
def test_refuses_what_leads_off_this_machine(url: str) -> None:
    with pytest.raises(EndpointRefused) as refused:
        check_address(url)
    assert refused.value.why


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/events",
        "https://127.9.9.9/events",
        "http://[::1]:8080/events",
        "http://[::ffff:127.0.0.1]/",
        "http://LOCALHOST/events",
        "http://bot.test:81/events?x=1",
    ],
)
def test_accepts_this_machine_and_hosts_that_are_allowed(url: str) -> None:
    check_address(url, allow_hosts={"bot.test"})
