"""Each example of the integrations' README, run with the library it is about: each is one event, or says how many."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

import pytest

from tests.documentation import readmes
from tests.streams.integrations.model_api import ModelApi
from tests.streams.producer.published import envelopes, make_topics
from watchline import Producer

pytestmark = pytest.mark.slow

README = readmes.text(readmes.ROOT / "streams" / "integrations" / "README.md")
MODULES = re.findall(r"^\| `watchline\.(\w+)`", README, re.MULTILINE)
EXAMPLES = {example.split("watchline.")[1].split()[0]: example for example in readmes.blocks(README, "python")}


@pytest.fixture(scope="module")
def api() -> Iterator[ModelApi]:
    with ModelApi() as api:
        yield api


def test_every_module_is_in_the_table_and_has_an_example() -> None:
    modules = {path.stem for path in (readmes.ROOT / ".dev" / "watchline").glob("*.py")} - {"__init__"}
    assert set(MODULES) == set(EXAMPLES) == modules


@pytest.mark.parametrize("module", MODULES)
def test_an_example(
    module: str, api: ModelApi, broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(EXAMPLES[module].splitlines()) <= 10
    for name, value in (("OPENAI_BASE_URL", api.url), ("ANTHROPIC_BASE_URL", api.root)):
        monkeypatch.setenv(name, value)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    monkeypatch.setenv("WATCHLINE_SUBJECT_KEY", "k1:" + "ab" * 32)
    try:
        importlib.import_module(f"watchline.{module}")
    except ImportError as error:
        if str(error.name).startswith("watchline"):
            raise
        pytest.skip(f"{error.name} is not installed")
    if module == "litellm":  # which keeps the first callback of a class that it has seen in a process
        importlib.import_module("litellm").logging_callback_manager._reset_all_callbacks()
    make_topics(broker, topic_prefix)
    with Producer(broker, app="shop", topic_prefix=topic_prefix, strict=True) as producer:
        exec(compile(EXAMPLES[module], "README.md", "exec"), {"producer": producer})
        (event,) = [event for envelope in envelopes(broker, topic_prefix, 1) for event in envelope.interactions]
    if module == "litellm":
        importlib.import_module("litellm").logging_callback_manager._reset_all_callbacks()
    assert event.input.startswith("How much?") and event.output
    assert (event.error_type, event.cancelled, dict(event.unreadable)) == (None, False, {})
