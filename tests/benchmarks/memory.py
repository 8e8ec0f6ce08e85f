"""Memory of a worker's processes and a producer over a long run at 80 % of what the worker can do, with a plot.

`python -m tests.benchmarks.memory --minutes 30`. Resident memory is sampled every few seconds; the slope is that of the
least squares line through what comes after the first five minutes (in a shorter run: after its first third).
The plot goes into `tests/benchmarks/results/`. Exit code 1 where a slope is 1 MB a minute or more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil

from tests import brokers
from tests.benchmarks.worker import WARM_UP, fresh, loaded
from tests.end_to_end.workers import PROCESSES, Worker
from watchline.detectors.declarations import DETECTORS
from watchline.streams import Producer
from watchline.streams.demo import recording
from watchline.streams.kafka import admin

SHARE = 0.8
SAMPLE_S = 5.0
WARM_UP_MIN = 5.0
LIMIT_MB_PER_MIN = 1.0
RESULTS = Path(__file__).parent / "results"
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#d62728")
NOOP = {"detectors": "", "redaction": "false"}

Samples = Mapping[str, Sequence[tuple[float, float]]]  # by process: minutes, MB


def produce(address: str, prefix: str, rate: float) -> None:
    """An app: emits the recording again and again at a rate until its standard input ends."""
    import select

    calls = recording.load().interactions
    with_producer = Producer(address, app="memory", topic_prefix=prefix, strict=True)
    started, sent = time.monotonic(), 0
    while not select.select([sys.stdin], [], [], max(0.0, sent / rate - (time.monotonic() - started)))[0]:
        call = calls[sent % len(calls)]
        with_producer.emit(
            input=call.input,
            output=call.output,
            model=call.model or "m",
            documents=[document.content for document in call.documents],
            prompt=f"{call.prompt_name}@{call.prompt_version}",
            latency_s=call.latency_s,
        )
        sent += 1
    with_producer.close()
    assert not with_producer.stats.dropped, with_producer.stats


def sample(minutes: float, processes: Mapping[str, int]) -> dict[str, list[tuple[float, float]]]:
    """Resident megabytes of each process over the time."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in processes}
    started = time.monotonic()
    while (minute := (time.monotonic() - started) / 60) < minutes:
        for name, pid in processes.items():
            seen[name].append((minute, psutil.Process(pid).memory_info().rss / 1e6))
        if len(seen[next(iter(seen))]) % 12 == 1:
            shown = ", ".join(f"{name} {points[-1][1]:.0f} MB" for name, points in seen.items())
            print(f"{minute:5.1f} min: {shown}", flush=True)
        time.sleep(SAMPLE_S)
    return seen


def slope(points: Sequence[tuple[float, float]], after: float) -> float:
    """MB a minute of the least squares line through the samples after so many minutes."""
    late = np.array([point for point in points if point[0] >= after])
    return float(np.polyfit(late[:, 0], late[:, 1], 1)[0])


def plot(samples: Samples, title: str, after: float) -> str:
    """An SVG: a line for each process, from zero; the minutes that don't count are grey."""
    width, height, left, top = 760, 320, 60, 40
    last = max(points[-1][0] for points in samples.values())
    highest = max(mb for points in samples.values() for _, mb in points) * 1.1
    x = lambda minute: left + minute / last * (width - left - 20)  # noqa: E731
    y = lambda mb: height - 40 - mb / highest * (height - 40 - top)  # noqa: E731
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        'font-size="12"><rect width="100%" height="100%" fill="white"/>',
        f'<rect x="{x(0)}" y="{top}" width="{x(after) - x(0):.1f}" height="{height - 40 - top}" fill="#eee"/>',
        f'<text x="{left}" y="20">{title}</text>',
        f'<text x="{width - 20}" y="{height - 8}" text-anchor="end">minutes</text>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        mb, minute = share * highest, share * last
        parts.append(f'<text x="{left - 6}" y="{y(mb) + 4:.1f}" text-anchor="end">{mb:.0f} MB</text>')
        parts.append(f'<text x="{x(minute):.1f}" y="{height - 24}" text-anchor="middle">{minute:.1f}</text>')
        parts.append(f'<path d="M{left} {y(mb):.1f}H{width - 20}" stroke="#ccc"/>')
    for (name, points), colour in zip(samples.items(), COLOURS, strict=True):
        line = " ".join(f"{x(minute):.1f},{y(mb):.1f}" for minute, mb in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        label = f"{name}: {slope(points, after):+.2f} MB a minute"
        parts.append(f'<text x="{width - 24}" y="{y(points[-1][1]) - 6:.1f}" text-anchor="end" fill="{colour}">'
                     f"{label}</text>")  # fmt: skip
    return "\n".join([*parts, "</svg>\n"])


def run(minutes: float, detectors: str, capacity: float) -> int:
    """Measures, prints and plots; gives the exit code."""
    settings = NOOP if detectors == "noop" else {"detectors": ",".join(DETECTORS), "redaction": "true"}
    if not capacity:
        interactions = recording.load().interactions
        load = fresh(interactions, 20_000 if detectors == "noop" else 2 * len(interactions))
        capacity = loaded(load, 32, warm_up=WARM_UP if detectors == "noop" else 32, **settings).events_per_s
    rate = SHARE * capacity
    print(f"capacity {capacity:,.1f} events/s, load {rate:,.1f} events/s", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(brokers.running_broker(folder))
        names = {f"WATCHLINE_{name.upper()}": value for name, value in settings.items()}
        worker = Worker(address, "memory.", folder, names)
        admin.create(worker.settings)
        worker.start()
        stack.callback(worker.end)
        command = [sys.executable, "-m", "tests.benchmarks.memory", "--produce", address, str(rate)]
        app = subprocess.Popen(command, stdin=subprocess.PIPE)
        stack.callback(app.kill)
        worker.wait(lambda: worker.health()["events"] > 0)
        parts = {kind: worker.processes(kind)[0].pid for kind in PROCESSES}
        samples = sample(minutes, {"worker": worker.pid, **parts, "producer": app.pid})
        page = worker.health()
        print(f"{page['events']} events scored, {page['lag_messages']} messages wait", flush=True)
        assert app.stdin is not None
        app.stdin.close()
        assert app.wait(60) == 0
        assert worker.stop() == 0
    after = WARM_UP_MIN if minutes > 2 * WARM_UP_MIN else minutes / 3
    title = f"Resident memory at {rate:,.1f} events/s, {detectors} detectors; grey: not in the slope"
    file = RESULTS / f"memory-{detectors}.svg"
    file.write_text(plot(samples, title, after))
    slopes = {name: slope(points, after) for name, points in samples.items()}
    for name, points in samples.items():
        print(f"{name}: {points[-1][1]:.0f} MB at the end, {slopes[name]:+.2f} MB a minute after {after:.1f} minutes")
    together = sum(points[-1][1] for name, points in samples.items() if name != "producer")
    print(f"the worker's processes together: {together:.0f} MB at the end")
    print(f"plot: {file}")
    return int(max(slopes.values()) >= LIMIT_MB_PER_MIN)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make memory", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--detectors", choices=("noop", "all"), default="all")
    parser.add_argument("--capacity", type=float, default=0, help="events/s; 0: measured first")
    parser.add_argument("--produce", nargs=2, metavar=("ADDRESS", "RATE"), help="be the app")
    args = parser.parse_args()
    if args.produce:
        produce(args.produce[0], "memory.", float(args.produce[1]))
        return 0
    return run(args.minutes, args.detectors, args.capacity)


if __name__ == "__main__":
    sys.exit(main())
