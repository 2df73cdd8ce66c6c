import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from innkeeper.errors import BodyRefused
from innkeeper.wire.events import Event, Glimpse, decode, encode, event_time, glimpse, interpret
from innkeeper.wire.payloads import (
    ACTIVITY_PREFIXES,
    PAYLOADS,
    AppDeauthorized,
    AppMention,
    BotNotification,
    ChatActivity,
    ChatMessageSubmit,
    ChatObject,
    Choice,
    InteractiveMessageActions,
    InteractiveMessageSelect,
    LinkShared,
    UnknownEvent,
    payload_type,
)
from tests.wire.samples import CHATBOT, EVENTS, STAMP, SUBSCRIBED, activity, event, person

AT = datetime(2025, 11, 12, 12, 22, 3, 456_000, tzinfo=UTC)


def compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def reason(raw: object) -> str:
    with pytest.raises(BodyRefused) as caught:
        decode(raw if isinstance(raw, bytes) else compact(raw))
    return caught.value.reason


# Every event


def test_there_is_a_sample_of_every_payload():
    assert set(CHATBOT) == set(PAYLOADS)
    assert all(name.startswith(ACTIVITY_PREFIXES) for name in SUBSCRIBED)


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_is_read_and_written_without_loss(name):
    raw = EVENTS[name]
    body = compact(raw)

    found = decode(body)

    assert found.name == name
    assert type(found.payload) is PAYLOADS.get(name, ChatActivity)
    assert found.at == AT
    assert found.raw == raw
    assert json.loads(encode(found)) == raw
    assert decode(encode(found)) == found


@pytest.mark.parametrize("name", EVENTS)
def test_a_glimpse_agrees_with_the_whole(name):
    found, seen = decode(compact(EVENTS[name])), glimpse(compact(EVENTS[name]))

    assert seen.event == found.name
    assert seen.account_id == getattr(found.payload, "account_id", "")
    assert seen.user_id == (
        getattr(found.payload, "user_id", None) or getattr(found.payload, "operator_id", "")
    )


def test_a_command_is_read():
    found = decode(compact(EVENTS["bot_notification"])).payload

    assert isinstance(found, BotNotification)
    assert found.cmd == "due friday  größer 🏮"
    assert found.channel_name == "Harbour planning"
    assert found.to_jid == "9c1fharbour@conference.xmpp.zoom.us"
    assert (found.account_id, found.user_id) == ("Lantern_Acct-07", "Kq2_Wren-4")
    assert found.trigger_id == "dHJpZ2dlciA3"


def test_a_press_and_a_choice_are_read():
    press = decode(compact(EVENTS["interactive_message_actions"])).payload
    choice = decode(compact(EVENTS["interactive_message_select"])).payload

    assert isinstance(press, InteractiveMessageActions)
    assert press.action_item == Choice(value="ok", text="Approve")
    assert press.original["head"]["text"] == "Oil order"
    assert isinstance(choice, InteractiveMessageSelect)
    assert [item.value for item in choice.selected_items] == ["north", "s"]


def test_a_form_a_link_and_a_mention_are_read():
    form = decode(compact(EVENTS["chat_message.submit"])).payload
    link = decode(compact(EVENTS["team_chat.link_shared"])).payload
    mention = decode(compact(EVENTS["team_chat.app_mention"])).payload

    assert isinstance(form, ChatMessageSubmit)
    assert [list(item) for item in form.object.submit_items] == [
        ["plain_text_input"],
        ["actionItem"],
    ]
    assert isinstance(link, LinkShared)
    assert link.object.link == "https://lanterns.example/oil/7"
    assert isinstance(mention, AppMention)
    assert mention.object.robot_jid == "v1lantern0keeper@xmpp.zoom.us"


@pytest.mark.parametrize("retention", ["true", "false", True, False, None, "maybe", 3])
def test_a_removal_is_read_however_retention_is_written(retention):
    raw = {**CHATBOT["app_deauthorized"], "user_data_retention": retention}

    found = decode(compact({"event": "app_deauthorized", "payload": raw})).payload

    assert isinstance(found, AppDeauthorized)
    assert found.user_data_retention == retention


@pytest.mark.parametrize("name", ["meeting.started", "bot_uninstalled", "x", "a.b.c.d_9"])
def test_w109_an_unknown_event_is_an_event_all_the_same(name):
    raw = event(name, {"account_id": "a", "object": [1]})

    found = decode(compact(raw))

    assert found == Event(name, UnknownEvent(), AT)
    assert json.loads(encode(found)) == raw
    assert payload_type(name) is UnknownEvent


