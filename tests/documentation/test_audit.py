"""The dependency audit of `make lint`, with a stand-in for pip-audit: advisories can't be reached from everywhere."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

AUDIT = runpy.run_path(str(Path(__file__).parents[2] / ".ci" / "audit.py"))
GOOD: dict[str, Any] = {"name": "good", "version": "1", "vulns": []}
BAD: dict[str, Any] = {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNKNOWN: dict[str, Any] = {"name": "other", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("dependencies", "code", "said"),
    [
        ([GOOD], 0, "1 packages looked up, 0 vulnerabilities"),
        ([GOOD, BAD], 1, "bad 2: CVE-1, fixed in 3"),
        ([GOOD, UNKNOWN], 0, "not known there: other"),
        ([UNKNOWN, UNKNOWN], 0, "SKIPPED.*nothing was checked"),
        (None, 0, "SKIPPED.*nothing was checked"),
    ],
    ids=["good", "vulnerable", "one unknown", "all unknown", "unreachable"],
)
def test_verdicts(
    dependencies: list[dict[str, Any]] | None, code: int, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fake = tmp_path / "fake.py"
    report = json.dumps({"dependencies": dependencies}) if dependencies else ""
    fake.write_text(f"import sys; sys.stdout.write({report!r}); sys.exit({int(dependencies is None)})")
    assert AUDIT["main"]([sys.executable, str(fake)]) == code

    assert re.search(said, capfd.readouterr().out)
