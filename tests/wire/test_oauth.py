import base64
import json
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from innkeeper.errors import GrantRefused, NeedsReauth, TokenResponseInvalid
from innkeeper.secret import Secret
from innkeeper.wire.oauth import (
    DEFAULT_LIFETIME,
    INVALID_CLIENT,
    INVALID_CODE,
    INVALID_TOKEN,
    TERMINAL_CODES,
    UNSUPPORTED_GRANT,
    AuthorizeRequest,
    GrantType,
    OAuthFault,
    TokenRequest,
    Tokens,
    basic_header,
    challenge_of,
    escape_segment,
    is_verifier,
    parse_basic,
    parse_form,
    read_tokens,
    trusted_api_url,
    verifier_matches,
)
from tests.vectors import cases

API = "https://api.zoom.us"
VERIFIER = "lantern~keeper.0123456789_ABCDEFGHIJKLMNOPQRSTUVWX-xyz"

# PKCE


@pytest.mark.parametrize("case", cases("pkce"), ids=lambda case: case["source"][:12])
def test_derives_the_vectors_challenges(case):
    verifier, challenge = case["verifier"], case["challenge"]

    assert challenge_of(verifier) == challenge
    assert verifier_matches(verifier, challenge, "S256")
    assert not verifier_matches(challenge, verifier, "S256")


def test_the_rfcs_verifier_is_its_octets():
    case = cases("pkce")[0]

    octets = base64.urlsafe_b64decode(case["verifier"] + "=")

    assert list(octets) == case["verifier_octets"]


def test_a_plain_challenge_is_the_verifier_itself():
    assert verifier_matches(VERIFIER, VERIFIER, "plain")
    assert not verifier_matches(VERIFIER, VERIFIER[::-1], "plain")
    assert not verifier_matches(VERIFIER, VERIFIER, "S256")
    assert not verifier_matches(VERIFIER, challenge_of(VERIFIER), "plain")


@pytest.mark.parametrize("method", ["", "s256", "PLAIN", "none", "S512"])
def test_no_other_method_matches_anything(method):
    assert not verifier_matches(VERIFIER, challenge_of(VERIFIER), method)
    assert not verifier_matches(VERIFIER, VERIFIER, method)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 42,
        "a" * 129,
        "a" * 42 + " ",
        "a" * 42 + "+",
        "a" * 43 + "\n",
        "é" * 43,
        "\uff11" * 43,
    ],
)
def test_what_has_not_the_shape_of_a_verifier_matches_nothing(text):
    assert not is_verifier(text)
    for method in ("S256", "plain"):
        assert not verifier_matches(text, text, method)
        assert not verifier_matches(VERIFIER, text, method)


@given(st.text("AZaz09._~-", min_size=43, max_size=128))
def test_every_verifier_matches_its_challenge(verifier):
    assert is_verifier(verifier)
    assert is_verifier(challenge_of(verifier))
    assert verifier_matches(verifier, challenge_of(verifier), "S256")


@given(*[st.text(st.characters(exclude_categories=[]))] * 3)
@example("\ud800" * 43, "\ud800" * 43, "plain")
def test_a_comparison_never_fails(verifier, challenge, method):
    assert verifier_matches(verifier, challenge, method) in {True, False}


# Requests


def test_writes_an_authorization_url():
    request = AuthorizeRequest(
        "L4mp", "https://bot.example/cb?jid=robot_x", state="a b+c&d", code_challenge="ch"
    )

    assert request.url("https://zoom.us") == (
        "https://zoom.us/oauth/authorize?response_type=code&client_id=L4mp"
        "&redirect_uri=https%3A%2F%2Fbot.example%2Fcb%3Fjid%3Drobot_x"
        "&state=a+b%2Bc%26d&code_challenge=ch"
    )


def test_reads_the_rfcs_authorization_url():
    url = (
        "https://server.example.com/authorize?response_type=code&client_id=s6BhdRkqt3"
        "&state=xyz&redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb"
    )

    assert AuthorizeRequest.parse(dict(parse_qsl(urlsplit(url).query))) == AuthorizeRequest(
        "s6BhdRkqt3", "https://client.example.com/cb", state="xyz"
    )


