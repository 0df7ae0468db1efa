"""What the guard lets pass, and what it refuses in which words: traps.md, and more."""

import pytest

from headrace_server.model.errors import InvalidQueryError
from headrace_server.warehouse.guard import MOST_BYTES, guarded
from headrace_server.warehouse.guarding.query import GuardedQuery

POSTGRES, SQLITE = "postgresql", "sqlite"
BOTH = (POSTGRES, SQLITE)

#: the SQL, what the refusal says, and where it is
ATTACKS = [
    # traps.md
    ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", BOTH, "DELETE in WITH"),
    ("SELECT * INTO copy FROM t", BOTH, "SELECT INTO"),
    ("EXPLAIN ANALYZE DELETE FROM t", BOTH, "not EXPLAIN"),
    ("SELECT 1; DROP TABLE t", BOTH, "only one query"),
    ("SELECT pg_read_file('/etc/passwd')", BOTH, "reads or writes files"),
    ("COPY t TO PROGRAM 'id'", BOTH, "not COPY"),
    ("SELECT * FROM dblink('host=x', 'SELECT 1') AS t(a int)", BOTH, "other servers"),
    ("ATTACH 'x' AS y", BOTH, "not ATTACH"),
    ("SELECT load_extension('x')", BOTH, "reaches into the database"),
    ("SET ROLE postgres", BOTH, "not SET"),
    # what changes something
    ("INSERT INTO t VALUES (1)", BOTH, "not INSERT"),
    ("UPDATE t SET a = 1", BOTH, "not UPDATE"),
    ("DELETE FROM t", BOTH, "not DELETE"),
    ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", BOTH, "not MERGE"),
    ("TRUNCATE t", BOTH, "not TRUNCATE"),
    ("CREATE TABLE x AS SELECT 1", BOTH, "not CREATE"),
    ("DROP TABLE t", BOTH, "not DROP"),
    ("ALTER TABLE t ADD COLUMN a int", BOTH, "not ALTER"),
    ("GRANT SELECT ON t TO PUBLIC", BOTH, "not GRANT"),
    ("REPLACE INTO t VALUES (1)", BOTH, "not REPLACE"),
    ("WITH d AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM d", BOTH, "UPDATE in WITH"),
    ("WITH d AS (SELECT 1) INSERT INTO t SELECT * FROM d", BOTH, "not WITH"),
    ("WITH d AS (SELECT 1) DELETE FROM t", BOTH, "not WITH"),
    ("SELECT (WITH d AS (INSERT INTO t VALUES (1) RETURNING *) SELECT 1)", BOTH, "INSERT in WITH"),
    ("SELECT 1 INTO TEMP x", BOTH, "SELECT INTO"),
    ("SELECT * FROM t FOR UPDATE", BOTH, "FOR UPDATE"),
    ("SELECT * FROM (SELECT * FROM t FOR KEY SHARE SKIP LOCKED) x", (POSTGRES,), "FOR UPDATE"),
    # other statements
    ("CALL p()", BOTH, "not CALL"),
    ("DO $$ BEGIN END $$", (POSTGRES,), "not DO"),
    ("PREPARE x AS SELECT 1", BOTH, "not PREPARE"),
    ("EXECUTE x", BOTH, "not EXECUTE"),
    ("DECLARE c CURSOR FOR SELECT 1", BOTH, "not DECLARE"),
    ("LOCK TABLE t", BOTH, "not LOCK"),
    ("LISTEN x", BOTH, "not LISTEN"),
    ("BEGIN", BOTH, "not BEGIN"),
    ("COMMIT", BOTH, "not COMMIT"),
    ("VACUUM INTO '/tmp/x'", BOTH, "not VACUUM"),
    ("PRAGMA writable_schema = 1", BOTH, "not PRAGMA"),
    ("DETACH x", BOTH, "not DETACH"),
    ("RESET ROLE", BOTH, "not RESET"),
    ("SHOW all", BOTH, "not SHOW"),
    ("ANALYZE", BOTH, "not ANALYZE"),
    ("/* SELECT */ DROP TABLE t", BOTH, "not DROP"),
    ("SELECT 1;\n--\n; DELETE FROM t", BOTH, "only one query"),
    ("SELECT 1 /* ; */ ; /* */ SELECT 2", BOTH, "only one query"),
    # functions
    ("SELECT pg_sleep(10)", BOTH, "only waits"),
    ("SELECT pg_catalog.pg_sleep_for('1 h')", (POSTGRES,), "only waits"),
    ('SELECT "pg_sleep"(10)', BOTH, "only waits"),
    ("SELECT PG_SLEEP (10)", BOTH, "only waits"),
    ("WITH pg_sleep(a) AS (SELECT 1) SELECT 1", BOTH, "only waits"),
    ("SELECT 1 ORDER BY pg_sleep(1)", BOTH, "only waits"),
    ("SELECT 1 WHERE EXISTS (SELECT pg_sleep(1))", BOTH, "only waits"),
    ("SELECT sum(1) FILTER (WHERE pg_sleep(1) IS NULL)", BOTH, "only waits"),
    ("SELECT 1 LIMIT (SELECT pg_sleep(1))", BOTH, "only waits"),
    ("SELECT * FROM ROWS FROM (pg_ls_dir('.')) AS f", (POSTGRES,), "files"),
    ("SELECT * FROM t, LATERAL pg_ls_dir('.') AS f", (POSTGRES,), "files"),
    ("SELECT * FROM pg_catalog.pg_ls_dir('.')", (POSTGRES,), "files"),
    ("SELECT pg_stat_file('x')", BOTH, "files"),
    ("SELECT lo_import('/etc/passwd')", BOTH, "files"),
    ("SELECT lo_export(1, '/tmp/x')", BOTH, "files"),
    ("SELECT lo_get(1), lo_create(1)", BOTH, "large objects"),
    ("SELECT loread(1, 1)", BOTH, "large objects"),
    ("SELECT dblink_exec('x', 'DROP TABLE t')", BOTH, "other servers"),
    ("SELECT set_config('role', 'postgres', false)", BOTH, "settings"),
    ("SELECT current_setting('is_superuser')", BOTH, "settings"),
    ("SELECT pg_reload_conf()", BOTH, "settings"),
    ("SELECT pg_terminate_backend(1)", BOTH, "other sessions"),
    ("SELECT pg_cancel_backend(1)", BOTH, "other sessions"),
    ("SELECT pg_advisory_lock(1)", BOTH, "other sessions"),
    ("SELECT pg_try_advisory_xact_lock(1)", BOTH, "other sessions"),
    ("SELECT pg_notify('a', 'b')", BOTH, "other sessions"),
    ("SELECT * FROM pg_stat_get_activity(NULL)", (POSTGRES,), "other sessions"),
    ("SELECT nextval('s')", BOTH, "sequences"),
    ("SELECT setval('s', 1)", BOTH, "sequences"),
    ("SELECT query_to_xml('DELETE FROM t', true, true, '')", BOTH, "SQL that is given as text"),
    ("SELECT table_to_xml('t', true, true, '')", BOTH, "not named"),
    ("SELECT database_to_xml(true, true, '')", BOTH, "not named"),
    ("SELECT cursor_to_xml('c', 1, true, true, '')", BOTH, "not named"),
    ("SELECT ts_stat('SELECT 1')", BOTH, "SQL that is given as text"),
    ("SELECT ts_rewrite('a', 'SELECT 1')", BOTH, "SQL that is given as text"),
    ("SELECT fts3_tokenizer('x')", BOTH, "reaches into the database"),
    ("SELECT readfile('/etc/passwd')", BOTH, "files"),
    ("SELECT writefile('/tmp/x', 'y')", BOTH, "files"),
    ("SELECT zeroblob(1000000000)", BOTH, "any size"),
    ("SELECT randomblob(1000000000)", BOTH, "any size"),
    ("SELECT array_fill(1, ARRAY[100000000])", (POSTGRES,), "any size"),
    ("SELECT repeat('x', 1000000000)", (POSTGRES,), "at most 100000"),
    ("SELECT lpad('x', n) FROM t", (POSTGRES,), "at most 100000"),
    ("SELECT rpad('x', 1000 * 1000000)", (POSTGRES,), "at most 100000"),
    ("SELECT format('%1000000000s', 'x')", BOTH, "four digits"),
    ("SELECT format('%*s', 1000000000, 'x')", BOTH, "four digits"),
    ("SELECT printf('%.*c', 500000000, 'x')", (SQLITE,), "four digits"),
    ("SELECT format(a, 'x') FROM t", BOTH, "written out"),
    ("SELECT no_such_function(1)", BOTH, "not among the functions"),
    ("SELECT pg_current_wal_lsn()", (POSTGRES,), "not among the functions"),
    ("SELECT last_insert_rowid()", (SQLITE,), "not among the functions"),
    ("SELECT * FROM pragma_table_info('t')", (SQLITE,), "may not be called"),
    ("SELECT * FROM pragma_database_list", (SQLITE,), "is a PRAGMA"),
    # tables
    ("SELECT * FROM headrace.rejects", BOTH, "bookkeeping"),
    ("SELECT * FROM headrace_parked.orders", BOTH, "bookkeeping"),
    ("SELECT * FROM headrace_gates.orders", BOTH, "bookkeeping"),
    ("SELECT * FROM headrace_drafts.x", BOTH, "bookkeeping"),
    ('SELECT * FROM "HEADRACE"."rejects"', (SQLITE,), "bookkeeping"),
    ('SELECT * FROM "headrace.rejects"', BOTH, "bookkeeping"),
    ('SELECT * FROM public."headrace.rejects"', (SQLITE,), "bookkeeping"),
    ("SELECT * FROM [Headrace.Rejects]", (SQLITE,), "bookkeeping"),
    ("SELECT * FROM `headrace.parked.orders`", (SQLITE,), "bookkeeping"),
    ('WITH a AS (SELECT 1) SELECT * FROM a, "headrace.ledger"', (SQLITE,), "bookkeeping"),
    ('SELECT 1 WHERE 1 IN (SELECT line FROM headrace."rejects")', BOTH, "bookkeeping"),
    ('SELECT 1 IN "headrace.rejects"', (SQLITE,), "in parentheses"),
    ("TABLE headrace.rejects", (POSTGRES,), "bookkeeping"),
    ("SELECT * FROM pg_authid", (POSTGRES,), "server's own"),
    ("SELECT * FROM pg_shadow", (POSTGRES,), "server's own"),
    ('SELECT * FROM pg_catalog."pg_authid"', (POSTGRES,), "server's own"),
    ("SELECT * FROM PG_CATALOG.PG_AUTHID", (POSTGRES,), "server's own"),
    ("SELECT * FROM pg_stat_activity", (POSTGRES,), "server's own"),
    ("SELECT * FROM pg_user_mapping", (POSTGRES,), "server's own"),
    ("SELECT * FROM pg_largeobject", (POSTGRES,), "server's own"),
    ("SELECT * FROM pg_settings", (POSTGRES,), "server's own"),
    ("SELECT * FROM pg_temp.x", (POSTGRES,), "server's own"),
    ("SELECT * FROM pg_toast.x", (POSTGRES,), "server's own"),
    ("SELECT * FROM (WITH pg_authid AS (SELECT 1) SELECT 1) x, pg_authid", (POSTGRES,), "own"),
    ("WITH a AS (SELECT * FROM pg_shadow), pg_shadow AS (SELECT 1) SELECT 1", (POSTGRES,), "own"),
    ("SELECT * FROM other.public.t", BOTH, "schema.table"),
    ("SELECT other.public.t.a FROM t", BOTH, "schema.table.column"),
    ("SELECT * FROM sqlite_stat1", (SQLITE,), "SQLite's own"),
    ("SELECT * FROM DBSTAT", (SQLITE,), "SQLite's own"),
    # parameters
    ("SELECT $1", (POSTGRES,), "parameters"),
    ("SELECT ?", (SQLITE,), "parameters"),
    ("SELECT :name", BOTH, "parameters"),
    ("SELECT @name", BOTH, "parameters"),
    ("SELECT %(name)s", (POSTGRES,), "parameters"),
    # what cannot be read
    ("", BOTH, "must be a query"),
    (" ; ;", BOTH, "must be a query"),
    ("-- nothing", BOTH, "must be a query"),
    ("hello", BOTH, "not HELLO"),
    ("SELECT 'open", BOTH, "cannot be read"),
    ("SELECT (1", BOTH, "cannot be read"),
    ("SELECT 1 FROM", BOTH, "cannot be read"),
    ("SELECT a FROM t WHERE WHERE", BOTH, "cannot be read"),
    ("SELECT 'a\0b'", BOTH, "NUL"),
    ("SELECT '" + "x" * MOST_BYTES + "'", BOTH, "must not exceed 102400 bytes"),
    ("SELECT " + "1, " * 15_000 + "1", BOTH, "20000 words"),
    ("(" * 5000 + "SELECT 1" + ")" * 5000, BOTH, "nested deeper than 100"),
    ("SELECT " + "(" * 5000 + "1" + ")" * 5000, BOTH, "nested deeper than 100"),
    ("SELECT " + "CASE WHEN a THEN " * 2000 + "1" + " END" * 2000, BOTH, "nested deeper"),
    ("SELECT " + "- " * 15_000 + "1", BOTH, "too deep"),
    ("SELECT " + "NOT " * 15_000 + "true", BOTH, "too deep"),
]


