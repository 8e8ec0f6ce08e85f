"""What the store takes: each view, panel, rule and audit query by size, and bytes an event by column.

`python -m tests.benchmarks.store 1000000 [FOLDER]` makes so many interactions, a tenth of them on the last day and the
others on the 29 before it, of 40 apps whose traffic falls as Zipf's law has it, each with six findings; one in 200 is
delivered twice. Numbers of producers and offsets follow one another. A FOLDER that is there already is asked again.
Views are asked for the last day and for all, panels and rules for a day, audits for the 30 days; in one thread, with
merges and refreshes stopped: seconds of the processor, seconds in all, memory above what the process held before, and
rows read from tables.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import clickhouse_connect

from tests.benchmarks.producer import machine
from watchline.dashboards import audits
from watchline.dashboards.alert_rules import all_rules
from watchline.dashboards.boards import all_boards
from watchline.dashboards.macros import Request, expand
from watchline.schemas.migrate import migrate
from watchline.schemas.views import views

SIZE = 100_000
DAYS, APPS, BLOCK = 30, 40, 250_000
DETECTORS = ("groundedness", "toxicity", "pii", "injection", "bias", "relevance")
DATABASE = "watchline"
REFRESHES = ("superseded", "later_contents", "uncommitted", "quality_hourly", "usage_hourly")

# What each number is turned into.
_EVENT = """
    toUUID(concat(lower(hex(toUInt64(ms) * 65536 + 28672 + n % 4096)), '8',
        substring(leftPad(lower(hex(sipHash64(n, 1))), 16, '0'), 2))) AS id,
    toDateTime64('{end}', 6, 'UTC') - toIntervalMicrosecond(86400000000 * if(n < 0.9 * {total},
        1 + (1 - n / (0.9 * {total})) * {days}, (1 - n / {total}) * 10)) AS at,
    toUnixTimestamp64Milli(at) AS ms,
    toUInt32(floor(pow({apps} + 1, (sipHash64(n, 3) % 1000003) / 1000003))) AS app_number,
    concat('app-', toString(app_number)) AS app_name,
    toString(1 + (sipHash64(n, 4) % 10 < 3)) AS version,
    if(sipHash64(n, 5) % 3 = 0, 'large', 'small') AS answering,
    concat('tenant-', toString(sipHash64(n, 6) % 50)) AS of_tenant
"""
_INTERACTIONS = """
INSERT INTO interactions
    (event_id, time, app, environment, tenant, trace_id, span_id, conversation_id, response_id, subject, operation,
    provider, request_model, response_model, model, prompt_name, prompt_version, prompt_hash, system_instructions,
    input_messages, output_messages, documents, request_parameters, input_tokens, output_tokens, cost, latency_s,
    time_to_first_chunk_s, finish_reasons, error_type, planned, redactions, producer_id, producer_sequence,
    raw_topic_id, raw_partition, raw_offset, stored_at, version)
WITH {event}
SELECT
    id, at, app_name, 'production', of_tenant,
    lower(hex(MD5(toString(n)))), lower(hex(sipHash64(n, 7))), lower(hex(MD5(concat('c', toString(intDiv(n, 4)))))),
    concat('chatcmpl-', lower(hex(MD5(concat('r', toString(n)))))),
    concat('1a2b3c4d:', lower(hex(SHA256(concat('s', toString(sipHash64(n, 8) % {subjects})))))),
    'chat', 'openai', answering, answering, answering, 'answer', version, lower(hex(SHA256(version))),
    'Answer from the documents alone.',
    [('user', concat('What does the bill of order ', toString(n), ' say, and when does it arrive?'))],
    [('assistant', concat('The bill of order ', toString(n), ' says ', toString(sipHash64(n, 9) % 900), '.90 euros.'))],
    [(concat('Order ', toString(n), ': ', toString(sipHash64(n, 9) % 900), '.90 euros.'),
        concat('doc-', toString(n % 9999)), 0.9)],
    map('temperature', '0.2'), 400 + n % 500, 50 + n % 90, 0.001 + (n % 90) / 100000,
    0.5 + (sipHash64(n, 10) % 4000) / 1000, 0.2, ['stop'], if(sipHash64(n, 11) % 100 = 0, 'Timeout', ''),
    CAST(arrayMap(d -> (d, '1'), {detectors}), 'Map(LowCardinality(String), LowCardinality(String))'),
    if(n % 11 = 0, map('EMAIL_ADDRESS', 1), map()),
    toUUID(concat('01935c3e-7a00-7000-8000-', leftPad(lower(hex(n % {apps})), 12, '0'))), intDiv(n, {apps}),
    'topic', n % 4, intDiv(n, 4),
    toDateTime64(at + INTERVAL 20 SECOND, 3, 'UTC') AS stored, bitNot(dateTime64ToSnowflakeID(stored)) - n % 4194304