def test_reads_a_request_without_parameters():
    assert AuthorizeRequest.parse({}) == AuthorizeRequest("", "", response_type=None)


def test_does_not_print_the_state():
    assert "s3cr3t" not in repr(AuthorizeRequest("c", "https://a", state="s3cr3t"))


OPTIONAL = st.none() | st.text(min_size=1)


@given(
    st.builds(
        AuthorizeRequest,
        client_id=st.text(min_size=1),
        redirect_uri=st.text(min_size=1),
        state=OPTIONAL,
        code_challenge=OPTIONAL,
        code_challenge_method=OPTIONAL,
        response_type=OPTIONAL,
        scope=OPTIONAL,
    )
)
def test_an_authorization_request_survives_its_url(request_):
    query = parse_form(urlsplit(request_.url("https://zoom.us")).query)

    assert all(len(values) == 1 for values in query.values())
    assert AuthorizeRequest.parse({key: value[0] for key, value in query.items()}) == request_


@pytest.mark.parametrize(
    ("request_", "form"),
    [
        (TokenRequest.chatbot(), b"grant_type=client_credentials"),
        (
            TokenRequest.code("c+d", redirect_uri="https://a/cb?x=1", verifier=None),
            b"grant_type=authorization_code&code=c%2Bd&redirect_uri=https%3A%2F%2Fa%2Fcb%3Fx%3D1",
        ),
        (
            TokenRequest.code("c", redirect_uri="https://a", verifier=VERIFIER),
            b"grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fa"
            b"&code_verifier=" + VERIFIER.encode(),
        ),
        (
            TokenRequest.refresh(Secret("r/1=")),
            b"grant_type=refresh_token&refresh_token=r%2F1%3D",
        ),
        (
            TokenRequest.account("Lantern_Acct-07"),
            b"grant_type=account_credentials&account_id=Lantern_Acct-07",
        ),
        (
            TokenRequest(GrantType.DEVICE, {"device_code": "d"}),
            b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d",
        ),
    ],
)
def test_writes_the_form_of_every_grant(request_, form):
    assert request_.form() == form


def test_a_token_request_prints_its_kind_only():
    requests = [
        TokenRequest.refresh(Secret("s3cr3t")),
        TokenRequest.code("s3cr3t", redirect_uri="https://a", verifier="s3cr3t"),
    ]

    assert "s3cr3t" not in repr(requests)
    assert "refresh_token" in repr(requests)


@pytest.mark.parametrize("case", cases("form"), ids=lambda case: case["encoded"])
def test_writes_and_reads_forms_as_the_rfc_does(case):
    assert parse_form("v=" + case["encoded"]) == {"v": [case["value"]]}
    assert TokenRequest("x", {"v": case["value"]}).form().decode().endswith("&v=" + case["encoded"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("a=1&a=2&b=", {"a": ["1", "2"], "b": [""]}),
        ("a", {"a": [""]}),
        ("=1", {"": ["1"]}),
        ("&&a=1&", {"a": ["1"]}),
        ("a=1;b=2", {"a": ["1;b=2"]}),
        ("a=b=c", {"a": ["b=c"]}),
        ("a=%ff%zz", {"a": ["\ufffd%zz"]}),
        ("a+b=c+d", {"a b": ["c d"]}),
    ],
)
def test_reads_a_form_and_keeps_what_repeats(text, found):
    assert parse_form(text) == found


# Basic


@pytest.mark.parametrize("case", cases("basic"), ids=lambda case: case["user"])
def test_writes_and_reads_the_vectors_of_basic(case):
    user, password = case["user"], case["password"]

    assert basic_header(user, Secret(password)) == case["header"]
    assert parse_basic(case["header"]) == [(user, password)]


def basic(pair: bytes) -> str:
    return "Basic " + base64.b64encode(pair).decode()


