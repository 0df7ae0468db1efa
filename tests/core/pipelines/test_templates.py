"""Templates: what they become, what they refuse, how little they may cost."""

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.core.pipelines.templates import (
    LONGEST_TEXT,
    BadTemplateError,
    fill,
    fill_value,
    names_of,
)

VALUES: dict[str, Any] = {
    "name": "O'Neill",
    "n": 5,
    "share": 0.5,
    "full": True,
    "nothing": None,
    "day": date(2024, 6, 30),
    "at": datetime(2024, 6, 30, 2, tzinfo=UTC),
    "list": [1, "two"],
    "long": "x" * 60_000,
    "quote": '"',
    "event": {"file": "/in/orders.csv.gz", "body": {"items": [{"id": 7}]}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{ n }", "{ n }"),
        ("{{ n }}", 5),
        ("{{- n -}}", 5),
        ("{{ full }}", True),
        ("{{ nothing }}", None),
        ("{{ list }}", [1, "two"]),
        ("{{ event.body['items'][0].id }}", 7),
        ("{{ event.body }}", {"items": [{"id": 7}]}),
        ("{{ day }}", "2024-06-30"),
        ("{{ at }}", "2024-06-30T02:00:00+00:00"),
        ("{{ n }} of {{ full }}{{ nothing }}", "5 of true"),
        ("[{{ list }}]", '[[1, "two"]]'),
        ("{{ day | strftime('%d.%m.%Y') }}", "30.06.2024"),
        ("{{ '2024-02-28' | add_days(2) }}", "2024-03-01"),
        ("{{ at | add_days(-1) | strftime }}", "2024-06-29"),
        ("{{ '2024-02-28T10:00:00' | strftime('%H') }}", "10"),
        ("{{ event.file | basename }}", "orders.csv.gz"),
        ("{{ event.file | stem }}", "orders.csv"),
        ("{{ event.user | default('nobody') }}", "nobody"),
        ("{{ name | upper | trim }}", "O'NEILL"),
        ("{{ name | lower }}", "o'neill"),
        ("{{ list | length }}", 2),
        ("{{ list | first }}{{ list | last }}", "1two"),
        ("{{ list | join('-') }}", "1-two"),
        ("{{ list | tojson }}", '[1, "two"]'),
        ("{{ '12' | int + 1 }}", 13),
        ("{{ share | round(0) }}", 0.0),
        ("{{ '1.5' | float }}", 1.5),
        ("{{ n | string }}", "5"),
        ("{{ n * 2 - 1 }}", 9),
        ("{{ 7 // 2 + 7 % 2 }}", 4),
        ("{{ n / 2 }}", 2.5),
        ("{{ 'a' + 'b' }}", "ab"),
        ("{{ 'a' ~ n }}", "a5"),
        ("{{ 'big' if n > 3 and not nothing else 'small' }}", "big"),
        ("{{ -n }}", -5),
        ("{{ [n, n] }}", [5, 5]),
        ("{{ list[0:1] }}", [1]),
        ("{# a remark #}x", "x"),
        ("{# a remark #}{{ n }}", 5),
        ("{{ list }}{# a remark #}", [1, "two"]),
        ("{{ 'a' ~ full ~ nothing ~ n }}", "atrue5"),
    ],
)
def test_what_texts_become(text: str, value: Any) -> None:
    assert fill_value(text, VALUES) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ nobody }}", "'nobody' is undefined"),
        ("{{ event.user }}", "no attribute 'user'"),
        ("{{ event.user }} x", "no attribute 'user'"),
        ("{{ n", "unexpected end of template"),
        ("{{ n | shout }}", "no filter 'shout', only add_days, basename"),
        ("{% for x in list %}{% endfor %}", "expressions only"),
        ("{% set x = 1 %}", "expressions only"),
        ("{% if n %}{% endif %}", "expressions only"),
        ("{% macro m() %}{% endmacro %}", "expressions only"),
        ("{% include 'x' %}", "expressions only"),
        ("{{ range(9) }}", "nothing can be called"),
        ("{{ name.upper() }}", "nothing can be called"),
        ("{{ name.__class__ }}", "no attribute '__class__'"),
        ("{{ name.format }}", "no attribute 'format'"),
        ("{{ name['__class__'] }}", "no attribute '__class__'"),
        ("{{ n.real }}", "no attribute 'real'"),
        ("{{ list['x'] }}", "no attribute 'x'"),
        ("{{ 2 ** 99999999 }}", "expressions only"),
        ("{{ n is defined }}", "expressions only"),
        ("{{ 'a' * 999999999 }}", "takes two numbers"),
        ("{{ '%999999999d' % n }}", "takes two numbers"),
        ("{{ list + list }}", "or two texts"),
        ("{{ 99999999999999999999 * 99999999999999999999 }}", "too large"),
        ("{{ n / 0 }}", "division by zero"),
        ("{{ name | strftime }}", "Invalid isoformat"),
        ("{{ day | strftime('%d' + long) }}", "at most 100 characters"),
        ("{{ day | add_days(999999999) }}", "out of range"),
        ("{{ [1, 2] | join(long) | length }}{{ n | join }}", "not iterable"),
        ("{{ list | int }}", "must be"),
        ("{{" + "(" * 3000 + "n" + ")" * 3000 + "}}", "nested too deeply"),
        ("{{ n }}" * 600, "more than 500 parts"),
        ("{{ n }}" + " " * LONGEST_TEXT, "longer than"),
        ("{{ long }}" * 20, "becomes longer than"),
        ("{{ long" + " + long" * 17 + " }}", "a text of more than"),
        ("x{{ '\\0' }}", "NUL"),
        ("x{{ '\\ud800' }}", "half of a surrogate pair"),
        ("{{ 1e999 - 1e999 }}", "a number that is too large"),
        ("{{ [1e308 * 10] }}", "a number that is too large"),
        ("{{ 1e308 / 1e-308 }}", "a number that is too large"),
        ("{{ '1e999' | float }}", "a number that is too large"),
        ("{{ 1e308 | int }}", "a number that is too large"),
        ("{{ quote" + " | tojson" * 60 + " | length }}", "tojson makes a text of more than"),
        ("{{ name" + " | sql" * 60 + " | length }}", "sql makes a text of more than"),
        ("{{ quote" + " | sql_name" * 60 + " | length }}", "sql_name makes a text of more than"),
        ("{{ (long" + " ~ long" * 200 + ") | length }}", "join takes at most"),
        ("{{ [" + "long, " * 200 + "] | tojson | length }}", "tojson takes at most"),
        ("{{ [" + "long, " * 200 + "] }}", "becomes longer than"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadTemplateError, match=why):
        fill_value(text, VALUES)


