"""Fuzzed payloads through the pipeline, many: `python -m tests.fuzz.run 1000000`, or with --replay what failed before.

Rounds of payloads, each from the seed and its number, on as many processes as there are cores. Every payload must end
in the store or among the dead letters, event by event; one that doesn't, or that raises, is written to a file.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from tests.fuzz.payloads import Payloads
from tests.fuzz.pipeline import FuzzedWorker, Outcome

ROUND = 2_000  # payloads
LEAST_STORED = 0.1  # of the payloads; with fewer the valid paths are hardly tried
THOROUGH = 50  # one round in so many also has texts redacted and the monitors fed


_workers: dict[bool, FuzzedWorker] = {}  # of a process of the pool
_folder: Path


def _open(folder: str) -> None:
    global _folder
    logging.disable(logging.WARNING)
    _folder = Path(tempfile.mkdtemp(dir=folder))


def _round(seed: str, first: int, count: int, failures: Path) -> Outcome:
    """One round in a process of the pool. What failed is written to `failures`, named by its offset."""
    thorough = first // ROUND % THOROUGH == 1
    if thorough not in _workers:
        _workers[thorough] = FuzzedWorker(_folder, thorough=thorough)
    payloads = Payloads(f"{seed}/{first}").take(count)
    outcome = _workers[thorough].run(payloads, first)
    for offset, why in outcome.failures.items():
        failures.mkdir(parents=True, exist_ok=True)
        (failures / f"{offset}.bin").write_bytes(payloads[offset - first])
        (failures / f"{offset}.txt").write_text(f"seed {seed}\n{why}\n")
    return outcome


def fuzz(payloads: int, seed: str, failures: Path, processes: int) -> Outcome:
    """The outcome of so many, on several processes. One that dies (BrokenProcessPool) ends it."""
    total = Outcome()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_open, initargs=(folder,)) as pool,
    ):
        waiting = [
            pool.submit(_round, seed, first, min(ROUND, payloads - first), failures)
            for first in range(0, payloads, ROUND)
        ]
        for done in as_completed(waiting):
            if done.exception() is not None:
                pool.shutdown(cancel_futures=True)
            total.add(done.result())
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{total.payloads:,} of {payloads:,}")
    return total


def replay(files: list[Path]) -> Outcome:
    """The outcome of payloads from files, once as they are and once thoroughly."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        outcome = Outcome()
        for thorough in (False, True):
            worker = FuzzedWorker(Path(folder), thorough=thorough)
            outcome.add(worker.run([file.read_bytes() for file in files], 0))
            worker.close()
    for offset, why in outcome.failures.items():
        print(f"{files[offset]}: {why}")
    return outcome


def main() -> int:
    """Reports; 1 where a payload crashed, is unaccounted for, or too few were stored."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__.splitlines()[0])
    parser.add_argument("payloads", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="default: another one each time")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--failures", type=Path, default=Path(tempfile.gettempdir()) / "watchline-fuzz")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="payloads that failed before")
    options = parser.parse_args()
    started = time.monotonic()
    if options.replay:
        total = replay(options.replay)
    else:
        print(f"seed {options.seed}, {options.processes} processes", flush=True)
        total = fuzz(options.payloads, options.seed, options.failures, options.processes)
    report(total, time.monotonic() - started)
    if total.failures:
        print(f"failed payloads are in {options.failures}: python -m tests.fuzz.run --replay FILE")
    dead = sum(total.dead.values())
    print(
        f"payloads={total.payloads} crashes={total.crashes} stored={total.stored} dead_letters={dead} "
        f"unaccounted={total.unaccounted}"
    )
    too_few = not options.replay and total.stored_payloads < LEAST_STORED * total.payloads
    return int(bool(total.failures) or too_few)


def report(total: Outcome, seconds: float) -> None:
    """The figures, a line each."""
    share = total.stored_payloads / max(1, total.payloads)
    print(f"{seconds:.0f} s, {total.payloads / seconds:,.0f} payloads/s; slowest 512 messages {total.slowest_s:.1f} s")
    print(f"{share:.1%} of the payloads stored with all their events")
    for reason, count in total.dead.most_common():
        print(f"{count:10,}  {reason}")


if __name__ == "__main__":
    sys.exit(main())
