"""Several scoring processes share the machine's cores among them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
SCRIPT = """
import json, sys, numpy, torch
from threadpoolctl import threadpool_info
from watchline.streams.worker.scoring.process import share_threads
def threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"] + [torch.get_num_threads()]
before = threads()
share_threads(int(sys.argv[1]))
print(json.dumps([before, threads()]))
"""


@pytest.mark.parametrize("scorers", [1, 2, 64])
def test_each_has_its_part(scorers: int) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(scorers)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    assert len(before) >= 2  # numpy's BLAS, torch
    assert after == [max(1, threads // scorers) for threads in before]