def test_join_is_bounded() -> None:
    with pytest.raises(BadTemplateError, match="join makes"):
        fill_value("{{ many | join(long) }}", {"many": list(range(100)), "long": "x" * 60_000})


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("WHERE n = {{ n }}", "WHERE n = 5"),
        ("WHERE full = {{ full }}", "WHERE full = true"),
        ("WHERE d = '{{ day }}'", "WHERE d = '2024-06-30'"),
        ("WHERE t = '{{ at }}'", "WHERE t = '2024-06-30T02:00:00+00:00'"),
        ("WHERE name = {{ name | sql }}", "WHERE name = 'O''Neill'"),
        ("WHERE n = {{ n | sql }}", "WHERE n = 5"),
        ("WHERE x = {{ share | sql }}", "WHERE x = 0.5"),
        ("WHERE b = {{ full | sql }}", "WHERE b = TRUE"),
        ("WHERE d = {{ day | sql }}", "WHERE d = '2024-06-30'"),
        ("IS {{ nothing | sql }}", "IS NULL"),
        ("IN {{ list | sql }}", "IN (1, 'two')"),
        ("IN {{ [] | sql }}", "IN (NULL)"),
        ('FROM {{ "sales.daily" | sql_name }}', 'FROM "sales"."daily"'),
        ("FROM {{ 'a\"b' | sql_name }}", 'FROM "a""b"'),
    ],
)
def test_values_in_sql(text: str, sql: str) -> None:
    assert fill(text, VALUES, sql=True) == sql


@pytest.mark.parametrize(
    "value",
    [
        "x' OR '1'='1",
        "1; DROP TABLE a",
        "1 OR 1=1",
        "a--b",
        'a"b',
        "/*",
        "\\",
        "ü",
        "a\nb",
    ],
)
def test_what_may_be_more_than_a_value_is_refused_in_sql(value: Any) -> None:
    with pytest.raises(BadTemplateError, match=r"\{\{ name \| sql \}\}"):
        fill("SELECT '{{ x }}'", {"x": value}, sql=True)
    with pytest.raises(BadTemplateError, match=r"\{\{ name \| sql \}\}"):
        fill("SELECT '{{ 'a' ~ x }}'", {"x": value}, sql=True)


@pytest.mark.parametrize("text", ["WHERE a > 9 -{{ n }} AND b", "WHERE a > {{ m }}{{ m }} AND b"])
def test_values_make_no_comment_in_sql(text: str) -> None:
    with pytest.raises(BadTemplateError, match="begin a comment"):
        fill(text, {"n": -1, "m": "-"}, sql=True)


@given(st.text())
def test_a_literal_holds_any_text(text: str) -> None:
    literal = fill("{{ x | sql }}", {"x": text.replace("\0", "")}, sql=True)
    assert literal[0] == literal[-1] == "'"
    assert "'" not in literal[1:-1].replace("''", "")


def test_names_are_those_that_are_used() -> None:
    assert names_of("{{ a.b }} {{ c | default(d) }}") == {"a", "c", "d"}
    assert names_of("plain") == frozenset()


@given(st.text(alphabet="{}%#|'\"()[].~+-*/ abn01\n", max_size=40))
def test_any_text_is_filled_or_refused(text: str) -> None:
    with suppress(BadTemplateError):
        fill_value("{{" + text, VALUES)
