import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from innkeeper.ids import Jid
from innkeeper.wire.links import chat_link, query_of, robot_of, with_query

ROBOT = Jid("v1lantern0keeper@xmpp.zoom.us")


def test_links_to_a_chatbots_channel():
    assert chat_link(ROBOT) == "https://zoom.us/launch/chat?jid=robot_v1lantern0keeper@xmpp.zoom.us"
    assert chat_link(ROBOT, zoom_url="http://127.0.0.1:9000").startswith(
        "http://127.0.0.1:9000/launch/chat?jid=robot_v1"
    )


def test_a_link_leads_back_to_its_robot():
    assert robot_of(query_of(chat_link(ROBOT))["jid"][0]) == ROBOT
    assert robot_of(ROBOT) == ROBOT


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/cb", "https://a.example/cb?code=c+1%26"),
        ("https://a.example", "https://a.example?code=c+1%26"),
        ("https://a.example/cb?", "https://a.example/cb?code=c+1%26"),
        ("https://a.example/cb?x=1", "https://a.example/cb?x=1&code=c+1%26"),
        ("https://a.example/cb?x=1&", "https://a.example/cb?x=1&code=c+1%26"),
        ("https://a.example/cb?x=%7e&y=a b", "https://a.example/cb?x=%7e&y=a b&code=c+1%26"),
        ("https://a.example/cb#top", "https://a.example/cb?code=c+1%26#top"),
        ("https://a.example/cb?x=1#", "https://a.example/cb?x=1&code=c+1%26#"),
        ("https://a.example/cb#a?b", "https://a.example/cb?code=c+1%26#a?b"),
        ("HTTPS://A.Example/CB", "HTTPS://A.Example/CB?code=c+1%26"),
        ("https://[half", "https://[half?code=c+1%26"),
        (chat_link(ROBOT), chat_link(ROBOT) + "&code=c+1%26"),
    ],
)
def test_appends_to_a_url_and_leaves_the_rest_byte_for_byte(url, expected):
    assert with_query(url, code="c 1&") == expected


@pytest.mark.parametrize("url", ["https://a.example/cb", "https://a.example?#", "", "\t x?\n"])
def test_appends_nothing_where_there_is_nothing(url):
    assert with_query(url) == url
    assert with_query(url, state=None, code=None) == url


def test_an_empty_parameter_is_a_parameter():
    assert with_query("https://a.example", state="", code=None) == "https://a.example?state="


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://a.example", {}),
        ("https://a.example?", {}),
        ("https://a.example?x=1&x=2&y", {"x": ["1", "2"], "y": [""]}),
        ("https://a.example?x=a+b%2B#x=3", {"x": ["a b+"]}),
        ("https://a.example#?x=3", {}),
        ("https://[half?x=1", {"x": ["1"]}),
    ],
)
def test_reads_a_query_and_keeps_what_repeats(url, found):
    assert query_of(url) == found


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
@example("https://a.example?jid=robot_x#y", "a&b=c#d")
def test_what_was_appended_is_read_back_last(url, value):
    with_it = with_query(url, zoom_state=value)

    assert query_of(with_it)["zoom_state"][-1] == value
    assert with_it.replace("zoom_state=", "", 1).startswith(url.partition("#")[0])
