"""What the audit trail takes: `python -m tests.benchmarks.trail 100000 [FOLDER]`, of so many acts in a store.

Of a hundred acts 98 say who read what, signed by a service, and two place a hold and release it. Seconds of the
processor, and MB above what the process held before: to sign, to fold (without the signatures, which are a tenth of a
millisecond each) and store as the keeper does, and to verify all rules and signatures as `watchline audit verify` does.
A FOLDER that is there is verified again; its root keys and anchor lie in it.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect

from tests.benchmarks import store
from tests.benchmarks.producer import machine
from watchline.schemas.migrate import migrate
from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance import anchors, signed, verify
from watchline.streams.governance import fold as fold_
from watchline.streams.governance.fold import Fold
from watchline.streams.governance.keeper import entries_table
from watchline.streams.governance.keys import Key, Roots
from watchline.streams.query.reader import restrict
from watchline.streams.query.run import Queries

BATCH = 5_000
_SHAPE = (
    "SELECT time, event_id, app FROM v_findings WHERE time >= {since:DateTime} AND flagged ORDER BY time DESC LIMIT ?"
)


def acts(count: int, log: str, root: Key, people: Key, service: Key) -> Iterator[GovernanceEvent]:
    """So many, signed."""
    for key, holder, kind, roles in (
        (people, "p1", "person", "privacy"),
        (service, "keeper", "service", "reader"),
    ):
        details = {"public": key.public, "kind": kind, "holder": holder, "roles": roles}
        yield signed.sign(signed.make("key_registered", key.id, "root", details=details)[0], root, log)
    reads = json.dumps([[_SHAPE, ["v_findings"], 3, 300, "ok", ""]])
    for number in range(2, count):
        if number % 50 == 0 and number // 50 % 2:
            act, key = signed.make("hold_placed", f"tenant:t{number}", "p1", details={"hold": f"h{number}"}), people
        elif number % 50 == 0:
            act, key = signed.make("hold_released", f"h{number - 50}", "p1"), people
        else:
            minute = f"2027-01-{number % 28 + 1:02}T12:{number % 60:02}"
            details = {
                "who": f"p{number % 20}", "proven": "named", "door": "page", "from": f"{minute}:00Z",
                "to": f"{minute}:59Z", "reads": reads,
            }  # fmt: skip
            act, key = signed.make("read", "reads", "keeper", details=details), service
        yield signed.sign(act[0], key, log)


def write(client: Any, folder: Path, count: int) -> None:
    """Makes the acts, folds and stores them, and anchors the last."""
    root, people, service = Key.new(), Key.new(), Key.new()
    roots = Roots({"root": root.public}, 1)
    fold, batch = Fold(roots), list[GovernanceEvent]()
    checked, fold_.is_good = fold_.is_good, lambda *_: True  # each signature is checked once it is verified
    spent = dict.fromkeys(("sign", "fold", "store"), 0.0)
    at = time.process_time()

    def took(what: str) -> None:
        nonlocal at
        now = time.process_time()
        spent[what], at = spent[what] + now - at, now

    for number, act in enumerate(acts(count, fold.log, root, people, service), 1):
        batch.append(act)
        if number % BATCH and number < count:
            continue
        took("sign")
        entries = [fold.take_event(each, "", 1_800_000_000_000_000 + number) for each in batch]
        took("fold")
        assert all(each.accepted for each in entries), next(each.reason for each in entries if not each.accepted)
        table = entries_table(fold.log, entries)
        client.insert(table.name, [row.values for row in table.rows], column_names=table.columns)
        batch.clear()
        took("store")
    fold_.is_good = checked
    (folder / "roots.json").write_text(json.dumps({"root": root.public}))
    anchors.append(folder / "anchors", anchors.anchor(fold.log, fold.next - 1, fold.head, people))
    print(", ".join(f"{what} {1e6 * seconds / count:.0f} us" for what, seconds in spent.items()), "an act", flush=True)


def main(count: int, folder: Path) -> None:
    """Writes a trail where there is none, and verifies it."""
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    client = clickhouse_connect.get_client(interface="chdb", path=str(folder / "store"))
    migrate(client, store.DATABASE)
    client.command("SYSTEM STOP VIEWS")
    print(f"{machine()}, chDB {client.server_version}; {count:,} acts", flush=True)
    if new:
        write(client, folder, count)
    restrict(client)
    roots = Roots(json.loads((folder / "roots.json").read_text()), 1)
    gc.collect()
    with store.measured() as taken:
        entries = verify.stored(Queries(client, store.DATABASE), roots.log)
        report = verify.verify(entries, anchors.read(folder / "anchors"), roots)
    print(
        f"verify: {report.entries:,} entries, anchored to {report.anchored:,}, {report.faults or 'no fault'}: "
        f"{taken.cpu_s:.1f} cpu s, {taken.wall_s:.1f} s, {taken.memory:.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own:
        given = sys.argv[1:]
        main(int(given[0]) if given else 100_000, Path(given[1] if len(given) > 1 else f"{own}/trail"))
