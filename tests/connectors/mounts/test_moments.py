from datetime import UTC, datetime

from headrace_server.connectors.mounts.moments import moment_of


def test_moments() -> None:
    assert moment_of(1_700_000_000_123_456_789) == datetime(
        2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC
    )
    assert moment_of(-1) == datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert moment_of(1 << 70) == moment_of(0)
