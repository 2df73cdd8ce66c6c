"""How the emulator answers."""

import pytest

from innkeeper.emulator.answers import Form, redirect
from tests.emulator.visit import Visit

pytestmark = pytest.mark.anyio


def test_a_redirect_stays_byte_for_byte() -> None:
    url = "https://bot.example/cb?a=%7b%ff&state=x+y%20z"
    assert redirect(url).headers["location"] == url


def test_a_form_prints_none_of_its_values() -> None:
    form = Form({"code": ["a-secret"]})
    assert form["code"] == "a-secret"
    assert "a-secret" not in repr(form)


def test_a_form_tells_what_came_twice() -> None:
    form = Form({"a": ["1", "2"], "b": ["3"]})
    assert (form["a"], form["b"], form["c"]) == ("1", "3", "")
    assert form.repeated() == ["a"]
    assert form.all("a") == ["1", "2"]


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://bot.example:9/cb?a=b", " https://bot.example:9"),
        ("https://[::1]:9/cb", " https://[::1]:9"),
        ("https://bot.example;script-src/", ""),
        ("https://[broken/", ""),
        ("/own", ""),
    ],
)
async def test_a_policy_names_origins_alone(uri: str, origin: str) -> None:
    visit = Visit()
    visit.app.redirect_uris = [uri]
    shown = await visit.ask("GET", f"/marketplace/apps/{visit.app.client_id}/local-test")
    assert f"form-action 'self'{origin};" in shown.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/marketplace", "/signin", "/oauth/authorize"])
async def test_every_page_is_sent_with_the_headers_of_pages(path: str) -> None:
    headers = (await Visit().ask("GET", path)).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["content-type"] == "text/html; charset=utf-8"


async def test_knows_where_signing_in_leads_back_to() -> None:
    browser = Visit().browser()
    shown = await browser.open("http://127.0.0.1:8700/marketplace?a=b")
    asked = await browser.follow(shown, "Sign in")
    assert asked.forms[-1].fields["next"] == "/marketplace?a=b"