def test_an_event_without_a_payload_has_an_empty_one():
    assert decode(b'{"event":"meeting.started"}').payload == UnknownEvent()
    assert decode(b'{"event":"team_chat.starred"}').payload == ChatActivity()
    assert json.loads(encode(decode(b'{"event":"x"}'))) == {"event": "x", "payload": {}}


def test_a_changed_payload_is_written_over_the_json_it_came_from():
    found = decode(compact(EVENTS["bot_notification"]))
    payload = msgspec.structs.replace(found.payload, cmd="", trigger_id=None, name="Keeper")

    again = json.loads(encode(Event(found.name, payload, found.at, found.raw)))

    expected = {**EVENTS["bot_notification"]["payload"], "cmd": "", "name": "Keeper"}
    del expected["triggerId"]
    assert again == {**EVENTS["bot_notification"], "payload": expected}


def test_an_event_of_our_own_is_written_compactly_and_unescaped():
    payload = BotNotification(
        account_id="a", robot_jid="r", to_jid="t", user_id="u", user_jid="j", cmd="é🏮"
    )

    assert (
        encode(Event("bot_notification", payload))
        == (
            '{"event":"bot_notification","payload":{"accountId":"a","robotJid":"r","toJid":"t",'
            '"userId":"u","userJid":"j","cmd":"é🏮"}}'
        ).encode()
    )


# What is refused


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "empty"),
        (b"nope", "not_json"),
        (b"\xef\xbb\xbf{}", "bom"),
        (b'{"event":"a","event":"b"}', "duplicate_key"),
        (b'{"event":"x","payload":{"account_id":"a","account_id":"b"}}', "duplicate_key"),
        (b"[]", "not_an_event"),
        (b'"bot_notification"', "not_an_event"),
        (b"null", "not_an_event"),
        (b"{}", "event_type"),
    ],
)
def test_refuses_what_is_no_event(body, expected):
    assert reason(body) == expected


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("x" * 10_000, id="W110-10KB"),
        pytest.param("a" * 129, id="W110-129"),
        pytest.param("bot_notification\n", id="W110-newline"),
        pytest.param("bot\nnotification", id="W110-newline-inside"),
        pytest.param("../../x", id="W110-path"),
        pytest.param("${jndi:ldap://x}", id="W110-jndi"),
        pytest.param("", id="empty"),
        pytest.param(".", id="dot"),
        pytest.param("a..b", id="dots"),
        pytest.param("a.", id="trailing-dot"),
        pytest.param("Bot_Notification", id="upper"),
        pytest.param("bot notification", id="space"),
        pytest.param("événement", id="accents"),
        pytest.param("\uff41", id="full-width"),
        pytest.param(None, id="null"),
        pytest.param(5, id="number"),
        pytest.param(["bot_notification"], id="list"),
        pytest.param({"a": 1}, id="object"),
    ],
)
def test_w110_refuses_a_name_that_is_none(name):
    assert reason({"event": name, "payload": {}}) == "event_type"


def test_a_name_may_be_128_long():
    assert decode(compact({"event": "a" * 128})).name == "a" * 128


@pytest.mark.parametrize("payload", [None, 1, "x", [], [{}], True])
def test_refuses_a_payload_that_is_no_object(payload):
    assert reason({"event": "bot_notification", "payload": payload}) == "field:payload"


MISSING = object()


@pytest.mark.parametrize("value", [MISSING, None, 7, {}, [], "", "x" * 10_240, True])
@pytest.mark.parametrize("key", ["accountId", "userId", "toJid", "robotJid", "userJid"])
def test_w112_refuses_an_identity_that_is_none(key, value):
    payload = {**CHATBOT["bot_notification"], key: value}
    if value is MISSING:
        del payload[key]

    assert reason({"event": "bot_notification", "payload": payload}) == f"field:{key}"


@pytest.mark.parametrize("value", [MISSING, None, 7, {}, "", "*" * 257])
@pytest.mark.parametrize("key", ["account_id", "user_id", "client_id"])
def test_refuses_a_removal_that_does_not_say_whose(key, value):
    payload = {**CHATBOT["app_deauthorized"], key: value}
    if value is MISSING:
        del payload[key]

    assert reason({"event": "app_deauthorized", "payload": payload}) == f"field:{key}"


