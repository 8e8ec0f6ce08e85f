from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.workers import Worker


@pytest.fixture
def make_worker(broker: str, topic_prefix: str, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """`make_worker(NAME=value, ...)` starts a worker with these settings; all end with the test."""
    made: list[Worker] = []

    def make(**settings: str) -> Worker:
        folder = tmp_path / f"worker{len(made)}"
        folder.mkdir()
        names = {f"WATCHLINE_{name.upper()}": value for name, value in settings.items()}
        made.append(Worker(broker, topic_prefix, folder, names))
        return made[-1].start()

    yield make
    for worker in made:
        worker.end()
