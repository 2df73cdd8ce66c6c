"""oauth_checks A: what is judged before anybody is asked."""

from urllib.parse import quote

import pytest

from innkeeper.emulator.oauth.authorization import Authorization, Denied, SentBack, judge
from tests.emulator.visit import BOT, CALLBACK, ZOOM, Visit, returned


@pytest.fixture
def visit() -> Visit:
    return Visit()


NEAR_MISSES = [
    pytest.param(f"{BOT}/oauth/callback/../x", id="A05-dot-segments"),
    pytest.param(f"{CALLBACK}?a=b", id="A05-query"),
    pytest.param(f"{CALLBACK}%2f..", id="A05-encoded-slash"),
    pytest.param("http://127.0.0.1:8080.evil.test/oauth/callback", id="A05-host-suffix"),
    pytest.param("http://127.0.0.1:8080@evil.test/oauth/callback", id="A05-userinfo"),
    pytest.param(f"{BOT}/OAuth/callback", id="A05-upper-case"),
    pytest.param(f"{CALLBACK}/", id="A05-trailing-slash"),
    pytest.param("https://127.0.0.1:8080/oauth/callback", id="E01-scheme"),
    pytest.param("http://127.0.0.1:8081/oauth/callback", id="E01-port"),
    pytest.param("http://127.0.0.1:8080/oauth", id="E01-prefix"),
    pytest.param("http://127.0.0.1:8080/oauth/c%61llback", id="E01-encoded"),
    pytest.param(f"{CALLBACK}#", id="E01-fragment"),
    pytest.param("https://elsewhere.test/", id="A04-unlisted"),
]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("uri", NEAR_MISSES)
def test_does_not_redirect_to_a_near_miss(visit: Visit, uri: str, strict: bool) -> None:
    visit.app.strict_redirects = strict
    refused = judge(visit.world, visit.query(redirect_uri=uri), origin=ZOOM)
    assert isinstance(refused, Denied)
    assert (refused.code, refused.rule) == (4700, "authorize.redirect_unlisted")


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        pytest.param("client_id=unknown", "authorize.client_unknown", id="A02"),
        pytest.param("", "authorize.client_unknown", id="A02-missing"),
    ],
)
def test_does_not_redirect_for_an_unknown_client(visit: Visit, query: str, rule: str) -> None:
    refused = judge(visit.world, query, origin=ZOOM)
    assert isinstance(refused, Denied)
    assert (refused.code, refused.rule) == (4702, rule)


@pytest.mark.parametrize(
    "name", [pytest.param("client_id", id="A14"), pytest.param("redirect_uri", id="A14-redirect")]
)
def test_gives_no_code_where_the_target_is_repeated(visit: Visit, name: str) -> None:
    value = {"client_id": visit.app.client_id, "redirect_uri": CALLBACK}[name]
    refused = judge(visit.world, f"{visit.query()}&{name}={quote(value)}", origin=ZOOM)
    assert isinstance(refused, Denied)
    assert refused.rule == "authorize.repeated_parameter"


@pytest.mark.parametrize(
    ("changes", "extra", "error"),
    [
        pytest.param({"response_type": None}, "", "invalid_request", id="A08"),
        pytest.param({"response_type": "token"}, "", "unsupported_response_type", id="E02"),
        pytest.param({"scope": "user:write"}, "", "invalid_scope", id="A13"),
        pytest.param({"scope": "imchat:bot user:write"}, "", "invalid_scope", id="A13-beside"),
        pytest.param({}, "&response_type=code", "invalid_request", id="A14-response-type"),
        pytest.param({"code_challenge": "a" * 42}, "", "invalid_request", id="P08-short"),
        pytest.param({"code_challenge": "a" * 129}, "", "invalid_request", id="P08-long"),
        pytest.param({"code_challenge": "a" * 42 + "+"}, "", "invalid_request", id="P08"),
        pytest.param({"code_challenge_method": "S256"}, "", "invalid_request", id="P08-missing"),
        pytest.param(
            {"code_challenge": "a" * 43, "code_challenge_method": "S512"},
            "",
            "invalid_request",
            id="P05",
        ),
    ],
)
def test_sends_every_other_fault_back_to_the_app(
    visit: Visit, changes: dict[str, str | None], extra: str, error: str
) -> None:
    asked = {"state": "s1", **changes}
    back = judge(visit.world, visit.query(**asked) + extra, origin=ZOOM)
    assert isinstance(back, SentBack)
    assert back.location.startswith(f"{CALLBACK}?")
    assert returned(back.location) == {"error": [error], "state": ["s1"]}


