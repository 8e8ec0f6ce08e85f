"""The examples in docstrings run, and what apps import has one each."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

import watchline

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "detectors", "streams", "dashboards")
# What contributors call without a broker or a store.
CALLED = (
    "schemas.codec:encode",
    "schemas.codec:encode_envelope",
    "schemas.codec:decode",
    "schemas.validation:repair",
    "schemas.validation:repair_envelope",
    "schemas.properties:InteractionProperties",
    "schemas.properties:InteractionBatchProperties",
    "schemas.texts:texts",
    "schemas.texts:replace_texts",
    "schemas.errors:Kind",
    "schemas.errors:PoisonError",
    "streams.dead_letters:DeadLetter",
    "streams.ids:uuid7",
    "schemas.pseudonyms:pseudonym",
    "streams.kafka.topics:Topic",
    "streams.messages:Message",
    "streams.messages:kafka_time",
    "streams.monitor.causes:explain",
    "streams.monitor.change:Scale",
    "streams.monitor.comparison:Comparison",
    "streams.monitor.drift:Stream",
    "streams.monitor.events:Events",
    "streams.monitor.fingerprints:Fingerprints",
    "streams.monitor.measures:measures",
    "streams.monitor.sequential:SequentialTest",
    "streams.monitor.series:Series",
    "streams.monitor.signals:sentence",
    "streams.monitor.tally:Tally",
    "streams.monitor.topics:Topics",
    "streams.query.policy:check",
    "streams.retry:retry",
    "streams.settings:Settings",
    "streams.settings:load",
    "streams.throttled_log:ThrottledLog",
    "streams.worker.batch:end_of_batch",
    "streams.worker.brake:Brake",
    "streams.worker.offset_gaps:OffsetGaps",
    "streams.worker.pace:Pace",
)


# Their examples load a model, scikit-learn, or a library of others that takes seconds.
HEAVY = (
    "detectors.evaluation.metrics",
    "detectors.pii.detector",
    "detectors.pii.redactor",
    "detectors.registry",
    "detectors.scorer",
    "streams.integrations.anthropic",
    "streams.integrations.langchain",
    "streams.integrations.litellm",
    "streams.integrations.llama_index",
)


def _with_examples() -> list[Any]:
    modules = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8") and "training" not in path.parts:
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                modules.append(pytest.param(f"watchline.{name}", marks=[pytest.mark.slow] if name in HEAVY else []))
    return modules


@pytest.mark.parametrize("name", _with_examples())
def test_examples_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_DISABLED", "1")  # no broker is needed to show how a producer is called
    failed, tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried and not failed


def test_what_apps_import_has_examples() -> None:
    lacking = []
    for name in sorted(set(watchline.__all__) - {"__version__", "Interaction"}):
        item = getattr(watchline, name)
        members = [item, *(member for key, member in vars(item).items() if _is_public_method(key, member))]
        lacking += [member.__qualname__ for member in members if ">>> " not in (inspect.getdoc(member) or "")]
    assert lacking == []


@pytest.mark.parametrize("place", CALLED)
def test_what_contributors_call_has_an_example(place: str) -> None:
    module, name = place.split(":")
    item = getattr(importlib.import_module(f"watchline.{module}"), name)
    assert "\nExamples\n--------\n>>> " in (inspect.getdoc(item) or "")


def _is_public_method(name: str, member: object) -> bool:
    return inspect.isfunction(member) and not name.startswith("_")
