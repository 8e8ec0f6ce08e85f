"""All that an embedded store holds, past the views."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Another process: chDB opens one folder a process, and the tests have theirs.
_SCRIPT = """
import sys, clickhouse_connect
client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1])
# A name with a dot in front is that of a rollup's next table, which may be gone in a moment.
tables = client.query(
    "SELECT name FROM system.tables WHERE database = 'watchline' AND engine NOT LIKE '%View' AND match(name, '^[a-z]')"
)
for (table,) in tables.result_rows:  # bitmaps are no text
    print(client.raw_query(f"SELECT * FROM watchline.{table}", fmt="JSONEachRow").decode(errors="replace"))
"""


def everything(data_dir: Path) -> str:
    """Every table whole, as JSON lines. No worker may have the store open."""
    command = [sys.executable, "-c", _SCRIPT, str(data_dir / "clickhouse")]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=data_dir).stdout