FROM (SELECT number AS n FROM numbers({first}, {count}) WHERE number % {every} = 0)
ORDER BY toStartOfHour(at)
"""
_FINDINGS = """
INSERT INTO findings
    (event_id, time, app, environment, tenant, prompt_name, prompt_version, model, detector, detector_version, decision,
    scores, score, threshold, alert_threshold, flagged, alert, calibration_version, spans, evidence, scored_fraction,
    duration_us, batch_size, device, stored_at, version)
WITH {event},
    (sipHash64(n, detector) % 1000) / 1000 AS probability,
    if(detector = 'relevance' AND n % 5 = 0, 'not_applicable', 'evaluated') AS decided,
    decided = 'evaluated' AND probability > 0.97 AS over
SELECT
    id, at, app_name, 'production', of_tenant, 'answer', version, answering, detector, '1', decided,
    if(decided = 'evaluated', map(detector, toFloat32(probability)), map()),
    if(decided = 'evaluated', probability, NULL),
    0.97, 0.99, over, over AND probability > 0.99, '1', if(over, [('output:0', 0, 18, detector, 0.98)], []),
    if(over, [(0, 'document:0', 0, 10, 0.9)], []), 1, 1000 + n % 3000, 32, 'cpu',
    toDateTime64(at + INTERVAL 19 SECOND, 3, 'UTC') AS stored, bitNot(dateTime64ToSnowflakeID(stored)) - n % 4194304
FROM (SELECT number AS n FROM numbers({first}, {count}) WHERE number % {every} = 0)
ARRAY JOIN {detectors} AS detector
ORDER BY toStartOfHour(at)
"""
_LEDGER = """
INSERT INTO ledger
    (topic_id, partition, first_offset, last_offset, app, hour, events, findings, event_ids, stored_at)
SELECT 'topic', p, first_offset, last_offset, app_name, hour, length(ids),
    CAST(arrayMap(d -> (d, length(ids)), {detectors}), 'Map(LowCardinality(String), UInt32)'), ids,
    hour + INTERVAL 1 HOUR
FROM
(
    WITH {event}
    SELECT n % 4 AS p, app_name, toStartOfHour(at) AS hour, min(intDiv(n, 4)) AS first_offset,
        max(intDiv(n, 4)) AS last_offset, groupArray(id) AS ids
    FROM (SELECT number AS n FROM numbers({first}, {count}))
    GROUP BY p, app_name, hour
)
"""


def fill(client: Any, interactions: int, end: datetime) -> None:
    """Stores so many interactions that end then, with what belongs to them: those of every 200th number twice."""
    settings = (
        "SETTINGS max_insert_threads = 1, max_threads = 1, async_insert = 0, insert_allow_materialized_columns = 1"
    )
    for first in range(0, interactions, BLOCK):
        for every in (1, 200):
            values = {
                "detectors": list(DETECTORS),
                "apps": APPS,
                "first": first,
                "count": min(BLOCK, interactions - first),
                "every": every,
                "subjects": max(interactions // 20, 1),
            }
            event = _EVENT.format(end=f"{end:%Y-%m-%d %H:%M:%S}", days=DAYS - 1, apps=APPS, total=interactions)
            for statement in (_FINDINGS, _INTERACTIONS) + ((_LEDGER,) if every == 1 else ()):
                client.command(statement.format(event=event, **values) + settings)


def questions(end: datetime) -> Iterator[tuple[str, str]]:
    """What is asked, and its SQL."""
    day = Request(start=end - timedelta(days=1), end=end, interval_s=300)
    for name, view in views().items():
        timed = any(column.name == "time" for column in view.columns)
        columns = ", ".join(f"sum(cityHash64({column.name}))" for column in view.columns[:20])
        if timed:
            yield f"view {name}, 24 h", expand(f"SELECT {columns} FROM {name} WHERE $__timeFilter(time)", day)
        yield f"view {name}, all", f"SELECT {columns} FROM {name}"
    for board in all_boards():
        request = Request(
            start=day.start, end=end, interval_s=300, variables={variable.name: None for variable in board.variables}
        )
        for panel in board.panels.values():
            for name, sql in panel.queries.items():
                yield f"panel {board.uid}/{panel.title}/{name}", expand(sql, request)
    for rule in all_rules():
        request = Request(start=end - timedelta(seconds=rule.window_s), end=end, interval_s=rule.interval_s)
        for name, sql in rule.queries.items():
            yield f"rule {rule.uid}/{name}", expand(sql, request)
    for name in audits.names():
        audit = audits.load(name)
        month = {"since": f"{end - timedelta(days=DAYS):%Y-%m-%d}", "until": f"{end:%Y-%m-%d}"}
        yield f"audit {name}", audit.statement(**{key: month[key] for key in audit.parameters if key in month})


def asked(connection: Any, sql: str) -> tuple[float, float, float, int]:
    """Seconds of the processor, seconds, MB above what the process held before, rows read from tables."""
    with measured() as taken:
        result = connection.query(sql, "Null")
    return taken.cpu_s, taken.wall_s, taken.memory, result.storage_rows_read()


@dataclass(slots=True)
class Taken:
    """Seconds of the processor, seconds, MB above what the process held before."""

    cpu_s: float = 0.0
    wall_s: float = 0.0
    memory: float = 0.0


@contextmanager
def measured() -> Iterator[Taken]:
    """What a block takes, once it is over."""
    taken = Taken()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins at what is held now
    before, started, used = _memory("VmRSS"), time.perf_counter(), _cpu()
    yield taken
    taken.cpu_s, taken.wall_s = _cpu() - used, time.perf_counter() - started
    taken.memory = _memory("VmHWM") - before


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _memory(of: str) -> float:
    """MB, as the kernel counts them."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith(f"{of}:"))
    return int(line.split()[1]) / 1000


