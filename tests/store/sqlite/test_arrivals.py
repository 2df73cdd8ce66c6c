import pytest

from innkeeper.store.events import place_of

KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("body", "moment"),
    [
        (b'{"event":"x","event_ts":1763900000123,"payload":{}}', 1763900000123),
        (b'{"event":"x","event_ts": 1763900000123}', 1763900000123),
        (b'{"event":"x","event_ts": "1763900000123"}', 1763900000123),
        (b'{"payload":{"timestamp":1763900000123}}', 1763900000123),
        (b'{"event_ts":"1763900000123999"}', 1763900000123),
        (b'{"payload":{"cmd":"\\"event_ts\\":1"}}', 0),
        (b'{"event_ts":null}', 0),
        (b'{"event_ts":-5}', 0),
        (b"", 0),
    ],
)
def test_events_stand_by_their_time(body: bytes, moment: int) -> None:
    assert place_of(body, KEY) == moment.to_bytes(6, "big") + KEY
