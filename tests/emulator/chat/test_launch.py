import re
from urllib.parse import parse_qs, urlsplit

import pytest

from innkeeper.emulator.world import User
from innkeeper.net.outbound import Response
from tests.emulator.scene import Scene

pytestmark = pytest.mark.anyio

LINK = "/launch/chat?jid=robot_v1dueday@xmpp.zoom.us"


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def open_link(scene: Scene, path: str, user: User | None = None) -> tuple[Response, str]:
    answer = await scene.call("GET", path, user=user)
    return answer, answer.body.decode()


def hrefs(page: str) -> list[str]:
    return [href.replace("&amp;", "&") for href in re.findall(r'href="(/launch[^"]+)"', page)]


async def test_first_one_signs_in(scene: Scene) -> None:
    answer, page = await open_link(scene, LINK)
    assert answer.status == 200
    assert 'action="/signin"' in page
    for user in scene.world.users():
        assert user.name in page
    following = re.search(r'name="next" value="([^"]+)"', page)
    assert following
    back = urlsplit(following[1].replace("&amp;", "&"))
    assert back.path == "/launch/chat"
    assert parse_qs(back.query) == {"jid": ["robot_v1dueday@xmpp.zoom.us"]}


async def test_then_the_browser_asks_to_open_the_client(scene: Scene) -> None:
    answer, page = await open_link(scene, LINK, scene.ana)
    assert answer.status == 200
    assert "Open Dueday in Chat?" in page
    own, *others = [parse_qs(urlsplit(href).query)["client"][0] for href in hrefs(page)]
    assert own == "UAna1"
    assert others == ["UBen2", "UCem3"]


async def test_then_the_client_asks_to_switch_if_somebody_else_is_there(scene: Scene) -> None:
    answer, page = await open_link(scene, f"{LINK}&client=UBen2", scene.ana)
    assert answer.status == 200
    assert "signed in as Ben Ortiz" in page
    assert "Switch to Ana Keller" in page
    assert parse_qs(urlsplit(hrefs(page)[0]).query)["client"] == ["UAna1"]


async def test_at_last_the_bots_conversation_opens(scene: Scene) -> None:
    answer, _ = await open_link(scene, f"{LINK}&client=UAna1", scene.ana)
    assert answer.status == 303
    assert answer.headers["location"] == "/chat?with=v1dueday@xmpp.zoom.us"
    answer, page = await open_link(scene, answer.headers["location"], scene.ana)
    assert answer.status == 200
    assert "Dueday is not added" in page


async def test_following_each_steps_own_link_leads_there(scene: Scene) -> None:
    path = f"{LINK}&client=UBen2"
    for _ in range(2):
        answer, page = await open_link(scene, path, scene.ana)
        if answer.status == 303:
            break
        path = hrefs(page)[0]
    assert answer.headers["location"].startswith("/chat?with=")


@pytest.mark.parametrize(
    "jid",
    ["v1dueday@xmpp.zoom.us", "robot_V1DueDay@xmpp.zoom.us", "%20robot_v1dueday@xmpp.zoom.us"],
)
async def test_the_jid_is_read_with_or_without_its_prefix(scene: Scene, jid: str) -> None:
    answer, _ = await open_link(scene, f"/launch/chat?jid={jid}&client=UAna1", scene.ana)
    assert answer.status == 303


@pytest.mark.parametrize("query", ["", "?jid=", "?jid=robot_", "?jid=robot_v1nobody@xmpp.zoom.us"])
@pytest.mark.parametrize("signed_in", [True, False])
async def test_an_unknown_bot_gives_a_clear_page(scene: Scene, query: str, signed_in: bool) -> None:
    answer, page = await open_link(scene, f"/launch/chat{query}", scene.ana if signed_in else None)
    assert answer.status == 404
    assert "No bot has this address" in page


async def test_what_is_not_a_jid_is_shown_as_mere_text(scene: Scene) -> None:
    answer, page = await open_link(scene, "/launch/chat?jid=%3Cscript%3Ealert(1)%3C/script%3E")
    assert answer.status == 404
    assert "<script>alert" not in page


async def test_a_code_goes_no_further(scene: Scene) -> None:
    for user in (None, scene.ana):
        _, page = await open_link(scene, f"{LINK}&code=abcdef123456&state=zyxw9876", user)
        assert "abcdef123456" not in page
        assert "zyxw9876" not in page
