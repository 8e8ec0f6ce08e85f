"""Apps in a process of their own: what they write, and that they end well."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run_app(code: str, *arguments: str) -> tuple[str, str]:
    """Runs an app to its good end; what it wrote to standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr
