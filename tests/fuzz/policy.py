"""Generated SELECTs against the SQL policy, many: `python -m tests.fuzz.policy 100000`.

What the policy accepts runs on an engine whose only user may read the views and nothing else: where the engine denies
access, the policy has a hole. What an engine in the process doesn't ask rights for, functions and system tables, is
looked for in the engine's own query tree, as it parsed the statement.
"""

from __future__ import annotations

import argparse
import re
import secrets
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.statements import DATABASE, FUNCTIONS, Statements
from watchline.streams.query.policy import QueryError, check, views
from watchline.streams.query.reader import restrict

ROUND = 500  # statements
LEAST_ACCEPTED = 0.2  # of the statements; with fewer the engine judges hardly any
ACCESS_DENIED = 497  # ClickHouse's code
GRANTS = ("CREATE, INSERT ON *.*", f"SELECT ON {DATABASE}.v_*", "SELECT ON system.*")
# What the engine must be seen to read outside the views; else finding nothing would mean nothing.
KNOWN = (
    "SELECT a FROM dead_letters",
    "SELECT (SELECT max(a) FROM other.secrets)",
    "SELECT a FROM v_findings WHERE a IN (SELECT a FROM interactions)",
    "WITH dead_letters AS v_coverage SELECT 1 IN v_coverage",
    "SELECT a FROM (SELECT 1) ARRAY JOIN (SELECT groupArray(a) FROM dead_letters) AS a",
    "SELECT 1 UNION ALL WITH dead_letters AS (SELECT 1 AS a) SELECT 1 UNION ALL SELECT a FROM dead_letters",
    "WITH dead_letters AS (SELECT 1) SELECT 1 UNION ALL WITH a AS (SELECT a FROM dead_letters) SELECT a FROM a",
    "SELECT 1 FROM v_findings, system.tables AS t",
    "SELECT 1 IN (SELECT number FROM numbers(2))",
    "SELECT arrayMap(x -> file(x), ['x'])",
    "SELECT arrayMap(file, ['x'])",
    "SELECT hostName()",
)
OUTSIDE = re.compile(
    r"^ *(?:TABLE_FUNCTION .*"
    rf"|FUNCTION id: \d+.*, function_name: (?:{'|'.join(FUNCTIONS)})\b.*"
    rf"|IDENTIFIER id: \d+.*, identifier: (?:{'|'.join(FUNCTIONS)}|(?:system\.(?!one$)|information_schema\.).*))$",
    re.I | re.M,
)


@dataclass
class Outcome:
    """What became of statements."""

    statements: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # by the policy, by its words
    failed: Counter[int] = field(default_factory=Counter)  # accepted, and refused by the engine, by its code
    unparsed: int = 0  # refused by the engine's parser already
    holes: list[tuple[str, str]] = field(default_factory=list)  # the statement, and what it reads


def engine(folder: Path) -> Any:
    """A client of a reader's, on an engine whose user may read the views and no other table."""
    import clickhouse_connect

    grants = "".join(f"<query>GRANT {grant}</query>" for grant in GRANTS)
    (folder / "users.xml").write_text(
        "<clickhouse><profiles><default/></profiles><users><default><password></password><profile>default</profile>"
        f"<grants>{grants}</grants></default></users></clickhouse>"
    )
    (folder / "config.xml").write_text(f"<clickhouse><users_config>{folder}/users.xml</users_config></clickhouse>")
    client = clickhouse_connect.get_client(
        interface="chdb", path=str(folder / "data"), chdb_options={"config-file": str(folder / "config.xml")}
    )
    client.command(f"CREATE DATABASE {DATABASE}")
    client.command("CREATE DATABASE other")
    forbidden = [f"{DATABASE}.interactions", f"{DATABASE}.findings", f"{DATABASE}.dead_letters", "other.secrets"]
    for table in [*forbidden, "other.v_findings", *(f"{DATABASE}.{view}" for view in views())]:
        client.command(f"CREATE TABLE {table} (a UInt8) ENGINE = MergeTree ORDER BY a")
        client.command(f"INSERT INTO {table} VALUES (1), (2)")
    client.command(f"USE {DATABASE}")
    restrict(client)
    return client


def judge(client: Any, statements: list[str], outcome: Outcome) -> None:
    """Adds what becomes of the statements."""
    written = client.query(
        "SELECT formatQueryOrNull(arrayJoin({statements:Array(String)}))", parameters={"statements": statements}
    )
    for statement, (canonical,) in zip(statements, written.result_rows, strict=True):
        outcome.statements += 1
        if canonical is None:
            outcome.unparsed += 1
            continue
        try:
            check(canonical, database=DATABASE)
        except QueryError as error:
            outcome.refused[re.sub(r"['\"`].*|: .*", "", str(error))] += 1
            continue
        outcome.accepted += 1
        if reads := _reads_outside(client, canonical, outcome):
            outcome.holes.append((statement, reads))


def _reads_outside(client: Any, sql: str, outcome: Outcome) -> str:
    """What it reads besides views; empty for nothing."""
    from clickhouse_connect.driver.exceptions import DatabaseError

    try:
        rows = client.query(f"EXPLAIN QUERY TREE run_passes = 0 {sql}").result_rows
    except DatabaseError as error:
        outcome.failed[error.code or 0] += 1
        return f"the engine shows no tree: {error}" if error.code == ACCESS_DENIED else ""
    if found := OUTSIDE.search("\n".join(row[0] for row in rows)):
        return found[0].strip()
    try:
        client.query(sql)
    except DatabaseError as error:
        outcome.failed[error.code or 0] += 1
        return str(error) if error.code == ACCESS_DENIED else ""
    return ""


def fuzz(client: Any, statements: int, seed: str) -> Outcome:
    """The outcome of so many. A round's statements come from the seed and the round's number."""
    outcome = Outcome()
    for first in range(0, statements, ROUND):
        judge(client, list(Statements(f"{seed}/{first}").take(min(ROUND, statements - first))), outcome)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{outcome.statements:,} of {statements:,}")
    return outcome


def main() -> int:
    """Reports; 1 where an accepted statement reads outside the views, few were accepted, or the engine saw nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.policy", description=__doc__.splitlines()[0])
    parser.add_argument("statements", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="default: another one each time")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        client = engine(Path(folder))
        unseen = [sql for sql in KNOWN if not _reads_outside(client, sql, Outcome())]
        total = fuzz(client, options.statements, options.seed)
        client.close()
    seconds = time.monotonic() - started
    print(f"{seconds:.0f} s, {total.statements / seconds:,.0f} statements/s")
    for words, count in total.refused.most_common():
        print(f"{count:10,}  {words}")
    for code, count in total.failed.most_common():
        print(f"{count:10,}  accepted, and fails on the engine with code {code}")
    for statement, reads in total.holes:
        print(f"READS OUTSIDE {reads}\n    {statement}")
    for sql in unseen:
        print(f"NOT SEEN TO READ OUTSIDE {sql}")
    refused, failed = sum(total.refused.values()), sum(total.failed.values())
    print(
        f"statements={total.statements} accepted={total.accepted} refused_by_policy={refused} "
        f"not_parsed={total.unparsed} accepted_but_failed={failed} read_outside={len(total.holes)}"
    )
    return int(bool(total.holes or unseen) or total.accepted < LEAST_ACCEPTED * total.statements)


if __name__ == "__main__":
    sys.exit(main())