@pytest.mark.parametrize(
    ("header", "pairs"),
    [
        pytest.param(basic(b"id:a:b"), [("id", "a:b")], id="E08-colon"),
        pytest.param(basic(b"id:"), [("id", "")], id="empty-secret"),
        pytest.param(basic(b":s"), [("", "s")], id="empty-id"),
        pytest.param(basic(b"id:s%2Bt"), [("id", "s%2Bt"), ("id", "s+t")], id="C24-encoded"),
        pytest.param(basic(b"i%64:s"), [("i%64", "s"), ("id", "s")], id="C24-encoded-id"),
        pytest.param(basic(b"id:s+t"), [("id", "s+t"), ("id", "s t")], id="C24-plus"),
        pytest.param(basic(b"id:100%"), [("id", "100%")], id="lone-percent"),
        pytest.param("basic aWQ6cw==", [("id", "s")], id="lower"),
        pytest.param("BASIC aWQ6cw==", [("id", "s")], id="upper"),
        pytest.param("Basic   aWQ6cw==  ", [("id", "s")], id="blanks"),
        pytest.param("", [], id="C21-empty"),
        pytest.param("Basic", [], id="C21-scheme-only"),
        pytest.param("Basic ", [], id="C21-nothing"),
        pytest.param("Bearer aWQ6cw==", [], id="C21-bearer"),
        pytest.param("Basicx aWQ6cw==", [], id="C21-other-scheme"),
        pytest.param("Basic aWQ6cw", [], id="C21-unpadded"),
        pytest.param("Basic aWQ6*w==", [], id="C21-not-base64"),
        pytest.param("Basic aWQ6\ncw==", [], id="C21-newline"),
        pytest.param("Basic é", [], id="C21-non-ascii"),
        pytest.param(basic(b"no colon"), [], id="C21-no-colon"),
        pytest.param(basic(b"id:\xff"), [], id="C21-not-utf8"),
        pytest.param(basic("id:clé".encode("latin-1")), [], id="C21-latin"),
    ],
)
def test_reads_basic_as_clients_write_it(header, pairs):
    assert parse_basic(header) == pairs


@given(st.text(st.characters(exclude_categories=[])))
@example("Basic \ud800")
def test_any_header_gives_pairs_or_none(header):
    assert len(parse_basic("Basic " + header)) <= 2
    assert len(parse_basic(header)) <= 2


@given(
    st.text(st.characters(codec="utf-8", exclude_characters=":")),
    st.text(st.characters(codec="utf-8")),
)
def test_every_pair_survives_basic(client_id, secret):
    assert parse_basic(basic_header(client_id, Secret(secret)))[0] == (client_id, secret)


# Token answers

JSON_TYPE = "application/json;charset=UTF-8"
GOOD = {
    "access_token": "acc.ess-1",
    "token_type": "bearer",
    "expires_in": 3600,
    "scope": "imchat:bot user:read",
    "refresh_token": "re_fresh",
    "api_url": API,
}
MISSING = object()


def answer(**changes: object) -> bytes:
    return json.dumps(
        {key: value for key, value in {**GOOD, **changes}.items() if value is not MISSING}
    ).encode()


def read(body: bytes, *, status=200, content_type=JSON_TYPE, refreshable=True) -> Tokens:
    return read_tokens(status, content_type, body, refreshable=refreshable)


def refusal(body: bytes, **kwargs) -> GrantRefused:
    with pytest.raises(GrantRefused) as caught:
        read(body, **kwargs)
    return caught.value


def test_reads_a_token_answer():
    assert read(answer()) == Tokens(
        access_token=Secret("acc.ess-1"),
        expires_in=3600,
        scope=frozenset({"imchat:bot", "user:read"}),
        refresh_token=Secret("re_fresh"),
        api_url=API,
    )


@pytest.mark.parametrize("case", cases("token_answers"), ids=lambda case: case["source"])
def test_reads_the_rfcs_token_answers(case):
    if case["reason"] is None:
        assert read(case["body"].encode()).access_token == Secret("mF_9.B5f-4.1JqM")
    else:
        assert refusal(case["body"].encode(), status=case["status"]).reason == case["reason"]


