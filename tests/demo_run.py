"""One run of `watchline demo`, which several tests look at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchline.streams.settings import Settings, load

TIMEOUT_S = 900.0  # two minutes on two free cores


@dataclass(frozen=True)
class DemoRun:
    """Where it ran, and what it printed."""

    folder: Path
    environment: dict[str, str]
    output: str
    exit_code: int
    seconds: float

    @property
    def settings(self) -> Settings:
        """Those of the store that it left."""
        return load(data_dir=self.folder / ".watchline")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query gives; by another process, since chDB opens one folder a process and the tests have theirs."""
        done = self.watchline("sql", sql, "--format", "json")
        assert done.returncode == 0, done.stderr
        return [tuple(row.values()) for row in json.loads(done.stdout)]

    def watchline(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command where the demo ran."""
        command = [sys.executable, "-m", "watchline.streams.cli.main", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=TIMEOUT_S
        )


def run(folder: Path) -> DemoRun:
    """Runs the demo in a folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WATCHLINE_")}
    started = time.monotonic()
    done = DemoRun(folder, environment, "", 0, 0.0).watchline("demo")
    return DemoRun(folder, environment, done.stdout + done.stderr, done.returncode, time.monotonic() - started)