@pytest.mark.parametrize(
    ("sql", "dialect", "words"),
    [(sql, dialect, words) for sql, dialects, words in ATTACKS for dialect in dialects],
    ids=lambda value: value[:60] if isinstance(value, str) else None,
)
def test_what_does_more_than_read_is_refused(sql: str, dialect: str, words: str) -> None:
    with pytest.raises(InvalidQueryError) as raised:
        guarded(sql, dialect)
    assert words in raised.value.message
    assert raised.value.violations[0].field == "sql"


#: honest queries, with the tables that they read
HONEST: list[tuple[str, tuple[str, ...], set[tuple[str, str]]]] = [
    ("SELECT 1", BOTH, set()),
    ("select 1;", BOTH, set()),
    ("VALUES (1, 'a'), (2, 'b')", BOTH, set()),
    ("TABLE t", (POSTGRES,), {("public", "t")}),
    ("(SELECT 1) UNION (SELECT 2)", (POSTGRES,), set()),
    ("WITH roles AS (SELECT 1 AS id) SELECT * FROM roles", BOTH, set()),
    ("WITH a AS (SELECT 1 UNION SELECT 2) SELECT * FROM a", BOTH, set()),
    ("WITH a AS (SELECT * FROM t), b AS (SELECT * FROM a) TABLE b", (POSTGRES,), {("public", "t")}),
    ("WITH a AS (TABLE b), b AS (SELECT 1) SELECT * FROM a", (POSTGRES,), {("public", "b")}),
    ("WITH a AS (SELECT * FROM a) SELECT * FROM a", (POSTGRES,), {("public", "a")}),
    ("SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) x, a", BOTH, {("public", "a")}),
    (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9) SELECT * FROM n",
        BOTH,
        set(),
    ),
    ("SELECT a.b, c FROM raw.a JOIN d USING (e)", BOTH, {("raw", "a"), ("public", "d")}),
    ("SELECT * FROM public.t AS x, raw.t AS y", BOTH, {("public", "t"), ("raw", "t")}),
    ("SELECT * FROM t WHERE a IN (SELECT a FROM u)", BOTH, {("public", "t"), ("public", "u")}),
    ("SELECT row_number() OVER (PARTITION BY a ORDER BY b DESC) FROM t", BOTH, {("public", "t")}),
    ("SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY b)", BOTH, {("public", "t")}),
    ("SELECT * FROM t, LATERAL (SELECT * FROM u WHERE u.a = t.a) x", (POSTGRES,),
     {("public", "t"), ("public", "u")}),
    ("SELECT j ->> 'a.b', j -> 'c' FROM t", BOTH, {("public", "t")}),
    ("SELECT j #>> '{a,b}', j @> '{}', j ? 'k' FROM t", (POSTGRES,), {("public", "t")}),
    ("SELECT CAST(a AS INTEGER), '5'::int FROM t", (POSTGRES,), {("public", "t")}),
    ("SELECT a -- DROP TABLE t;\n, /* DELETE */ b FROM t", BOTH, {("public", "t")}),
    ("SELECT 'DELETE FROM t; pg_sleep(1)' AS \"update\"", BOTH, set()),
    ('SELECT insert_date, updated, "delete" FROM t', BOTH, {("public", "t")}),
    ("SELECT * FROM information_schema.tables", (POSTGRES,), {("information_schema", "tables")}),
    ("SELECT relname FROM pg_class", (POSTGRES,), {("pg_catalog", "pg_class")}),
    ("SELECT name FROM sqlite_schema", (SQLITE,), {("public", "sqlite_schema")}),
    ("SELECT * FROM json_each('[1]')", (SQLITE,), set()),
    ("SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS g(a, b)", (POSTGRES,), set()),
    ("SELECT count(*) FILTER (WHERE a), string_agg(DISTINCT b, ',') FROM t", (POSTGRES,),
     {("public", "t")}),
    ("SELECT DISTINCT ON (a) a FROM t ORDER BY a NULLS LAST", (POSTGRES,), {("public", "t")}),
    ("SELECT a FROM t GROUP BY GROUPING SETS ((a), ()) HAVING count(*) > 1", (POSTGRES,),
     {("public", "t")}),
    ("SELECT lpad(a, 10, '0'), repeat('-', 80), format('%s: %05d', a, 1) FROM t", (POSTGRES,),
     {("public", "t")}),
    ("SELECT extract(epoch FROM a), trim(BOTH 'x' FROM b), a AT TIME ZONE 'UTC' FROM t",
     (POSTGRES,), {("public", "t")}),
    ('SELECT * FROM Orders, "Orders"', (POSTGRES,), {("public", "orders"), ("public", "Orders")}),
    ("SELECT * FROM Orders", (SQLITE,), {("public", "Orders")}),
    ("SELECT [a], `b` FROM [t t]", (SQLITE,), {("public", "t t")}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "dialect", "tables"),
    [(sql, dialect, tables) for sql, dialects, tables in HONEST for dialect in dialects],
    ids=lambda value: value[:60] if isinstance(value, str) else None,
)
def test_honest_queries_pass_and_tell_their_tables(
    sql: str, dialect: str, tables: set[tuple[str, str]]
) -> None:
    assert set(guarded(sql, dialect).tables) == tables


