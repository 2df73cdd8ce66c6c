import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.ids import Jid
from innkeeper.ui.markdown import to_html
from innkeeper.wire.markdown import (
    Markdown,
    bold,
    code,
    escape,
    italic,
    link,
    mention,
    mention_all,
    strike,
)

URL = "https://example.com/a?b=c"
JID = Jid("abc@xmpp.zoom.us")
MARKS = st.sampled_from(
    ["*", "**", "_", "~", "`", "```", "<", ">", "|", "<https://a|", "<!all>", "<@abc@xmpp.zoom.us>"]
)
TYPED = st.lists(MARKS | st.sampled_from(" \n\tab1") | st.text(max_size=3), max_size=12).map(
    "".join
)


def tags(text: str) -> list[str]:
    """List what a text in markdown becomes beside itself; bare addresses are links anywhere."""
    drawn = re.sub(r"<a [^>]*>|</a>", "", to_html(text))
    return re.findall(r"</?[a-z]+", drawn)


@given(TYPED)
def test_nothing_that_was_typed_becomes_markup(typed):
    assert set(tags(escape(typed))) <= {"<br"}
    assert not set("*_~`<>|") & set(escape(typed))


@given(TYPED, st.sampled_from([(bold, "strong"), (italic, "em"), (strike, "s"), (code, "code")]))
def test_what_is_marked_is_marked_as_asked_and_not_otherwise(typed, how):
    mark, tag = how

    assert {each.strip("</") for each in tags(mark(typed))} <= {tag, "br"}


@given(TYPED)
def test_words_of_a_link_lead_there_and_nowhere_else(typed):
    drawn = to_html(f"See {link(URL, typed)}.")

    assert re.findall('href="([^"]*)"', drawn) == [html.escape(URL)]
    assert set(tags(link(URL, typed))) == set()


@given(TYPED)
def test_the_name_of_a_mention_is_a_name(typed):
    assert tags(mention(JID, typed)) == ["<span", "</span"]


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        (bold("Due"), "<strong>Due</strong>"),
        (italic("Due"), "<em>Due</em>"),
        (strike("Due"), "<s>Due</s>"),
        (code("a & b"), "<code>a &amp; b</code>"),
        (bold("two\nlines "), "<strong>two</strong><br><strong>lines</strong>"),
        (bold(italic("Due")), "<strong><em>Due</em></strong>"),
        (bold("  "), ""),
        (mention(JID, "Ana"), '<span class="mention">@Ana</span>'),
        (mention(JID), '<span class="mention">@abc</span>'),
        (mention_all(), '<span class="mention">@all</span>'),
    ],
)
def test_helpers_write_what_zoom_draws(written, drawn):
    assert to_html(written) == drawn


def test_a_link_is_written_with_its_words_or_alone():
    assert link(URL, "the log") == f"<{URL}|the log>"
    assert link(URL) == f"<{URL}>"


def test_what_is_markdown_already_is_not_escaped_again():
    text = Markdown("*a*")

    assert escape(text) is text
    assert f"{bold('a_b')} c" == "*a\u02cdb* c"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a b", "https://a|b", "", "//a"])
def test_a_link_leads_to_the_web(url):
    with pytest.raises(ValueError, match="http"):
        link(url)


@pytest.mark.parametrize("jid", ["abc", "abc@example.com", "a|b@xmpp.zoom.us", ""])
def test_a_mention_needs_a_jid(jid):
    with pytest.raises(ValueError, match="JID"):
        mention(Jid(jid))
