"""Forms of records."""

import pytest

from headrace_pgcopy import Field, Kind, RecordForm


@pytest.mark.parametrize(
    ("fields", "delimiter", "quote"),
    [
        ((), ",", '"'),
        ((Field(Kind.TEXT),), "", '"'),
        ((Field(Kind.TEXT),), ",,", '"'),
        ((Field(Kind.TEXT),), "¦", '"'),
        ((Field(Kind.TEXT),), "-", '"'),
        ((Field(Kind.TEXT),), "\n", '"'),
        ((Field(Kind.TEXT),), ",", "0"),
        ((Field(Kind.TEXT),), ",", ","),
    ],
)
def test_marks_that_values_may_hold_are_refused(
    fields: tuple[Field, ...], delimiter: str, quote: str
) -> None:
    with pytest.raises(ValueError, match=r"different marks|one ASCII character"):
        RecordForm(fields, delimiter, quote)


def test_fields_need_no_quotes() -> None:
    assert RecordForm((Field(Kind.TEXT),), "\t", None).quote is None
