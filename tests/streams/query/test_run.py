"""What readers may ask, and what is refused: checked as text, and run on the real engine with a secret in its reach."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.streams.query.conftest import SECRET
from watchline.dashboards import audits
from watchline.streams.query import run as query
from watchline.streams.query.functions import TAKES_VALUES
from watchline.streams.query.policy import QueryError, check, views
from watchline.streams.query.reader import LIMITS
from watchline.streams.query.run import Result

# {file}: a file with the secret. The raw table `dead_letters` holds it too.
HOSTILE = [
    # functions that reach outside
    "SELECT file('{file}')",
    "SELECT FILE('{file}')",
    "SELECT `file`('{file}')",
    "SELECT \"file\"('{file}')",
    "SELECT file /* */ ('{file}')",
    "SELECT file -- x\n('{file}')",
    "SELECT (file)('{file}')",
    "SELECT upper(file('{file}')) FROM v_coverage",
    "SELECT arrayMap(x -> file(x), ['{file}'])",
    "SELECT arrayMap(file, ['{file}'])",
    "SELECT arrayMap((file), ['{file}'])",
    "SELECT arrayMap({{a:Identifier}}, ['{file}'])",
    "SELECT arrayMap(`file`, ['{file}'])",
    "SELECT arrayFilter(file, ['{file}'])",
    "SELECT arrayProduct(file, ['{file}'])",
    "SELECT arrayFirst(file, ['{file}'])",
    "SELECT arrayFold(file, ['{file}'], '')",
    "SELECT arraySort(file, ['{file}'])",
    "SELECT mapApply(file, map('{file}', 1))",
    "WITH file('{file}') AS a SELECT a",
    "WITH (x -> file(x)) AS f SELECT f('{file}')",
    "SELECT 1 WHERE file('{file}') != ''",
    "SELECT 1 ORDER BY file('{file}')",
    "SELECT 1 LIMIT length(file('{file}'))",
    "SELECT count() FROM v_coverage GROUP BY file('{file}')",
    "SELECT count() FROM v_coverage HAVING file('{file}') != ''",
    "SELECT CASE WHEN 1 THEN file('{file}') END",
    "SELECT [file('{file}')][1]",
    "SELECT (1, file('{file}')).2",
    "SELECT * APPLY(file) FROM (SELECT '{file}')",
    "SELECT * APPLY file FROM (SELECT '{file}')",
    "SELECT * APPLY(x -> file(x)) FROM (SELECT '{file}')",
    "SELECT COLUMNS('.*') APPLY(file) FROM (SELECT '{file}')",
    "SELECT * REPLACE(file('{file}') AS a) FROM (SELECT '' AS a)",
    "SELECT hostName()",
    "SELECT getSetting('readonly')",
    "SELECT getMacro('x')",
    "SELECT dictGet('d', 'a', 1)",
    "SELECT joinGet('t', 'a', 1)",
    "SELECT hasColumnInTable('system', 'one', 'dummy')",
    "SELECT filesystemAvailable()",
    "SELECT currentUser()",
    "SELECT @@version",
    "SELECT sleep(1)",
    "SELECT initializeAggregation('sumState', 1)",
    "SELECT formatQuery('SELECT 1')",
    "SELECT some_udf(1)",
    # table functions
    "SELECT * FROM file('{file}', 'LineAsString')",
    "SELECT * FROM `file`('{file}', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV')",
    "SELECT * FROM s3('http://127.0.0.1:1/b/f')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "SELECT * FROM remoteSecure('127.0.0.1:1', system.one)",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM executable('x.sh', 'CSV', 'a String')",
    "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM merge('.*', '.*')",
    "SELECT * FROM merge(currentDatabase(), 'dead_letters')",
    "SELECT * FROM dictionary('d')",
    "SELECT * FROM numbers(10)",
    "SELECT * FROM view(SELECT * FROM dead_letters)",
    "SELECT * FROM viewIfPermitted(SELECT 1 ELSE null('a Int8'))",
    "SELECT * FROM loop(dead_letters)",
    "SELECT * FROM values('a String', file('{file}'))",
    "SELECT * FROM format(JSONEachRow, '{{}}')",
    "SELECT * FROM v_coverage, file('{file}', 'LineAsString')",
    "SELECT * FROM v_coverage AS c JOIN file('{file}', 'LineAsString') AS f ON 1 = 1",
    "SELECT * FROM (SELECT * FROM file('{file}', 'LineAsString'))",
    "WITH a AS (SELECT * FROM file('{file}', 'LineAsString')) SELECT * FROM a",
    "SELECT 'x' UNION ALL SELECT * FROM file('{file}', 'LineAsString')",
    "SELECT (SELECT * FROM file('{file}', 'LineAsString'))",
    "SELECT 'x' IN (SELECT * FROM file('{file}', 'LineAsString'))",
    "SELECT 'x' IN file('{file}', 'LineAsString')",
    "SELECT EXISTS(SELECT * FROM file('{file}', 'LineAsString'))",
    "SELECT arrayMap(x -> (SELECT any(line) FROM file('{file}', 'LineAsString')), [1])",
    "SELECT 1 INTERSECT SELECT * FROM file('{file}', 'LineAsString')",
    # tables
    "SELECT * FROM dead_letters",
    "SELECT * FROM `dead_letters`",
    'SELECT * FROM "dead_letters"',
    "SELECT * FROM interactions FINAL",
    "SELECT * FROM findings",
    "SELECT * FROM {db}.dead_letters",
    "SELECT * FROM {db}.`dead_letters`",
    "SELECT * FROM migrations",
    "SELECT * FROM system.tables",
    "SELECT * FROM SYSTEM.tables",
    "SELECT * FROM system.query_log",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM INFORMATION_SCHEMA.TABLES",
    "SELECT * FROM other.v_interactions",
    "SELECT * FROM `system.tables`",
    "SELECT * FROM `.inner.x`",
    "SELECT 1 IN dead_letters",
    "SELECT 1 IN (dead_letters)",
    "SELECT 1 IN (system.one)",
    "SELECT in(0, system.one)",
    "SELECT 1 GLOBAL IN dead_letters",
    "SELECT * FROM v_coverage WHERE detector NOT IN dead_letters",
    "SELECT count() FROM v_coverage CROSS JOIN dead_letters",
    "SELECT * FROM v_coverage ASOF JOIN dead_letters USING (x)",
    "SELECT reason FROM (SELECT reason FROM dead_letters)",
    # tables that the parser takes for columns
    "SELECT a FROM (SELECT 1) ARRAY JOIN (SELECT groupArray(reason) FROM dead_letters) AS a",
    "SELECT a FROM (SELECT 1) LEFT ARRAY JOIN ((SELECT groupArray(reason) FROM dead_letters)) AS a",
    "SELECT a, b FROM (SELECT 1) ARRAY JOIN [1] AS a, (SELECT groupArray(reason) FROM dead_letters) AS b",
    "SELECT a FROM (SELECT 1) ARRAY JOIN arrayConcat((SELECT groupArray(reason) FROM dead_letters)) AS a",
    "SELECT a FROM (SELECT 1) ARRAY JOIN (WITH 1 AS x SELECT groupArray(reason) FROM dead_letters) AS a",
    "SELECT a FROM (SELECT 1) ARRAY JOIN (SELECT (SELECT groupArray(reason) FROM dead_letters)) AS a",
    "WITH (SELECT groupArray(reason) FROM dead_letters) AS a SELECT b FROM (SELECT 1) ARRAY JOIN a AS b",
    # IN reads what a name is an alias of, though a view or a WITH clause has that name too
    # A part of a UNION with a WITH of its own reads the table, whatever the first part's WITH calls by its name.
    "WITH dead_letters AS (SELECT 1 AS a) SELECT a FROM dead_letters "
    "UNION ALL WITH w AS (SELECT 2 AS a) SELECT reason FROM dead_letters",
    "(WITH dead_letters AS (SELECT 1 AS a) SELECT a FROM dead_letters) "
    "UNION ALL (WITH w AS (SELECT (SELECT max(reason) FROM dead_letters) AS a) SELECT a FROM w)",
    "WITH dead_letters AS v_coverage SELECT 1 IN v_coverage",
    "WITH dead_letters AS a, a AS v_coverage SELECT 1 IN (v_coverage)",
    "WITH a AS (SELECT 1), dead_letters AS a SELECT 1 IN a",
    "WITH a AS (SELECT 1) SELECT (WITH dead_letters AS a SELECT 1 IN a)",
    "WITH dead_letters AS v_coverage SELECT arrayMap(x -> x NOT IN v_coverage, [1])",
    "WITH {db}.dead_letters AS v_coverage SELECT 1 FROM v_findings AS f JOIN v_signals AS s ON 1 GLOBAL IN v_coverage",
    "SELECT 1 IN v_coverage, dead_letters AS v_coverage",
    "SELECT arrayMap(v_coverage -> 1 IN v_coverage, [1])",
    # a table that is named as views are
    "SELECT * FROM v_x",
    "SELECT * FROM {db}.v_x",
    "SELECT 1 IN v_x",
    # names of WITH that don't reach that far
    "WITH dead_letters AS (SELECT * FROM dead_letters) SELECT * FROM dead_letters",
    "SELECT * FROM (WITH dead_letters AS (SELECT 1) SELECT * FROM dead_letters) AS a, dead_letters AS b",
    "SELECT reason FROM dead_letters WHERE 1 IN (WITH dead_letters AS (SELECT 1) SELECT * FROM dead_letters)",
    "WITH 1 AS dead_letters SELECT * FROM dead_letters",
    "WITH a AS (SELECT * FROM dead_letters), dead_letters AS (SELECT 1) SELECT * FROM a",
    "WITH dead_letters AS (SELECT 1) SELECT * FROM {db}.dead_letters",
    "WITH (SELECT 1) AS dead_letters SELECT * FROM dead_letters",
    "WITH ((SELECT 1)) AS dead_letters SELECT * FROM dead_letters",
    "WITH (SELECT 1 UNION ALL SELECT 2) AS dead_letters SELECT * FROM dead_letters",
    "WITH (x -> x) AS dead_letters SELECT * FROM dead_letters",
    "SELECT reason FROM dead_letters UNION ALL (WITH dead_letters AS (SELECT '' AS reason) SELECT * FROM dead_letters)",
    "SELECT '' UNION ALL WITH dead_letters AS (SELECT '') SELECT '' UNION ALL SELECT reason FROM dead_letters",
    "SELECT '' INTERSECT (WITH dead_letters AS (SELECT '') SELECT '') UNION ALL SELECT reason FROM dead_letters",
    "SELECT * FROM "
    "(SELECT '' EXCEPT (WITH dead_letters AS (SELECT '') SELECT '') EXCEPT SELECT reason FROM dead_letters)",
    "WITH dead_letters AS (SELECT '') SELECT '' UNION ALL (WITH a AS (SELECT * FROM dead_letters) SELECT * FROM a)",
    "WITH dead_letters AS (SELECT '') SELECT '' EXCEPT ((WITH a AS (SELECT * FROM dead_letters) SELECT * FROM a)"
    " UNION ALL SELECT '')",
    "SELECT 1 IN [dead_letters]",
    "SELECT 1 IN (1, dead_letters)",
    "SELECT nullIn(0, dead_letters)",
    "WITH RECURSIVE dead_letters AS (SELECT * FROM dead_letters) SELECT * FROM dead_letters",
    "SELECT 1 IN ((dead_letters))",
    "SELECT notIn(0, dead_letters)",
    "SELECT in(0, (dead_letters))",
    "SELECT (1, 2) IN dead_letters",
    "SELECT 1 IN tuple(dead_letters)",
    "SELECT 1 NOT IN (dead_letters)",
    "SELECT 1 IN (WITH 1 AS dead_letters SELECT 1 FROM dead_letters)",
    "SELECT globalIn(0, dead_letters)",
    "SELECT * FROM v_coverage(a = 1)",
    "SELECT * FROM dead_letters AS v_x",
    "SELECT * FROM dead_letters v_x, v_coverage",
    "SELECT v_x.reason FROM v_coverage, dead_letters AS v_x",
    "SELECT * FROM (TABLE dead_letters)",
    "FROM dead_letters",
    "(SELECT * FROM dead_letters)",
    "((SELECT * FROM dead_letters) UNION ALL (SELECT * FROM dead_letters))",
    "SELECT count() FROM v_coverage LIMIT (SELECT count() FROM dead_letters)",
    "SELECT detector FROM v_coverage ORDER BY detector WITH FILL INTERPOLATE (detector AS file('{file}'))",
    "SELECT row_number() OVER (ORDER BY file('{file}'))",
    "SELECT row_number() OVER w WINDOW w AS (PARTITION BY file('{file}'))",
    "SELECT 1 QUALIFY file('{file}') != ''",
    "SELECT CAST(file('{file}'), 'String'), file('{file}')::String",
    "SELECT INTERVAL length(file('{file}')) DAY",
    "SELECT arrayReduce('flameGraph', [1]), file('{file}')",
    # output and settings
    "SELECT 1 INTO OUTFILE '{file}.out'",
    "SELECT 1 INTO OUTFILE '{file}.out' TRUNCATE FORMAT CSV",
    "SELECT 1 FORMAT CSV",
    "SELECT 1 SETTINGS max_execution_time = 0",
    "SELECT * FROM v_coverage SETTINGS readonly = 0",
    "SELECT * FROM (SELECT 1 SETTINGS max_threads = 1)",
    "WITH a AS (SELECT 1 SETTINGS max_threads = 1) SELECT * FROM a",
    "SELECT 1 UNION ALL SELECT 1 SETTINGS max_threads = 1",
    # other statements
    "INSERT INTO FUNCTION file('{file}.out') SELECT 1",
    "INSERT INTO dead_letters (reason) VALUES ('x')",
    "CREATE TABLE x (a Int8) ENGINE = Memory",
    "CREATE VIEW v_x AS SELECT * FROM dead_letters",
    "DROP VIEW v_coverage",
    "ALTER TABLE dead_letters DELETE WHERE 1",
    "TRUNCATE TABLE dead_letters",
    "OPTIMIZE TABLE dead_letters",
    "SYSTEM RELOAD CONFIG",
    "SET readonly = 0",
    "USE system",
    "SHOW TABLES",
    "DESCRIBE dead_letters",
    "EXPLAIN SELECT * FROM v_coverage",
    "EXPLAIN AST SELECT 1",
    "EXISTS TABLE dead_letters",
    "KILL QUERY WHERE 1",
    "BACKUP TABLE dead_letters TO File('x')",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP VIEW v_coverage",
    "SELECT 1;;; SELECT 2",
    "",
    ";",
    "-- nothing",
    # comments and quotes that parsers may read differently
    "SELECT 1 /* /* */ UNION ALL SELECT file('{file}') -- */ */",
    "SELECT 1 /* */ , file('{file}') /* */",
    "SELECT 1 # x\n, file('{file}')",
    "SELECT 1 #! x\n, file('{file}')",
    "SELECT 'a\\' , file('{file}') , '",
    "SELECT $$a$$, file('{file}')",
    "SELECT $x$ '$x$, file('{file}') --'",
    "SELECT `a\\`b`, file('{file}')",
    "SELECT 1 AS `a\\`, file('{file}') AS `b`",
    'SELECT 1 AS "a\\", file(\'{file}\') AS "b"',
    "SELECT ‘a’, file('{file}')",  # noqa: RUF001
    "SELECT 1\u00a0,\u00a0file('{file}')",
    "SELECT 1\0, file('{file}')",
    "SELECT {{a:String}}, file('{file}')",
    "SELECT {{a:Identifier}} FROM v_coverage",
    "SELECT * FROM {{a:Identifier}}",
    "SELECT * FROM {db}.{{a:Identifier}}",
]

ACCEPTED = [
    "SELECT 1",
    "select 1;",
    "SELECT * FROM v_coverage",
    "SELECT * FROM {db}.v_coverage",
    "SELECT * FROM v_interactions ORDER BY time DESC LIMIT 10",
    "SELECT event_id, input, output FROM v_interactions WHERE app = 'support-bot' LIMIT 5 OFFSET 2",
    "SELECT count() FROM v_interactions WHERE time > now() - INTERVAL 1 HOUR",
    "SELECT count(*) FROM v_interactions WHERE time >= '2026-01-01' AND time < toDate('2026-02-01')",
    "SELECT toStartOfHour(time) AS hour, count() FROM v_interactions GROUP BY hour ORDER BY hour",
    "SELECT app, model, quantile(0.95)(latency_s) p95 FROM v_interactions GROUP BY ALL ORDER BY p95 DESC",
    "SELECT toStartOfInterval(time, INTERVAL 5 MINUTE) t, avg(cost) FROM v_interactions GROUP BY t WITH TOTALS",
    "SELECT DISTINCT detector FROM v_findings",
    "SELECT DISTINCT ON (app) app, time FROM v_interactions",
    "SELECT * FROM v_findings WHERE flagged AND detector IN ('toxicity', 'bias')",
    "SELECT detector, scores['hate'] AS hate FROM v_findings WHERE hate > 0.5",
    "SELECT detector, arrayJoin(mapKeys(scores)) AS label, count() FROM v_findings GROUP BY detector, label",
    "SELECT detector, label, score FROM v_findings ARRAY JOIN mapKeys(scores) AS label, mapValues(scores) AS score",
    "SELECT s.field, s.start FROM v_findings LEFT ARRAY JOIN spans AS s",
    "SELECT label FROM v_findings ARRAY JOIN arrayFilter(x -> x != '', mapKeys(scores)) AS label, range(3) AS number",
    "SELECT detector, a FROM v_findings ARRAY JOIN [1, 2] AS a JOIN v_coverage AS c USING (detector)",
    "WITH (SELECT groupArray(detector) FROM v_coverage) AS names SELECT name FROM v_signals ARRAY JOIN names AS name",
    "SELECT documents[1].content, input_messages.role FROM v_interactions",
    "SELECT arrayMap(d -> d.content, documents) FROM v_interactions WHERE notEmpty(documents)",
    "SELECT tupleElement(arrayElement(documents, 1), 'id') FROM v_interactions",
    "SELECT i.input, f.score FROM v_interactions i JOIN v_findings f USING (event_id) WHERE f.detector = 'bias'",
    "SELECT * FROM v_interactions WHERE event_id IN (SELECT event_id FROM v_findings WHERE alert)",
    "SELECT * FROM v_interactions AS i WHERE i.event_id = '00000000-0000-0000-0000-000000000000'",
    "SELECT * EXCEPT (input, output) FROM v_interactions",
    "SELECT * EXCEPT input FROM v_interactions",
    "WITH bad AS (SELECT event_id FROM v_findings WHERE flagged) SELECT * FROM v_interactions WHERE event_id IN bad",
    "WITH a AS (SELECT 1 AS x), b AS (SELECT x FROM a) SELECT * FROM b UNION ALL SELECT * FROM a",
    "WITH 0.5 AS limit_ SELECT count() FROM v_findings WHERE score > limit_",
    "SELECT (SELECT count() FROM v_findings WHERE flagged) / (SELECT count() FROM v_findings)",
    "SELECT app, count() AS n, n / sum(n) OVER () AS share FROM v_interactions GROUP BY app",
    "SELECT time, avg(latency_s) OVER (PARTITION BY app ORDER BY time ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)"
    " FROM v_interactions",
    "SELECT row_number() OVER w FROM v_interactions WINDOW w AS (PARTITION BY app ORDER BY time)",
    "SELECT app, time FROM v_interactions ORDER BY time LIMIT 1 BY app",
    "SELECT if(flagged, 'bad', 'good') s, count() FROM v_findings GROUP BY s HAVING count() > 1",
    "SELECT CASE WHEN score > 0.5 THEN 'high' WHEN score IS NULL THEN '-' ELSE 'low' END FROM v_findings",
    "SELECT input FROM v_interactions WHERE input ILIKE '%refund%' OR match(output, '(?i)sorry')",
    "SELECT score::Float64, toString(event_id), CAST(cost AS Nullable(Decimal(10, 4))) FROM v_findings, v_interactions",
    "SELECT score BETWEEN 0.1 AND 0.9, NOT flagged, -score, score * 2 % 3 FROM v_findings",
    "SELECT {a:String} AS a, {b:Array(UInt8)} AS b",
    "SELECT 'it''s', 'a\\'b', 'file(''x'')', '-- no comment', '/* no */', $$here$$ -- a comment",
    "/* a */ SELECT 1 -- b",
    "SELECT 1 UNION DISTINCT SELECT 2 EXCEPT SELECT 3",
    "SELECT arrayConcat(groupArray(app), groupArray(model)), arraySort(groupUniqArray(app)) FROM v_interactions",
    "SELECT toStartOfDay(time) d, count() FROM v_interactions GROUP BY d ORDER BY d WITH FILL STEP INTERVAL 1 DAY",
    "SELECT app, detector, count() FROM v_findings GROUP BY ROLLUP(app, detector)",
    "SELECT app, detector, count() FROM v_findings GROUP BY app, detector WITH CUBE",
    "SELECT uniqExact(subject), groupArray(5)(input), topK(3)(model), argMax(input, cost) FROM v_interactions",
    'SELECT time AS `time (UTC)`, app AS "the app" FROM v_interactions',
    "SELECT * FROM v_signals; ",
    "FROM v_coverage SELECT detector, missing",
]


@pytest.fixture(scope="module")
def secret_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secret") / "file"
    path.write_text(SECRET)
    return path


ask = query._query


@pytest.mark.parametrize("sql", HOSTILE)
def test_hostile_sql_is_refused_before_it_runs(
    sql: str, reader: Any, secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = sql.format(file=secret_file, db=reader.test_database)
    asked: list[str] = []
    monkeypatch.setattr(query, "_query", lambda client, sql, values: asked.append(sql) or ask(client, sql, values))
    with pytest.raises(QueryError) as refused:
        query.run(reader, sql, {"a": "dead_letters"}, database=reader.test_database)
    assert set(asked) <= {"SELECT formatQuery({sql:String})"}
    assert SECRET not in str(refused.value)
    assert not secret_file.with_name("file.out").exists()


@pytest.mark.parametrize("sql", ACCEPTED)
def test_what_people_type_runs(sql: str, reader: Any) -> None:
    sql = sql.format(db=reader.test_database) if "{db}" in sql else sql
    result = query.run(reader, sql, {"a": "x", "b": "[1]"}, database=reader.test_database)
    assert result.columns


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT reason FROM dead_letters UNION ALL SELECT reason FROM dead_letters",
        "SELECT reason FROM (SELECT reason FROM dead_letters)",
        "SELECT (SELECT reason FROM dead_letters)",
        "SELECT a.reason FROM v_coverage RIGHT JOIN dead_letters AS a ON 1 = 1",
        "SELECT if('x' IN dead_letters, 'x', 'y')",
        "SELECT arrayMap(y -> (SELECT any(reason) FROM dead_letters), [1])[1]",
        "SELECT * FROM (SELECT reason FROM dead_letters UNION ALL SELECT reason FROM dead_letters)",
    ],
)
def test_names_of_with_hide_tables_wherever_they_are_taken_for_them(sql: str, reader: Any) -> None:
    result = query.run(reader, f"WITH dead_letters AS (SELECT 'x' AS reason) {sql}")
    assert {row[0] for row in result.rows} == {"x"}


@pytest.mark.parametrize("name", audits.names())
def test_every_audit_query_runs(name: str, reader: Any) -> None:
    audit = audits.load(name)
    assert query.run(reader, audit.sql, audit.parameters).columns


@pytest.mark.parametrize("view", views())
def test_every_view_can_be_read(view: str, reader: Any) -> None:
    assert query.run(reader, f"SELECT * FROM {view}").columns


def test_no_function_that_takes_values_takes_a_functions_name(reader: Any) -> None:
    """Of this engine: a later one may let more functions take `file` for a lambda."""
    names = [row[0] for row in reader.query("SELECT name FROM system.functions WHERE NOT is_aggregate").result_rows]
    names = [name for name in names if TAKES_VALUES.fullmatch(name.lower())]
    assert len(names) > 50
    for name in names:
        with pytest.raises(DatabaseError, match="Unknown expression"):
            reader.query(f"SELECT {name}(file, ['x'])")


def test_a_refusal_names_what_it_refuses_and_what_there_is(reader: Any) -> None:
    for sql, words in {
        "SELECT\n  file('x')": ("function file",),
        "SELECT * FROM findings": ("findings", "v_findings"),
        "SELECT * FROM numbers(3)": ("numbers",),
        "SELECT 1 SETTINGS max_threads = 1": ("SETTINGS",),
        "SELECT 1 FORM v_x": ("Syntax error", "position"),
        "SHOW TABLES": ("SELECT",),
        "SELECT nope FROM v_coverage": ("nope",),
        "SELECT {missing:String}": ("missing", "--param"),
    }.items():
        with pytest.raises(QueryError) as refused:
            query.run(reader, sql)
        assert all(word in str(refused.value) for word in words), refused.value
        assert "formatQuery" not in str(refused.value)


def test_values_are_what_json_can_hold(reader: Any) -> None:
    sql = """SELECT NULL, true, 1.5, 0 / 0, toDate('2026-01-02'), toDateTime64('2026-01-02 03:04:05.678901', 6, 'UTC'),
        toDateTime('2026-01-02 03:04:05', 'Asia/Tokyo'), toUUID('00000000-0000-0000-0000-000000000001'),
        toDecimal32(1.5, 2), map('a', [1]), (1, 'x'), 18446744073709551615, 'a\\nb\\\\c\\'d',
        CAST('a', 'Enum8(\\'a\\' = 1)')"""
    assert query.run(reader, sql).rows == [
        [None, True, 1.5, "nan", "2026-01-02", "2026-01-02T03:04:05.678901Z", "2026-01-01T18:04:05Z",
         "00000000-0000-0000-0000-000000000001", "1.50", {"a": [1]}, [1, "x"], 2**64 - 1, "a\nb\\c'd", "a"]
    ]  # fmt: skip


@given(text=st.text(st.sampled_from("'\"`\\\\$#-/*!;{}()‘’“” \n\rax"), max_size=20))  # noqa: RUF001
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_text_in_quotes_stays_text(text: str, reader: Any) -> None:
    """Whatever stands in a literal, both parsers see one literal, and it comes back as it was."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    assert query.run(reader, f"SELECT '{escaped}' AS a, 1 AS b") == Result(["a", "b"], [[text, 1]])