@pytest.mark.parametrize(
    ("name", "change", "place"),
    [
        ("interactive_message_actions", {"actionItem": {}}, "actionItem.value"),
        ("interactive_message_actions", {"actionItem": None}, "actionItem"),
        ("interactive_message_actions", {"actionItem": {"value": 1}}, "actionItem.value"),
        ("interactive_message_select", {"selectedItems": [{}]}, "selectedItems[0].value"),
        ("interactive_message_select", {"selectedItems": {}}, "selectedItems"),
        ("interactive_message_editable", {"editItem": {"origin": "a"}}, "editItem.target"),
        ("interactive_message_actions", {"messageId": ""}, "messageId"),
        ("interactive_message_actions", {"original": []}, "original"),
        ("bot_notification", {"cmd": 5}, "cmd"),
        ("chat_message.submit", {"object": {"to_jid": ""}}, "object.to_jid"),
        ("team_chat.starred", {"object": []}, "object"),
        ("team_chat.starred", {"by_external_user": "no"}, "by_external_user"),
        ("endpoint.url_validation", {"plainToken": 5}, "plainToken"),
    ],
)
def test_names_the_place_of_what_it_refuses_and_never_the_value(name, change, place):
    payload = {**(CHATBOT | SUBSCRIBED)[name], **change}

    assert reason({"event": name, "payload": payload}) == f"field:{place}"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("bot_notification", "cmd"),
        ("bot_notification", "userName"),
        ("bot_notification", "channelName"),
        ("bot_installed", "userName"),
        ("interactive_message_actions", "original"),
        ("team_chat.starred", "object"),
        ("app.authorization_request_created", "app_scopes"),
    ],
)
def test_a_null_counts_as_an_absent_key(name, key):
    raw = event(name, {**(CHATBOT | SUBSCRIBED)[name], key: None})
    absent = event(name, {k: v for k, v in raw["payload"].items() if k != key})

    assert decode(compact(raw)) == decode(compact(absent))
    assert json.loads(encode(decode(compact(raw)))) == raw


@pytest.mark.parametrize(
    "cmd",
    [
        pytest.param("", id="W115-empty"),
        pytest.param("x" * 65_536, id="W115-64KB"),
        pytest.param("\u200d", id="W115-joiner"),
        pytest.param("\u202eevil", id="W115-right-to-left"),
        pytest.param("e" + "\u0301" * 1000, id="W115-marks"),
        pytest.param("👩\u200d👩\u200d👧", id="W115-family"),
        pytest.param("'; DROP TABLE x; --", id="W116-sql"),
        pytest.param("{{7*7}} <script> =cmd|' /C calc'!A0 %s%n", id="W116-templates"),
        pytest.param("a\x00b", id="W104"),
    ],
)
def test_w115_a_command_is_kept_to_the_letter(cmd):
    found = decode(compact({"event": "bot_notification", "payload": person(toJid="t", cmd=cmd)}))

    assert isinstance(found.payload, BotNotification)
    assert found.payload.cmd == cmd
    assert json.loads(encode(found))["payload"]["cmd"] == cmd


def test_w94_half_a_character_in_a_name_is_mended():
    payload = compact(person(toJid="t")).replace(b"Wren O'Hara", rb"Wren\ud83c")

    found = decode(b'{"event":"bot_notification","payload":' + payload + b"}")

    assert isinstance(found.payload, BotNotification)
    assert found.payload.user_name == "Wren\ufffd"
    assert encode(found).decode()


def test_w113_another_bots_event_is_read_for_others_to_judge():
    payload = person(toJid="t", robotJid="v1somebody0else@xmpp.zoom.us")

    found = decode(compact({"event": "bot_notification", "payload": payload}))

    assert isinstance(found.payload, BotNotification)
    assert found.payload.robot_jid == "v1somebody0else@xmpp.zoom.us"


# When


@pytest.mark.parametrize(
    "stamp",
    [
        pytest.param(STAMP, id="number"),
        pytest.param(float(STAMP), id="float"),
        pytest.param(str(STAMP), id="W97-digits"),
        pytest.param("2025-11-12T12:22:03.456Z", id="iso"),
        pytest.param("2025-11-12 12:22:03.456", id="iso-without-zone"),
        pytest.param("2025-11-12T17:52:03.456+05:30", id="iso-elsewhere"),
        pytest.param("20251112T122203.456Z", id="iso-basic"),
    ],
)
def test_reads_a_stamp_however_it_is_written(stamp):
    at = event_time({"event_ts": stamp})

    assert at == AT
    assert at.tzinfo is UTC


