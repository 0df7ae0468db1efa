from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.files.timestamps import are_utc_texts, date_text, utc_text

OFFSETS = st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59)).map(
    lambda delta: timezone(timedelta(minutes=delta // timedelta(minutes=1)))
)


@given(moment=st.datetimes(), offset=OFFSETS, separator=st.sampled_from("T t"))
def test_the_same_instant_in_utc(moment: datetime, offset: timezone, separator: str) -> None:
    aware = moment.replace(tzinfo=offset)
    try:
        expected = aware.astimezone(UTC)
    except OverflowError:
        with pytest.raises(ValueError, match="-"):
            utc_text(aware.isoformat(separator))
        return
    text = utc_text(aware.isoformat(separator))
    assert datetime.fromisoformat(text) == expected
    assert text.endswith("Z")
    assert utc_text(text) == text
    assert are_utc_texts([text]) == (expected.microsecond == 0)


@given(moment=st.datetimes())
def test_no_offset_is_utc(moment: datetime) -> None:
    assert datetime.fromisoformat(utc_text(moment.isoformat(" "))) == moment.replace(tzinfo=UTC)


@given(text=st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]", fullmatch=True))
def test_days_are_those_of_the_calendar(text: str) -> None:
    try:
        expected = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  # a day has no zone
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011  # the words are the caller's
            date_text(text)
        assert not are_utc_texts([f"{text}T00:00:00Z"])
    else:
        assert text == expected.isoformat()
        assert date_text(text) == text
        assert are_utc_texts([f"{text}T00:00:00Z"])


@pytest.mark.parametrize(
    "text",
    [
        "2011-01-31T23:59:60Z",
        "2011-01-31T24:00:00Z",
        "2011-01-31T23:59Z",
        "2011-01-31T23:59:59.Z",
        "2011-01-31T23:59:59.0000000Z",
        "2011-01-31T23:59:59,5Z",
        "2011-01-31T23:59:59+0100",
        "2011-01-31T23:59:59+24:00",
        "20110131T235959Z",
        "2011-W05-1T00:00:00Z",
        " 2011-01-31T23:59:59Z",
        "2011-01-31T23:59:59Z\n",
        "now",
        "",
    ],
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the words are the caller's
        utc_text(text)
