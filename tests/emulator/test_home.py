"""The first page, and the static files."""

import pytest

from innkeeper.ui.pages import static_url
from tests.emulator.visit import ZOOM, Visit

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


async def test_shows_who_is_here_and_which_apps(visit: Visit) -> None:
    page = await visit.browser().open(f"{ZOOM}/")
    assert page.status == 200
    for name in ("Ana Keller", "Ben Okafor", visit.app.name):
        assert name in page.text


async def test_every_page_loads_what_it_names(visit: Visit) -> None:
    page = await visit.ask("GET", "/")
    assert static_url("app.css") in page.body.decode()
    for name, kind in (("app.css", "text/css"), ("app.js", "text/javascript")):
        found = await visit.ask("GET", static_url(name))
        assert found.status == 200
        assert found.headers["content-type"].startswith(kind)
        assert "immutable" in found.headers["cache-control"]
        assert found.headers["x-content-type-options"] == "nosniff"


async def test_keeps_no_static_file_whose_version_is_unnamed(visit: Visit) -> None:
    found = await visit.ask("GET", "/static/app.css")
    assert found.headers["cache-control"] == "no-cache"


async def test_gives_the_sheet_of_a_colour_that_a_card_chose(visit: Visit) -> None:
    found = await visit.ask("GET", "/static/colors/12a150.css")
    assert found.status == 200
    assert found.headers["content-type"].startswith("text/css")
    assert b".bar-12a150{background-color:#12a150}" in found.body


@pytest.mark.parametrize(
    "name",
    [
        "colors/red.css",
        "colors/../app.css",
        "a/b",
        "nothing.css",
        "..%2fpages.py",
        "%2e%2e",
        "app.css%00",
    ],
)
async def test_has_no_other_files(visit: Visit, name: str) -> None:
    assert (await visit.ask("GET", f"/static/{name}")).status == 404


async def test_says_how_far_the_clock_is_ahead() -> None:
    visit = Visit()
    ahead = -visit.clock.offset.total_seconds() + 7300
    await visit.zoom.advance(max(ahead, 7300))
    assert "ahead" in (await visit.browser().open(f"{ZOOM}/")).text