@pytest.mark.parametrize(
    ("sql", "runs"),
    [
        ("SELECT * FROM raw.t", 'SELECT * FROM "raw.t" AS "t"'),
        ("SELECT raw.t.a, t.* FROM raw.t", 'SELECT t.a, t.* FROM "raw.t" AS "t"'),
        ("SELECT x.a FROM raw . t x", 'SELECT x.a FROM   "raw.t" x'),
        ('SELECT a FROM "raw"."t"', 'SELECT a FROM "raw.t" AS "t"'),
        ("SELECT public.t.a FROM public.t", 'SELECT t.a FROM "t" AS "t"'),
        ("SELECT a FROM t -- c\nWHERE b", "SELECT a FROM t\nWHERE b"),
    ],
)
def test_on_sqlite_schema_and_table_are_one_name(sql: str, runs: str) -> None:
    assert guarded(sql, SQLITE).sql == runs


@pytest.mark.parametrize(
    ("sql", "runs"),
    [
        ("SELECT $$a'b$$, $t$c$t$", "SELECT 'a''b', 'c'"),
        (r"SELECT E'a\'; DROP', U&'\0061'", r"SELECT E'a\'; DROP', U&'\0061'"),
        ("SELECT a/* */b", "SELECT a b"),
        ('SELECT U&"x"', 'SELECT U& "x"'),
        ("SELECT a[1:2], b::text[], 1.5e3, c!~'d'", "SELECT a[1:2], b::text[], 1.5e3, c!~ 'd'"),
    ],
)
def test_what_runs_is_written_of_the_words_that_were_read(sql: str, runs: str) -> None:
    assert guarded(sql, POSTGRES).sql == runs