def test_w97_reads_a_fraction_of_a_millisecond():
    assert event_time({"event_ts": 1_762_950_123_456.5}) == AT + timedelta(microseconds=500)


@pytest.mark.parametrize(
    "stamp",
    [
        pytest.param(1e18, id="W97-1e18"),
        pytest.param(10**400, id="W97-huge"),
        pytest.param(-1, id="W97-negative"),
        pytest.param(0, id="W97-zero"),
        pytest.param(float("nan"), id="W97-nan"),
        pytest.param(float("inf"), id="W97-infinity"),
        pytest.param(float("-inf"), id="W97-minus-infinity"),
        pytest.param(STAMP // 1000, id="seconds"),
        pytest.param(str(STAMP // 1000), id="seconds-as-digits"),
        pytest.param("9" * 40, id="digits-40"),
        pytest.param("1" * 100_000, id="digits-100000"),
        pytest.param("١٧٦٢٩٥٠١٢٣٤٥٦", id="arabic"),
        pytest.param("\uff11762950123456", id="full-width"),
        pytest.param("²", id="superscript"),
        pytest.param("", id="empty"),
        pytest.param("-1762950123456", id="negative-digits"),
        pytest.param("1762950123456.5", id="fraction-as-text"),
        pytest.param("2025-13-01", id="month-13"),
        pytest.param("2025-02-30T00:00:00Z", id="february-30"),
        pytest.param("20251112", id="a-date-as-digits"),
        pytest.param("0001-01-01T00:00:00+23:59", id="year-1"),
        pytest.param("9999-12-31T23:59:59-23:59", id="year-9999"),
        pytest.param("3000-01-01T00:00:00Z", id="year-3000"),
        pytest.param("1969-12-31T23:59:59Z", id="before-zoom"),
        pytest.param("yesterday", id="word"),
        pytest.param("2" * 50_000 + "-01-01", id="long"),
        pytest.param(True, id="true"),
        pytest.param([STAMP], id="list"),
        pytest.param({"ms": STAMP}, id="object"),
        pytest.param(None, id="null"),
    ],
)
def test_w97_a_stamp_that_is_no_time_is_none(stamp):
    assert event_time({"event_ts": stamp, "payload": {"timestamp": stamp}}) is None
    assert event_time({"event_ts": stamp, "payload": {"timestamp": STAMP}}) == AT


@pytest.mark.parametrize(
    ("top", "inner"),
    [
        ({"event_ts": STAMP}, {}),
        ({}, {"event_ts": STAMP}),
        ({}, {"event_ts": "2025-11-12 12:22:03.456"}),
        ({}, {"timestamp": STAMP}),
        ({}, {"deauthorization_time": "2025-11-12T12:22:03.456Z"}),
        ({"event_ts": STAMP}, {"timestamp": STAMP - 1000}),
        ({"event_ts": STAMP - 1000}, {"timestamp": STAMP}),
        ({"event_ts": STAMP}, {"deauthorization_time": "2019-06-17T13:52:28.632Z"}),
        ({"event_ts": STAMP - 9}, {"deauthorization_time": "2025-11-12T13:22:03.456+01:00"}),
    ],
)
def test_takes_the_latest_stamp_wherever_zoom_put_it(top, inner):
    assert event_time({**top, "payload": inner}) == AT


@pytest.mark.parametrize("payload", [None, [], "x", {}])
def test_an_event_without_a_stamp_has_no_time(payload):
    assert event_time({"payload": payload}) is None


# A glimpse


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ({"event": "a"}, Glimpse("a")),
        ({"event": "a", "payload": {"accountId": "x", "userId": "y"}}, Glimpse("a", "x", "y")),
        ({"event": "a", "payload": {"account_id": "x", "user_id": "y"}}, Glimpse("a", "x", "y")),
        ({"event": "a", "payload": {"operator_id": "y"}}, Glimpse("a", "", "y")),
        ({"payload": {"accountId": "x"}}, Glimpse("", "x")),
        ({"event": "a", "payload": {"accountId": 5, "userId": ["y"]}}, Glimpse("a")),
        ({"event": "a", "payload": {"accountId": "x" * 257}}, Glimpse("a")),
        ({"event": "a", "payload": {"userId": "y" * 257}}, Glimpse("a")),
        ({"event": "a" * 129, "payload": {"accountId": "x"}}, Glimpse("", "x")),
        ({"event": 5, "payload": {"accountId": "x"}}, Glimpse()),
        ({"event": "a", "payload": []}, Glimpse()),
        ([], Glimpse()),
        (None, Glimpse()),
    ],
)
def test_glimpses_the_name_and_the_owner(raw, seen):
    assert glimpse(compact(raw)) == seen


@given(st.binary(max_size=80))
@example(b"")
@example(b'{"event":"\xff"}')
@example(rb'{"event":"\ud800"}')
@example(b'{"event":"a","payload":{"accountId":"\xed\xa0\x80"}}')
@example(b'{"event":"a","x":' + b"[" * 100_000)
@example(b'{"payload":{"accountId":' + b"[" * 100_000)
def test_a_glimpse_never_fails(body):
    assert isinstance(glimpse(body), Glimpse)


# Whatever comes

TEXT = st.text(max_size=12)
ID = st.text(min_size=1, max_size=12)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)


