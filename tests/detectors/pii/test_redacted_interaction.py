"""A raw interaction where a redacted one is wanted is an error of types, and only redaction makes redacted ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROOMS = ("schemas", "detectors", "streams", "dashboards")
# Lines that end in REFUSED are those that mypy must not let pass; all others it must.
SLIPS = """
from watchline.detectors.pii.redaction import Redacted
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.scorer import Scored, Scorer
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import Interaction
from watchline.schemas.texts import RedactedInteraction
from watchline.streams.clickhouse import rows
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.health import canary
from watchline.streams.messages import Event, RedactedEvent, ScoredEvent
from watchline.streams.worker.stages import publish, score, store


def right(event: Event, redactor: Redactor, scorer: Scorer, sink: Sink) -> None:
    (outcome,) = redactor.redact([event.interaction])
    if isinstance(outcome, PoisonError):
        return
    scored = score.score([RedactedEvent(event.origin, outcome)], scorer)
    sink.write(rows.interactions_table(scored))
    sink.write(rows.findings_table(scored)[0])
    sink.write(canary.table(scored, "worker"))
    publish.finding_batches(scored)


def wrong(raw: Interaction, event: Event, redacted: Redacted, scored: Scored, scorer: Scorer, sink: Sink) -> None:
    Redacted(raw, (), {}, {})  # REFUSED
    Redacted(event.interaction, (), {}, {})  # REFUSED
    Scored(raw, (), {}, {}, scored.prompt_embedding)  # REFUSED
    RedactedEvent(event.origin, raw)  # REFUSED
    RedactedEvent(event, redacted)  # REFUSED
    ScoredEvent(event, scored)  # REFUSED
    scorer.score([raw])  # REFUSED
    score.score([event], scorer)  # REFUSED
    rows.interactions_table([raw])  # REFUSED
    rows.findings_table([event])  # REFUSED
    canary.table([event], "worker")  # REFUSED
    publish.finding_batches([event])  # REFUSED
    store.store([event], sink.write)  # REFUSED
    sink.write(raw)  # REFUSED
    kept: RedactedInteraction = raw  # REFUSED
    print(ScoredEvent(event.origin, scored).event)  # REFUSED
    print(event.origin.interaction)  # REFUSED
"""


@pytest.mark.slow
def test_mypy_refuses_a_raw_interaction_where_a_redacted_one_is_wanted(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    path = tmp_path / "slips.py"
    path.write_text(SLIPS)
    assert pytestconfig.cache is not None
    options = ["--config-file", ROOT / "pyproject.toml", "--cache-dir", pytestconfig.cache.mkdir("mypy")]
    command = [sys.executable, "-m", "mypy", *options, path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = {int(line) for line in re.findall(r"slips\.py:(\d+): error:", done.stdout)}
    marked = {number for number, line in enumerate(SLIPS.splitlines(), 1) if line.endswith("# REFUSED")}
    assert found == marked, done.stdout + done.stderr


def makers(source: str) -> list[str]:
    """Where a source says that an interaction is redacted: a call of the type, a cast to it, or `unredacted`."""
    return re.findall(r"\bRedactedInteraction\(|\bcast\(\s*[\"']?RedactedInteraction|\bunredacted\b", source)


def test_only_redaction_makes_redacted_interactions() -> None:
    """Training passes texts of its own through a scorer; nothing of it is in a worker, nor in the wheel."""
    found = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if makers(path.read_text(encoding="utf-8"))
    }
    training = {name for name in found if name.startswith("detectors/training/")}
    assert found - training == {"detectors/pii/redaction.py", "detectors/pii/redactor.py"}
    assert makers("x = RedactedInteraction(raw)") and makers('cast("RedactedInteraction", raw)')
