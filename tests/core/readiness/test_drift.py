"""What changed from one load to the next."""

from dataclasses import replace
from datetime import timedelta

from headrace_server.core.readiness.drift import observation_of
from headrace_server.model.observation import ColumnProfile, KeyProfile

from .conftest import NOW, profile, seen

LATER = NOW + timedelta(hours=1)
ID = ColumnProfile("id", "UUID", nullable=False, null_rate=0.0)


def compared(*columns: ColumnProfile, rows: int = 100) -> tuple[tuple[str, ...], ...]:
    """What is told of these columns after those of `seen`."""
    after = profile(columns=(ID, *columns), updated_at=LATER, sampled_rows=rows)
    found = observation_of(after, seen(), LATER)
    assert found.compared
    return found.schema_breaks, found.new_columns, found.distribution_shifts


def email(kind: str = "STRING(320)", nulls: float = 0.0, mean: float = 20.0) -> ColumnProfile:
    return ColumnProfile("email", kind, True, nulls, mean, 4.0)


def test_the_first_sight_compares_nothing() -> None:
    found = observation_of(profile(), None, NOW)
    assert not found.compared
    assert found.observed_at == NOW


def test_schemas() -> None:
    assert compared(email()) == ((), (), ())
    assert compared(email("STRING(400)")) == ((), (), ())
    assert compared() == (("email is gone",), (), ())
    assert compared(email("INTEGER"))[0] == ("email was STRING(320) and is INTEGER",)
    assert compared(email(), ColumnProfile("new", "DATE", True))[1] == ("new",)


def test_values() -> None:
    assert compared(email(nulls=0.1, mean=22.0))[2] == ()
    assert compared(email(nulls=0.11, mean=22.1))[2] == ("email had 0.0 % nulls, now 11.0 %",)
    assert compared(email(mean=22.1))[2] == ("email was 20 on average, now 22.1",)
    assert compared(email(mean=50.0), rows=29)[2] == ()


def test_a_second_look_forgets_nothing() -> None:
    first = seen()
    after = observation_of(profile(columns=(ID,), updated_at=LATER), first, LATER)
    again = observation_of(after.profile, after, LATER + timedelta(hours=1))
    assert again == replace(after, observed_at=LATER + timedelta(hours=1))


def test_what_changed_between_two_loads_is_told_by_whoever_looks_first() -> None:
    first = seen()
    after = observation_of(profile(columns=(ID, ColumnProfile("new", "DATE", True))), first, LATER)
    assert (after.schema_breaks, after.new_columns) == (("email is gone",), ("new",))


def test_a_part_of_the_rows_leaves_what_all_of_them_told_of_keys() -> None:
    key = KeyProfile(("email",), 0.5)
    before = seen(keys=(*profile().keys, key))
    part = profile(rows=1000, updated_at=LATER)
    assert observation_of(part, before, LATER).profile.keys == (*part.keys, key)
    whole = profile(updated_at=LATER)
    assert observation_of(whole, before, LATER).profile.keys == whole.keys
