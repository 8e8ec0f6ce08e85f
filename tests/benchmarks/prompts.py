"""How soon an app has a prompt that was promoted, and how soon it has one from disk when Kafka is away.

    python -m tests.benchmarks.prompts [--promotions 100] [--restarts 20] [--prompts 50]

The app is another process, which asks for its prompt all the time. From the call that writes a release to the topic
until the app is given it; and from the call that writes a signed promotion to the log, which a keeper reads, folds,
stores and has apps told of. The broker is the embedded one, or Kafka where WATCHLINE_TEST_KAFKA_HOME says where it is.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from tests import brokers
from tests.benchmarks.alerts import percentiles
from tests.benchmarks.producer import machine
from tests.streams.governance.prompts.people import People
from tests.streams.producer.prompts import KEY, release
from watchline.schemas.migrate import migrate
from watchline.streams.clickhouse.connect import connect
from watchline.streams.embedded import store
from watchline.streams.governance.keeper import Keeper, keeping
from watchline.streams.governance.log import Log
from watchline.streams.governance.prompt_topic import publish
from watchline.streams.kafka.admin import create
from watchline.streams.settings import Settings, load

ASKS = """
import sys, time
from watchline import Producer
producer = Producer(sys.argv[1], app="shop", prompt_keys=sys.argv[2], **dict(each.split("=") for each in sys.argv[3:]))
last = None
while True:
    version = producer.prompt("answer", default="").version
    if version != last:
        print(time.time(), version, flush=True)
        last = version
    time.sleep(0.001)
"""
ASKS_ONCE = """
import sys, time
from watchline import Producer
producer = Producer(sys.argv[1], app="shop", prompt_keys=sys.argv[2])
begun = time.perf_counter()
found = producer.prompt("answer", timeout_s=60)
first = time.perf_counter() - begun
begun = time.perf_counter()
for _ in range(10_000):
    producer.prompt("answer")
print(first, (time.perf_counter() - begun) / 10_000, found.version)
"""


def app(settings: Settings, code: str, folder: Path) -> list[str]:
    """What an app says that runs to its end."""
    return subprocess.check_output(_command(settings, code), env=_environment(folder), text=True).split()


def _command(settings: Settings, code: str) -> list[str]:
    return [sys.executable, "-c", code, settings.bootstrap_servers, KEY.public]


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "WATCHLINE_DATA_DIR": str(folder)}


def promoted(settings: Settings, folder: Path, count: int) -> None:
    """Promotes version after version."""
    pauses = random.Random(7)
    command = _command(settings, ASKS)
    with subprocess.Popen(command, env=_environment(folder), stdout=subprocess.PIPE, text=True) as process:
        said: Any = process.stdout
        said.readline()
        written, served = [], []
        for number in range(1, count + 1):
            time.sleep(pauses.uniform(0.1, 0.6))
            begun = time.time()
            publish(settings, [release(number)], KEY)
            written.append(time.time() - begun)
            told, version = said.readline().split()
            assert version == str(number)
            served.append(float(told) - begun)
        process.terminate()
    print(f"promoted, {count} times: served {percentiles(served)}")
    print(f"    of which until Kafka has it: {percentiles(written)}")


def decided(settings: Settings, folder: Path, count: int) -> None:
    """Has people promote version after version, of which a keeper tells apps."""
    people, log, pauses = People(), Log(settings), random.Random(7)

    def write(first: int) -> int:
        for entry in people.entries[first:]:
            assert entry.event is not None and entry.accepted, entry.reason
            log.append(entry.event, people.salted.get(entry.event.governance_id, {}))
        return len(people.entries)

    create(settings)
    with store.own(settings), closing(connect(settings, database="")) as client:
        migrate(client, settings.clickhouse_database)
        publish_ = partial(publish, settings, key=KEY)
        keeper = partial(Keeper, settings, people.roots, KEY, folder / "anchors", publish_)
        command = [*_command(settings, ASKS), "environment=prod", f"topic_prefix={settings.topic_prefix}"]
        with (
            keeping(keeper),
            subprocess.Popen(command, env=_environment(folder), stdout=subprocess.PIPE, text=True) as process,
        ):
            said: Any = process.stdout
            said.readline()
            served, first = [], 0
            for number in range(1, count + 1):
                assert people.draft("anna", f"answer {number}").accepted and people.approve("ben", number).accepted
                first = write(first)
                time.sleep(pauses.uniform(0.6, 1.6))
                people.place("olga", "promoted", number)
                begun = time.time()
                first = write(first)
                told, version = said.readline().split()
                assert version == str(number)
                served.append(float(told) - begun)
            process.terminate()
    print(f"promoted by an act, with the keeper, {count} times: served {percentiles(served)}")


def asked(settings: Settings, folders: list[Path], what: str) -> None:
    """Starts an app for each folder."""
    first, later, version = zip(*[app(settings, ASKS_ONCE, folder) for folder in folders], strict=True)
    print(f"{what}, {len(folders)} processes: {percentiles([float(each) for each in first])}, version {version[-1]}")
    print(f"    each later call {1e6 * sorted(map(float, later))[len(later) // 2]:.1f} us (p50)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--promotions", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--prompts", type=int, default=50, help="that an app has on disk")
    options = parser.parse_args()
    print(machine())
    print(f"broker: {brokers.kind()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with brokers.running_broker(folder) as address:
            settings = load(kafka_url=f"kafka://{address}", data_dir=folder)
            create(settings)
            promoted(settings, folder / "app", options.promotions)
            decided(settings.model_copy(update={"topic_prefix": "acts."}), folder / "acts", options.promotions)
            folders = [folder / str(number) for number in range(options.restarts)]
            asked(settings, folders, "first prompt, Kafka there, nothing on disk")
            many = [release(number, name=f"prompt {number}") for number in range(1, options.prompts)]
            publish(settings, [*many, release(options.promotions)], KEY)
            app(settings, ASKS_ONCE, folder / "many")
        asked(settings, [folder / "app"] * options.restarts, "first prompt, Kafka away, one prompt on disk")
        asked(settings, [folder / "many"] * options.restarts, f"first prompt, Kafka away, {options.prompts} on disk")


if __name__ == "__main__":
    main()