def test_tokens_survive_the_way_through_zooms_json():
    tokens = read(answer())

    assert read(json.dumps(tokens.json()).encode()) == tokens
    assert tokens.json() == GOOD
    bare = Tokens(access_token=Secret("a"), expires_in=1)
    assert bare.json() == {
        "access_token": "a",
        "token_type": "bearer",
        "expires_in": 1,
        "scope": "",
    }
    assert read(json.dumps(bare.json()).encode(), refreshable=False) == bare


def test_tokens_are_never_printed():
    text = repr(read(answer()))

    assert "acc.ess-1" not in text
    assert "re_fresh" not in text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("text/html", b"<html>Sign in</html>", id="K01"),
        pytest.param("text/html", answer(), id="K01-json-called-html"),
        pytest.param("", answer(), id="no-type"),
        pytest.param(JSON_TYPE, b"<html>", id="K01-called-json"),
        pytest.param(JSON_TYPE, b"", id="empty"),
        pytest.param(JSON_TYPE, answer()[:-1], id="cut-off"),
        pytest.param(JSON_TYPE, b"[]", id="list"),
        pytest.param(JSON_TYPE, b"null", id="null"),
        pytest.param(JSON_TYPE, b'"acc"', id="text"),
        pytest.param(JSON_TYPE, b"[" * 60_000, id="deep"),
        pytest.param(JSON_TYPE, b'{"a":' * 60_000, id="deep-objects"),
        pytest.param(JSON_TYPE, b'{"access_token":"\xff"}', id="not-utf8"),
        pytest.param(JSON_TYPE, b"\xef\xbb\xbf" + answer(), id="bom"),
        pytest.param(JSON_TYPE, b'{"expires_in":NaN}', id="K10-nan"),
    ],
)
def test_k01_refuses_what_is_no_json(content_type, body):
    refused = refusal(body, content_type=content_type)

    assert isinstance(refused, TokenResponseInvalid)
    assert refused.reason == "not_json"


@pytest.mark.parametrize("key", ["access_token", "refresh_token"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(MISSING, id="missing"),
        pytest.param("", id="empty"),
        pytest.param(None, id="null"),
        pytest.param(123, id="number"),
        pytest.param(True, id="true"),
        pytest.param(["t"], id="list"),
        pytest.param({}, id="object"),
        pytest.param("t" * 65_536, id="64KB"),
        pytest.param("t" * 16_385, id="16KB"),
        pytest.param("t\r\nx: y", id="crlf"),
        pytest.param("t\n", id="newline"),
        pytest.param("t t", id="space"),
        pytest.param("t\x00", id="nul"),
        pytest.param("té", id="non-ascii"),
        pytest.param("t\x7f", id="delete"),
    ],
)
def test_k04_k05_refuses_a_token_that_is_none(key, value):
    refused = refusal(answer(**{key: value}))

    assert isinstance(refused, TokenResponseInvalid)
    assert refused.reason == key
    if isinstance(value, str) and value:
        assert value not in str(refused)


def test_k05_a_grant_without_refresh_needs_no_refresh_token():
    assert read(answer(refresh_token=MISSING), refreshable=False).refresh_token is None
    assert read(answer(refresh_token=None), refreshable=False).refresh_token is None
    assert read(answer(), refreshable=False).refresh_token == Secret("re_fresh")
    assert refusal(answer(refresh_token=5), refreshable=False).reason == "refresh_token"


@pytest.mark.parametrize("value", ["Bearer", "bearer", "BEARER ", " bearer"])
def test_k08_takes_the_bearer_type_however_it_is_written(value):
    assert read(answer(token_type=value)).token_type == "bearer"


