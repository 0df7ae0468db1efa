"""What is wrong with a declaration before it is taken."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from headrace_server.model.dataset import Declaration
from headrace_server.model.errors import FieldViolation, InvalidFieldError
from headrace_server.model.observation import Observation


def check_declaration(declaration: Declaration, observation: Observation | None) -> None:
    """Raise InvalidFieldError, naming every field that contradicts another.

    Columns are known that are declared, or were seen in the table.
    """
    names = [column.name for column in declaration.columns]
    seen = observation.profile.columns if observation else ()
    known = {*names, *(column.name for column in seen)}
    violations = [
        *_doubled("columns", names),
        *_doubled("checks", [check.name for check in declaration.checks]),
        *_unknown("primary_key", declaration.primary_key, known),
    ]
    for place, check in enumerate(declaration.checks):
        violations += _unknown(f"checks[{place}].columns", check.columns, known)
    if violations:
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


def _violation(field: str, description: str) -> FieldViolation:
    return FieldViolation(f"declaration.{field}", description)
