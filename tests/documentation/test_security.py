"""The threat model names tests that are there and files that exist, and fits on a page."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / ".github" / "SECURITY.md").read_text(encoding="utf-8")


def test_every_test_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/.-]+)::(\w+)`", TEXT)
    assert len(named) == TEXT.count("::") > 15
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()]
    assert missing == []


def test_every_file_named_exists() -> None:
    assert [
        path for path in re.findall(r"`((?:dashboards|streams|schemas)/[\w./-]+)`", TEXT) if not (ROOT / path).exists()
    ] == []


def test_every_defence_names_a_test_or_says_that_there_is_none() -> None:
    lines = [line for line in TEXT.split("## Rights")[0].splitlines() if line.startswith("|")][2:]
    assert len(lines) >= 10
    for line in lines:
        _, _, _, defence, *_ = (cell.strip() for cell in line.split("|"))
        for promise in re.split(r"[;.] ", defence):
            assert "::" in promise or promise.startswith("nothing"), promise


def test_the_readme_links_it() -> None:
    assert "](.github/SECURITY.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
