"""Known vulnerabilities of the pinned packages, by pip-audit: exit code 1 where there are any.

pip-audit calls it success when it could look up nothing; here that is said, and fails nothing: lint runs offline too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# dev.txt has what the others have too, but for PyTorch.
PINNED = [Path(__file__).parent / "locks" / name for name in ("dev.txt", "torch-cuda.txt")]
SOURCES = {"pypi": "PyPI", "osv": "OSV"}
TIMEOUT_S = 60


def main(command: Sequence[str] = (sys.executable, "-m", "pip_audit")) -> int:
    """Asks one source of advisories, then the other; prints the verdict."""
    for source in SOURCES:
        report = _ask([*command, "--vulnerability-service", source])
        looked_up = [each for each in report if "skip_reason" not in each]
        if not looked_up:
            continue
        found = [(each, vulnerability) for each in looked_up for vulnerability in each["vulns"]]
        for each, vulnerability in found:
            fixed = ", ".join(vulnerability["fix_versions"]) or "none yet"
            print(f"{each['name']} {each['version']}: {vulnerability['id']}, fixed in {fixed}")
        unknown = [each["name"] for each in report if "skip_reason" in each]
        print(
            f"dependency audit ({SOURCES[source]}): {len(looked_up)} packages looked up, {len(found)} vulnerabilities"
            + (f"; not known there: {', '.join(unknown)}" if unknown else "")
        )
        return int(bool(found))
    print(
        "dependency audit SKIPPED: the advisories of neither PyPI nor OSV can be reached from here; nothing was checked"
    )
    return 0


def _ask(command: Sequence[str]) -> list[dict[str, Any]]:
    """What is said of each package; empty where nothing could be asked."""
    options = [option for path in PINNED for option in ("--requirement", str(path))]
    options += ["--no-deps", "--disable-pip", "--format", "json"]
    try:
        done = subprocess.run(  # noqa: S603
            [*command, *options, "--progress-spinner", "off", "--timeout", "5"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        return list(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError):
        return []


if __name__ == "__main__":
    sys.exit(main())
