"""Columns that may tell the rows of a query apart."""

import pytest

from headrace_server.warehouse.marts_keys import candidate_keys, group_columns


@pytest.mark.parametrize(
    ("sql", "columns", "expected"),
    [
        ("SELECT a, count(*) AS n FROM t GROUP BY a", "a n", "a"),
        ("SELECT c.a AS b, count(*) AS n FROM t AS c GROUP BY c.a", "b n", "b"),
        ("SELECT c.a, max(x) AS n FROM t AS c GROUP BY c.a, 1", "a n", "a"),
        ("SELECT count(*) AS n, a, b FROM t GROUP BY 2, 3", "n a b", "a b"),
        ("SELECT date_trunc('day', d) AS day, sum(x) AS s FROM t GROUP BY day", "day s", "day"),
        ("SELECT date_trunc('day', d) AS x FROM t GROUP BY date_trunc('day', d)", "x", "x"),
        ("SELECT count(*) AS n FROM t GROUP BY a", "n", ""),
        ("SELECT a, b FROM t GROUP BY a, b, c", "a b", ""),
        ("SELECT a, b, sum(x) AS s FROM t GROUP BY ROLLUP (a, b)", "a b s", ""),
        ("SELECT a FROM t", "a", ""),
        ("SELECT a FROM t GROUP BY a UNION SELECT b FROM t", "a", ""),
        ("WITH w AS (SELECT a FROM t) SELECT a, count(*) AS n FROM w GROUP BY a", "a n", "a"),
    ],
)
def test_the_columns_of_group_by(sql: str, columns: str, expected: str) -> None:
    for dialect in ("postgresql", "sqlite"):
        assert group_columns(sql, dialect, columns.split()) == tuple(expected.split())


def test_groups_come_first_then_single_columns_then_all_together() -> None:
    sql = "SELECT a, b, count(*) AS n FROM t GROUP BY a, b"
    keys = candidate_keys(sql, "postgresql", ["a", "b", "n"])
    assert keys == [("a", "b"), ("a",), ("b",), ("n",), ("a", "b", "n")]
    assert candidate_keys("SELECT a FROM t", "postgresql", ["a"]) == [("a",)]
    many = [f"c{n}" for n in range(40)]
    assert candidate_keys("SELECT * FROM t", "postgresql", many) == [(name,) for name in many[:16]]
