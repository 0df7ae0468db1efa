"""What changed in a table from one load to the next."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from headrace_server.core.readiness.facts import percent
from headrace_server.model.observation import ColumnProfile, Observation, TableProfile

#: change of a share of nulls that is a shift
_NULLS = 0.1
#: change of a mean that is a shift, in standard deviations of before
_DEVIATIONS = 0.5
#: the least that counts as a deviation, as a share of the mean
_LEAST_DEVIATION = 0.05
#: rows below which shares and means say little
_FEW_ROWS = 30


def observation_of(profile: TableProfile, before: Observation | None, now: datetime) -> Observation:
    """Compare a profile with the one of an earlier load, where there is one."""
    profile = _with_known_keys(profile, before)
    if before is None:
        return Observation(profile, now)
    old = {column.name: column for column in before.profile.columns}
    new = {column.name: column for column in profile.columns}
    breaks = tuple(_breaks(old, new))
    came = tuple(name for name in new if name not in old)
    if before.profile.updated_at == profile.updated_at:
        # Seen again with no load between: what was found then still stands.
        return replace(
            before,
            profile=profile,
            observed_at=now,
            schema_breaks=(*before.schema_breaks, *breaks),
            new_columns=(*before.new_columns, *came),
        )
    return Observation(
        profile,
        now,
        compared=True,
        schema_breaks=breaks,
        new_columns=came,
        distribution_shifts=tuple(_shifts(before.profile, profile)),
    )


def _with_known_keys(profile: TableProfile, before: Observation | None) -> TableProfile:
    """What a part of the rows cannot tell of keys is as it was when all were looked at."""
    if before is None or profile.sampled_rows == profile.rows:
        return profile
    told = {key.columns for key in profile.keys}
    known = [key for key in before.profile.keys if key.columns not in told and not key.enforced]
    return replace(profile, keys=(*profile.keys, *known))


def _breaks(old: dict[str, ColumnProfile], new: dict[str, ColumnProfile]) -> Iterator[str]:
    for name, column in old.items():
        if name not in new:
            yield f"{name} is gone"
        elif new[name].type.partition("(")[0] != column.type.partition("(")[0]:
            yield f"{name} was {column.type} and is {new[name].type}"


def _shifts(before: TableProfile, now: TableProfile) -> Iterator[str]:
    if min(before.sampled_rows, now.sampled_rows) < _FEW_ROWS:
        return
    old = {column.name: column for column in before.columns}
    for column in now.columns:
        if column.name in old:
            yield from _shift(old[column.name], column)


def _shift(old: ColumnProfile, new: ColumnProfile) -> Iterator[str]:
    nulls, nulls_before = new.null_rate or 0.0, old.null_rate or 0.0
    if abs(nulls - nulls_before) > _NULLS:
        yield f"{new.name} had {percent(nulls_before)} nulls, now {percent(nulls)}"
        return
    if old.mean is None or new.mean is None:
        return
    deviation = max(old.deviation or 0.0, abs(old.mean) * _LEAST_DEVIATION)
    if deviation and abs(new.mean - old.mean) > _DEVIATIONS * deviation:
        yield f"{new.name} was {old.mean:.4g} on average, now {new.mean:.4g}"
