"""Values of parameters: read by their type, filled from defaults, refused by their name."""

from datetime import date, datetime
from typing import Any

import pytest

from headrace_server.core.pipelines.values import read_value, resolved, usable
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.pipeline import Parameter, ParameterType

T = ParameterType


def _deep() -> Any:
    value: Any = 1
    for _ in range(31):
        value = [value]
    return value


NAMES = {"execution_date": date(2024, 6, 30), "event": {"body": {"n": 3}}}


@pytest.mark.parametrize(
    ("type_", "given", "value"),
    [
        (T.STRING, "x", "x"),
        (T.INTEGER, 5, 5),
        (T.INTEGER, 5.0, 5),
        (T.INTEGER, "-5", -5),
        (T.NUMBER, 1.5, 1.5),
        (T.NUMBER, "1.5", 1.5),
        (T.BOOLEAN, False, False),
        (T.BOOLEAN, "True", True),
        (T.DATE, "2024-06-30", "2024-06-30"),
        (T.TIMESTAMP, "2024-06-30T02:00:00Z", "2024-06-30T02:00:00+00:00"),
        (T.TIMESTAMP, "2024-06-30T02:00", "2024-06-30T02:00:00+00:00"),
        (T.JSON, {"a": [1]}, {"a": [1]}),
    ],
)
def test_values_are_read_by_their_type(type_: ParameterType, given: Any, value: Any) -> None:
    assert read_value(type_, given) == value


@pytest.mark.parametrize(
    ("type_", "given", "why"),
    [
        (T.STRING, 5, "must be a text"),
        (T.STRING, "x" * 64_001, "at most 64000 characters"),
        (T.INTEGER, 5.5, "must be a whole number"),
        (T.INTEGER, True, "must be a whole number"),
        (T.INTEGER, "five", "must be a whole number"),
        (T.INTEGER, 2.0**70, "must be a whole number"),
        (T.NUMBER, "inf", "must be a number"),
        (T.NUMBER, "x", "must be a number"),
        (T.NUMBER, True, "must be a number"),
        (T.BOOLEAN, 1, "must be true or false"),
        (T.BOOLEAN, "yes", "must be true or false"),
        (T.DATE, "30.6.2024", "must be a day such as 2024-06-30"),
        (T.DATE, 5, "must be a day"),
        (T.TIMESTAMP, "noon", "must be a moment such as"),
        (T.JSON, _deep(), "nested deeper"),
    ],
)
def test_others_are_refused(type_: ParameterType, given: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_value(type_, given)


PARAMETERS = (
    Parameter("day", T.DATE, "{{ execution_date | add_days(-1) }}"),
    Parameter("n", T.INTEGER, required=True),
    Parameter("note"),
)


def test_templates_fill_what_is_given_and_defaults() -> None:
    given = {"n": "{{ event.body.n }}", "notification_email": "team@example.com"}
    values, address = resolved(PARAMETERS, given, NAMES)
    assert values == {"day": "2024-06-29", "n": 3, "note": None}
    assert address == "team@example.com"


def test_templates_within_json_keep_their_types() -> None:
    parameters = (Parameter("all", T.JSON),)
    given = {"all": {"n": ["{{ event.body.n }}", 1], "text": "n={{ event.body.n }}"}}
    assert resolved(parameters, given, NAMES)[0] == {"all": {"n": [3, 1], "text": "n=3"}}


@pytest.mark.parametrize(
    ("given", "field", "why"),
    [
        ({}, "parameters.n", "requires it"),
        ({"n": 1, "m": 2}, "parameters.m", "only day, n, note, notification_email"),
        ({"n": "x"}, "parameters.n", "must be a whole number"),
        ({"n": "{{ nobody }}"}, "parameters.n", "undefined"),
        ({"n": 1, "notification_email": "team"}, "parameters.notification_email", "mail address"),
        ({"n": 1, "notification_email": 5}, "parameters.notification_email", "mail address"),
        ({"n": 1, "notification_email": "a@b\nc"}, "parameters.notification_email", "address"),
        ({"n": 1, "notification_email": "{{ x }}"}, "parameters.notification_email", "undefined"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], field: str, why: str) -> None:
    with pytest.raises(InvalidFieldError, match=why) as caught:
        resolved(PARAMETERS, given, NAMES)
    assert caught.value.violations[0].field == field


def test_templates_use_days_and_moments() -> None:
    parameters = (Parameter("day", T.DATE), Parameter("at", T.TIMESTAMP), Parameter("none"))
    values = {"day": "2024-06-30", "at": "2024-06-30T02:00:00+00:00", "none": None}
    found = usable(parameters, values)
    assert found["day"] == date(2024, 6, 30)
    assert found["at"] == datetime.fromisoformat("2024-06-30T02:00:00+00:00")
    assert found["none"] is None
