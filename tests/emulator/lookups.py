"""Look-ups over Zoom's API, by whoever holds a token of some scopes."""

from innkeeper.emulator.oauth.tokens import issue
from innkeeper.emulator.world import TokenKind
from innkeeper.net.outbound import Response
from tests.emulator.visit import Visit, read


async def ask(visit: Visit, path: str, *scopes: str, kind: TokenKind = "user") -> Response:
    """Look something up with a token of these scopes: Ana's, or her account's."""
    owner = visit.ana.id if kind == "user" else ""
    account = visit.ana.account_id
    token = issue(visit.world, visit.app, kind, account_id=account, scopes=scopes, user_id=owner)
    return await visit.ask("GET", path, headers={"authorization": f"Bearer {token.access}"})


def refused(answer: Response, status: int, code: int, rule: str) -> None:
    """Check that a look-up was refused, and by which rule."""
    assert (answer.status, read(answer)["code"]) == (status, code)
    assert answer.headers["x-emulator-refused"] == rule
