"""What on-call is told in 31 days with an incident each and 30 without: the rules, the engine, its schedule.

    python -m tests.benchmarks.oncall [--seed 1] [--only TEXT] [--quiet | --incidents] [--texts] [--part 1 2]
        [--every 300] [--together 4]

Each scenario (see `oncall_traffic`) is stored minute by minute in a database of its own in chDB, and the engine asks it
when rules are due, by a clock that is set. For an incident: seconds from its beginning until the first notification, of
which rule, how many came in all, seconds from its end until the last one said that it was over. A quiet day should have
none. The incidents take about an hour of a core and a quiet day half of one, with `--every 300` seven minutes; `--only`
picks scenarios by a part of their names. What a query takes is planned, whatever it reads: `--together` stores the apps
of several quiet days side by side, under names of their own, but for days in which the whole pipeline waits.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from tests.benchmarks.oncall_traffic import INCIDENTS, NOW, QUIET, Row, Scenario, rows
from watchline.dashboards.alert_rules import all_rules
from watchline.dashboards.definitions import Rule
from watchline.dashboards.engine.engine import Engine
from watchline.dashboards.engine.journal import MemoryJournal
from watchline.dashboards.engine.notification import Message
from watchline.schemas.errors import TransientError
from watchline.schemas.migrate import migrate
from watchline.streams.query.run import Result

BEFORE, AFTER = 5, 45  # minutes of which the rules are evaluated around an incident
ROLLUP_MINUTES = 30
DEFAULTS: dict[str, dict[str, Any]] = {"findings": {"severity": "none"}}


@dataclass
class Clock:
    """The time that the engine has."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Store:
    """The store, which doesn't answer at times. Asked without the policy of readers, which takes as long again."""

    client: Any
    clock: Clock
    failing: tuple[float, float] | None = None

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Result:
        """Runs one SELECT."""
        minute = (self.clock.now - NOW).total_seconds() / 60
        if self.failing is not None and self.failing[0] <= minute < self.failing[1]:
            raise TransientError("ClickHouse does not answer")
        result = self.client.query(sql, parameters=dict(parameters or {}) or None)
        rows = [
            [each if isinstance(each, int | float | None) else str(each) for each in row] for row in result.result_rows
        ]
        return Result(result.column_names, rows)


@dataclass
class Recorder:
    """A channel that keeps what it is told, with the minute."""

    clock: Clock
    name: str = "recorder"
    updates: bool = False
    told: list[tuple[float, Message]] = field(default_factory=list)

    def send(self, message: Message, *, plain: bool = False) -> str:
        """Keeps it."""
        self.told.append(((self.clock.now - NOW).total_seconds(), message))
        return "kept"


@dataclass(frozen=True)
class Outcome:
    """What came of one scenario."""

    scenario: Scenario
    told: Sequence[tuple[float, Message]]
    beside: Sequence[Scenario] = ()

    @property
    def first_s(self) -> float | None:
        """From the beginning to the first notification; what was told before counts as false and is left out."""
        found = [at - 60 * self.scenario.begins for at, message in self.told if message.status == "firing"]
        return min((second for second in found if second >= 0), default=None)

    @property
    def over_s(self) -> float | None:
        """From the end to the last notification that it is over."""
        end = 60 * (self.scenario.begins + self.scenario.minutes)
        found = [at - end for at, message in self.told if message.status == "resolved"]
        return max(found, default=None)


