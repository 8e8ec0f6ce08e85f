"""`watchline demo`, as a user runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.demo_run import DemoRun
from tests.stored_rows import everything
from watchline.detectors.declarations import DETECTORS
from watchline.streams.demo import recording

RECORDED = recording.load()
EVENTS = len(RECORDED.interactions)


@pytest.fixture(autouse=True)
def _ran(demo: DemoRun) -> None:
    assert demo.exit_code == 0, demo.output[-4000:]


def coverage(demo: DemoRun) -> dict[str, tuple[int, ...]]:
    counts = "sum(events), sum(planned), sum(evaluated) + sum(not_applicable), sum(failed), sum(missing)"
    sql = f"SELECT detector, {counts} FROM v_coverage GROUP BY detector"
    return {row[0]: row[1:] for row in demo.rows(sql)}


def test_every_event_has_one_finding_of_every_detector(demo: DemoRun) -> None:
    complete = (EVENTS, EVENTS, EVENTS, 0, 0)
    assert coverage(demo) == dict.fromkeys(DETECTORS, complete)
    ((findings, pairs),) = demo.rows("SELECT count(), uniqExact(event_id, detector) FROM v_findings")
    ((feedback,),) = demo.rows("SELECT count() FROM v_feedback")
    ((missing, dropped),) = demo.rows("SELECT sum(missing), sum(dropped) FROM v_producer_gaps")
    assert (findings, pairs) == (EVENTS * len(DETECTORS), EVENTS * len(DETECTORS))
    assert feedback == len(RECORDED.feedback)
    assert (missing, dropped) == (0, 0)


def test_the_figures_are_printed(demo: DemoRun) -> None:
    for pattern in (
        rf"labelled {len(RECORDED.labels)}: agreed \d+, false alarms \d+, missed \d+",
        rf"planted {len(RECORDED.planted)}, redacted {len(RECORDED.planted)}\n",
        r"before: .*\nafter: .*\[[A-Z_]+_1\]",
        r"v2 live \d\d:\d\d:\d\d, signal \d\d:\d\d:\d\d after \d+ events; signals on v1: 0",
        r"groundedness +\d+\.\d% \(\d+ of \d+\) +\d+\.\d% \(\d+ of \d+\) +\+\d+\.\d% \(\+",
        r"\[warning\] Unsupported answers",
        r"question: .*\n +says: .*\n +nearest: ",
        r"FROM v_coverage",
        r"watchline demo --clean",
    ):
        assert re.search(pattern, demo.output), f"{pattern}\n{demo.output}"


def test_the_printed_numbers_are_those_of_the_store(demo: DemoRun) -> None:
    """Each figure's SQL, as printed, gives what stands above it."""
    sql = """SELECT countIf(f.flagged = (i.attributes['human_label'] = 'unsupported'))
        FROM v_interactions AS i INNER JOIN v_findings AS f ON i.event_id = f.event_id
        WHERE f.detector = 'groundedness' AND i.attributes['human_label'] != ''"""
    ((agreed,),) = demo.rows(sql)
    assert f": agreed {agreed}," in demo.output


def test_planted_personal_data_is_nowhere(demo: DemoRun) -> None:
    stored = everything(demo.settings.data_dir)
    logs = "".join(path.read_text(errors="replace") for path in (demo.settings.data_dir / "logs").iterdir())
    assert [item for item in RECORDED.planted if item.text in stored + logs] == []
    assert "[EMAIL_ADDRESS_1]" in stored


def test_one_event_whole(demo: DemoRun) -> None:
    ((event_id,),) = demo.rows("SELECT toString(event_id) FROM v_findings WHERE flagged LIMIT 1")
    shown = demo.watchline("show", event_id)
    assert shown.returncode == 0, shown.stderr
    assert "groundedness" in shown.stdout


def test_a_second_run_is_as_complete(demo: DemoRun) -> None:
    again = demo.watchline("demo")
    assert again.returncode == 0, again.stdout[-2000:] + again.stderr
    assert coverage(demo) == dict.fromkeys(DETECTORS, (EVENTS, EVENTS, EVENTS, 0, 0))


def test_clean_leaves_other_peoples_data_alone(demo: DemoRun, tmp_path: Path) -> None:
    (tmp_path / ".watchline").mkdir()
    (tmp_path / ".watchline" / "clickhouse").touch()
    stranger = DemoRun(tmp_path, demo.environment, "", 0, 0.0)
    for command in (["demo"], ["demo", "--clean"]):
        done = stranger.watchline(*command)
        assert done.returncode == 1
        assert "WATCHLINE_DATA_DIR" in done.stderr
    assert (tmp_path / ".watchline" / "clickhouse").exists()
