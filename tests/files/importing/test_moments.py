"""Days and moments in the forms that files have."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_server.files.importing.moments import (
    Normalised,
    datetime_reader,
    day_reader,
    time_reader,
    timestamp_reader,
)
from headrace_server.files.sniffing.cells import DAY_FORMS

FORMS = [directives for _, directives in DAY_FORMS if "%y" not in directives]


@pytest.mark.parametrize(
    ("date_format", "text", "day"),
    [
        ("", "2024-02-29", "2024-02-29"),
        ("%d.%m.%Y", "1.2.2024", "2024-02-01"),
        ("%m/%d/%Y", "02/01/2024", "2024-02-01"),
        ("%Y/%m/%d", "2024/2/1", "2024-02-01"),
        ("%d-%b-%y", "29-Feb-00", "2000-02-29"),
        ("%d %b %Y", "1 september 2024", "2024-09-01"),
        ("%d/%m/%y", "31/12/68", "2068-12-31"),
        ("%d/%m/%y", "31/12/69", "1969-12-31"),
        ("%d/%m/%Y %H:%M", "31/12/2024 00:00", "2024-12-31"),
    ],
)
def test_days_are_read_in_the_form_of_their_column(date_format: str, text: str, day: str) -> None:
    assert day_reader(date_format)(text) == day


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (day_reader(""), "2023-02-29"),
        (day_reader(""), "2024-1-31"),
        (day_reader(""), "2024-01-31T00:00:00"),
        (day_reader("%d.%m.%Y"), "29.2.2023"),
        (day_reader("%d.%m.%Y"), "1.13.2024"),
        (day_reader("%d.%m.%Y"), "2024-01-31"),
        (day_reader("%d.%m.%Y"), "1.2.24"),
        (day_reader("%d.%m.%Y"), "0.1.2024"),
        (day_reader("%d %b %Y"), "1 Sep. 2024"),
        # A day has no clock: that would be cut.
        (day_reader("%d/%m/%Y %H:%M"), "31/12/2024 10:30"),
        (datetime_reader(""), "2024-01-31 10"),
        (datetime_reader(""), "2024-01-31x10:00"),
        (datetime_reader(""), "2024-01-31 10:00+01:00"),
        (datetime_reader(""), "2024-01-31 10:00:60"),
        (datetime_reader("%d.%m.%Y %H:%M"), "1.2.2024 24:00"),
        (datetime_reader("%d.%m.%Y %H:%M"), "1.2.2024 10:60"),
        (timestamp_reader(""), "2024-01-31 10:00:00+25:00"),
        (timestamp_reader(""), "0001-01-01 00:00:00+01:00"),
        (time_reader(""), "10"),
        (time_reader(""), "24:00"),
        (time_reader(""), "10:00:00.1234567"),
    ],
)
def test_other_forms_and_days_that_do_not_exist_are_refused(read: Normalised, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)


def test_moments_keep_their_clock() -> None:
    assert datetime_reader("%d.%m.%y %H:%M:%S")("1.2.24 9:05:06") == "2024-02-01T09:05:06"
    assert datetime_reader("%d.%m.%y %H:%M:%S.%f")("1.2.24 9:05:06.5").endswith(":06.500000")
    assert timestamp_reader("%d.%m.%Y %H:%M")("1.2.2024 9:05") == "2024-02-01T09:05:00Z"
    assert timestamp_reader("")("2024-02-01") == "2024-02-01T00:00:00Z"
    assert timestamp_reader("")("2024-02-01 01:00 +0200") == "2024-01-31T23:00:00Z"
    assert time_reader("")("9:05:06.25") == "09:05:06.250000"


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1500, 1, 1)), st.sampled_from(FORMS))  # noqa: DTZ001
def test_what_is_written_in_a_form_comes_back(moment: datetime, day: str) -> None:
    date_format = f"{day} %H:%M:%S.%f"
    assert datetime_reader(date_format)(moment.strftime(date_format)) == moment.isoformat()
    assert day_reader(day)(moment.strftime(day)) == moment.date().isoformat()


@settings(deadline=None)
@given(st.datetimes())
def test_iso_moments_come_back_with_any_mark_between_day_and_clock(moment: datetime) -> None:
    for mark in "Tt ":
        assert datetime_reader("")(moment.isoformat(mark)) == moment.isoformat()
        assert timestamp_reader("")(f"{moment.isoformat(mark)}Z") == f"{moment.isoformat()}Z"
