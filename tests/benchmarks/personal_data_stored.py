"""Generated events through a real worker, then all that it stored, published and logged searched for planted values.

Searched: all tables, all topics but those that hold texts as they came (interactions, feedback, dead letters), the log;
each string as it is, percent-decoded, unescaped, from base64, in any case, and numbers by their digits alone. *surname
left* counts persons of whom only that is left, in their own event.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests import brokers
from tests.benchmarks.personal_data_formats import SEED, table
from tests.end_to_end.workers import Worker
from tests.personal_data import traffic
from tests.personal_data.traffic import Left
from tests.personal_data.values import FIELDS


def run(*, events: int, examples: Path | None) -> None:
    """Publishes, searches and prints; what is left goes to a file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with brokers.running_broker(folder) as broker:
            worker = Worker(broker, "stored.", folder, {"WATCHLINE_DETECTORS": "pii"}).start()
            try:
                emitted = list(traffic.events(SEED, events))
                traffic.publish(worker, emitted)
                result = traffic.left(worker, emitted)
            finally:
                worker.end()
    print(report(result))
    if examples is not None:
        examples.write_text("\n".join(sorted(result.examples)) + "\n", encoding="utf-8")


def report(result: Left) -> str:
    """The figures as text."""
    labels = [label for label in FIELDS if result.planted[label]]
    rows = {
        label: [
            result.planted[label],
            result.planted[label] - result.left[label],
            result.left[label],
            result.in_part[label],
            1 - result.left[label] / result.planted[label],
        ]
        for label in labels
    }
    total = [sum(row[column] for row in rows.values()) for column in range(4)]
    rows["all"] = [*total, 1 - total[2] / total[0]]
    lines = table(["planted", "found", "left", "surname left", "share found"], rows)
    where = [f"  {place}: {number}" for place, number in result.places.most_common()]
    return "\n".join([f"{result.events} events", "", *lines, "", "where values are left:", *where])
