"""What a call costs: providers' own answers in, their bill out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import Interaction
from watchline.streams.producer.arguments import fields
from watchline.streams.worker.prices import DATE, SOURCE, Prices


def cost(prices: Prices | None = None, **given: Any) -> float | None:
    return (prices or Prices()).cost(Interaction(event_id="1", time=0, app="a", **fields(given, strict=True)))


# The counts are of the examples in the providers' documentation, the bills by hand from their price lists.
BILLS = {
    "OpenAI, guide on prompt caching": (
        {
            "model": "gpt-4o-2024-08-06",
            "usage": {
                "prompt_tokens": 2006,
                "completion_tokens": 300,
                "total_tokens": 2306,
                "prompt_tokens_details": {"cached_tokens": 1920},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        },
        86 * 2.50e-6 + 1920 * 1.25e-6 + 300 * 10e-6,
    ),
    "OpenAI, reference of responses": (
        {
            "model": "gpt-4.1-2025-04-14",
            "usage": {
                "input_tokens": 36,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": 87,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 123,
            },
        },
        36 * 2e-6 + 87 * 8e-6,
    ),
    "OpenAI, audio": (
        {
            "model": "gpt-4o-audio-preview-2025-06-03",
            "usage": {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {"audio_tokens": 80, "cached_tokens": 0},
                "completion_tokens_details": {"audio_tokens": 30},
            },
        },
        20 * 2.5e-6 + 80 * 40e-6 + 20 * 10e-6 + 30 * 80e-6,
    ),
    "Azure": (
        {
            "model": "gpt-4o",
            "provider": "azure.ai.openai",
            "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
        },
        1000 * 2.5e-6 + 100 * 10e-6,
    ),
    "Anthropic, reading from the cache": (
        {
            "model": "claude-sonnet-4-5",
            "provider": "anthropic",
            "usage": {
                "input_tokens": 9,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 17102,
                "output_tokens": 8,
            },
        },
        9 * 3e-6 + 17102 * 0.3e-6 + 8 * 15e-6,
    ),
    "Anthropic, writing to it": (
        {
            "model": "claude-sonnet-4-5",
            "usage": {
                "input_tokens": 50,
                "cache_creation_input_tokens": 2000,
                "cache_read_input_tokens": 0,
                "output_tokens": 503,
            },
        },
        50 * 3e-6 + 2000 * 3.75e-6 + 503 * 15e-6,
    ),
    "Gemini, thinking": (
        {
            "model": "models/gemini-2.5-flash",
            "provider": "gcp.gemini",
            "usage": {
                "promptTokenCount": 15,
                "candidatesTokenCount": 359,
                "totalTokenCount": 1035,
                "thoughtsTokenCount": 661,
            },
        },
        15 * 0.3e-6 + 1020 * 2.5e-6,
    ),
    "Gemini, a long prompt": (
        {
            "model": "gemini-2.5-pro",
            "usage": {"promptTokenCount": 250_000, "candidatesTokenCount": 1000, "totalTokenCount": 251_000},
        },
        250_000 * 2.5e-6 + 1000 * 15e-6,
    ),
    "Bedrock, reference of Converse": (
        {
            "model": "anthropic.claude-3-5-sonnet-20241022-v2:0",
            "provider": "aws.bedrock",
            "usage": {"inputTokens": 125, "outputTokens": 60, "totalTokens": 185},
        },
        125 * 3e-6 + 60 * 15e-6,
    ),
    "an embedding": (
        {"model": "text-embedding-3-small", "usage": {"prompt_tokens": 8, "total_tokens": 8}},
        8 * 0.02e-6,
    ),
    "an alias, answered by its dated name": (
        {
            "model": "a-name-of-the-app-s",
            "response_model": "gpt-4o-2024-08-06",
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
        2.5e-6 + 10e-6,
    ),
}


@pytest.mark.parametrize("name", BILLS)
def test_a_provider_s_counts_give_its_bill(name: str) -> None:
    given, bill = BILLS[name]
    assert cost(**given) == pytest.approx(bill, rel=1e-9)


@pytest.mark.parametrize(
    "given",
    [
        {"model": "nobody-s-model", "usage": {"input_tokens": 5, "output_tokens": 5}},
        {"model": "gpt-4o"},
        {"model": "gpt-4o", "usage": {"input_tokens": 5}},  # what the answer cost isn't known
        {"usage": {"input_tokens": 5, "output_tokens": 5}},
    ],
)
def test_what_is_unknown_is_null_and_not_nothing(given: dict[str, Any]) -> None:
    assert cost(**given) is None


def test_a_file_of_the_team_s_own_wins(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"mine": {"input_cost_per_token": 1.0}, "gpt-4o": {"output_cost_per_token": 2.0}}))
    prices = Prices(file)
    assert cost(prices, model="mine", usage={"input_tokens": 3}) == 3.0
    assert cost(prices, model="gpt-4o", usage={"input_tokens": 3, "output_tokens": 3}) == 6.0
    assert prices.version.startswith(f"{SOURCE} {DATE} + ") and Prices().version == f"{SOURCE} {DATE}"


@pytest.mark.parametrize("content", ["{", "[]", '{"m": 1}'])
def test_a_file_of_another_form_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "prices.json"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"prices: .*prices\.json"):
        Prices(file)
    with pytest.raises(ConfigurationError, match="prices"):
        Prices(tmp_path / "missing.json")
