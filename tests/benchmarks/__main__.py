"""All benchmarks, each in a process of its own; names as arguments pick some: `python -m tests.benchmarks producer`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

NAMES = (
    "producer", "encoder", "groundedness", "personal_data", "detectors", "ceiling", "worker", "monitor", "alerts",
    "deploy",
)  # fmt: skip


def main(names: list[str]) -> int:
    """Runs them one after the other, so that none disturbs another; 1 where one failed."""
    if unknown := set(names) - set(NAMES):
        sys.stderr.write(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}\n")
        return 2
    print(f"machine: {processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}")
    failed = 0
    for name in names or NAMES:
        print(f"\n{name}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"]).returncode
    return int(bool(failed))


def processor() -> str:
    """The processor's name, as Linux gives it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