@pytest.mark.parametrize("value", [MISSING, None, "mac", "", "bearer,mac", 5, ["bearer"]])
def test_k08_refuses_another_type(value):
    assert refusal(answer(token_type=value)).reason == "token_type"


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        None,
        True,
        "1h",
        "",
        "-5",
        "3600.0",
        3599.9,
        1e300,
        10**30,
        10_000_001,
        {},
        [],
        "9" * 9,
        "٣٦٠٠",
        "3600\n",
    ],
)
def test_k10_refuses_a_lifetime_that_is_none(value):
    assert refusal(answer(expires_in=value)).reason == "expires_in"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (3600, 3600),
        ("3599", 3599),
        (1, 1),
        (10_000_000, 10_000_000),
        pytest.param(MISSING, DEFAULT_LIFETIME, id="K11"),
    ],
)
def test_k11_reads_a_lifetime(value, seconds):
    assert read(answer(expires_in=value)).expires_in == seconds


@pytest.mark.parametrize(
    ("value", "scope"),
    [
        pytest.param(MISSING, set(), id="K13-missing"),
        pytest.param("", set(), id="K13-empty"),
        pytest.param("a", {"a"}, id="one"),
        pytest.param("a,b  c", {"a", "b", "c"}, id="commas"),
        pytest.param("a" * 8192, {"a" * 8192}, id="8KB"),
    ],
)
def test_k13_reads_the_scope(value, scope):
    assert read(answer(scope=value)).scope == scope


@pytest.mark.parametrize("value", [["a"], None, 5, {}, "a" * 10_240])
def test_k13_refuses_a_scope_that_is_none(value):
    assert refusal(answer(scope=value)).reason == "scope"


@pytest.mark.parametrize("body", [b"", answer(), b'{"error":"invalid_grant"}'])
@pytest.mark.parametrize("status", [201, 202, 204, 206, 299])
def test_k14_refuses_another_success(status, body):
    refused = refusal(body, status=status)

    assert isinstance(refused, TokenResponseInvalid)
    assert refused.reason == "status"


@pytest.mark.parametrize("status", [302, 400, 401, 429, 500, 503])
def test_refuses_tokens_that_come_with_a_failure(status):
    assert refusal(answer(), status=status).reason == "status"


@pytest.mark.parametrize("value", [["https://a"], None, 5, {}, MISSING])
def test_k41_an_api_url_that_is_no_text_is_none(value):
    assert read(answer(api_url=value)).api_url is None


@pytest.mark.parametrize("value", [None, "", False, 0])
def test_an_error_that_says_nothing_does_not_lose_the_tokens(value):
    assert read(answer(error=value, errorCode=None)).access_token == Secret("acc.ess-1")


# Refusals by Zoom


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"error": "invalid_grant"}, id="K02"),
        pytest.param({"reason": "Invalid Token!", "error": "invalid_grant"}, id="stale"),
        pytest.param({"reason": "Invalid Token!", "error": "odd"}, id="by-reason"),
        pytest.param({"error": "odd", "errorCode": 4735}, id="by-number"),
        pytest.param({"error": "odd", "errorCode": "4735"}, id="by-digits"),
        pytest.param({"errorCode": 4741, "errorMessage": "The token has been revoked."}, id="K16"),
        pytest.param({"status": False, "errorCode": 4711, "result": None}, id="no-message"),
        pytest.param({"error": "invalid_grant", "reason": {"a": [1]}}, id="odd-reason"),
    ],
)
def test_k02_a_grant_that_is_over_needs_the_person(status, body):
    refused = refusal(json.dumps(body).encode(), status=status)

    assert isinstance(refused, NeedsReauth)
    assert refused.reason == "invalid_grant"


@pytest.mark.parametrize("number", sorted(TERMINAL_CODES))
def test_k16_every_number_of_a_dead_grant_needs_the_person(number):
    body = json.dumps({"code": number, "message": "no"}).encode()

    assert isinstance(refusal(body, status=400), NeedsReauth)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(INVALID_CLIENT, "invalid_client"), (UNSUPPORTED_GRANT, "unsupported_grant_type")],
)
def test_k19_a_fault_of_the_configuration_says_so(fault, reason):
    refused = refusal(json.dumps(fault.json()).encode(), status=fault.status)

    assert type(refused) is GrantRefused
    assert refused.reason == reason
    assert fault.reason in refused.why
    assert "credentials" in refused.fix


