import contextlib
import json
import time

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from innkeeper.errors import BodyRefused
from innkeeper.wire.lossless import parse, written

WHOLE = 9_999_999_999_999_999_999  # nineteen digits
NUMBERS = st.integers(-WHOLE, WHOLE) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


def reason(body: bytes) -> str:
    with pytest.raises(BodyRefused) as caught:
        parse(body)
    return caught.value.reason


def same(one: object, other: object) -> bool:
    """Compare JSON values strictly: 1 is not 1.0, and neither is true."""
    return repr(one) == repr(other)


# What is accepted, and as what

ACCEPTED = {
    "y_null": (b"null", None),
    "y_true": (b"true", True),
    "y_false": (b"false", False),
    "y_zero": (b"0", 0),
    "y_minus_zero": (b"-0", 0),
    "y_minus_zero_float": (b"-0.0", -0.0),
    "y_integer": (b"42", 42),
    "y_negative": (b"-7", -7),
    "y_nineteen_digits": (b"9999999999999999999", WHOLE),
    "y_minus_nineteen_digits": (b"-9999999999999999999", -WHOLE),
    "y_beyond_doubles": (b"9007199254740993", 9_007_199_254_740_993),
    "y_fraction": (b"1.5", 1.5),
    "y_whole_float": (b"1.0", 1.0),
    "y_exponent": (b"1e3", 1000.0),
    "y_exponent_upper": (b"1E3", 1000.0),
    "y_exponent_plus": (b"1e+3", 1000.0),
    "y_exponent_minus": (b"25e-1", 2.5),
    "y_exponent_of_zero": (b"0e9", 0.0),
    "y_underflow": (b"1e-999", 0.0),
    "y_long_fraction": (b"0.33333333333333333333333333333333", 1 / 3),
    "y_long_float": (b"12345678901234567890123.0", 1.2345678901234568e22),
    "y_empty_text": (b'""', ""),
    "y_text": (b'"lamp"', "lamp"),
    "y_escapes": (rb'"\"\\\/\b\f\n\r\t"', '"\\/\b\f\n\r\t'),
    "y_unicode_escape": (rb'"\u00e9\u00E9"', "éé"),
    "y_pair_of_escapes": (rb'"\ud83c\udfee"', "🏮"),
    "y_utf8": ('"é€🏮"'.encode(), "é€🏮"),
    "y_nul_escaped": (rb'"a\u0000b"', "a\x00b"),
    "y_delete": (b'"\x7f"', "\x7f"),
    "y_line_separator": ('"\u2028\u2029"'.encode(), "\u2028\u2029"),
    "y_noncharacter": ('"\uffff"'.encode(), "\uffff"),
    "y_digits_in_text": (b'"12345678901234567890123"', "12345678901234567890123"),
    "y_brackets_in_text": (b'"' + b"[{" * 40 + b'"', "[{" * 40),
    "y_escaped_quote_and_brackets": (b'["\\"' + b"[" * 40 + b'"]', ['"' + "[" * 40]),
    "y_empty_list": (b"[]", []),
    "y_empty_object": (b"{}", {}),
    "y_nested": (b'{"a":[{"b":null}]}', {"a": [{"b": None}]}),
    "y_empty_key": (b'{"":1}', {"": 1}),
    "y_key_escaped": (rb'{"a\u0062":1}', {"ab": 1}),
    "y_same_key_in_two_objects": (b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
    "y_keys_in_their_order": (b'{"b":1,"a":2}', {"b": 1, "a": 2}),
    "y_keys_of_another_form": ('{"é":1,"e\u0301":2}'.encode(), {"é": 1, "e\u0301": 2}),
    "y_blanks": (b' \t\r\n{ "a" : [ 1 , 2 ] } \n', {"a": [1, 2]}),
    "y_depth_32": (b"[" * 32 + b"]" * 32, json.loads("[" * 32 + "]" * 32)),
    "y_wide": (b"[" + b"[]," * 99 + b"[]]", [[]] * 100),
    "y_W103": (
        b'{"__proto__":{"a":1},"__class__":"x","constructor":[],"$ref":"#","!!python":"os"}',
        {
            "__proto__": {"a": 1},
            "__class__": "x",
            "constructor": [],
            "$ref": "#",
            "!!python": "os",
        },
    ),
    # What RFC 8259 leaves to the reader, settled
    "i_W94_half_character": (rb'"\ud800"', "\ufffd"),
    "i_second_half_only": (rb'"\udfee"', "\ufffd"),
    "i_halves_in_the_wrong_order": (rb'"\udfee\ud83c"', "\ufffd\ufffd"),
    "i_half_upper": (rb'"\uD800x"', "\ufffdx"),
    "i_half_in_a_key": (rb'{"\ud800":[{"k":"\udc00"},1]}', {"\ufffd": [{"k": "\ufffd"}, 1]}),
    "i_escaped_backslash_before_u": (rb'"\\ud800"', "\\ud800"),
}


@pytest.mark.parametrize(("body", "value"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepts_what_is_json(body, value):
    assert same(parse(body), value)


REJECTED = {
    "n_W88_nothing": (b"", "empty"),
    "n_W88_blanks": (b" \t\r\n ", "empty"),
    "n_W89_word": (b"nope", "not_json"),
    "n_W89_open": (b"{", "not_json"),
    "n_W89_trailing_comma": (b'{"a":1,}', "not_json"),
    "n_W89_two_values": (b"{} {}", "not_json"),
    "n_W89_quoted": (b"'{}'", "not_json"),
    "n_list_trailing_comma": (b"[1,]", "not_json"),
    "n_list_leading_comma": (b"[,1]", "not_json"),
    "n_list_double_comma": (b"[1,,2]", "not_json"),
    "n_list_open": (b"[1", "not_json"),
    "n_list_closed_twice": (b"[1]]", "not_json"),
    "n_list_without_comma": (b"[1 2]", "not_json"),
    "n_list_with_colon": (b'["a":1]', "not_json"),
    "n_brackets_crossed": (b"[{]}", "not_json"),
    "n_closed_only": (b"]", "not_json"),
    "n_object_key_bare": (b"{a:1}", "not_json"),
    "n_object_key_number": (b"{1:1}", "not_json"),
    "n_object_key_null": (b"{null:1}", "not_json"),
    "n_object_without_value": (b'{"a":}', "not_json"),
    "n_object_without_colon": (b'{"a" 1}', "not_json"),
    "n_object_double_colon": (b'{"a"::1}', "not_json"),
    "n_object_equals": (b'{"a"=1}', "not_json"),
    "n_object_comma_only": (b"{,}", "not_json"),
    "n_object_two_values": (b'{"a":1 "b":2}', "not_json"),
    "n_text_open": (b'"abc', "not_json"),
    "n_text_ends_in_backslash": (b'"abc\\', "not_json"),
    "n_text_escape_unknown": (rb'"\x41"', "not_json"),
    "n_text_escape_zero": (rb'"\0"', "not_json"),
    "n_text_escape_short": (rb'"\u00e"', "not_json"),
    "n_text_escape_no_hex": (rb'"\u00zz"', "not_json"),
    "n_text_escape_capital": (rb'"\U00e9"', "not_json"),
    "n_text_raw_newline": (b'"a\nb"', "not_json"),
    "n_text_raw_tab": (b'"a\tb"', "not_json"),
    "n_text_raw_nul": (b'"a\x00b"', "not_json"),
    "n_text_single_quotes": (b"['a']", "not_json"),
    "n_text_backquotes": (b"`a`", "not_json"),
    "n_nul_after": (b"{}\x00", "not_json"),
    "n_nul_only": (b"\x00", "not_json"),
    "n_form_feed": (b"[1]\x0c", "not_json"),
    "n_no_break_space": ("\u00a0{}".encode(), "not_json"),
    "n_separator_outside": ("{}\u2028".encode(), "not_json"),
    "n_bom_inside": ("[\ufeff1]".encode(), "not_json"),
    "n_bom_after_a_blank": (b" \xef\xbb\xbf{}", "not_json"),
    "n_W106_comment": (b"{} // a", "not_json"),
    "n_W106_comment_inside": (b"[/**/1]", "not_json"),
    "n_W106_hash_comment": (b"[1] # a", "not_json"),
    "n_W106_hex": (b"0x1F", "not_json"),
    "n_W106_plus": (b"+1", "not_json"),
    "n_W106_bare_fraction": (b".5", "not_json"),
    "n_W106_leading_zero": (b"01", "not_json"),
    "n_W106_leading_zero_negative": (b"-01", "not_json"),
    "n_fraction_without_digits": (b"1.", "not_json"),
    "n_exponent_without_digits": (b"1e", "not_json"),
    "n_exponent_sign_only": (b"1e+", "not_json"),
    "n_exponent_twice": (b"1e1e1", "not_json"),
    "n_minus_only": (b"-", "not_json"),
    "n_minus_twice": (b"--1", "not_json"),
    "n_minus_space": (b"- 1", "not_json"),
    "n_thousands": (b"1,000", "not_json"),
    "n_underscores": (b"1_000", "not_json"),
    "n_full_width_digit": ("\uff11".encode(), "not_json"),
    "n_arabic_digit": ("[1٣]".encode(), "not_json"),
    "n_True": (b"True", "not_json"),
    "n_None": (b"None", "not_json"),
    "n_undefined": (b"undefined", "not_json"),
    "n_nul": (b"nul", "not_json"),
    "n_true_and_more": (b"truest", "not_json"),
    "n_xml": (b"<a/>", "not_json"),
    "n_W91_bom": (b"\xef\xbb\xbf{}", "bom"),
    "n_W91_bom_only": (b"\xef\xbb\xbf", "bom"),
    "n_W92_ff": (b'"\xff"', "not_utf8"),
    "n_W92_overlong": (b'"\xc0\xaf"', "not_utf8"),
    "n_W92_surrogate": (b'"\xed\xa0\x80"', "not_utf8"),
    "n_W92_beyond_unicode": (b'"\xf4\x90\x80\x80"', "not_utf8"),
    "n_W92_cut_off": (b'"\xe2\x82"', "not_utf8"),
    "n_W92_latin": ('"é"'.encode("latin-1"), "not_utf8"),
    "n_W92_in_a_key": (b'{"\xff":1}', "not_utf8"),
    "n_W83_utf16": ('{"a":1}'.encode("utf-16"), "not_utf8"),
    "n_W83_utf16_without_bom": ('{"a":1}'.encode("utf-16-le"), "not_json"),
    "n_W95_nan": (b'{"a":NaN}', "non_finite"),
    "n_W95_infinity": (b"[Infinity]", "non_finite"),
    "n_W95_minus_infinity": (b"[-Infinity]", "non_finite"),
    "n_W95_overflow": (b"1e999", "non_finite"),
    "n_W95_overflow_negative": (b"[-1e999]", "non_finite"),
    "n_W95_overflow_spelt_out": (b"[" + b"9" * 400 + b".0]", "non_finite"),
    "n_twenty_digits": (b"10000000000000000000", "long_number"),
    "n_twenty_digits_that_fit_64_bits": (b"[18446744073709551615]", "long_number"),
    "n_minus_twenty_digits": (b'{"a":-10000000000000000000}', "long_number"),
    "n_5000_digits": (b"[" + b"7" * 5000 + b"]", "long_number"),
    "n_W98_33": (b"[" * 33, "too_deep"),
    "n_W98_33_closed": (b"[" * 33 + b"]" * 33, "too_deep"),
    "n_W98_33_objects": (b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep"),
    "n_W98_33_mixed": (b'[{"a":' * 17 + b"1" + b"}]" * 17, "too_deep"),
    "n_W98_after_wide": (b"[" + b"[]," * 50 + b"[" * 32 + b"]" * 33, "too_deep"),
    "n_W98_1000": (b"[" * 1000 + b"]" * 1000, "too_deep"),
    "n_W98_100000": (b"[" * 100_000, "too_deep"),
    "n_W98_100000_objects": (b'{"a":' * 50_000, "too_deep"),
    "n_W100_event_twice": (
        b'{"event":"bot_notification","event":"app_deauthorized"}',
        "duplicate_key",
    ),
    "n_W101_account_twice": (
        b'{"event":"e","payload":{"account_id":"ours","account_id":"victim"}}',
        "duplicate_key",
    ),
    "n_key_twice_alike": (b'{"a":1,"a":1}', "duplicate_key"),
    "n_key_twice_by_escape": (rb'{"a":1,"\u0061":2}', "duplicate_key"),
    "n_key_twice_deep": (b'[[[{"a":{"b":[{"c":1,"c":2}]}}]]]', "duplicate_key"),
    "n_key_twice_empty": (b'{"":1,"":2}', "duplicate_key"),
    "n_keys_alike_once_mended": (rb'{"\ud800":1,"\ud801":2}', "duplicate_key"),
    "n_keys_alike_once_mended_deep": (rb'[{"k\ud800":1,"k\ufffd":2}]', "duplicate_key"),
}


@pytest.mark.parametrize(("body", "expected"), REJECTED.values(), ids=REJECTED)
def test_rejects_what_two_readers_could_understand_differently(body, expected):
    assert reason(body) == expected


def test_accepts_objects_32_deep():
    value = parse(b'{"a":' * 32 + b"1" + b"}" * 32)

    for _ in range(32):
        value = value["a"]
    assert value == 1


# Whatever comes


@given(VALUES)
def test_what_json_wrote_reads_back(value):
    for text in (
        json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        json.dumps(value),
        json.dumps(value, ensure_ascii=False, indent=1),
        json.dumps(value, sort_keys=True),
    ):
        assert parse(text.encode()) == json.loads(text)


@given(VALUES)
def test_the_short_way_and_the_long_way_agree(value):
    compact = msgspec.json.encode(value)

    assert same(parse(compact), parse(b" " + compact))


@given(TEXTS, VALUES, VALUES, st.lists(st.sampled_from(["list", "object"]), max_size=20))
@example("a", 1, 1, [])
def test_a_key_twice_is_refused_at_any_depth(key, one, other, around):
    name = json.dumps(key, ensure_ascii=False)
    values = [json.dumps(value, ensure_ascii=False) for value in (one, other)]
    text = f"{{{name}:{values[0]},{name}:{values[1]}}}"
    for kind in around:
        text = f"[{text}]" if kind == "list" else f'{{"x":{text}}}'

    assert reason(text.encode()) in {"duplicate_key", "too_deep"}


@given(st.binary(max_size=60) | st.text('[]{}",:\\ud8 01.eE+-nat', max_size=60).map(str.encode))
@example(b'{"a":1}\n')
def test_garbage_is_refused_and_nothing_else_happens(body):
    try:
        value = parse(body)
    except BodyRefused:
        return
    assert value == json.loads(body)


@given(VALUES, st.data())
def test_a_damaged_body_is_refused_or_still_json(value, data):
    body = bytearray(msgspec.json.encode(value))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] = data.draw(st.integers(0, 255))

    try:
        found = parse(bytes(body))
    except BodyRefused:
        return
    assert msgspec.json.encode(found) == msgspec.json.encode(parse(msgspec.json.encode(found)))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 33 + b'"' + b'\\"' * 130_000,
        b"[" * 33 + b'"' + b"\\" * 260_000,
        b"[" * 33 + b'"' * 260_001,
        b'{"a\\' + b'"' * 260_000,
        b"[]" * 130_000,
        b'{"a":' * 50_000,
        b"[" + b"1" * 260_000 + b"]",
        b"[0." + b"1" * 260_000 + b"]",
        b"[1e-" + b"9" * 260_000 + b"]",
        b"[" + b'"\\ud800",' * 26_000 + b'""]',
        b"\\ud800" * 40_000,
    ],
    ids=lambda body: repr(body[30:44]),
)
def test_no_body_within_the_limit_takes_long(body):
    began = time.process_time()
    with contextlib.suppress(BodyRefused):
        parse(body)
    assert time.process_time() - began < 1  # a quadratic scan would take minutes


def test_keeps_no_reference_to_what_it_read():
    body = b'{"a":[1]}'
    parse(body)["a"].append(2)

    assert parse(body) == {"a": [1]}


# Writing


class Wick(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    trim_mm: int
    burnt: bool = False


class Lamp(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="lamp"):
    colour: str
    owner: str | None
    wick: Wick | None = None
    spares: tuple[Wick, ...] = ()
    maker: str | None = None
    tags: dict[str, object] = msgspec.field(default_factory=dict)
    raw: dict[str, object] = msgspec.field(default_factory=dict)


RAW = {
    "type": "lamp",
    "new": [1],
    "colour": "blue",
    "owner": "Ana",
    "maker": "Rui",
    "wick": {"trimMm": 2, "burnt": True, "soaked": "yes"},
    "spares": [{"trimMm": 1, "id": "s0"}, {"trimMm": 2, "id": "s1"}],
    "tags": {"a": 1},
}


def lamp_of(raw: dict[str, object]) -> Lamp:
    return msgspec.structs.replace(msgspec.convert(raw, Lamp), raw=raw)


def changed(**changes: object) -> dict[str, object]:
    return written(msgspec.structs.replace(lamp_of(RAW), **changes), RAW)


def test_writes_a_value_that_came_from_nowhere():
    lamp = Lamp("red", None, Wick(3), (Wick(1), Wick(2, burnt=True)), raw={"not": "written"})

    assert written(lamp) == {
        "type": "lamp",
        "colour": "red",
        "owner": None,
        "wick": {"trimMm": 3},
        "spares": [{"trimMm": 1}, {"trimMm": 2, "burnt": True}],
    }


def test_what_was_not_changed_is_written_as_it_came():
    assert changed() == RAW
    assert list(changed()) == list(RAW)


@pytest.mark.parametrize(
    "spelt_out",
    [
        {"maker": None, "wick": None, "spares": [], "tags": {}},
        {"maker": None, "tags": {}},
        {"wick": {"trimMm": 1, "burnt": False}},
    ],
)
def test_defaults_and_nulls_that_were_spelt_out_stay(spelt_out):
    raw = {"type": "lamp", "colour": "red", "owner": None, **spelt_out}

    assert written(lamp_of(raw), raw) == raw


def test_what_was_changed_is_written_and_unknown_keys_stay():
    assert changed(colour="red") == RAW | {"colour": "red"}
    assert changed(wick=Wick(9)) == RAW | {"wick": {"trimMm": 9, "burnt": False, "soaked": "yes"}}
    assert changed(owner=None) == RAW | {"owner": None}


def test_what_was_taken_away_is_gone():
    without = {key: value for key, value in RAW.items() if key not in {"maker", "wick"}}

    assert changed(maker=None, wick=None) == without
    assert changed(spares=()) == RAW | {"spares": []}
    assert changed(tags={"b": 2}) == RAW | {"tags": {"b": 2}}


def test_a_longer_list_keeps_the_keys_of_its_beginning():
    grown = changed(spares=(Wick(1), Wick(5), Wick(3)))

    assert grown["spares"] == [{"trimMm": 1, "id": "s0"}, {"trimMm": 5, "id": "s1"}, {"trimMm": 3}]


def test_a_shorter_list_keeps_no_unknown_keys_for_which_is_gone_cannot_be_told():
    assert changed(spares=(Wick(2),))["spares"] == [{"trimMm": 2}]


@pytest.mark.parametrize("raw", [None, 5, [], "x"])
def test_json_of_another_shape_is_written_over(raw):
    assert written(Wick(3), raw) == {"trimMm": 3}
    assert written([Wick(3)], raw) == [{"trimMm": 3}]


@given(VALUES)
def test_plain_json_is_written_as_it_is(value):
    assert same(written(value), value)