def test_sends_no_state_back_where_there_were_two(visit: Visit) -> None:
    back = judge(visit.world, visit.query(state="one") + "&state=two", origin=ZOOM)
    assert isinstance(back, SentBack)
    assert returned(back.location) == {"error": ["invalid_request"]}


def _judged(visit: Visit, query: str) -> Authorization:
    asked = judge(visit.world, query, origin=ZOOM)
    assert isinstance(asked, Authorization)
    return asked


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("a%20b%2Bc%26d%3D%C3%A9%2F%25", id="A10"),
        pytest.param("a+b%2bc", id="A10-plus-and-lower-case"),
        pytest.param("%ff%00", id="A10-no-utf8"),
        pytest.param("", id="A10-empty"),
        pytest.param("x" * 4000, id="A10-long"),
    ],
)
def test_brings_a_state_back_byte_for_byte(visit: Visit, raw: str) -> None:
    asked = _judged(visit, f"{visit.query()}&state={raw}")
    assert asked.back(code="c").endswith(f"&state={raw}")


def test_brings_no_state_back_where_none_was_sent(visit: Visit) -> None:
    """A11."""
    assert returned(_judged(visit, visit.query()).back(code="c")) == {"code": ["c"]}


def test_uses_the_only_registered_redirect_url_where_none_is_sent(visit: Visit) -> None:
    """A07."""
    asked = _judged(visit, visit.query(redirect_uri=None))
    assert asked.redirect_uri == CALLBACK
    assert not asked.redirect_uri_given


def test_asks_for_a_redirect_url_where_several_are_registered(visit: Visit) -> None:
    visit.app.redirect_uris.append(f"{BOT}/other")
    assert isinstance(judge(visit.world, visit.query(redirect_uri=None), origin=ZOOM), Denied)


def test_ignores_a_parameter_that_nobody_knows(visit: Visit) -> None:
    """A16."""
    assert _judged(visit, visit.query(prompt="none", nonce="1")).app is visit.app


@pytest.mark.parametrize("text", ["imchat:bot,user:read:user", "imchat:bot user:read:user", " , "])
def test_reads_scopes_with_commas_or_spaces(visit: Visit, text: str) -> None:
    """client_quirks 6."""
    assert list(_judged(visit, visit.query(scope=text)).scopes) == visit.app.scopes


def test_takes_a_redirect_uri_that_nobody_escaped(visit: Visit) -> None:
    """client_quirks 6."""
    query = f"response_type=code&client_id={visit.app.client_id}&redirect_uri={CALLBACK}"
    assert _judged(visit, query).redirect_uri == CALLBACK


def test_appends_the_code_to_a_deep_link_with_an_ampersand(visit: Visit) -> None:
    link = f"http://127.0.0.1:8700/launch/chat?jid=robot_{visit.app.bot_jid}"
    visit.app.redirect_uris.append(link)
    asked = _judged(visit, visit.query(redirect_uri=link))
    assert asked.back(code="c") == f"{link}&code=c"


def test_takes_plain_as_the_method_of_a_challenge_without_one(visit: Visit) -> None:
    assert _judged(visit, visit.query(code_challenge="a" * 43)).method == "plain"