@pytest.mark.parametrize("number", [4702, 4705, 4709, 4717])
def test_k19_a_number_of_the_configuration_is_no_dead_grant(number):
    refused = refusal(json.dumps({"errorCode": number}).encode(), status=400)

    assert type(refused) is GrantRefused
    assert refused.reason == str(number)


@pytest.mark.parametrize("fault", [INVALID_CODE, INVALID_TOKEN])
def test_zooms_own_words_are_read_as_they_are_written(fault):
    refused = refusal(json.dumps(fault.json()).encode(), status=fault.status)

    assert isinstance(refused, NeedsReauth)
    assert refused.why == fault.reason


def test_a_fault_without_a_reason_is_one_key():
    assert OAuthFault("slow_down").json() == {"error": "slow_down"}


@pytest.mark.parametrize(
    "body",
    [
        {"error": "x", "errorCode": [1]},
        {"error": {"a": 1}, "errorCode": {}},
        {"error": 5},
        {"error": True, "errorCode": True},
        {"error": "x", "code": "4735\n"},
        {"error": "x", "reason": 5, "errorMessage": ["a"]},
        {"error": "x", "errorCode": "9" * 5000},
    ],
)
def test_an_odd_refusal_is_a_refusal(body):
    assert type(refusal(json.dumps(body).encode(), status=400)) is GrantRefused


def test_a_refusal_repeats_neither_a_code_nor_a_control_character():
    code = "qW8rT_lampOil-77zZ4"
    body = {
        "error": "invalid_request",
        "reason": f"Invalid authorization code {code}_5f3Qd\r\n\x1b[31m",
    }

    refused = refusal(json.dumps(body).encode(), status=400)

    assert "qW8rT" not in str(refused)
    assert "Invalid authorization code …" in str(refused)
    assert str(refused).isprintable()


def test_a_refusal_is_cut_short():
    body = {"error": "e " * 9000, "reason": "r " * 9000}

    assert len(str(refusal(json.dumps(body).encode(), status=400))) < 700


