from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.end_to_end.workers import Worker


def _make(broker: str, folder: Path, made: list[Worker], settings: dict[str, str]) -> Worker:
    names = {f"WATCHLINE_{name.upper()}": value for name, value in settings.items()}
    prefix = settings.pop("topic_prefix", f"t{uuid4().hex[:12]}.")
    made.append(Worker(broker, prefix, folder, names))
    return made[-1].start()


@pytest.fixture
def make_worker(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Worker]]:
    """`make_worker(name=value, ...)` starts a worker with these settings, on topics of its own; ends with the test."""
    made: list[Worker] = []
    yield lambda **settings: _make(broker, tmp_path_factory.mktemp("w"), made, settings)
    for worker in made:
        worker.end()


@pytest.fixture(scope="module")
def make_shared_worker(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Worker]]:
    """The same for a module: a start takes ten seconds."""
    made: list[Worker] = []
    yield lambda **settings: _make(broker, tmp_path_factory.mktemp("w"), made, settings)
    for worker in made:
        worker.end()
