"""A loaded pipeline whose worker is killed again and again: nothing may be lost, nothing counted twice.

`python -m tests.faults --kills 100 --broker kafka`. On Kafka the broker is killed now and then too; Tansu keeps all in
memory, so there it lives on. A process of its own sends and writes down what the broker acknowledged; at the end that
is compared with every view, event by event. Exit code 1 when anything was lost or counted twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.brokers import ApacheKafka
from tests.clickhouse_server import ClickHouseServer
from tests.end_to_end.workers import PROCESSES, Worker
from tests.faults import ledger, noop_worker
from tests.faults.load import SIZE, Load, reports
from watchline.detectors.declarations import DETECTORS
from watchline.schemas.migrate import migrate
from watchline.streams.clickhouse.connect import connect
from watchline.streams.embedded.broker import Broker
from watchline.streams.kafka import admin, topics
from watchline.streams.settings import load
from watchline.streams.worker.runner import AFTER_SCORING

KILL_BROKER_EVERY = 10  # kills of the worker
BURST = 1 / 8  # of the kills come within a second after the one before; the others once it has recovered
RECOVERY_S = 300.0
DRAIN_S = 900.0
# After a crash the controller waits for its session to end before it takes the broker in again: 9 s by default.
QUICK_RETURN = {"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "1000"}
NOOP = "tests.faults.noop_worker"


@dataclass(slots=True)
class Recoveries:
    """Seconds from each kill until the first batch that began after it and was stored."""

    waiting: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    batches: int = 0  # stored ones that began before the kill

    def killed(self, batches: int) -> None:
        """Now; so many batches may still be stored that began before."""
        self.waiting.append(time.monotonic())
        self.batches = batches

    def stored(self) -> None:
        """A batch is stored."""
        self.seconds += [time.monotonic() - killed for killed in self.waiting]
        self.waiting.clear()


def asked(worker: Worker, name: str) -> int | None:
    """A figure of the worker's health page; None while it doesn't answer."""
    try:
        figure: int | None = json.loads(worker.page("health")[1])[name]
    except (OSError, ValueError):
        return None
    return figure


def watch(worker: Worker, recoveries: Recoveries, seconds: float) -> None:
    """Looks on for so long, and starts a worker again that ended by itself, as whoever runs it is told to."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (code := worker.poll()) is not None:
            say(f"the worker ended with code {code}, started again: {worker.log.read_text().splitlines()[-1]}")
            worker.spawn()
        if recoveries.waiting and (asked(worker, "batches") or 0) > recoveries.batches:
            recoveries.stored()
        time.sleep(0.05)


@contextmanager
def opened(folder: Path) -> Iterator[object]:
    """A client on the embedded store of a worker that doesn't run."""
    with ClickHouseServer(folder / "clickhouse") as server:
        settings = load(clickhouse_url=server.url, data_dir=folder)
        client = connect(settings, database="")
        migrate(client, settings.clickhouse_database)
        yield client
        client.close()


