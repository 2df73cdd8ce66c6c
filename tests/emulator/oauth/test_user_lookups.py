"""Users are told of to those who may ask, page by page."""

from dataclasses import replace

import pytest

from innkeeper.emulator.world import Account, TokenKind
from tests.emulator.lookups import ask, refused
from tests.emulator.visit import Visit, read

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


@pytest.mark.parametrize("scope", ["user:read:user:admin", "user:read:admin"])
@pytest.mark.parametrize("kind", ["user", "account"])
async def test_an_admins_scope_tells_of_others(visit: Visit, scope: str, kind: TokenKind) -> None:
    for name in (visit.ben.id, visit.ben.email):
        told = read(await ask(visit, f"/v2/users/{name}", scope, kind=kind))
        assert (told["id"], told["jid"]) == (visit.ben.id, visit.ben.jid)


@pytest.mark.parametrize("scope", ["user:read:user", "user:read"])
async def test_a_persons_scope_tells_of_herself_alone(visit: Visit, scope: str) -> None:
    assert read(await ask(visit, f"/v2/users/{visit.ana.id}", scope))["id"] == visit.ana.id
    refused(await ask(visit, f"/v2/users/{visit.ben.id}", scope), 400, 4711, "token.scope")
    refused(await ask(visit, "/v2/users", scope), 400, 4711, "token.scope")


async def test_nobody_is_found_by_jid_or_in_another_account(visit: Visit) -> None:
    foreign = replace(visit.ben, id="u_far", account_id="acc_far", email="far@example.com")
    visit.world.accounts.append(Account("acc_far", "Far", [foreign]))
    for name in (visit.ben.jid, "nobody", "u_far", "far@example.com"):
        answer = await ask(visit, f"/v2/users/{name}", "user:read:admin")
        refused(answer, 404, 1001, "user.unknown")


@pytest.mark.parametrize("scope", ["user:read:list_users:admin", "user:read:admin"])
async def test_everybody_is_listed_page_by_page(visit: Visit, scope: str) -> None:
    everybody = [user.id for user in visit.world.users()]
    found: list[str] = []
    token = ""
    while True:
        query = f"?page_size=2&next_page_token={token}"
        page = read(await ask(visit, f"/v2/users{query}", scope))
        assert page["total_records"] == len(everybody)
        assert len(page["users"]) <= 2
        found += [user["id"] for user in page["users"]]
        token = page["next_page_token"]
        if not token:
            break
    assert found == everybody


@pytest.mark.parametrize("size", ["0", "301", "x", "-1", "1.5"])
async def test_a_page_has_a_size_that_zoom_allows(visit: Visit, size: str) -> None:
    answer = await ask(visit, f"/v2/users?page_size={size}", "user:read:admin")
    refused(answer, 400, 300, "list.page_size")


@pytest.mark.parametrize("token", ["p99", "x", "p-1"])
async def test_a_page_is_asked_for_by_its_token(visit: Visit, token: str) -> None:
    answer = await ask(visit, f"/v2/users?next_page_token={token}", "user:read:admin")
    refused(answer, 400, 300, "list.next_page_token")


@pytest.mark.parametrize("path", ["/v2/users", "/v2/users/u_1"])
async def test_a_chatbots_token_asks_in_vain(visit: Visit, path: str) -> None:
    refused(await ask(visit, path, "user:read:admin", kind="chatbot"), 401, 124, "token.kind")
    refused(await visit.ask("GET", path), 401, 124, "token.missing")
