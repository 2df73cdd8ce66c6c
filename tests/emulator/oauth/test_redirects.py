"""oauth_checks L: the allow list."""

import pytest

from innkeeper.emulator.oauth.redirects import is_redirect_uri, redirect_allowed
from tests.emulator.visit import Visit


def _allowed(listed: str, uri: str, *, strict: bool = False, subdomains: bool = False) -> bool:
    app = Visit().app
    app.redirect_uris = [listed]
    app.strict_redirects, app.strict_subdomains = strict, subdomains
    return redirect_allowed(app, uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://bot.example/cb",
        "https://bot.example/cb?provider=zoom&x=1",
        "https://zoom.us/launch/chat?jid=v1x@xmpp.zoom.us",
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_admits_a_listed_url_byte_for_byte(uri: str, strict: bool) -> None:
    """L-1."""
    assert _allowed(uri, uri, strict=strict)


@pytest.mark.parametrize(
    "base", ["https://bot.example", "https://bot.example/", "https://bot.example/app/"]
)
@pytest.mark.parametrize("below", ["app/cb", "app/deep/cb?a=b"])
def test_admits_what_lies_below_a_base_url(base: str, below: str) -> None:
    """L-2."""
    assert _allowed(base, f"https://bot.example/{below}")


def test_admits_nothing_below_a_base_url_in_strict_mode() -> None:
    """L-3."""
    assert not _allowed("https://bot.example/", "https://bot.example/cb", strict=True)


@pytest.mark.parametrize(("checked", "admitted"), [(False, True), (True, False)])
def test_admits_a_subdomain_of_a_base_url_only_unchecked(checked: bool, admitted: bool) -> None:
    """L-4."""
    uri = "https://eu.bot.example/cb"
    assert _allowed("https://bot.example/", uri, subdomains=checked) is admitted


@pytest.mark.parametrize(
    "uri",
    [
        "https://bot.example/app/../secret",
        "https://bot.example/app/%2e%2e/secret",
        "https://bot.example/app/%2fsecret",
        "https://bot.example/app//secret",
        "https://bot.example/app/./cb",
        "https://bot.example/application",
        "https://bot.example/app\\cb",
        "https://bot.example/app/#x",
        "https://bot.example/app/c b",
        "https://bot.example/app/\u00e9",
        "https://bot.example:444/app/cb",
        "https://bot.example@evil.test/app/cb",
        "https://user@bot.example/app/cb",
        "https://evilbot.example/app/cb",
        "https://bot.example.evil.test/app/cb",
        "https://BOT.example/app/cb",
        "http://bot.example/app/cb",
        "javascript:alert(1)//bot.example/app/",
        "https://[bot.example/app/cb",
        "",
    ],
)
def test_admits_no_near_miss_of_a_base_url(uri: str) -> None:
    assert not _allowed("https://bot.example/app/", uri)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_gives_an_address_no_subdomains(host: str) -> None:
    assert not _allowed(f"http://{host}/", f"http://a.{host}/cb")


def test_takes_an_entry_with_a_query_as_no_base() -> None:
    assert not _allowed("https://bot.example/?a=b", "https://bot.example/cb")


@pytest.mark.parametrize(
    ("uri", "taken"),
    [
        ("http://127.0.0.1:8080/cb", True),
        ("https://zoom.us/launch/chat?jid=robot_v1x@xmpp.zoom.us", True),
        ("/cb", False),
        ("myapp://cb", False),
        ("https://", False),
        ("https://bot.example/#x", False),
        ("https://me@bot.example/", False),
        ("https://bot.example:port/", False),
        ("https://bot.example/" + "a" * 2048, False),
    ],
)
def test_lists_only_whole_web_addresses(uri: str, taken: bool) -> None:
    assert is_redirect_uri(uri) is taken
