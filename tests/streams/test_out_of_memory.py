"""A process without memory says so: that is no fault of what it reads. In processes that may have little more of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIMITED = """
import resource
from pathlib import Path
{prepare}
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (8 << 20),) * 2)
try:
    {ask}
except MemoryError:
    print("MemoryError")
"""
BYTES = """
from watchline.schemas.codec import decode, encode
from watchline.schemas.records import Document, Interaction, InteractionBatch
event = Interaction(event_id="e", time=1, app="shop", documents=(Document("", ""),) * 200_000)
data = encode(InteractionBatch(producer_id="p", first_sequence=0, interactions=(event,)))
del event
"""
SCHEMA = """
from watchline.schemas import codec
text = '{"type": "array", "items": "string", "doc": "' + "x" * (64 << 20) + '"}'
codec._writers("Feedback")
"""
BATCH = """
import gzip
from tests.raw_batches import GZIP, batch, record
from watchline.streams.worker.record_batches import Records, install
install()
data = batch(gzip.compress(record(bytes(60 << 20))), codec=GZIP)
"""
TEXTS = """
from tests.schemas.samples import INTERACTION
from watchline.detectors.pii.redactor import Redactor
from watchline.schemas.records import Message
from dataclasses import replace
redactor = Redactor()
events = [replace(INTERACTION, input_messages=(Message("user", "Ask Maria Lopez. " * 20_000),)) for _ in range(2)]
redactor.redact([INTERACTION])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no other system limits a process's address space so")
@pytest.mark.parametrize(
    ("prepare", "ask"),
    [
        (BYTES, "decode(data, InteractionBatch)"),
        (SCHEMA, "codec._registered('Feedback', text)"),
        (BATCH, "list(Records(data).next_batch())"),
        pytest.param(TEXTS, "redactor.redact(events)", marks=pytest.mark.slow),
        pytest.param(TEXTS, "redactor.redact_text(events[0].input)", marks=pytest.mark.slow),
    ],
    ids=["bytes", "a registry's schema", "a record batch", "texts", "a comment"],
)
def test_what_cannot_be_read_for_want_of_memory_is_not_bad(prepare: str, ask: str) -> None:
    code = LIMITED.format(prepare=prepare, ask=ask)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "MemoryError\n", done.stderr[-2000:]