def test_functions_are_told() -> None:
    query = guarded("SELECT Count(*), lower(upper('a')) FROM generate_series(1, 2)", POSTGRES)
    assert query.functions == ("count", "generate_series", "lower", "upper")


def test_functions_of_the_users_own_may_be_called_unless_they_are_denied() -> None:
    sql = "SELECT * FROM calculate_metrics()"
    with pytest.raises(InvalidQueryError, match="not among the functions"):
        guarded(sql, POSTGRES)
    assert guarded(sql, POSTGRES, own_functions={"calculate_metrics"}).functions
    with pytest.raises(InvalidQueryError, match="other servers"):
        guarded("SELECT dblink('x')", POSTGRES, own_functions={"dblink"})


def _at(sql: str, dialect: str = POSTGRES) -> tuple[str, str]:
    with pytest.raises(InvalidQueryError) as raised:
        guarded(sql, dialect)
    return raised.value.metadata["line"], raised.value.metadata["column"]


def test_a_refusal_says_where() -> None:
    assert _at("SELECT 1;\n  DELETE FROM t") == ("1", "9")
    assert _at("SELECT a,\n  pg_sleep(1)") == ("2", "3")
    assert _at("SELECT *\nFROM t,\n     headrace.rejects") == ("3", "6")
    assert _at("SELECT * FROM t FOR UPDATE") == ("1", "17")
    assert _at("SELECT a FROM t WHERE )") == ("1", "23")


def test_places_in_what_runs_are_those_in_what_came() -> None:
    query = guarded("/* long comment */ SELECT a,\n  nope FROM raw.t", SQLITE)
    assert query.place(query.sql.index("nope")) == (2, 3)
    assert query.place(query.sql.index('"raw.t"')) == (2, 17)
    assert GuardedQuery("SELECT 1", SQLITE, (), ()).place(3) == (None, None)