def run(scenario: Scenario, client: Any, seed: int, every_s: int = 0, beside: Sequence[Scenario] = ()) -> Outcome:
    """One day, minute by minute. `every_s`: rules are evaluated no more often than that, and then don't wait.

    beside : other days, whose apps are stored as well
    """
    first, last = 0.0, 1_440.0
    if scenario.incident:
        first, last = scenario.begins - BEFORE, min(scenario.begins + scenario.minutes + AFTER, 1_440.0)
    elif scenario.failing and every_s:  # the waits of rules are what it is about; else it is a usual day
        first, last, every_s = scenario.failing[0] - BEFORE, scenario.failing[1] + AFTER, 0
    waiting: dict[int, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for stored, table, row in chain(rows(scenario, _seed(scenario, seed)), _of_others(beside, seed)):
        waiting[max(int(stored // 60), int(first) - 1)][table].append(row)
    clock = Clock()
    recorder = Recorder(clock)
    engine = Engine(
        rules=lambda: [_seldom(rule, every_s) for rule in all_rules()],
        queries=Store(client, clock, scenario.failing),
        journal=MemoryJournal(),
        channels=[recorder],
        clock=clock,
    )
    rolled = -1
    for minute in range(int(first) - 1, int(last), max(every_s // 60, 1)):
        for table, held in stored_until(minute, waiting).items():
            insert(client, table, held)
        if minute // ROLLUP_MINUTES != rolled:
            roll_up(client)
            rolled = minute // ROLLUP_MINUTES
        clock.now = NOW + timedelta(minutes=minute + 1)
        if not engine.tick():
            raise SystemExit(f"{scenario.name}: {engine.health()['failure']}")
        while (delivery := engine.next_for(recorder.name, 0)) is not None:
            recorder.send(delivery.message)
            delivery.taken()
    return Outcome(scenario, recorder.told, beside)


def _of_others(scenarios: Sequence[Scenario], seed: int) -> Iterator[tuple[float, str, Row]]:
    """The rows of other days that are of an app, under other names: one pipeline has them all."""
    for scenario in scenarios:
        for stored, table, row in rows(scenario, _seed(scenario, seed)):
            if "app" in row:
                yield stored, table, row | {name: f"{row[name]} of {scenario.name}" for name in ("app", "tenant")}


def _seed(scenario: Scenario, seed: int) -> int:
    """A day's own, whichever others are run."""
    return seed + (INCIDENTS if scenario.incident else QUIET).index(scenario)


def groups(scenarios: Sequence[Scenario], together: int) -> Iterator[list[Scenario]]:
    """So many at a time; one in which all apps wait, or the store, by itself."""
    alone = [each for each in scenarios if each.failing or any(_waits(each, 60.0 * minute) for minute in range(1_440))]
    others = [each for each in scenarios if each not in alone]
    yield from ([each] for each in alone)
    yield from (others[first : first + together] for first in range(0, len(others), together))


def _waits(scenario: Scenario, second: float) -> bool:
    return scenario.withheld is not None and scenario.withheld(second, "", 0) != second


def stored_until(minute: int, waiting: dict[int, dict[str, list[Row]]]) -> dict[str, list[Row]]:
    """Takes out what is stored by then, by table."""
    taken: dict[str, list[Row]] = defaultdict(list)
    for each in sorted(each for each in waiting if each <= minute):
        for table, held in waiting.pop(each).items():
            taken[table] += held
    return taken


def _seldom(rule: Rule, every_s: int) -> Rule:
    return replace(rule, interval_s=max(rule.interval_s, every_s), for_s=0 if every_s else rule.for_s)


def insert(client: Any, table: str, held: Sequence[Row]) -> None:
    """Rows that need not have the same columns."""
    by_columns: dict[tuple[str, ...], list[list[Any]]] = defaultdict(list)
    for row in held:
        full = {**DEFAULTS.get(table, {}), **row}
        by_columns[tuple(full)].append([*full.values()])
    for columns, data in by_columns.items():
        client.insert(table, data, column_names=columns, settings={"insert_deduplicate": 0})


def roll_up(client: Any) -> None:
    """The rollups anew: their own schedule goes by the machine's clock."""
    for rollup in ("quality_hourly", "usage_hourly"):
        client.command(f"TRUNCATE TABLE {rollup}")
        client.command(f"SYSTEM REFRESH VIEW {rollup}_refresh")
        client.command(f"SYSTEM WAIT VIEW {rollup}_refresh")


def lines(outcome: Outcome, *, texts: bool) -> Iterator[str]:
    """What to print of one."""
    scenario, told = outcome.scenario, outcome.told
    name = scenario.name + "".join(f"; {each.name}" for each in outcome.beside)
    rules = list(dict.fromkeys(message.title for _, message in told))
    seconds = ["-" if each is None else f"{each:.0f}" for each in (outcome.first_s, outcome.over_s)]
    firing = sum(message.status == "firing" for _, message in told)
    yield f"{name:60}{scenario.incident:10}{seconds[0]:>8}{firing:>6}{seconds[1]:>8}  {', '.join(rules)}"
    if texts:
        for at, message in told:
            yield f"    {at / 60:7.1f}  {message.status:9}{message.severity:9}{message.head}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.oncall",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument(
        "--part", type=int, nargs=2, default=(1, 1), metavar=("N", "OF"), help="one of several processes"
    )
    parser.add_argument("--texts", action="store_true", help="print every notification")
    parser.add_argument("--every", type=int, default=0, metavar="S", help="evaluate no more often; no rule waits then")
    parser.add_argument("--together", type=int, default=1, metavar="N", help="quiet days at a time")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quiet", action="store_true")
    which.add_argument("--incidents", action="store_true")
    options = parser.parse_args(arguments)
    import clickhouse_connect

    incidents = () if options.quiet else INCIDENTS
    quiet = () if options.incidents else [each for each in QUIET if options.only in each.name]
    scenarios = [*([each] for each in incidents if options.only in each.name), *groups(quiet, options.together)]
    print(f"{'':60}{'kind':10}{'told s':>8}{'times':>6}{'over s':>8}  rules")
    with tempfile.TemporaryDirectory() as folder:
        client = clickhouse_connect.get_client(interface="chdb", path=str(Path(folder) / "data"))
        for number, (scenario, *beside) in enumerate(scenarios):
            if number % options.part[1] != options.part[0] - 1:
                continue
            began = time.monotonic()
            migrate(client, f"day_{number}")
            outcome = run(scenario, client, options.seed, options.every, beside)
            print("\n".join(lines(outcome, texts=options.texts)), flush=True)
            client.command(f"DROP DATABASE day_{number}")
            sys.stderr.write(f"{scenario.name}: {time.monotonic() - began:.0f} s\n")
        client.close()


if __name__ == "__main__":
    main()
