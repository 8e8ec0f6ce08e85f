"""The signals of ordered streams of made-up events, recorded: `python -m tests.golden.signals` records anew.

So it does with the state of a monitor in the middle, of which those of earlier schemas stay.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.streams.monitor.finding_batches import batches, scored
from watchline.schemas.codec import schema_fingerprint
from watchline.schemas.records import ScoredInteraction
from watchline.streams.monitor.monitor import Monitor

HERE = Path(__file__).parent
RECORDED = HERE / "signals.json"


def streams() -> Iterator[tuple[str, list[ScoredInteraction]]]:
    """A name and its events, in order."""
    for seed in range(6):
        rng = random.Random(seed)
        yield f"a worse version {seed}", _events(rng, 300, (300, {"version": "2", "unsupported": 0.15 + 0.08 * seed}))
        yield f"a slower version {seed}", _events(rng, 300, (300, {"version": "2", "latency_s": 2.0 + seed / 2}))
        yield f"a new model {seed}", _events(rng, 300, (300, {"model": "large", "unsupported": 0.5}))
        yield f"a change within a version {seed}", _events(rng, 700, (400, {"unsupported": 0.2 + 0.08 * seed}))
        yield f"slower within a version {seed}", _events(rng, 700, (400, {"latency_s": 2.0 + seed / 2}))
        yield f"nothing {seed}", _events(rng, 600, (600, {"version": "2"}))
    rng = random.Random(7)
    yield (
        "two models, three versions",
        [
            scored(rng, n, version=str(1 + n // 300), model=("small", "large")[n % 2], unsupported=(0.1, 0.4)[n % 2])
            for n in range(900)
        ],
    )


def signals() -> dict[str, list[dict[str, Any]]]:
    """By stream the signals that a fresh monitor gives."""
    found = {}
    for name, items in streams():
        monitor = Monitor()
        found[name] = [asdict(signal) for batch in batches(items) for signal in monitor.process(batch)]
    as_recorded: dict[str, list[dict[str, Any]]] = json.loads(json.dumps(found))
    return as_recorded


def state_of_half() -> bytes:
    """A monitor after a version and a little of a worse one."""
    monitor = Monitor()
    for batch in batches(worse()[:HALF]):
        monitor.process(batch)
    return monitor.dump()


def worse() -> list[ScoredInteraction]:
    """A version that comes to be watched for drift, then one that is worse and slower."""
    return _events(random.Random(1), 700, (200, {"version": "2", "unsupported": 0.6, "latency_s": 4.0}))


HALF = 720


def states() -> list[Path]:
    """Recorded states of monitors, one of each schema that there was."""
    return sorted(HERE.glob("signals-state-*.bin"))


def recorded() -> dict[str, list[dict[str, Any]]]:
    """What was recorded."""
    found: dict[str, list[dict[str, Any]]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found


def _events(rng: random.Random, first: int, then: tuple[int, dict[str, Any]]) -> list[ScoredInteraction]:
    more, changes = then
    return [scored(rng, n) for n in range(first)] + [scored(rng, n, **changes) for n in range(first, first + more)]


def main() -> int:
    """Records."""
    RECORDED.write_text(json.dumps(signals(), indent=1) + "\n", encoding="utf-8")
    path = HERE / f"signals-state-{schema_fingerprint('MonitorState').hex()}.bin"
    if not path.exists():
        path.write_bytes(state_of_half())
    return 0


if __name__ == "__main__":
    sys.exit(main())