@given(name=st.text(st.sampled_from("'\"`\\\\$#-/*!;{}() ax"), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_names_in_quotes_stay_names(name: str, reader: Any) -> None:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    try:
        assert query.run(reader, f"SELECT 1 AS `{escaped}`, 2 AS b") == Result([name, "b"], [[1, 2]])
    except QueryError:
        assert set(name) & set('\\`"{}')


def test_columns_are_named_where_there_are_no_rows(reader: Any) -> None:
    assert query.run(reader, "SELECT detector, planned AS n FROM v_coverage") == Result(["detector", "n"], [])


def test_too_many_rows_say_so(reader: Any) -> None:
    with pytest.raises(QueryError, match="100,000 rows"):
        query.run(reader, "SELECT arrayJoin(range(100001))")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT range(20000000)", "20000000 array elements"),
        ("SELECT arrayMap(x -> range(x), range(30000))", "449985000 array elements"),
        ("SELECT arrayWithConstant(100000000, 1) FROM (SELECT count() FROM v_coverage)", "64 MiB"),
        # The engine limits no result of a SELECT without FROM; nor of a UNION: see embedded/test_store.py.
        ("SELECT arrayWithConstant(100000000, materialize(1))", "64 MiB"),
        ("(SELECT arrayWithConstant(100000000, materialize(1)))", "64 MiB"),
        ("SELECT arrayWithConstant(100000000, 1)", "too large"),
        ("SELECT repeat(repeat('x', 100000), 1000)", "64 MiB"),
        ("SELECT arrayMap(x -> repeat('x', 1000000), range(10000))", "more memory"),
        ("SELECT 1 WHERE length(arrayMap(x -> repeat('x', 1000000), range(10000))) > 1", "more memory"),
        ("SELECT groupArray(repeat('x', 1000)) FROM (SELECT arrayJoin(range(100000)))", "64 MiB"),
    ],
)
def test_too_many_bytes_say_so_soon(sql: str, words: str, reader: Any) -> None:
    started = time.monotonic()
    with pytest.raises(QueryError, match=words):
        query.run(reader, sql)
    assert time.monotonic() - started < 5