def bytes_by_column(client: Any, events: int) -> Iterator[str]:
    """Of each table and its largest columns."""
    sizes = client.query(
        "SELECT table, column, sum(column_data_compressed_bytes) AS bytes FROM system.parts_columns "
        "WHERE active AND database = currentDatabase() GROUP BY table, column ORDER BY bytes DESC"
    ).result_rows
    whole = client.query(
        "SELECT table, sum(bytes_on_disk) AS bytes, sum(rows) FROM system.parts "
        "WHERE active AND database = currentDatabase() GROUP BY table ORDER BY bytes DESC"
    ).result_rows
    for table, size, rows in whole:
        if size > events:
            named = [f"{column} {of / events:.1f}" for of_table, column, of in sizes if of_table == table][:12]
            yield f"{table:<20} {size / events:8.1f} bytes an event, {rows:,} rows: {', '.join(named)}"


def main(interactions: int, folder: str) -> None:
    """Fills a store where there is none, and prints what it takes."""
    import chdb

    end = datetime.now(UTC).replace(microsecond=0)
    new = not Path(folder).exists()
    client = clickhouse_connect.get_client(interface="chdb", path=folder)
    migrate(client, DATABASE)
    client.command(f"USE {DATABASE}")
    client.command("SYSTEM STOP VIEWS")
    print(f"{machine()}, chDB {client.server_version}, one thread; {interactions:,} interactions")
    if new:
        fill(client, interactions, end)
    client.command("SYSTEM STOP MERGES")
    ((end, events),) = client.query("SELECT max(time), count() FROM interactions").result_rows
    end = end.replace(microsecond=0) + timedelta(seconds=1)
    print(*bytes_by_column(client, events), sep="\n")
    print(f"{'':<62} {'cpu s':>8} {'wall s':>8} {'MB':>8} {'rows read':>12}")
    connection = chdb.connect(folder)
    connection.query(f"USE {DATABASE}")
    connection.query("SET max_threads = 1")
    for attempt in ("first", "next"):
        for name in REFRESHES:
            refresh = f"SYSTEM REFRESH VIEW {name}_refresh"
            client.command(f"SYSTEM START VIEW {name}_refresh")
            client.command(refresh)
            figures = asked(connection, f"SYSTEM WAIT VIEW {name}_refresh")
            client.command(f"SYSTEM STOP VIEW {name}_refresh")
            line(f"refresh {name}, {attempt}", figures)
    # Everything was stored just now, and is looked at as if that were some hours ago: what came since is an hour of it.
    for name, sql in questions(end):
        connection.query(sql, "Null")
        line(name, min(asked(connection, sql) for _ in range(2)))


def line(name: str, figures: tuple[float, float, float, int]) -> None:
    """Prints one."""
    cpu, wall, memory, rows = figures
    print(f"{name:<62} {cpu:8.2f} {wall:8.2f} {memory:8.0f} {rows:12,}", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own:
        given = sys.argv[1:]
        main(int(given[0]) if given else SIZE, given[1] if len(given) > 1 else f"{own}/store")