def say(text: str) -> None:
    """Progress, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def kill(worker: Worker, victim: str, recoveries: Recoveries) -> None:
    """Kills the worker and starts it again, or kills one of its processes, which it starts again."""
    if victim == "worker":
        worker.end()
        recoveries.killed(0)
        worker.spawn()
        return
    began = (asked(worker, "batches") or 0) + AFTER_SCORING
    for process in worker.processes(victim):
        process.kill()
    recoveries.killed(began)


def run(
    kills: int,
    broker: str,
    victim: str,
    detectors: str,
    rate: float,
    pause_s: float,
    folder: Path,
    rng: random.Random,
) -> int:
    """One run. Prints progress and the result; gives the exit code."""
    with ExitStack() as stack:
        kafka = _broker(broker, folder, stack)
        address = kafka.address if kafka else stack.enter_context(Broker(folder / "broker.log")).url[8:]
        noop = detectors == "noop"
        settings = noop_worker.SETTINGS if noop else {"detectors": ",".join(DETECTORS)}
        names = {f"WATCHLINE_{name.upper()}": value for name, value in settings.items()}
        worker = Worker(address, "faults.", folder, names, NOOP if noop else "watchline.streams.cli.main")
        admin.create(worker.settings)
        with opened(folder) as client:
            ledger.count_inserted(client)
        worker.start()
        stack.callback(worker.end)
        partitions = worker.settings.topic_partitions
        size = SIZE if noop else 4
        topic = topics.interactions(worker.settings.topic_prefix)
        sending = Load(address, topic, partitions, folder / "reports", rate=rate, size=size)
        stack.callback(sending.end)
        started = time.monotonic()
        recoveries = Recoveries()
        for number in range(1, kills + 1):
            if kafka and number % KILL_BROKER_EVERY == KILL_BROKER_EVERY // 2:
                watch(worker, recoveries, pause_s)
                kafka.kill()
                kafka.launch()
                say("the broker was killed and started again")
            if rng.random() < BURST:
                watch(worker, recoveries, rng.uniform(0, 1))
            else:
                _recovered(worker, recoveries)
                watch(worker, recoveries, rng.uniform(0, pause_s))
            kill(worker, victim, recoveries)
            last = f"{recoveries.seconds[-1]:.1f} s" if recoveries.seconds else "-"
            say(f"kill {number}/{kills} of the {victim} at {time.monotonic() - started:.0f} s; "
                f"{sending.accepted()} events accepted; "
                f"recovered last in {last}")  # fmt: skip
        _settle(worker, recoveries, sending)
        took = time.monotonic() - started
        with opened(folder) as client:
            accepted = ledger.places(reports(sending.file))
            outcome = ledger.compare(client, accepted, worker.settings.detectors)
    for line in outcome.differences:
        say(line)
    say(f"{outcome.events / took:.0f} events/s over {took:.0f} s ({rate:g} offered), {broker}, {detectors} detectors")
    say(f"kills={kills} {outcome} recover_median={statistics.median(recoveries.seconds):.1f}s "
        f"recover_worst={max(recoveries.seconds):.1f}s")  # fmt: skip
    return 0 if outcome.exact else 1


def _broker(name: str, folder: Path, stack: ExitStack) -> ApacheKafka | None:
    if name != "kafka":
        return None
    home = os.environ.get("WATCHLINE_TEST_KAFKA_HOME")
    if not home:
        sys.exit("BROKER=kafka needs WATCHLINE_TEST_KAFKA_HOME: a folder with Apache Kafka's libs and start.sh")
    return stack.enter_context(ApacheKafka(Path(home), folder, settings=QUICK_RETURN))


def _recovered(worker: Worker, recoveries: Recoveries) -> None:
    deadline = time.monotonic() + RECOVERY_S
    while recoveries.waiting:
        assert time.monotonic() < deadline, f"no batch in {RECOVERY_S:.0f} s:\n{worker.log.read_text()[-4000:]}"
        watch(worker, recoveries, 0.1)


def _settle(worker: Worker, recoveries: Recoveries, sending: Load) -> None:
    """Lets the load end and the worker store all of it, then stops the worker."""
    watch(worker, recoveries, 2)
    sending.finish()
    deadline = time.monotonic() + DRAIN_S
    zeros = 0
    while zeros < 3:
        assert time.monotonic() < deadline, f"not all was read after {DRAIN_S:.0f} s:\n{worker.log.read_text()[-4000:]}"
        watch(worker, recoveries, 0.5)
        zeros = zeros + 1 if asked(worker, "lag_messages") == 0 else 0
    assert worker.stop() == 0, worker.log.read_text()[-4000:]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--broker", choices=("kafka", "tansu"), default="tansu")
    parser.add_argument("--victim", choices=("worker", *PROCESSES), default="worker", help="which process is killed")
    parser.add_argument("--detectors", choices=("noop", "all"), default="noop")
    parser.add_argument("--rate", type=float, help="events/s; default 2000, with all detectors 4")
    parser.add_argument("--pause", type=float, default=24.0, help="longest from recovery to the next kill, in seconds")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    args = parser.parse_args()
    say(f"seed {args.seed}")
    rate = args.rate or (2000 if args.detectors == "noop" else 4)
    with tempfile.TemporaryDirectory() as folder:
        rng = random.Random(args.seed)
        return run(args.kills, args.broker, args.victim, args.detectors, rate, args.pause, Path(folder), rng)


if __name__ == "__main__":
    sys.exit(main())
