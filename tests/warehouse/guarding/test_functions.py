"""The lists of functions, held to the catalogs of the databases."""

import sqlite3

import asyncpg

from headrace_server.warehouse.guarding.functions import FUNCTIONS, why_denied

#: written as functions, and read by PostgreSQL's grammar
_GRAMMAR = {
    "array", "coalesce", "greatest", "grouping", "least", "nullif", "row", "current_catalog",
    "current_time", "current_timestamp", "current_date", "localtime", "localtimestamp", "user",
    "trim", "dec",
}  # fmt: skip
#: volatile, and harmless
_VOLATILE = {
    "random", "clock_timestamp", "timeofday", "gen_random_uuid", "uuidv4", "uuidv7",
    "array_sample", "array_shuffle",
    # how large a relation is, which changes
    "pg_relation_size", "pg_total_relation_size", "pg_table_size", "pg_indexes_size",
}  # fmt: skip


async def test_postgresql_has_those_that_may_be_called_and_none_changes_anything(
    postgres_server_url: str,
) -> None:
    connection = await asyncpg.connect(postgres_server_url)
    found = await connection.fetch(
        "SELECT proname, bool_or(provolatile = 'v') FROM pg_proc"
        " WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY 1"
    )
    await connection.close()
    volatile = {row[0]: row[1] for row in found}
    assert FUNCTIONS["postgresql"] - _GRAMMAR - volatile.keys() == set()
    assert {name for name in FUNCTIONS["postgresql"] if volatile.get(name)} <= _VOLATILE


def test_none_may_be_called_that_is_denied() -> None:
    for names in FUNCTIONS.values():
        assert [name for name in names if why_denied(name)] == []


def test_sqlite_has_none_that_is_neither_allowed_nor_known_to_be_refused() -> None:
    refused = {
        "bm25", "changes", "fts3_tokenizer", "fts5", "fts5_source_id", "highlight",
        "last_insert_rowid", "load_extension", "match", "matchinfo", "offsets", "optimize",
        "randomblob", "rtreecheck", "rtreedepth", "rtreenode", "snippet",
        "sqlite_compileoption_get", "sqlite_compileoption_used", "sqlite_log",
        "sqlite_source_id", "subtype", "total_changes", "zeroblob",
    }  # fmt: skip
    connection = sqlite3.connect(":memory:")
    have = {row[0] for row in connection.execute("SELECT name FROM pragma_function_list")}
    connection.close()
    allowed = FUNCTIONS["sqlite"]
    assert refused & allowed == set()
    later = {name for name in have - allowed - refused if not why_denied(name)}
    assert all(name.startswith(("json", "fts", "geopoly", "rtree", "regexp")) for name in later)
