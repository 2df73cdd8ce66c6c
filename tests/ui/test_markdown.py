"""Does Zoom's markdown read as Zoom reads it, and let nothing else through?"""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.ui.markdown import anchor, clean, plain, to_html, web_address
from tests.ui.hostile import VECTORS, skeleton

LINK = '<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>'
ALLOWED = re.compile(
    r"</?(?:strong|em|s|code)>|<br>|</a>"
    r'|<a href="https?://[^"<>\s]*" rel="noopener noreferrer" target="_blank">',
    re.IGNORECASE,
)
# Text that is mostly markup, so that the marks meet in every order.
marked = st.lists(
    st.sampled_from(
        [
            "*",
            "**",
            "_",
            "~",
            "`",
            "<",
            ">",
            "|",
            "https://a.b",
            "http://",
            "\n",
            " ",
            "a",
            "&",
            '"',
        ]
    )
    | st.text(max_size=4)
).map("".join)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*due*", "<strong>due</strong>"),
        ("**due**", "<strong>due</strong>"),
        ("_late_", "<em>late</em>"),
        ("~never~", "<s>never</s>"),
        ("`x = *y*`", "<code>x = *y*</code>"),
        ("*_both_*", "<strong><em>both</em></strong>"),
        ("one\ntwo\r\nthree", "one<br>two<br>three"),
        ("<https://a.b/c?x=1&y=2|the log>", LINK.format("https://a.b/c?x=1&amp;y=2", "the log")),
        ("<https://a.b>", LINK.format("https://a.b", "https://a.b")),
        ("see https://a.b/c.", f"see {LINK.format('https://a.b/c', 'https://a.b/c')}."),
        ("(https://a.b/c)", f"({LINK.format('https://a.b/c', 'https://a.b/c')})"),
        ("https://a.b/x_(y)", LINK.format("https://a.b/x_(y)", "https://a.b/x_(y)")),
        ("*https://a.b/*", f"<strong>{LINK.format('https://a.b/', 'https://a.b/')}</strong>"),
        ("*a _b*", "<strong>a _b</strong>"),
        ("5 *stars and *bold*", "5 *stars and <strong>bold</strong>"),
    ],
)
def test_reads_what_zoom_documents(text: str, html: str) -> None:
    assert to_html(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "snake_case_name",
        "2*3*4",
        "* not bold *",
        "~ 5",
        "__",
        "*bold",
        "https://",
        "ftp://a.b",
        "www.a.b",
        "*one\ntwo*",
    ],
)
def test_leaves_alone_what_is_no_markdown(text: str) -> None:
    assert to_html(text) == text.replace("\n", "<br>")


@pytest.mark.parametrize("text", ["<javascript:alert(1)|x>", "<data:text/html,x|y>", "<//a.b|x>"])
def test_links_lead_to_the_web_only(text: str) -> None:
    assert "<a" not in to_html(text)


def test_plain_text_keeps_its_marks_and_links_its_addresses() -> None:
    assert plain("*a* <b>\nhttps://a.b/") == (
        f"*a* &lt;b&gt;<br>{LINK.format('https://a.b/', 'https://a.b/')}"
    )


@pytest.mark.slow
@given(marked)
def test_lets_no_tag_through_but_its_own(text: str) -> None:
    for html in (to_html(text), plain(text)):
        rest = ALLOWED.sub("", html)

        assert "<" not in rest
        assert ">" not in rest
        assert '"' not in rest
        assert re.sub(r"&(?:lt|gt|amp|#34|#39);", "", rest).count("&") == 0


@pytest.mark.slow
@given(marked)
def test_closes_every_tag_in_the_order_it_was_opened(text: str) -> None:
    opened: list[str] = []
    for tag in skeleton(to_html(text)).tags:
        name = tag.split()[0]
        if name.startswith("/"):
            assert opened.pop() == name[1:]
        elif name != "br":
            opened.append(name)
    assert opened == []


@pytest.mark.slow
@given(marked.map(lambda text: text.replace("<", "")))
def test_loses_no_word(text: str) -> None:
    shown = unescape(re.sub(r"<[^>]*>", "", to_html(text).replace("<br>", "\n")))

    assert [c for c in shown if c.isalnum()] == [c for c in clean(text) if c.isalnum()]


@pytest.mark.slow
@given(marked)
def test_plain_text_is_shown_letter_by_letter(text: str) -> None:
    shown = unescape(re.sub(r"<[^>]*>", "", plain(text).replace("<br>", "\n")))

    assert shown == clean(text)


@pytest.mark.parametrize("vector", VECTORS)
def test_hostile_text_stays_text(vector: str) -> None:
    assert skeleton(to_html(vector)).faults == []
    assert skeleton(plain(vector)).faults == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    ["*", "**", "*a ", " _a", "_*~", "`", "`\n", "<https://a|", "<https://", "https://", "*a_b~"],
)
def test_takes_no_longer_for_each_letter_of_a_long_text(piece: str) -> None:
    # Were it quadratic, this would take minutes.
    text = piece * (30_000 // len(piece))

    assert len(unescape(re.sub(r"<[^>]*>", "", to_html(text)))) <= len(text)
    assert len(plain(text)) >= len(text)


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://a.b/c", True),
        ("HTTP://A.B", True),
        ("https://a.b/c d", False),
        ("https://a.b/\\x", False),
        ('https://a.b/"x', False),
        ("https://a.b/\x00", False),
        ("https://", False),
        ("javascript:alert(1)", False),
        ("//a.b", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_knows_a_web_address(address: object, good: bool) -> None:
    assert web_address(address) == (address if good else None)


def test_words_without_a_good_address_stay_words() -> None:
    assert anchor("javascript:alert(1)", "<x>") == "&lt;x&gt;"


def test_cleans_what_no_page_or_terminal_should_be_given() -> None:
    assert clean("a\x00b\x1b[31m\ud800\u2028\tc\r\nd") == "a\ufffdb\ufffd[31m\ufffd\ufffd\tc\nd"
