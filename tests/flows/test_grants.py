import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from innkeeper.errors import Fenced, GrantRefused, NeedsReauth, TokenResponseInvalid, Unreachable
from innkeeper.secret import Secret
from tests.flows.granting import ANA, API, Answer, Scene, credentials, tokens

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_gives_the_chatbot_a_token_that_it_asked_for_once(scene: Scene) -> None:
    first = await scene.grants.chatbot()
    second = await scene.grants.chatbot()
    assert first is second
    assert first.token == Secret("access-1")
    assert (first.api_url, first.scope, first.grant_id) == (
        API,
        frozenset({"imchat:bot"}),
        "chatbot",
    )
    assert scene.zoom.forms == [{"grant_type": "client_credentials"}]
    assert scene.zoom.clients == [("client", "hush")]


async def test_shares_the_chatbot_token_with_other_processes_and_later_ones(scene: Scene) -> None:
    await scene.grants.chatbot()
    assert (await scene.process().chatbot()).token == Secret("access-1")
    assert len(scene.zoom.forms) == 1


async def test_fifty_callers_at_one_expiry_make_one_call(scene: Scene) -> None:
    await scene.authorize()
    await scene.expire()
    given = await asyncio.gather(*(scene.grants.user(ANA) for _ in range(50)))
    assert {access.token.reveal() for access in given} == {"access-1"}
    assert len(scene.zoom.forms) == 1


async def test_the_three_kinds_never_mix(scene: Scene) -> None:
    await scene.authorize()
    grants = scene.process(
        account_id="acc", s2s_client_id="other", s2s_client_secret=Secret("word")
    )
    given = [await grants.chatbot(), await grants.account(), await grants.user(ANA)]
    assert [access.token.reveal() for access in given] == ["access-1", "access-2", "access-0"]
    assert scene.zoom.forms[1] == {"grant_type": "account_credentials", "account_id": "acc"}
    assert scene.zoom.clients[1] == ("other", "word")


async def test_the_account_asks_with_the_apps_own_client_by_default(scene: Scene) -> None:
    await scene.process(account_id="acc").account()
    assert scene.zoom.clients == [("client", "hush")]


async def test_has_no_account_token_without_an_account(scene: Scene) -> None:
    with pytest.raises(GrantRefused, match="ZOOM_ACCOUNT_ID"):
        await scene.grants.account()
    assert scene.zoom.forms == []


async def test_nobody_who_never_authorized_has_a_token(scene: Scene) -> None:
    with pytest.raises(NeedsReauth):
        await scene.grants.user(ANA)
    assert (scene.zoom.forms, scene.lost) == ([], [])


async def test_a_new_authorization_replaces_whatever_stood_there(scene: Scene) -> None:
    await scene.authorize()
    assert (await scene.grants.user(ANA)).token == Secret("access-0")
    await scene.grants.adopt(ANA, tokens(access="newer"))
    assert (await scene.grants.user(ANA)).token == Secret("newer")


async def test_a_new_authorization_brings_a_dead_grant_back(scene: Scene) -> None:
    await scene.authorize()
    await scene.store.kill_grant(ANA, 1)
    with pytest.raises(NeedsReauth):
        await scene.grants.user(ANA)
    await scene.grants.adopt(ANA, tokens(access="newer"))
    assert (await scene.grants.user(ANA)).token == Secret("newer")
    assert scene.recovered == [ANA]


async def test_revokes_what_it_may_not_keep(scene: Scene) -> None:
    scene.store.gone.add(ANA)
    with pytest.raises(Fenced):
        await scene.authorize()
    assert scene.zoom.revoked == ["access-0"]


async def test_exchanges_a_code_once_even_if_the_answer_is_lost(scene: Scene) -> None:
    scene.zoom.script.append("lost")
    with pytest.raises(Unreachable):
        await scene.grants.exchange("code", redirect_uri="https://bot.test/cb", verifier="v")
    assert scene.zoom.forms == [
        {
            "grant_type": "authorization_code",
            "code": "code",
            "redirect_uri": "https://bot.test/cb",
            "code_verifier": "v",
        }
    ]


async def test_exchanges_a_code_for_tokens(scene: Scene) -> None:
    got = await scene.grants.exchange("code", redirect_uri="https://bot.test/cb", verifier=None)
    assert (got.access_token, got.refresh_token) == (Secret("access-1"), Secret("refresh-1"))
    assert "code_verifier" not in scene.zoom.forms[0]


async def test_k05_revokes_tokens_that_could_never_be_renewed(scene: Scene) -> None:
    body = {"access_token": "useless", "token_type": "bearer", "expires_in": 3600}
    scene.zoom.script.append(Answer(200, body))
    with pytest.raises(TokenResponseInvalid) as caught:
        await scene.grants.exchange("code", redirect_uri="https://bot.test/cb", verifier=None)
    assert caught.value.reason == "refresh_token"
    assert scene.zoom.revoked == ["useless"]


async def test_gives_back_tokens_that_nobody_keeps(scene: Scene) -> None:
    await scene.grants.give_back(tokens())
    assert scene.zoom.revoked == ["access-0"]
    scene.transport.apps.clear()
    await scene.grants.give_back(tokens())


