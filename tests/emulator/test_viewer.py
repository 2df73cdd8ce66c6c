"""Who sits at a browser."""

import pytest

from innkeeper.emulator.viewer import own_path
from tests.emulator.visit import ZOOM, Visit, cookies, location

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


async def test_signs_in_and_goes_back(visit: Visit) -> None:
    gone = await visit.ask("POST", "/signin", form={"user": visit.ben.id, "next": "/chat?with=x"})
    assert (gone.status, location(gone)) == (303, "/chat?with=x")
    assert cookies(gone) == {"emu_user": visit.ben.id}
    assert "HttpOnly" in gone.headers["set-cookie"]
    assert "samesite=lax" in gone.headers["set-cookie"].lower()


async def test_keeps_people_of_several_browsers_apart(visit: Visit) -> None:
    hers, his = visit.browser(), visit.browser()
    await hers.post(f"{ZOOM}/signin", {"user": visit.ana.id, "next": "/"})
    await his.post(f"{ZOOM}/signin", {"user": visit.ben.id, "next": "/"})
    assert "Viewing as Ana" in (await hers.open(f"{ZOOM}/")).text
    assert "Viewing as Ben" in (await his.open(f"{ZOOM}/")).text


async def test_signs_out(visit: Visit) -> None:
    browser = visit.browser()
    await browser.post(f"{ZOOM}/signin", {"user": visit.ana.id, "next": "/"})
    page = await browser.post(f"{ZOOM}/signout", {})
    assert "Viewing as" not in page.text


async def test_asks_again_for_somebody_who_is_not_here(visit: Visit) -> None:
    shown = await visit.ask("POST", "/signin", form={"user": "nobody", "next": "/chat"})
    assert shown.status == 400
    assert "Nobody here has that id" in shown.body.decode()


async def test_a_cookie_of_somebody_who_is_gone_signs_nobody_in(visit: Visit) -> None:
    for jar in ("emu_user=gone", f"emu_user={visit.ana.id}; emu_user={visit.ben.id}"):
        shown = await visit.ask("GET", "/", headers={"cookie": jar})
        assert "Viewing as" not in shown.body.decode()


async def test_carries_an_id_with_any_character(visit: Visit) -> None:
    visit.ana.id = 'a;b="c",%/'
    browser = visit.browser()
    await browser.post(f"{ZOOM}/signin", {"user": visit.ana.id, "next": "/"})
    assert "Viewing as Ana" in (await browser.open(f"{ZOOM}/")).text


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "///evil.test",
        "https:evil.test",
        "/\tevil",
        "/%09/evil\r\nX: y",
        "javascript:alert(1)",
        "",
        "/" + "a" * 5000,
        "/\u00e9",
    ],
)
def test_leads_nowhere_else(text: str) -> None:
    assert own_path(text) == "/"


async def test_shows_the_page_to_sign_in(visit: Visit) -> None:
    page = await visit.browser().open(f"{ZOOM}/signin?next=//evil.test")
    assert page.forms[-1].fields["next"] == "/"
    page = await visit.browser().open(f"{ZOOM}/signin?next=/chat%3Fwith%3Dx")
    assert page.forms[-1].fields["next"] == "/chat?with=x"
