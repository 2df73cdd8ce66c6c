from typing import Any

import pytest

from innkeeper.errors import AnswerLost, ApiRefused
from innkeeper.ids import AccountId, Jid, UserId
from innkeeper.secret import Secret
from innkeeper.store.records import Person
from innkeeper.zoom.users import me
from tests.zoom.scripted import Scripted, says

pytestmark = pytest.mark.anyio

ANA: dict[str, Any] = {
    "id": "AnA_1",
    "account_id": "acc-1",
    "email": "ana@inn.test",
    "first_name": "Ana",
    "last_name": "Ng",
    "display_name": "Ana N.",
    "jid": "ana_1@xmpp.zoom.test",
    "type": 2,
}


async def ask(body: Any, status: int = 200) -> Person:
    transport = Scripted(says(status, body))
    return await me(transport, api_url="https://api.test", token=Secret("t"))


async def test_asks_whose_token_it_is() -> None:
    transport = Scripted(says(200, ANA))
    person = await me(transport, api_url="https://api.test", token=Secret("t0p"))
    assert person == Person(
        AccountId("acc-1"), UserId("AnA_1"), Jid("ana_1@xmpp.zoom.test"), "Ana N.", "ana@inn.test"
    )
    asked = transport.asked
    assert (asked.method, asked.url, asked.body) == ("GET", "https://api.test/v2/users/me", b"")
    assert asked.headers == {"authorization": "Bearer t0p", "accept": "application/json"}


async def test_two_ids_are_enough_to_be_somebody() -> None:
    person = await ask({"id": "AnA_1", "account_id": "acc-1"})
    assert person == Person(AccountId("acc-1"), UserId("AnA_1"), Jid("ana_1@xmpp.zoom.us"))


async def test_takes_null_for_absent() -> None:
    nobody = dict.fromkeys(["email", "first_name", "last_name", "display_name", "jid"])
    person = await ask({**ANA, **nobody})
    assert (person.name, person.email, person.jid) == ("", "", "ana_1@xmpp.zoom.us")


async def test_puts_a_name_together() -> None:
    assert (await ask({**ANA, "display_name": ""})).name == "Ana Ng"
    assert (await ask({**ANA, "display_name": None, "last_name": None})).name == "Ana"


async def test_shortens_a_name_and_keeps_it_on_one_line() -> None:
    name = (await ask({**ANA, "display_name": "\x1b[2J\n" + "ä" * 4000})).name
    assert name == "[2J" + "ä" * 253


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", ""),
        ("id", None),
        ("id", 7),
        ("id", "a" * 257),
        ("account_id", ""),
        ("account_id", ["acc"]),
        ("account_id", "a" * 257),
        ("jid", "a" * 513),
        ("email", {"a": 1}),
        ("display_name", 1),
    ],
)
async def test_takes_nobody_from_nonsense(key: str, value: object) -> None:
    with pytest.raises(AnswerLost):
        await ask({**ANA, key: value})


@pytest.mark.parametrize("key", ["id", "account_id"])
async def test_takes_nobody_without_ids(key: str) -> None:
    with pytest.raises(AnswerLost):
        await ask({name: value for name, value in ANA.items() if name != key})


async def test_passes_a_refusal_on() -> None:
    with pytest.raises(ApiRefused) as caught:
        await ask({"code": 124, "message": "Invalid access token."}, status=401)
    assert caught.value.zoom_code == 124
