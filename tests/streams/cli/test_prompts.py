"""`watchline prompts` and `watchline models` with a real broker: drafted, seen, approved, promoted, taken back."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documentation.test_readme import PROMPTS
from tests.streams.governance.prompts.test_sources import commit
from tests.streams.governance.prompts.test_sources import run as git
from watchline.schemas.records import PromptRelease
from watchline.streams import settings as settings_
from watchline.streams.cli.main import main
from watchline.streams.governance.fold import Fold
from watchline.streams.governance.keys import Key, Roots
from watchline.streams.governance.log import Log
from watchline.streams.governance.place import roots_file
from watchline.streams.governance.prompts.publishing import Publisher
from watchline.streams.kafka import admin

PEOPLE = {"anna": "author", "ben": "approver", "olga": "operator", "paul": "owner"}
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(
    broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """The command, in a log with people and an app."""
    from watchline.streams.governance import signed

    monkeypatch.chdir(tmp_path)
    for name, value in {"KAFKA_URL": f"kafka://{broker}", "TOPIC_PREFIX": topic_prefix, "DATA_DIR": "d"}.items():
        monkeypatch.setenv(f"WATCHLINE_{name}", value)
    settings = settings_.load()
    admin.create(settings)
    root, log = Key.new(), Log(settings)
    roots = Roots({"root": root.public}, 1)
    roots.write(roots_file(settings))
    for name, roles in PEOPLE.items():
        key = Key.new()
        key.write(Path(f"{name}.pem"))
        details = {"public": key.public, "kind": "person", "holder": name, "roles": roles}
        event, _ = signed.make("key_registered", key.id, "root", details=details)
        log.append(signed.sign(event, root, roots.log), {})
    use_case = {"risk_class": "limited", "legal_basis": "contract"}
    event, _ = signed.make("use_case_registered", "shop", "paul", details=use_case)
    log.append(signed.sign(event, Key.read(Path("paul.pem")), roots.log), {})

    def run_(*arguments: str) -> tuple[int, str]:
        code = main([*arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run_


def published() -> list[PromptRelease]:
    """What apps are told."""
    settings, told = settings_.load(), list[list[PromptRelease]]()
    log, fold = Log(settings), Fold(Roots.read(roots_file(settings)))
    for message in log.read():
        fold.take(message.value, message.time)
    publisher = Publisher(settings, log, lambda made: told.append([*made]))
    publisher.step(fold.state)
    publisher.step(fold.state)  # nothing new
    assert len(told) <= 1
    return told[0] if told else []


@pytest.mark.slow
def test_from_a_file_to_apps(run: Run) -> None:
    def prompts(action: str, *more: str, by: str = "", app: str = "shop") -> tuple[int, str]:
        return run("prompts", action, "answer", *more, "--app", app, *(("--key", f"{by}.pem") if by else ()))

    prod = ("--environment", "prod")
    Path("answer.md").write_bytes(b"Answer {{question}}.\r\n")
    code, said = prompts("draft", "answer.md", "--note", "first", by="anna")
    assert code == 0 and "variables  question" in said and "recorded at 5" in said, said
    first = re.findall(r"[0-9a-f]{64}", said)[0]
    code, said = prompts("promote", "--version", "1", *prod, by="olga")
    assert code == 1 and said.startswith("rejected, at 6: 0 of 1 approvals of this content"), said
    code, said = prompts("approve", "--version", "1", "--hash", first[:11], by="ben")
    assert code == 2 and "takes 12 digits or more" in said
    code, said = prompts("approve", "--version", "1", "--hash", "0" * 12, by="ben")
    assert code == 2 and f"its hash is {first}" in said
    code, said = prompts("approve", "--version", "1", "--hash", first[:12].upper(), by="ben")
    assert code == 0 and first in said
    assert published() == []
    assert prompts("promote", "--version", "1", *prod, by="olga")[0] == 0
    assert [(each.version, each.content) for each in published()] == [("1", "Answer {{question}}.\n")]

    Path("answer.md").write_bytes("Answer\u202e {{question}}. \x1b[2K\n".encode())
    assert prompts("draft", "answer.md", by="anna")[0] == 0
    code, said = prompts("diff", "--version", "2")
    assert code == 0 and not {*said} & {"\u202e", "\x1b"}
    assert "U+202E RIGHT-TO-LEFT OVERRIDE: changes the direction; once, first in line 1" in said
    assert "-Answer {{question}}.\n+Answer<U+202E RIGHT-TO-LEFT OVERRIDE> {{question}}. <U+001B ESCAPE>[2K\n" in said
    assert "approvals  0 of 1" in said
    code, said = prompts("canary", "--version", "2", *prod, "--share", "10", by="olga")
    assert code == 1 and "0 of 1 approvals" in said
    code, said = prompts("promote", "--version", "2", *prod, "--emergency", "answers are wrong", by="olga")
    assert code == 0 and published()[0].version == "2"
    code, said = prompts("review", *prod, by="olga")
    assert code == 1 and "another person reviews it" in said
    assert prompts("review", *prod, by="ben")[0] == 0
    assert prompts("rollback", *prod, by="olga")[0] == 0
    assert published()[0].version == "1"
    code, said = run("prompts", "show", "answer", "--format", "json")
    assert [(row["version"], row["approvals"], row["where"]) for row in json.loads(said)] == [
        (1, "1 of 1 (ben)", "live in prod"), (2, "0 of 1", "rolled back at 14")
    ]  # fmt: skip
    assert run("prompts", "show", "answer", "--app", "shop", "--version", "1") == (0, "Answer {{question}}.\n")
    assert prompts("rename", "--to", "reply", by="olga")[0] == 0
    assert [each.name for each in published()] == ["answer", "reply"]
    assert prompts("withdraw", "--version", "1", by="olga")[0] == 0
    assert {(each.status, each.content) for each in published()} == {("withdrawn", "")}
    code, said = run("prompts", "log", "reply", "--format", "json")
    rows = json.loads(said)
    assert [row["action"] for row in rows][:2] == ["prompt_withdrawn", "prompt_renamed"] and len(rows) == 12
    assert [row["position"] for row in rows if row["rejected"]] == [12, 10, 6]
    assert prompts("diff", "--version", "3")[0] == 2 and prompts("diff", "--version", "1", app="none")[0] == 2


@pytest.mark.slow
def test_a_folder_is_synced_and_never_backwards(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")

    def sync(*more: str) -> tuple[int, str]:
        return run("prompts", "sync", str(folder), "--app", "shop", "--key", "anna.pem", *more)

    commit(folder, answer_md=b"one\n", greet_md=b"hello\n")
    code, said = sync("--dry-run")
    assert code == 0 and said.count(": new, ") == 2
    code, said = sync()
    assert code == 0 and said.count("recorded at") == 2, said
    assert sync() == (0, "answer: version 1 has this content\ngreet: version 1 has this content\n")
    commit(folder, answer_md=b"two\n")
    commit(folder, answer_md=b"three\n")
    assert sync()[1].count("recorded at") == 1
    git(folder, "checkout", "-q", "HEAD~1")  # two, which was never drafted
    code, said = sync()
    assert code == 1 and "answer: left out; revision 3 was drafted before, this is older\n" in said
    assert published() == []  # nothing was approved or promoted by it


@pytest.mark.slow
def test_commands_of_the_readme(run: Run) -> None:
    """One after the other."""
    Path("answer.md").write_text("Answer {{question}}.\n")
    for line in PROMPTS:
        code, said = run(*shlex.split(line, comments=True)[1:])
        assert code == 0, (line, said)
    assert [(each.environment, each.version) for each in published()] == [("prod", "1")]


@pytest.mark.slow
def test_models_have_the_same_rules(run: Run) -> None:
    Path("model.md").write_text("provider: openai\n")
    model = ("gpt-5-mini", "--app", "shop")
    code, said = run("models", "register", *model, "model.md", "--key", "anna.pem")
    assert code == 0, said
    digest = re.findall(r"[0-9a-f]{64}", said)[0]
    code, said = run("models", "promote", *model, "--version", "1", "--environment", "prod", "--key", "olga.pem")
    assert code == 1 and "0 of 1 approvals" in said
    assert run("models", "approve", *model, "--version", "1", "--hash", digest, "--key", "ben.pem")[0] == 0
    assert run("models", "promote", *model, "--version", "1", "--environment", "prod", "--key", "olga.pem")[0] == 0
    assert "live in prod" in run("models", "show")[1] and published() == []  # prompts alone are published


def test_a_file_that_is_no_content_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", "kafka://127.0.0.1:1")
    file = tmp_path / "answer.md"
    arguments = ["prompts", "draft", "answer", str(file), "--app", "shop", "--key", "anna.pem"]
    assert main(arguments) == 2 and "cannot read" in capsys.readouterr().err
    file.write_bytes(b"\xff")
    assert main(arguments) == 2 and "it is not UTF-8, at byte 0" in capsys.readouterr().err