def payloads(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Draw payloads of a shape, from what its fields say of themselves."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for item in msgspec.structs.fields(kind):
        drawn = values(msgspec.inspect.type_info(item.type))
        (required if item.required else optional)[item.name] = drawn
    return st.fixed_dictionaries(required, optional=optional).map(lambda known: kind(**known))


DRAWN: dict[type, Any] = {
    msgspec.inspect.AnyType: lambda _: ANY,
    msgspec.inspect.StrType: lambda kind: text(kind),  # noqa: PLW0108  # it is defined below
    msgspec.inspect.BoolType: lambda _: st.booleans(),
    msgspec.inspect.NoneType: lambda _: st.none(),
    msgspec.inspect.UnionType: lambda kind: st.one_of(*map(values, kind.types)),
    msgspec.inspect.ListType: lambda kind: st.lists(values(kind.item_type), max_size=2),
    msgspec.inspect.DictType: lambda _: st.dictionaries(TEXT, ANY, max_size=2),
    msgspec.inspect.StructType: lambda kind: payloads(kind.cls),
}


def text(kind: msgspec.inspect.StrType) -> st.SearchStrategy[str]:
    if kind.pattern:
        return st.from_regex(kind.pattern).filter(lambda drawn: len(drawn) <= kind.max_length)
    return ID if kind.min_length else TEXT


def values(kind: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    return DRAWN[type(kind)](kind)


@pytest.mark.parametrize("name", [*PAYLOADS, "team_chat.starred", "meeting.started"])
@settings(max_examples=40)
@given(st.data())
def test_a_payload_of_our_own_survives_the_way_to_zoom_and_back(name, data):
    sent = Event(name, data.draw(payloads(payload_type(name))))

    assert decode(encode(sent)).payload == sent.payload


@given(st.sampled_from(sorted(EVENTS)), st.dictionaries(TEXT, ANY, max_size=3), st.data())
def test_unknown_keys_survive_wherever_they_are(name, added, data):
    raw: Any = json.loads(json.dumps(EVENTS[name]))
    place = raw
    while data.draw(st.booleans()):
        inner = [value for value in place.values() if isinstance(value, dict)]
        if not inner:
            break
        place = data.draw(st.sampled_from(inner))
    place.update({f"novel {key}": value for key, value in added.items()})

    assert json.loads(encode(decode(compact(raw)))) == raw


@given(st.sampled_from(sorted(EVENTS)), ANY, st.data())
def test_a_value_of_another_kind_is_refused_or_kept(name, value, data):
    raw = json.loads(json.dumps(EVENTS[name]))
    key = data.draw(st.sampled_from(sorted(raw["payload"])))
    raw["payload"][key] = value

    try:
        found = decode(compact(raw))
    except BodyRefused as error:
        outcome = error.reason
    else:
        outcome = json.loads(encode(found))
    assert outcome == raw or str(outcome).startswith(f"field:{key}")


def test_interpret_reads_json_that_was_parsed_elsewhere():
    raw = event("team_chat.starred", activity({}))

    assert interpret(raw) == decode(compact(raw))
    assert interpret(raw).raw is raw
    assert isinstance(interpret(raw).payload, ChatActivity)
    assert interpret({"event": "team_chat.x"}).payload == ChatActivity(object=ChatObject())
