"""What a link to /install carries, for whom it is, and who is let in at all."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from innkeeper import App, Authorized, BotRefused, Installed
from innkeeper.browser import Page
from innkeeper.errors import BodyRefused, InvitationRefused
from innkeeper.flows.authorized import AUTHORIZED, News, as_authorization
from innkeeper.flows.invitations import Invitations
from innkeeper.ids import AccountId, UserId
from innkeeper.net.outbound import Request
from innkeeper.secret import Secret
from innkeeper.store.records import EventState, InboxEvent
from innkeeper.testing import BOT_URL, Visitor, Zoom
from innkeeper.wire.events import decode
from tests.doors import settings_at
from tests.flows.test_reauth import OWNER, PERSON
from tests.journeys.house import NOW, running
from tests.journeys.test_install import CALLBACK, allowed, asked, exchanges, says

pytestmark = pytest.mark.anyio

SITE = "https://shop.example"
HOME = "Corner House"
"""The account of Ana and the others."""


class Heard:
    """A bot that listens, and what it was told."""

    def __init__(self, *, fails: int = 0, **how: Any) -> None:
        self.app = App("Porter", **how)
        self.welcomes = 0
        self.metadata: list[Mapping[str, Any]] = []
        self.receipts: list[str] = []
        left = [fails]

        @self.app.on_install
        async def hello(ctx: Installed) -> str:
            self.welcomes += 1
            return f"Hi {ctx.user.name}"

        @self.app.on_authorized
        async def authorized(ctx: Authorized) -> str | None:
            if left[0]:
                left[0] -= 1
                raise ConnectionError
            self.metadata.append(ctx.metadata)
            self.receipts.append(ctx.receipt_url)
            return f"Linked to {ctx.metadata['customer']}" if ctx.metadata else None


@pytest.fixture
def heard() -> Heard:
    return Heard()


async def ended(visitor: Visitor, url: str) -> str:
    """Follow a link, allow, and say where the callback leads."""
    await visitor.signs_in()
    begun = await visitor.browser.exchange("GET", url)
    page = await visitor.browser.open(begun.headers["location"])
    answer = await visitor.browser.exchange("GET", await allowed(visitor, page))
    return answer.headers.get("location", "") or answer.body.decode()


def living(zoom: Zoom) -> int:
    """Count the users' tokens that Zoom would take."""
    return sum(not token.revoked for token in zoom.emulator.world.tokens if token.kind == "user")


# what it carries


