"""Channels and their members are told of to people of the account."""

import pytest

from innkeeper.emulator.world import Account, Channel
from tests.emulator.lookups import ask, refused
from tests.emulator.visit import Visit, read

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


LIST = "/v2/chat/users/me/channels"
CLASSIC = "chat_channel:read"


def one(visit: Visit) -> str:
    return f"/v2/chat/channels/{visit.world.channels()[0].id}"


@pytest.mark.parametrize("scope", [CLASSIC, "team_chat:read:list_user_channels"])
async def test_a_persons_channels_are_listed(visit: Visit, scope: str) -> None:
    told = read(await ask(visit, LIST, scope))
    assert [each["jid"] for each in told["channels"]] == [
        each.jid for each in visit.world.channels()
    ]
    page = read(await ask(visit, f"{LIST}?page_size=1", scope))
    assert len(page["channels"]) == 1


@pytest.mark.parametrize("scope", [CLASSIC, "team_chat:read:channel"])
async def test_a_channel_is_described(visit: Visit, scope: str) -> None:
    channel = visit.world.channels()[0]
    told = read(await ask(visit, one(visit), scope))
    assert told == {"id": channel.id, "jid": channel.jid, "name": channel.name, "type": 3}


@pytest.mark.parametrize("scope", [CLASSIC, "team_chat:read:list_members"])
async def test_everybody_of_the_account_is_a_member(visit: Visit, scope: str) -> None:
    told = read(await ask(visit, f"{one(visit)}/members", scope))
    assert [each["id"] for each in told["members"]] == [user.id for user in visit.world.users()]


async def test_another_accounts_channel_is_not_there(visit: Visit) -> None:
    far = Channel("c_far", "acc_far", "far", "c_far@conference.xmpp.zoom.us")
    visit.world.accounts.append(Account("acc_far", "Far", [], [far]))
    for path in ("c_far", "c_far/members", "nowhere"):
        answer = await ask(visit, f"/v2/chat/channels/{path}", CLASSIC)
        refused(answer, 404, 404, "channel.unknown")
    told = read(await ask(visit, LIST, CLASSIC))
    assert "c_far" not in [each["id"] for each in told["channels"]]


async def test_a_token_needs_the_scope_and_a_person(visit: Visit) -> None:
    for path in (LIST, one(visit), f"{one(visit)}/members"):
        refused(await ask(visit, path, "imchat:bot"), 400, 4711, "token.scope")
        refused(await ask(visit, path, CLASSIC, kind="chatbot"), 401, 124, "token.kind")
        refused(await visit.ask("GET", path), 401, 124, "token.missing")
