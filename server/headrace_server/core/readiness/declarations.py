"""What is wrong with a declaration before it is taken."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice

from headrace_server.model.dataset import Declaration
from headrace_server.model.errors import FieldViolation, InvalidFieldError
from headrace_server.model.observation import Observation

#: violations that are told
_TOLD = 20
#: by how much other clocks may be ahead
_AHEAD = timedelta(minutes=5)


def check_declaration(
    declaration: Declaration, observation: Observation | None, now: datetime
) -> None:
    """Raise InvalidFieldError, naming the first fields that contradict another, or the clock.

    Columns are known that are declared, or were seen in the table.
    """
    names = [column.name for column in declaration.columns]
    seen = observation.profile.columns if observation else ()
    known = {*names, *(column.name for column in seen)}
    found = chain(
        _doubled("columns", names),
        _doubled("checks", [check.name for check in declaration.checks]),
        _unknown("primary_key", declaration.primary_key, known),
        *(
            _unknown(f"checks[{place}].columns", check.columns, known)
            for place, check in enumerate(declaration.checks)
        ),
        _ahead("last_updated_at", declaration.last_updated_at, now),
    )
    if violations := list(islice(found, _TOLD)):
        said = "; ".join(f"{v.field}: {v.description}" for v in violations[:3])
        raise InvalidFieldError(said, *violations, field=violations[0].field)


def _doubled(field: str, names: Iterable[str]) -> Iterator[FieldViolation]:
    for name, count in Counter(names).items():
        if count > 1:
            yield _violation(field, f"{name!r} stands there {count} times")


def _unknown(field: str, names: Iterable[str], known: Collection[str]) -> Iterator[FieldViolation]:
    for place, name in enumerate(names):
        if name not in known:
            there = f"known are {', '.join(sorted(known)[:20])}" if known else "none is known"
            yield _violation(f"{field}[{place}]", f"there is no column {name!r}: {there}")


def _ahead(field: str, instant: datetime | None, now: datetime) -> Iterator[FieldViolation]:
    if instant is not None and instant - now > _AHEAD:
        yield _violation(field, f"{instant.isoformat()} lies ahead")


def _violation(field: str, description: str) -> FieldViolation:
    return FieldViolation(f"declaration.{field}", description)
