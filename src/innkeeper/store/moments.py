"""How is a time kept? As microseconds since 1970, which every database compares fast."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Write a time as a store keeps it: microseconds since 1970."""
    return round(moment.timestamp() * 1_000_000)


def from_micros(micros: int) -> datetime:
    """Read a time that a store kept."""
    return _EPOCH + timedelta(microseconds=micros)