async def test_the_bot_is_told_who_came_by_which_link(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        page = await ana.installs(heard.app.install_url(metadata={"customer": 42, "name": "Zoë"}))
        assert page.url.startswith(f"{BOT_URL}/launch?receipt=")
        assert heard.metadata == [{"customer": 42, "name": "Zoë"}]
        assert heard.welcomes == 1
        assert heard.receipts[0] in page.links.values()
        assert "Linked to 42" in [message.text for message in ana.chat.messages]


async def test_the_bot_is_told_of_each_authorization_also_without_a_link(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        await ana.installs(heard.app.install_url(metadata={"customer": 1}))
        await ana.installs()
        await ana.installs(heard.app.install_url(metadata={"customer": 2}))
        assert heard.metadata == [{"customer": 1}, {}, {"customer": 2}]
        assert heard.welcomes == 1


async def test_the_bot_is_told_though_zoom_never_says_that_it_was_installed(heard: Heard) -> None:
    async with Zoom(heard.app, welcome="static") as zoom:
        ana = await zoom.user("Ana")
        zoom.record.bot_endpoint = ""
        await ana.installs(heard.app.install_url(metadata={"customer": 42}))
        assert (heard.welcomes, heard.metadata) == (0, [{"customer": 42}])


async def test_what_the_bot_could_not_take_it_is_told_again() -> None:
    heard = Heard(fails=2)
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        await ana.installs(heard.app.install_url(metadata={"customer": 42}))
        assert heard.metadata == []
        await zoom.restart()
        for seconds in (5, 30):
            await zoom.clock.advance(seconds=seconds)
        assert heard.metadata == [{"customer": 42}]


async def test_the_bot_is_told_once_for_each_attempt(tmp_path: Path) -> None:
    taken: list[InboxEvent] = []
    async with running(tmp_path) as house:
        store = house.parts.store
        news = News(inbox=store, clock=house.clock, take=taken.append)
        opened, _ = await store.open_installation(OWNER, PERSON, authorized_at=NOW)
        for attempt in ("one", "one", "two"):
            await news.authorized(opened, PERSON, attempt=attempt, said={"customer": 42})
    assert [event.name for event in taken] == [AUTHORIZED] * 2
    assert taken[0].id != taken[1].id


def test_what_only_has_the_name_of_our_news_is_none() -> None:
    with pytest.raises(BodyRefused, match="not_news"):
        as_authorization(decode(b'{"event":"innkeeper.authorized","payload":{"userId":7}}'))


async def test_a_bot_that_does_not_listen_costs_no_event() -> None:
    async with Zoom(App("Porter")) as zoom:
        ana = await zoom.user("Ana")
        await ana.installs()
        rows = await zoom.parts.store.inbox_rows()
        assert {row.name for row in rows} == {"bot_installed"}


async def test_nothing_of_what_it_carried_is_left(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        secret = "canary-in-the-metadata-5c1f"
        url = heard.app.install_url(metadata={"customer": secret, "who": ana.user.id})
        assert secret not in url
        assert ana.user.id not in url
        await ana.installs(url)
        kept = b"".join(path.read_bytes() for path in zoom.directory.iterdir())
        assert secret.encode() not in kept
        await ana.removes_app()
        assert not await zoom.leftovers(ana)


async def test_who_starts_again_brings_along_what_the_link_carried(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        await ana.signs_in()
        url = heard.app.install_url(metadata={"customer": 42}, return_to="/settings")
        begun = await ana.browser.exchange("GET", url)
        page = await ana.browser.open(begun.headers["location"])
        page = await ana.browser.press(page, "Decline", user=ana.user.id)
        assert page.links["Go back"] == f"{BOT_URL}/settings"
        again = await ana.browser.exchange("GET", page.links["Start again"])
        answer = await ana.browser.exchange(
            "GET", await allowed(ana, await ana.browser.open(again.headers["location"]))
        )
        await zoom.settle()
        assert answer.headers["location"] == f"{BOT_URL}/settings"
        assert heard.metadata == [{"customer": 42}]


async def test_a_link_scanner_and_a_second_visit_burn_nothing(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        url = heard.app.install_url(metadata={"customer": 42})
        for _ in range(3):
            assert (await zoom.transport.send(Request("GET", url))).status == 303
        assert (await zoom.transport.send(Request("HEAD", url))).status == 405
        ana, ben = await zoom.user("Ana"), await zoom.user("Ben")
        await ana.installs(url)
        await ben.installs(url)
        assert heard.metadata == [{"customer": 42}] * 2


# where it leads


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/settings?tab=zoom", f"{BOT_URL}/settings?tab=zoom"),
        (f"{BOT_URL}/x", f"{BOT_URL}/x"),
        (SITE, SITE),
        (f"{SITE}/welcome", f"{SITE}/welcome"),
    ],
)
async def test_leads_back_to_a_path_of_our_own_or_to_an_origin_that_is_listed(
    wanted: str, reached: str, heard: Heard
) -> None:
    async with Zoom(heard.app, return_to=[SITE]) as zoom:
        ana = await zoom.user("Ana")
        assert await ended(ana, heard.app.install_url(return_to=wanted)) == reached


async def test_o29_a_reload_after_that_shows_the_receipts_address(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        await ana.signs_in()
        begun = await ana.browser.exchange("GET", heard.app.install_url(return_to="/settings"))
        url = await allowed(ana, await ana.browser.open(begun.headers["location"]))
        await ana.browser.exchange("GET", url)
        again = await ana.browser.exchange("GET", url)
        assert again.headers["location"].startswith(f"{BOT_URL}/launch?receipt=rcp_")
        assert exchanges(zoom) == 1


ELSEWHERE = [
    "//evil.test",
    "/\\evil.test",
    "\\/evil.test",
    "///evil.test",
    "https:evil.test",
    "https:/evil.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://evil.c\u2100.app",
    "http://[::1",
    "https://shop.example.evil.test",
    "https://shop.example@evil.test/",
    "https://shop.example:444/",
    "https://shop.example#x",
    "HTTPS://SHOP.EXAMPLE/",
    "http://shop.example/",
    f"{BOT_URL}.evil.test/",
    f"{BOT_URL}@evil.test/",
    "/ \r\nX: y",
    "/\t/evil.test",
    "/x\u202e",
    "settings",
    "/" + "x" * 4096,
]
"""Row O04; each must not be led to, by whatever door."""


@pytest.mark.parametrize("where", ELSEWHERE)
async def test_o04_makes_no_link_that_leads_elsewhere(where: str) -> None:
    heard = Heard()
    async with Zoom(heard.app, return_to=[SITE]):
        with pytest.raises(BotRefused, match="return_to"):
            heard.app.install_url(return_to=where)


@pytest.mark.parametrize("where", ["/%09/evil.test", "/%0d%0aX:y", "/%5cevil.test", "/..//evil"])
async def test_o04_what_is_escaped_stays_a_path_of_our_own(where: str, heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        assert await ended(ana, heard.app.install_url(return_to=where)) == BOT_URL + where


@pytest.mark.parametrize("where", ELSEWHERE)
async def test_o04_takes_no_address_from_the_query(where: str, heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        for name in ("next", "return_to", "return_to[]"):
            answer = await zoom.transport.send(
                Request("GET", f"{BOT_URL}/install", {"x-original-url": "/"})
            )
            begun = await Visitor(zoom, zoom.emulator.world.users()[0]).browser.exchange(
                "GET", f"{BOT_URL}/install?{name}={quoted(where)}&{name}={quoted(where)}"
            )
            assert begun.status == answer.status == 303
            assert (
                begun.headers["location"].partition("?")[0]
                == (answer.headers["location"].partition("?")[0])
            )
            assert "x" not in begun.headers


def quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


# whether it is ours


ALTERED: dict[str, Callable[[str], str]] = {
    "short": lambda text: text[:-1],
    "tag": lambda text: text[:-2] + ("AA" if text[-2:] != "AA" else "BB"),
    "head": lambda text: "AAAA" + text[4:],
    "empty": lambda _: "",
    "other": lambda _: "null",
    "long": lambda _: "x" * 9_000,
    "hostile": lambda _: "%00%ff<script>",
    "twice": lambda text: f"{text}&invitation={text}",
}


@pytest.mark.parametrize("how", ALTERED)
async def test_an_altered_link_begins_nothing(how: str, heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        url = heard.app.install_url(metadata={"customer": 42})
        address, _, text = url.partition("=")
        answer = await zoom.transport.send(Request("GET", f"{address}={ALTERED[how](text)}"))
        assert answer.status == 400
        assert says(answer, "invitation_refused")
        assert f'href="{BOT_URL}/"' in answer.body.decode()
        assert "set-cookie" not in answer.headers
        assert not says(answer, "<script")


async def test_a_link_of_another_app_is_not_ours(heard: Heard) -> None:
    other = Heard()
    async with Zoom(other.app):
        url = other.app.install_url(metadata={"customer": 42})
    async with Zoom(heard.app) as zoom:
        answer = await zoom.transport.send(Request("GET", url))
        assert says(answer, "invitation_refused")


async def test_a_link_ends_when_its_maker_said(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        url = heard.app.install_url(metadata={"customer": 42}, lifetime=timedelta(minutes=5))
        begun = await ana.browser.exchange("GET", url)
        await ana.signs_in()
        await zoom.clock.advance(minutes=5)
        late = await ana.browser.exchange("GET", url)
        assert late.status == 400
        assert says(late, "invitation_expired")
        page = await ana.browser.open(begun.headers["location"])
        await ana.browser.exchange("GET", await allowed(ana, page))
        await zoom.settle()
        assert heard.metadata == [{"customer": 42}]  # it was followed in time


async def test_a_link_made_before_leads_where_the_app_may_lead_now() -> None:
    before, after = (
        Invitations(secret=Secret("the-same"), public_url=BOT_URL, origins=origins)
        for origins in ((SITE,), ())
    )
    text = before.write(
        metadata={},
        return_to=SITE,
        account_id=None,
        user_id=None,
        lifetime=timedelta(1),
        now=NOW,
    )
    assert before.read(text, now=NOW).return_to == SITE
    with pytest.raises(InvitationRefused, match="no more"):
        after.read(text, now=NOW)
    assert SITE not in repr(before.recall(text))


async def test_another_host_leads_to_ours_with_all_that_the_link_carries(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        url = heard.app.install_url(metadata={"customer": 42})
        answer = await zoom.transport.send(Request("GET", url, {"host": "elsewhere.test"}))
        (text,) = parse_qs(urlsplit(url).query)["invitation"]
        assert answer.headers["location"] == f"{BOT_URL}/install?moved=1&invitation={text}"


# for whom it is


async def test_o32_lets_in_whom_the_link_was_made_for(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        account, user = AccountId(ana.user.account_id), UserId(ana.user.id)
        await ana.installs(heard.app.install_url(account_id=account, user_id=user))
        assert len(await zoom.parts.store.installations()) == 1


@pytest.mark.parametrize(
    "wanted", [{"account_id": "another"}, {"user_id": "another"}], ids=["account", "user"]
)
async def test_o32_keeps_nothing_of_somebody_else(wanted: Any, heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        zoom.record.bot_endpoint = ""
        url = heard.app.install_url(metadata={"customer": 42}, **wanted)
        page = await ana.installs(url)
        assert page.status == 403
        assert "account_mismatch" in page.text
        assert page.links["Start again"] == url
        assert not await zoom.parts.store.installations()
        assert living(zoom) == 0
        assert heard.metadata == []


async def test_o32_puts_nobody_out_who_is_in_already(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        zoom.emulator.world.rules = zoom.emulator.world.rules.__class__(revoke_uninstalls=True)
        ana = await zoom.user("Ana")
        await ana.installs()
        (before,) = await zoom.parts.store.installations()
        url = heard.app.install_url(metadata={"customer": 42}, user_id=UserId("another"))
        page = await ana.installs(url)
        assert page.status == 403
        (after,) = await zoom.parts.store.installations()
        assert (after.id, after.generation) == (before.id, before.generation)
        assert heard.metadata == [{}]
        assert (await zoom.parts.grants.user(after.id)).token is not None


# for which accounts the app is


async def test_lets_in_the_accounts_that_are_listed(heard: Heard) -> None:
    async with Zoom(heard.app, accounts=[HOME, "another"]) as zoom:
        ana = await zoom.user("Ana")
        await ana.installs()
        assert ana.chat.last.text.startswith("Hi Ana")


async def test_lets_in_no_other_account() -> None:
    heard = Heard()
    async with Zoom(heard.app, accounts=["another"]) as zoom:
        ana = await zoom.user("Ana")
        page = await ana.installs()
        assert page.status == 403
        assert "account_not_allowed" in page.text
        await ana.says("/bot help")
        assert not await zoom.parts.store.installations()
        assert living(zoom) == 0
        assert (heard.welcomes, heard.metadata) == (0, [])


async def test_w122_an_event_of_another_account_is_ignored_and_its_body_erased() -> None:
    heard = Heard()
    async with Zoom(heard.app, accounts=["another"]) as zoom:
        ana = await zoom.user("Ana")
        await ana.installs()
        await ana.says("/bot help")
        await ana.removes_app()
        rows = await zoom.parts.store.inbox_rows()
        assert {(row.state, row.reason) for row in rows if row.name != "app_deauthorized"} == {
            (EventState.IGNORED, "unknown_tenant")
        }
        assert not await zoom.leftovers(ana)


async def test_a_removal_is_heard_also_of_an_account_that_is_listed_no_more(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        await ana.installs()
        registry = zoom.parts.dispatcher._registry  # pyright: ignore[reportPrivateUsage]  # as after
        registry._accounts = frozenset({AccountId("another")})  # pyright: ignore[reportPrivateUsage]  # a restart
        before = len(ana.chat.messages)
        await ana.says("/bot help")
        assert len(ana.chat.messages) == before + 1  # her own words
        await ana.removes_app()
        assert zoom.receipts.one().complete
        assert not await zoom.leftovers(ana)


# what they must grant


async def test_o34_refuses_an_authorization_that_lacks_a_scope() -> None:
    heard = Heard(scopes=["team_chat:read:list_user_channels"])
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        zoom.record.bot_endpoint = ""
        page = await ana.installs()
        assert page.status == 403
        assert "scope_missing" in page.text
        assert not await zoom.parts.store.installations()
        assert living(zoom) == 0
        await zoom.add_scope("team_chat:read:list_user_channels")
        page = await ana.installs()
        assert page.url.startswith(f"{BOT_URL}/launch")


async def test_o34_takes_more_than_it_needs_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    heard = Heard(scopes=["user:read:user"])
    async with Zoom(heard.app) as zoom:
        zoom.record.scopes.append("team_chat:read:list_user_channels")
        ana = await zoom.user("Ana")
        await ana.installs()
        (line,) = [
            line for line in capsys.readouterr().out.splitlines() if "install.more_scopes" in line
        ]
        assert "team_chat:read:list_user_channels" in line
        assert "user:read:user" not in line
        (installation,) = await zoom.parts.store.installations()
        grant = await zoom.parts.store.find_grant(str(installation.id))
        assert grant is not None
        assert grant.scope == frozenset(zoom.record.scopes)


# what cannot be carried


@pytest.mark.parametrize(
    "wrong",
    [
        {"metadata": {"x": "y" * 3_000}},
        {"metadata": {"x": object()}},
        {"metadata": {"x": 10**400}},
        {"metadata": {"x": "\ud83d"}},
        {"lifetime": timedelta(0)},
        {"lifetime": timedelta(days=31)},
        {"lifetime": timedelta(seconds=-1)},
    ],
    ids=["large", "object", "number", "half a pair", "no time", "too long", "past"],
)
async def test_says_what_a_link_cannot_carry(wrong: Any, heard: Heard) -> None:
    async with Zoom(heard.app):
        with pytest.raises(BotRefused):
            heard.app.install_url(**wrong)


def test_a_site_makes_a_link_before_the_bot_has_started(tmp_path: Path) -> None:
    app = App("Porter", settings=settings_at("https://bot.example.com/zoom", tmp_path))
    url = app.install_url(metadata={"customer": 42}, return_to="/settings")
    assert url.startswith("https://bot.example.com/zoom/install?invitation=")
    assert list(tmp_path.iterdir()) == []


async def test_a_link_that_carries_nothing_is_the_plain_one(heard: Heard) -> None:
    async with Zoom(heard.app):
        assert heard.app.install_url() == f"{BOT_URL}/install"
        assert "invitation=" in heard.app.install_url(lifetime=timedelta(hours=1))


async def test_a_bot_that_learns_nothing_of_who_came_makes_no_link(heard: Heard) -> None:
    async with Zoom(heard.app, user_oauth=False):
        assert heard.app.install_url() == f"{BOT_URL}/install"
        with pytest.raises(BotRefused) as refused:
            heard.app.install_url(metadata={"customer": 42})
        assert "INNKEEPER_USER_OAUTH" in refused.value.fix


async def test_a_link_is_short_enough_for_every_browser(heard: Heard) -> None:
    async with Zoom(heard.app):
        url = heard.app.install_url(metadata={"x": "y" * 2_000}, return_to="/" + "z" * 1_000)
        assert len(url) < 6_000
        assert CALLBACK not in url


async def test_two_tabs_of_two_links_do_not_mix(heard: Heard) -> None:
    async with Zoom(heard.app) as zoom:
        ana = await zoom.user("Ana")
        await ana.signs_in()
        pages: list[Page] = []
        for customer in (1, 2):
            url = heard.app.install_url(metadata={"customer": customer})
            begun = await ana.browser.exchange("GET", url)
            pages.append(await ana.browser.open(begun.headers["location"]))
        for page in reversed(pages):
            await ana.browser.exchange("GET", await allowed(ana, page))
            await zoom.settle()
        assert heard.metadata == [{"customer": 2}, {"customer": 1}]
        assert await asked(ana)


async def test_one_worker_begins_what_another_finishes(heard: Heard) -> None:
    async with Zoom(heard.app, workers=2) as zoom:
        for name in ("Ana", "Ben"):
            visitor = await zoom.user(name)
            page = await visitor.installs(heard.app.install_url(metadata={"customer": name}))
            assert page.url.startswith(f"{BOT_URL}/launch?receipt=")
        assert heard.metadata == [{"customer": "Ana"}, {"customer": "Ben"}]
