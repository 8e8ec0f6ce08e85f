"""`watchline export` with a real broker and a real store: recorded or not there, and found again when withdrawn."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.documentation.test_readme import EXPORTS
from tests.streams.export.conftest import event
from watchline.schemas.pseudonyms import pseudonym
from watchline.streams import settings as settings_
from watchline.streams.cli.main import main
from watchline.streams.governance import signed
from watchline.streams.governance.fold import Fold
from watchline.streams.governance.keys import Key, Roots
from watchline.streams.governance.log import Log
from watchline.streams.governance.place import roots_file
from watchline.streams.kafka import admin
from watchline.streams.query.reader import restrict
from watchline.streams.query.run import Queries

Run = Callable[..., tuple[int, str]]
KEY = "a subject key"
EXPORT = ("export", "--from", "2026-01-01", "--to", "2026-02-01", "--format", "chat")
AGREED = ("--consent", "training=yes")


@pytest.fixture(scope="session")
def written(clickhouse: Callable[..., Any]) -> Any:
    """Three persons, two events of each; the third has never agreed."""
    client = clickhouse("exported")
    for number in range(6):
        row = event(
            number,
            subject=pseudonym(f"customer-{number // 2}", KEY),
            attributes={"training": "no" if number // 2 == 2 else "yes"},
        )
        client.insert("interactions", [[*row.values()]], column_names=[*row], database=client.test_database)
    return client


@pytest.fixture
def run(
    written: Any,
    clickhouse: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """The command on that store: chDB opens one folder a process, so not through settings."""

    @contextmanager
    def open_queries(settings: Any) -> Iterator[Queries]:
        client = clickhouse(migrated=False)
        client.command(f"USE {written.test_database}")
        restrict(client)
        with closing(client):
            yield Queries(client, written.test_database)

    monkeypatch.setattr("watchline.streams.query.open.open_queries", open_queries)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATCHLINE_DATA_DIR", "d")
    monkeypatch.setenv("WATCHLINE_SUBJECT_KEY", KEY)

    def run_(*arguments: str) -> tuple[int, str]:
        code = main([*arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run_


@pytest.fixture
def log(broker: str, topic_prefix: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Fold]:
    """A log with an operator, an author and a privacy officer; gives what it is folded to."""
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", f"kafka://{broker}")
    monkeypatch.setenv("WATCHLINE_TOPIC_PREFIX", topic_prefix)
    settings = settings_.load()
    admin.create(settings)
    root = Key.new()
    roots = Roots({"root": root.public}, 1)
    roots.write(roots_file(settings))
    for name, role in {"olga": "operator", "anna": "author", "dora": "privacy"}.items():
        key = Key.new()
        key.write(Path(f"{name}.pem"))
        details = {"public": key.public, "kind": "person", "holder": name, "roles": role}
        act, _ = signed.make("key_registered", key.id, "root", details=details)
        Log(settings).append(signed.sign(act, root, roots.log), {})

    def folded() -> Fold:
        fold = Fold(roots)
        for message in Log(settings).read():
            entry = fold.take(message.value, message.time)
            assert entry.accepted
            fold.last = entry  # type: ignore[attr-defined]
        return fold

    return folded


@pytest.mark.slow
def test_an_export_is_an_act_and_a_withdrawal_finds_its_lines(run: Run, log: Callable[[], Fold]) -> None:
    code, said = run(*EXPORT, *AGREED, "--to-folder", "january", "--key", "olga.pem", "--owner", "team-a")
    assert (code, "recorded at" in said, "no consent: training says otherwise" in said) == (0, True, True)
    made = log().last.event  # type: ignore[attr-defined]
    assert (made.action, made.target, made.details["rows"], made.details["owner"]) == (
        "exported",
        "january",
        "4",
        "team-a",
    )
    assert (made.details["until"], made.details["basis"]) == ("2026-02-02", "consent: training=yes")
    code, said = run("export", "check", "january")
    assert (code, made.details["sha256"] in said) == (0, True)

    code, said = run("export", "withdraw", "--subject", "customer-1", "--key", "dora.pem")
    assert code == 0, said
    assert "customer-1" not in str(log().last.event) and pseudonym("customer-1", KEY) not in str(log().last.event)  # type: ignore[attr-defined]
    _, said = run("export", "touched", "january", "--format", "json")
    touched = json.loads(said)
    assert [(row["file"], row["line"]) for row in touched] == [("data.jsonl", 3), ("data.jsonl", 4)]
    assert json.loads(run("export", "touched", "january", "--subject", "customer-1", "--format", "json")[1]) == touched
    one = run("export", "touched", "january", "--event", touched[0]["event_id"].upper(), "--format", "json")[1]
    assert json.loads(one) == touched[:1]

    assert run(*EXPORT, *AGREED, "--to-folder", "again", "--key", "olga.pem")[0] == 0
    manifest = json.loads(Path("again/manifest.json").read_text())
    assert manifest["rows"] == 2 and manifest["skipped"]["consent was withdrawn"] == 2


@pytest.mark.slow
def test_commands_of_the_readme(run: Run, log: Callable[[], Fold]) -> None:
    for line in EXPORTS:
        code, said = run(*shlex.split(line, comments=True)[1:])
        assert code == 0, (line, said)


def test_what_is_not_recorded_is_not_there(run: Run, log: Callable[[], Fold]) -> None:
    for by, code, why in ((), 2, "--key"), (("--key", "anna.pem"), 1, "may not export"):
        found, said = run(*EXPORT, *AGREED, "--to-folder", "january", *by)
        assert (found, why in said) == (code, True)
    assert not [*Path().glob("*january*")]


def test_without_consent_there_are_no_rows_and_a_sentence_why(run: Run) -> None:
    for number, rule in enumerate(((), ("--consent", "research=yes"))):
        code, said = run(*EXPORT, *rule, "--to-folder", f"none-{number}")
        assert code == 0
        assert "0 rows: no event has the consent that is asked for" in said
        assert "not recorded: there is no audit trail here" in said
        assert Path(f"none-{number}/data.jsonl").read_bytes() == b""
    code, said = run(*EXPORT, "--consent", "none-needed", "--legal-basis", "contract", "--to-folder", "all")
    assert code == 0 and json.loads(Path("all/manifest.json").read_text())["consent"]["legal_basis"] == "contract"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("export",), "an export needs --from, --to, --format, --to-folder"),
        (
            (*EXPORT[:2], "2026-01-01T00:00:00", *EXPORT[3:4], "2026-01-01", *EXPORT[5:], "--to-folder", "x"),
            "is not before",
        ),
        ((*EXPORT[:4], "2999-01-01", *EXPORT[5:], "--to-folder", "x"), "in the future"),
        ((*EXPORT, "--to-folder", "x", "--consent", "training"), "ATTRIBUTE=VALUE"),
        ((*EXPORT, "--to-folder", "x", "--consent", "none-needed"), "--legal-basis, one of contract"),
        (
            (*EXPORT, "--to-folder", "x", "--consent", "none-needed", "--legal-basis", "consent"),
            "--legal-basis, one of",
        ),
        ((*EXPORT, "--to-folder", "x", "--legal-basis", "contract"), "goes with --consent none-needed"),
        ((*EXPORT, "--to-folder", "x", "--split", "train=.9"), "together"),
        ((*EXPORT, "--to-folder", "x", "--without-flags", "toxic"), "no detector toxic"),
        (("export", "touched", "x", "--subject", " "), "is no id of a subject"),
    ],
)
def test_what_is_ambiguous_or_empty_is_refused(run: Run, arguments: tuple[str, ...], why: str) -> None:
    if arguments[1:2] == ("touched",):
        Path("x").mkdir()
        Path("x/events.jsonl").touch()
    code, said = run(*arguments)
    assert (code, why in said) == (2, True), said


def test_a_folder_that_is_no_export_is_said(run: Run) -> None:
    Path("other").mkdir()
    for action in ("check", "touched"):
        code, said = run("export", action, "other")
        assert (code, "is no export" in said) == (1, True), said


def test_a_changed_file_is_named(run: Run) -> None:
    assert run(*EXPORT, *AGREED, "--to-folder", "january")[0] == 0
    Path("january/data.jsonl").write_text(re.sub("answer", "reply", Path("january/data.jsonl").read_text(), count=1))
    code, said = run("export", "check", "january")
    assert (code, "NOT WHOLE: data.jsonl is another one" in said) == (1, True)
