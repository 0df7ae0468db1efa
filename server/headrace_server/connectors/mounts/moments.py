"""Moments as stores tell them."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(nanoseconds: int) -> datetime:
    """Return the moment so long after 1970; 1970 itself where no calendar has it."""
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return _EPOCH
