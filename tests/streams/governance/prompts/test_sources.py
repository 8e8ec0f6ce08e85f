"""Prompts from a git folder and from exports: the newest of each name, as what reads them would see it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from watchline.schemas.errors import ConfigurationError
from watchline.streams.governance.prompts.sources import Written, git, langfuse, promptlayer


def run(folder: Path, *command: str) -> None:
    who = ("-c", "user.name=p1", "-c", "user.email=p1@localhost", "-c", "core.autocrlf=false")
    subprocess.run(["git", "-C", str(folder), *who, *command], check=True, capture_output=True)


def commit(folder: Path, **files: bytes) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    run(folder, "add", "-A")
    run(folder, "commit", "-q", "-m", "prompts")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    run(folder, "init", "-q")
    return folder


def by_name(written: list[Written]) -> dict[str, str]:
    return {each.name: each.content for each in written}


def test_a_folder_is_what_its_last_commit_has(repository: Path) -> None:
    commit(repository, answer_md=b"one\r\n", shop__greet_txt=b"hello\n", README_md=b"no prompt\n", code_py=b"x\n")
    (repository / "answer.md").write_bytes(b"not committed")
    (repository / "link.md").symlink_to("answer.md")
    run(repository, "add", "link.md")
    first = git(repository)
    assert by_name(first) == {"answer": "one\n", "shop/greet": "hello\n"}
    assert {each.revision for each in first} == {1} and len(first[0].details["commit"]) == 40
    assert by_name(git(repository / "shop")) == {"greet": "hello\n"}
    commit(repository, answer_md=b"two\n")
    second = git(repository)  # within the same second
    assert by_name(second)["answer"] == "two\n" and second[0].revision == 2
    run(repository, "checkout", "-q", "-f", "HEAD~1")
    assert git(repository)[0].revision == 1


def test_a_folder_that_is_not_clear_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not a git repository"):
        git(tmp_path)
    commit(repository, answer_md=b"one\n", answer_txt=b"two\n")
    with pytest.raises(ConfigurationError, match="two files of the name answer"):
        git(repository)
    run(repository, "rm", "-q", "answer.txt")
    commit(repository, bad_md=b"\xff")
    with pytest.raises(ConfigurationError, match=r"bad\.md: it is not UTF-8, at byte 0"):
        git(repository)
    shallow = tmp_path / "shallow"
    run(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", str(shallow))
    with pytest.raises(ConfigurationError, match="git fetch --unshallow"):
        git(shallow)


def export(folder: Path, value: Any) -> Path:
    file = folder / "export.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return file


ANSWER = {"name": "answer", "version": 2, "prompt": "Answer {{question}}.\r\n", "type": "text", "labels": ["latest"]}
CHAT = {"name": "chat", "version": 1, "type": "chat", "prompt": [{"role": "system", "content": "Be kind, {{user}}."}]}


@pytest.mark.parametrize(
    "form",
    [
        lambda prompts: {"data": prompts, "meta": {"page": 1}},
        lambda prompts: prompts,
        lambda prompts: "\n".join(map(json.dumps, prompts)),
    ],
    ids=["data", "array", "lines"],
)
def test_langfuse(form: Any, tmp_path: Path) -> None:
    old = {**ANSWER, "version": 1, "prompt": "old"}
    found = langfuse(export(tmp_path, form([ANSWER, old, CHAT])))
    assert by_name(found) == {
        "answer": "Answer {{question}}.\n", "chat": '[{"content":"Be kind, {{user}}.","role":"system"}]'
    }  # fmt: skip
    assert found[0].details == {"source": "langfuse", "revision": "2"}


def test_langfuse_lists_without_texts_are_refused(tmp_path: Path) -> None:
    listed = {"data": [{"name": "answer", "versions": [1, 2], "labels": ["production"]}], "meta": {}}
    with pytest.raises(ConfigurationError, match="Langfuse's list has none; take each from"):
        langfuse(export(tmp_path, listed))
    for other in (
        "",
        "[]",
        "{",
        "[1]",
        '[{"name": "a", "prompt": "b"}]',
        '[{"name": "a", "prompt": "b", "version": "x"}]',
    ):
        with pytest.raises(ConfigurationError, match=r"is no such export|has no prompts"):
            langfuse(export(tmp_path, other))
    with pytest.raises(ConfigurationError, match="No such file"):
        langfuse(tmp_path / "none.json")


def test_promptlayer(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "Answer {question} "}, {"type": "text", "text": "as {{json}}"}]
    system = {"role": "system", "content": parts}
    items = [
        {"prompt_name": "answer", "version": 3, "prompt_template": {"type": "chat", "messages": [system]}},
        {"prompt_name": "greet", "version": 1,
         "prompt_template": {"type": "completion", "content": [{"type": "text", "text": "Hello {{user}}"}],
                             "template_format": "jinja2"}},
    ]  # fmt: skip
    assert by_name(promptlayer(export(tmp_path, {"items": items, "page": 1}))) == {
        "answer": '[{"content":"Answer {{question}} as {json}","role":"system"}]', "greet": "Hello {{user}}"
    }  # fmt: skip
    parts[0] = {"type": "image_url", "image_url": "x"}  # type: ignore[assignment]
    with pytest.raises(ConfigurationError, match="answer: a part of type image_url is no text"):
        promptlayer(export(tmp_path, {"items": items}))
    for text in ("{a", "{a!r}", "{{{{a}}}}"):
        parts[0] = {"type": "text", "text": text}
        with pytest.raises(ConfigurationError, match="is no such export"):
            promptlayer(export(tmp_path, {"items": items}))
