"""A browser without scripts does what a person's would: follow, fill, press, keep cookies."""

from collections.abc import Callable
from urllib.parse import parse_qs

import pytest

from innkeeper.browser import Browser, PageSurprise
from innkeeper.net.outbound import Request, Response

pytestmark = pytest.mark.anyio

SITE = "http://site"
Answer = Callable[[Request], Response]

FORM = """
<title>not said</title><script>not_said()</script><style>p {}</style>
<p>Who   are <b>you</b>?</p> <a href="/help?a=1&amp;b=2">Help <i>me</i></a>
<form action="/answer" method="post">
  <input name="hidden" type="hidden" value="kept &amp; sent">
  <input name="said" value="nothing">
  <input name="ticked" type="checkbox" value="yes" checked><input name="not" type="checkbox">
  <input name="one" type="radio" value="1"><input name="one" type="radio" value="2" checked>
  <input type="submit" name="never" value="x"><input value="nameless">
  <select name="first"><option value="a">A</option><option value="b">B</option></select>
  <select name="chosen"><option value="a">A</option><option value="b" selected>B</option></select>
  <textarea name="words">two
lines</textarea>
  <button name="do" value="allow">Allow it</button><button>Just go</button>
  <button disabled>Not now</button>
</form>
<form><input name="q" value="x"><button>Search</button></form>
"""


class Site:
    """Answers by path, and remembers what it was asked."""

    def __init__(self, **pages: Answer | str) -> None:
        self._pages = pages
        self.asked: list[Request] = []

    async def send(
        self, request: Request, *, deadline: float = 10.0, limit_bytes: int = 65_536
    ) -> Response:
        assert deadline > 0
        assert limit_bytes > 0
        self.asked.append(request)
        name = request.url.split("//")[1].partition("/")[2].partition("?")[0]
        answer = self._pages.get(name or "home", "")
        if isinstance(answer, str):
            return Response(200, {"content-type": "text/html"}, answer.encode())
        return answer(request)

    async def aclose(self) -> None:
        """Nothing is held."""


def to(location: str, status: int = 303, **headers: str) -> Answer:
    return lambda _: Response(status, {"location": location, **headers}, b"")


def sent(request: Request) -> dict[str, list[str]]:
    return parse_qs(request.body.decode(), keep_blank_values=True)


async def test_reads_what_a_person_would() -> None:
    page = await Browser(Site(home=FORM)).open(f"{SITE}/")
    assert page.status == 200
    assert page.text.startswith("Who are you ? Help me")
    assert "not said" not in page.text
    assert page.links == {"Help me": "/help?a=1&b=2"}
    assert [button.text for button in page.forms[0].buttons] == ["Allow it", "Just go"]


async def test_fills_and_presses_as_the_page_stands() -> None:
    site = Site(home=FORM)
    browser = Browser(site)
    await browser.press(await browser.open(f"{SITE}/"), "Allow it", said="everything")
    asked = site.asked[-1]
    assert (asked.method, asked.url) == ("POST", f"{SITE}/answer")
    assert asked.headers["origin"] == SITE
    assert sent(asked) == {
        "hidden": ["kept & sent"],
        "said": ["everything"],
        "ticked": ["yes"],
        "one": ["2"],
        "first": ["a"],
        "chosen": ["b"],
        "words": ["two\nlines"],
        "do": ["allow"],
    }


async def test_sends_a_form_without_a_method_in_the_address() -> None:
    site = Site(home=FORM)
    browser = Browser(site)
    await browser.press(await browser.open(f"{SITE}/"), "Search", q="a b")
    assert (site.asked[-1].method, site.asked[-1].url) == ("GET", f"{SITE}/?q=a+b")


async def test_follows_a_link_by_its_words() -> None:
    site = Site(home=FORM)
    browser = Browser(site)
    await browser.follow(await browser.open(f"{SITE}/"), "Help me")
    assert site.asked[-1].url == f"{SITE}/help?a=1&b=2"


@pytest.mark.parametrize("words", ["Not now", "nobody"])
async def test_says_what_stands_there_instead(words: str) -> None:
    browser = Browser(Site(home=FORM))
    page = await browser.open(f"{SITE}/")
    with pytest.raises(PageSurprise, match="Who are you"):
        await browser.press(page, words)
    with pytest.raises(PageSurprise, match="Who are you"):
        await browser.follow(page, words)


async def test_goes_wherever_it_is_sent_and_tells_the_way() -> None:
    site = Site(home=to("next?code=1#part"), next=to("http://other/end"), end="Here")
    page = await Browser(site).open(f"{SITE}/")
    assert page.visited == [f"{SITE}/", f"{SITE}/next?code=1", "http://other/end"]
    assert (page.url, page.text) == ("http://other/end", "Here")


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (303, "GET"), (307, "POST")])
async def test_repeats_a_form_only_where_it_must(status: int, method: str) -> None:
    site = Site(home=to("/end", status))
    await Browser(site).post(f"{SITE}/", {"a": "b"})
    assert site.asked[-1].method == method
    assert (site.asked[-1].body == b"a=b") == (method == "POST")


async def test_does_not_go_round_in_circles() -> None:
    with pytest.raises(PageSurprise, match="too many redirects") as stopped:
        await Browser(Site(home=to("/?code=canary"))).open(f"{SITE}/?code=canary")
    assert "canary" not in str(stopped.value)


async def test_keeps_cookies_for_the_site_that_gave_them() -> None:
    site = Site(
        home=lambda _: Response(200, {"set-cookie": "a=1; Path=/; HttpOnly\nb=2; Secure"}, b""),
        drop=lambda _: Response(200, {"set-cookie": 'a=""; Max-Age=0\nb=3\nno/cookie=1'}, b""),
    )
    browser = Browser(site)
    for path in ("", "look", "drop", "look"):
        await browser.open(f"{SITE}/{path}")
    await browser.open("http://other/")
    assert [request.headers.get("cookie") for request in site.asked] == [
        None,
        "a=1; b=2",
        "a=1; b=2",
        "b=3",
        None,
    ]


async def test_exchanges_one_request_and_follows_nothing() -> None:
    site = Site(home=to("/end"))
    answer = await Browser(site).exchange("GET", f"{SITE}/")
    assert (answer.status, len(site.asked)) == (303, 1)


async def test_shows_what_is_no_text_as_well_as_it_can() -> None:
    page = await Browser(Site(home=lambda _: Response(500, {}, b"\xff broken"))).open(f"{SITE}/")
    assert (page.status, page.text) == (500, "\ufffd broken")
