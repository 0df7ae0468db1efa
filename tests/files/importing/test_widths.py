"""Which SQL types hold which others."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_server.files.importing.plan import PlannedColumn
from headrace_server.files.importing.widths import narrowest_of_both, widened_until, wider

TYPES = st.sampled_from(
    [
        *("BIGINT", "NUMERIC", "DOUBLE PRECISION", "DATE", "TIMESTAMP", "BOOLEAN"),
        *("VARCHAR(255)", "TIMESTAMP WITH TIME ZONE", "TIME", "UUID", "JSON", "TEXT"),
    ]
)
COLUMN = PlannedColumn("a", 0, "a", "BIGINT")


def test_numbers_and_days_have_types_between_theirs_and_text() -> None:
    assert [wider("BIGINT"), wider("NUMERIC"), wider("DATE")] == ["NUMERIC", "TEXT", "TIMESTAMP"]
    assert wider("VARCHAR(255)") == wider("UUID") == wider("TEXT") == "TEXT"
    assert narrowest_of_both("BIGINT", "DOUBLE PRECISION") == "NUMERIC"
    assert narrowest_of_both("DATE", "BIGINT") == "TEXT"


@settings(deadline=None)
@given(TYPES, TYPES, TYPES)
def test_the_narrowest_of_some_does_not_depend_on_their_order(a: str, b: str, c: str) -> None:
    both = narrowest_of_both
    assert both(a, b) == both(b, a)
    assert both(a, both(b, c)) == both(both(a, b), c)
    assert both(a, a) == a
    assert both(a, wider(a)) == wider(a)


def test_a_type_is_widened_until_it_holds_what_it_must_and_a_given_one_never() -> None:
    never = widened_until(COLUMN, lambda column: column.sql_type != "BIGINT")
    assert never.sql_type == "NUMERIC"
    assert widened_until(COLUMN, lambda _: False).sql_type == "TEXT"
    assert widened_until(replace(COLUMN, given=True), lambda _: False).sql_type == "BIGINT"