@given(
    st.integers(100, 599),
    st.sampled_from([JSON_TYPE, "text/html", ""]),
    st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from([*GOOD, "error", "errorCode", "code", "reason", "message"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(st.characters(codec="utf-8"))
        | st.lists(st.integers(), max_size=2),
    ).map(lambda value: json.dumps(value).encode()),
    st.booleans(),
)
@example(400, JSON_TYPE, b'{"error":"\\ud800"}', True)
@example(400, JSON_TYPE, b'{"error":1,"reason":' + b"[" * 900 + b"]" * 900 + b"}", True)
def test_any_answer_gives_tokens_or_a_refusal(status, content_type, body, refreshable):
    try:
        tokens = read_tokens(status, content_type, body, refreshable=refreshable)
    except GrantRefused:
        return
    assert status == 200
    assert tokens.access_token
    assert tokens.refresh_token or not refreshable


# api_url


@pytest.mark.parametrize(
    ("api_url", "trusted"),
    [
        ("https://api.zoom.us", "https://api.zoom.us"),
        ("https://api-us.zoom.us", "https://api-us.zoom.us"),
        ("https://api-us.zoom.us/", "https://api-us.zoom.us"),
        ("https://API-EU.Zoom.US", "https://api-eu.zoom.us"),
        ("HTTPS://api.zoom.us//", "https://api.zoom.us"),
    ],
)
def test_follows_an_api_url_to_zooms_own_hosts(api_url, trusted):
    assert trusted_api_url(api_url, default="http://127.0.0.1:9") == trusted


@pytest.mark.parametrize(
    "api_url",
    [
        None,
        "",
        pytest.param("https://evil.test", id="K31"),
        pytest.param("https://api.zoom.us@evil.test/", id="K32"),
        pytest.param("https://api.zoom.us:443@evil.test", id="K32-port"),
        pytest.param("https://evil@api.zoom.us", id="K32-user"),
        pytest.param("https://evil.test#.zoom.us", id="K34"),
        pytest.param("https://evil.test\\@api.zoom.us/", id="K34-backslash"),
        pytest.param("https://api.zoom.us#", id="K34-fragment"),
        pytest.param("http://api.zoom.us", id="K35-http"),
        pytest.param("ftp://api.zoom.us", id="K35-ftp"),
        pytest.param("//api.zoom.us", id="K35-no-scheme"),
        pytest.param("https:api.zoom.us", id="K35-no-slashes"),
        pytest.param("https:/api.zoom.us", id="K35-one-slash"),
        pytest.param("https:///api.zoom.us", id="K35-three-slashes"),
        pytest.param("api.zoom.us", id="K35-bare"),
        pytest.param("https://\u0430pi.zoom.us", id="K37-cyrillic"),
        pytest.param("https://ⓐpi.zoom.us", id="K37-circled"),
        pytest.param("https://api.zoom。us", id="K37-full-stop"),
        pytest.param("https://api\t.zoom.us", id="K37-tab"),
        pytest.param("https://api.zoom.us\n", id="K37-newline"),
        pytest.param(" https://api.zoom.us", id="K37-space"),
        pytest.param("https://api.zoom.us\x00", id="K37-nul"),
        pytest.param("https://api-\u017f.zoom.us", id="K37-long-s"),
        pytest.param("https://API.ZOOM.US./", id="K38"),
        pytest.param("https://api.zoom.us:443", id="port"),
        pytest.param("https://api.zoom.us:8443", id="another-port"),
        pytest.param("https://zoom.us", id="another-zoom"),
        pytest.param("https://api2.zoom.us", id="api2"),
        pytest.param("https://api-1.zoom.us", id="digits"),
        pytest.param("https://api-.zoom.us", id="no-letters"),
        pytest.param("https://api.zoom.us.evil.test", id="suffix"),
        pytest.param("https://evil-api.zoom.us", id="prefix"),
        pytest.param("https://x.api.zoom.us", id="subdomain"),
        pytest.param("https://apizzoom.us", id="dot-is-a-dot"),
        pytest.param("https://" + "a" * 10_240 + ".zoom.us", id="K41-10KB"),
        pytest.param("https://api.zoom.us" + "/" * 10_000 + "x", id="K41-slashes"),
        pytest.param("https://api.zoom.us/v2/../../", id="K41-path"),
        pytest.param("https://api.zoom.us?x=1", id="K41-query"),
        pytest.param("https://[", id="K41-bracket"),
        pytest.param("https://[::1]", id="K41-ip"),
        pytest.param("https://127.0.0.1", id="K40"),
        pytest.param("https://169.254.169.254/", id="K40-metadata"),
    ],
)
def test_k31_k41_follows_no_other(api_url):
    assert trusted_api_url(api_url, default=API + ":1") == API + ":1"


def test_the_configured_host_is_followed_whatever_it_is():
    default = "http://127.0.0.1:9000"

    assert trusted_api_url(default, default=default) == default
    assert trusted_api_url(default + "/", default=default) == default


@given(st.text(st.characters(exclude_categories=[])))
def test_any_api_url_leads_to_zoom_or_to_the_default(api_url):
    assert trusted_api_url("https://" + api_url, default="d") in {"d", API}


def test_judging_a_long_api_url_does_not_take_long():
    began = time.process_time()

    trusted_api_url("https://api-" + "a" * 65_000, default=API)

    assert time.process_time() - began < 0.5


# Paths


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("Kq2_Wren-4.~", "Kq2_Wren-4.~"),
        ("../../users/me", "..%2F..%2Fusers%2Fme"),
        ("a/b?c#d%2F", "a%2Fb%3Fc%23d%252F"),
        ("a b\r\n", "a%20b%0D%0A"),
        ("é🏮", "%C3%A9%F0%9F%8F%AE"),
        ("\\", "%5C"),
        ("...", "..."),
        (".", "%252E"),
        ("..", "%252E%252E"),
        ("\ud800", "%3F"),
        ("", ""),
    ],
)
def test_an_id_is_one_segment_of_a_path(text, segment):
    assert escape_segment(text) == segment