def test_the_reader_is_read_only_with_limits(reader: Any) -> None:
    settings = {name: reader.get_client_setting(name) for name in (*LIMITS, "readonly")}
    assert settings == {**{name: str(value) for name, value in LIMITS.items()}, "readonly": "1"}
    with pytest.raises(Exception, match="readonly"):
        reader.command("SET max_execution_time = 0")


def test_check_alone_needs_no_engine() -> None:
    assert check("SELECT 1") == "SELECT 1"
    with pytest.raises(QueryError, match="line 1"):
        check("SELECT FROM WHERE )")


def test_reading_a_folder_that_has_no_data_says_what_to_do(tmp_path: Path) -> None:
    done = _sql(tmp_path / "none")
    assert done.returncode == 1
    assert "no data yet" in done.stderr and "watchline demo" in done.stderr
    assert not (tmp_path / "none").exists()


def test_what_differs_in_times_alone_is_checked_once(reader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    monkeypatch.setattr(query, "check", lambda sql, **options: found.append(sql) or check(sql, **options))
    query._is_limited.cache_clear()
    sql = "SELECT count(), toDateTime({0}) AS at FROM v_interactions WHERE time > fromUnixTimestamp64Milli({0}000)"
    rows = [query.run(reader, sql.format(second)).rows for second in (1_700_000_000, 1_800_000_000)]
    assert len(found) == 1
    assert [row[0][1] for row in rows] == ["2023-11-14T22:13:20Z", "2027-01-15T08:00:00Z"]
    for other in ("dead_letters", "dead_letters", "v_nothing"):  # what is refused is refused again
        with pytest.raises(QueryError, match=other):
            query.run(reader, sql.format(1).replace("v_interactions", other))
    names = "WITH `toDateTime(1)` AS (SELECT 1) SELECT * FROM `toDateTime({})`"
    assert query.run(reader, names.format(1)).rows == [[1]]
    with pytest.raises(QueryError, match=r"toDateTime\(2\)"):
        query.run(reader, names.format(2))


@pytest.mark.slow
def test_reading_a_folder_without_a_worker(tmp_path: Path) -> None:
    migrate = (
        "from watchline.schemas.migrate import migrate; from watchline.streams import settings; "
        "from watchline.streams.clickhouse.connect import connect; from watchline.streams.embedded import store\n"
        f"s = settings.load(data_dir={str(tmp_path)!r})\n"
        "with store.own(s): migrate(connect(s, database=''), s.clickhouse_database)"
    )
    subprocess.run([sys.executable, "-c", migrate], check=True)
    done = _sql(tmp_path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "detector,missing"), done.stderr


def _sql(data_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchline.streams.cli.main", "sql", "SELECT detector, missing FROM v_coverage",
         "--format", "csv"],
        env={"WATCHLINE_DATA_DIR": str(data_dir), "PATH": "/usr/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
