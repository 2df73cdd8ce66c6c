"""client_quirks 7 and E12: who a token stands for."""

import pytest

from tests.emulator.visit import Visit, read

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


async def test_describes_the_person_behind_a_token(visit: Visit) -> None:
    me = read(await visit.me((await visit.tokens())["access_token"]))
    assert me["id"] == visit.ana.id
    assert (me["first_name"], me["last_name"]) == ("Ana", "Keller")
    assert me["display_name"] == "Ana Keller"
    assert me["email"] == "ana.keller@example.com"
    assert me["account_id"] == visit.ana.account_id
    assert me["jid"] == f"{visit.ana.id.lower()}@xmpp.zoom.us"
    assert (me["verified"], me["pic_url"]) == (1, "")


async def test_a_chatbot_token_stands_for_nobody(visit: Visit) -> None:
    """E12."""
    chatbot = read(await visit.chatbot_token())
    refused = await visit.me(chatbot["access_token"])
    assert (refused.status, read(refused)["code"]) == (401, 124)
    assert refused.headers["x-emulator-refused"] == "token.kind"


async def test_a_token_of_a_vanished_user_stands_for_nobody(visit: Visit) -> None:
    tokens = await visit.tokens()
    visit.world.accounts[0].users.remove(visit.ana)
    assert (await visit.me(tokens["access_token"])).status == 401


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/v2/meetings/1", "/v2/groups", "/v2/"])
async def test_says_what_is_not_emulated(visit: Visit, method: str, path: str) -> None:
    answer = await visit.ask(method, path)
    assert answer.status == 501
    assert read(answer)["message"].startswith(f"{method} {path} is not emulated.")
    assert answer.headers["x-emulator-refused"] == "not_emulated"