async def test_revoking_ends_the_grant_without_calling_it_lost(scene: Scene) -> None:
    await scene.authorize()
    assert await scene.grants.revoke(ANA)
    assert scene.zoom.revoked == ["access-0", "refresh-0"]
    with pytest.raises(NeedsReauth):
        await scene.grants.user(ANA)
    assert scene.lost == []
    assert not await scene.grants.revoke(ANA)


async def test_revokes_what_there_is_where_there_is_no_refresh_token(scene: Scene) -> None:
    await scene.authorize()
    scene.store.grants[ANA] = replace(scene.store.grants[ANA], refresh_token=None)
    assert await scene.grants.revoke(ANA)
    assert scene.zoom.revoked == ["access-0"]


async def test_revoking_spares_an_authorization_that_came_meanwhile(scene: Scene) -> None:
    await scene.authorize()

    async def meanwhile() -> None:
        await scene.grants.adopt(ANA, tokens(access="newer"))

    scene.zoom.on_revoke = meanwhile
    assert await scene.grants.revoke(ANA)
    assert (await scene.grants.user(ANA)).token == Secret("newer")


async def test_revoking_renews_an_expired_token_first_for_zoom_ends_no_other(scene: Scene) -> None:
    await scene.authorize()
    await scene.expire()
    assert await scene.grants.revoke(ANA)
    assert scene.zoom.revoked == ["access-1", "refresh-1"]


async def test_revoking_is_no_error_where_there_is_nothing_to_revoke(scene: Scene) -> None:
    assert not await scene.grants.revoke(ANA)
    assert scene.zoom.revoked == []


@pytest.mark.parametrize("expired", [False, True])
async def test_revoking_leaves_the_grant_alone_while_zoom_cannot_be_asked(
    scene: Scene, *, expired: bool
) -> None:
    await scene.authorize()
    if expired:
        await scene.expire()
    scene.transport.apps.clear()
    assert not await scene.grants.revoke(ANA)
    assert not scene.store.grants[ANA].dead


async def test_revokes_also_for_an_installation_that_is_over(scene: Scene) -> None:
    await scene.authorize()
    await scene.expire()
    scene.store.gone.add(ANA)
    assert await scene.grants.revoke(ANA)
    assert scene.zoom.revoked[-2:] == ["access-0", "refresh-0"]


@pytest.mark.parametrize(
    ("offered", "used"),
    [
        pytest.param("https://api-us.zoom.us", "https://api-us.zoom.us", id="cluster"),
        pytest.param("https://evil.test", API, id="K31"),
        pytest.param("https://api.zoom.us@evil.test/", API, id="K32-user"),
        pytest.param("https://api.zoom.us:443@evil.test", API, id="K32-port"),
        pytest.param("https://evil.test#.zoom.us", API, id="K34-fragment"),
        pytest.param("https://evil.test\\@api.zoom.us/", API, id="K34-backslash"),
        pytest.param("http://api.zoom.us", API, id="K35-http"),
        pytest.param("ftp://api.zoom.us", API, id="K35-ftp"),
        pytest.param("//api.zoom.us", API, id="K35-relative"),
        pytest.param("https:api.zoom.us", API, id="K35-no-slashes"),
        pytest.param("https://аpi.zoom.us", API, id="K37-cyrillic"),  # noqa: RUF001  # the attack
        pytest.param("https://ⓐpi.zoom.us", API, id="K37-circled"),
        pytest.param("https://api.zo\tom.us", API, id="K37-tab"),
        pytest.param("https://API.ZOOM.US", "https://api.zoom.us", id="K38-case"),
        pytest.param("https://API.ZOOM.US./", API, id="K38-dot"),
        pytest.param("https://api.zoom.us/" + "a" * 10_000, API, id="K41-long"),
        pytest.param(["https://api-us.zoom.us"], API, id="K41-list"),
        pytest.param(None, API, id="K41-null"),
        pytest.param("https://api.zoom.us/v2/../../", API, id="K41-path"),
        pytest.param("https://api.zoom.us?x=1", API, id="K41-query"),
    ],
)
async def test_follows_an_api_url_only_to_zoom(scene: Scene, offered: object, used: str) -> None:
    scene.zoom.extra = {"api_url": offered}
    with capture_logs() as logs:
        assert (await scene.grants.chatbot()).api_url == used
    ignored = isinstance(offered, str) and used == API
    assert [each["event"] for each in logs] == ["grant.api_url_ignored"] * ignored
    assert "evil" not in repr(logs)


async def test_does_not_follow_an_api_url_that_was_trusted_under_other_settings(
    scene: Scene,
) -> None:
    await scene.grants.chatbot()
    moved = scene.process(api_url="https://api.other.test")
    assert (await moved.chatbot()).api_url == "https://api.other.test"


async def test_no_secret_is_printed(scene: Scene) -> None:
    await scene.authorize()
    shown = repr([await scene.grants.user(ANA), scene.store.grants, credentials()])
    assert "access-0" not in shown
    assert "refresh-0" not in shown
    assert "hush" not in shown
