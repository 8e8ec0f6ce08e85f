"""Token counts as providers and libraries give them: into ours, with the cached and the reasoning ones as parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from watchline.streams.producer.reading import NotAllowedError
from watchline.streams.producer.usage import token_counts


class Details(BaseModel):
    cached_tokens: int = 0
    audio_tokens: int | None = None


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Details | None = None


@dataclass
class Counted:
    input_tokens: int = 7
    output_tokens: int = 2
    details: dict[str, int] = field(default_factory=dict)


# What each counts is in its reference: the names of the pages stand beside.
PROVIDERS: list[tuple[str, Any, tuple[int | None, ...]]] = [
    (
        "OpenAI, chat completions: usage",
        {
            "prompt_tokens": 2006,
            "completion_tokens": 300,
            "total_tokens": 2306,
            "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 128, "accepted_prediction_tokens": 0},
        },
        (2006, 300, 1920, None, 128, 0),
    ),
    (
        "OpenAI, responses: usage",
        {
            "input_tokens": 75,
            "input_tokens_details": {"cached_tokens": 32},
            "output_tokens": 1186,
            "output_tokens_details": {"reasoning_tokens": 1024},
            "total_tokens": 1261,
        },
        (75, 1186, 32, None, 1024),
    ),
    (
        "Anthropic, messages: usage; what is read from or written to the cache isn't in input_tokens",
        {
            "input_tokens": 9,
            "cache_creation_input_tokens": 300,
            "cache_read_input_tokens": 17102,
            "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 8,
            "service_tier": "standard",
        },
        (17411, 8, 17102, 300, None),
    ),
    (
        "Anthropic, thinking",
        {"input_tokens": 9, "output_tokens": 80, "output_tokens_details": {"thinking_tokens": 64}},
        (9, 80, None, None, 64),
    ),
    (
        "Anthropic, nothing cached",
        {"input_tokens": 9, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 8},
        (9, 8, 0, 0, None),
    ),
    (
        "Anthropic, few tokens read: less than are new",
        {"input_tokens": 900, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 100, "output_tokens": 8},
        (1000, 8, 100, 0, None),
    ),
    (
        "Bedrock, TokenUsage, cached beside input",
        {
            "inputTokens": 12,
            "outputTokens": 350,
            "totalTokens": 1562,
            "cacheReadInputTokens": 800,
            "cacheWriteInputTokens": 400,
        },
        (1212, 350, 800, 400, None),
    ),
    (
        "Bedrock, TokenUsage, cached within input",
        {"inputTokens": 1200, "outputTokens": 350, "totalTokens": 1550, "cacheReadInputTokens": 800},
        (1200, 350, 800, None, None),
    ),
    (
        "Gemini, UsageMetadata: the total is prompt, candidates, tool use and thoughts",
        {"promptTokenCount": 15, "candidatesTokenCount": 359, "totalTokenCount": 1035, "thoughtsTokenCount": 661},
        (15, 1020, None, None, 661),
    ),
    (
        "Gemini, with tools and cached content, which is part of the prompt",
        SimpleNamespace(
            prompt_token_count=100,
            cached_content_token_count=64,
            tool_use_prompt_token_count=20,
            candidates_token_count=30,
            thoughts_token_count=None,
            total_token_count=150,
        ),
        (120, 30, 64, None, None),
    ),
    (
        "Gemini, without a total",
        {"promptTokenCount": 5, "candidatesTokenCount": 7, "thoughtsTokenCount": 3},
        (5, 10, None, None, 3),
    ),
    ("Mistral, chat", {"prompt_tokens": 16, "completion_tokens": 34, "total_tokens": 50}, (16, 34, None, None, None)),
    (
        "Cohere, chat v2: what was billed and what there was",
        {
            "billed_units": {"input_tokens": 5, "output_tokens": 418},
            "tokens": {"input_tokens": 71, "output_tokens": 418},
        },
        (71, 418, None, None, None),
    ),
    (
        "DeepSeek, chat",
        {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "prompt_cache_hit_tokens": 64,
            "prompt_cache_miss_tokens": 36,
            "completion_tokens_details": {"reasoning_tokens": 12},
        },
        (100, 20, 64, None, 12),
    ),
    (
        "xAI, chat: reasoning beside completion",
        {
            "prompt_tokens": 10120,
            "completion_tokens": 1499,
            "total_tokens": 14428,
            "prompt_tokens_details": {"cached_tokens": 128},
            "completion_tokens_details": {"reasoning_tokens": 2809},
        },
        (10120, 4308, 128, None, 2809),
    ),
    (
        "Ollama, chat",
        {"prompt_eval_count": 26, "eval_count": 290, "total_duration": 5191566416},
        (26, 290, None, None, None),
    ),
    (
        "LangChain, usage_metadata",
        {
            "input_tokens": 350,
            "output_tokens": 240,
            "total_tokens": 590,
            "input_token_details": {"audio": 10, "cache_creation": 200, "cache_read": 100},
            "output_token_details": {"audio": 10, "reasoning": 200},
        },
        (350, 240, 100, 200, 200, 10, 10),
    ),
    (
        "LiteLLM, Usage of Anthropic's: the prompt has the cached ones",
        {
            "prompt_tokens": 17111,
            "completion_tokens": 8,
            "total_tokens": 17119,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 17102,
        },
        (17111, 8, 17102, 0, None),
    ),
    (
        "Vercel AI SDK 5, usage",
        {"inputTokens": 50, "outputTokens": 9, "totalTokens": 59, "reasoningTokens": 4, "cachedInputTokens": 20},
        (50, 9, 20, None, 4),
    ),
    (
        "Vercel AI SDK 4, usage",
        {"promptTokens": 50, "completionTokens": 9, "totalTokens": 59},
        (50, 9, None, None, None),
    ),
    (
        "OpenTelemetry, GenAI conventions: the cached ones are part",
        {
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 180,
            "gen_ai.usage.cache_read.input_tokens": 50,
            "gen_ai.usage.cache_creation.input_tokens": 25,
            "gen_ai.usage.reasoning.output_tokens": 90,
        },
        (100, 180, 50, 25, 90),
    ),
    (
        "OpenInference",
        {
            "llm.token_count.prompt": 100,
            "llm.token_count.completion": 40,
            "llm.token_count.total": 140,
            "llm.token_count.prompt_details.cache_read": 30,
            "llm.token_count.completion_details.reasoning": 5,
        },
        (100, 40, 30, None, 5),
    ),
    (
        "our own names",
        {
            "input_tokens": 100,
            "output_tokens": 40,
            "cache_read_input_tokens": 30,
            "cache_write_input_tokens": 20,
            "reasoning_output_tokens": 5,
        },
        (100, 40, 30, 20, 5),
    ),
    (
        "an object of pydantic's",
        Usage(prompt_tokens=13, completion_tokens=5, total_tokens=18, prompt_tokens_details=Details(cached_tokens=4)),
        (13, 5, 4, None, None),
    ),
    ("a dataclass", Counted(), (7, 2, None, None, None)),
    (
        "numbers of JavaScript and pandas",
        {"input_tokens": 13.0, "output_tokens": np.float64(5)},
        (13, 5, None, None, None),
    ),
    ("numbers of numpy, and as text", {"input_tokens": np.int64(13), "output_tokens": "5"}, (13, 5, None, None, None)),
    ("nothing that is counted", {"requests": 1}, (None,) * 5),
]
FIELDS = (
    *("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens"),
    *("reasoning_output_tokens", "input_audio_tokens", "output_audio_tokens"),
)


@pytest.mark.parametrize(("usage", "expected"), [case[1:] for case in PROVIDERS], ids=[case[0] for case in PROVIDERS])
def test_counts_of_each_provider_are_ours(usage: Any, expected: tuple[int | None, ...]) -> None:
    assert token_counts(usage) == {
        field: count for field, count in zip(FIELDS, expected, strict=False) if count is not None
    }


@given(st.dictionaries(st.sampled_from([*FIELDS, "total_tokens"]), st.integers(0, 10**6)))
def test_no_part_is_larger_than_its_whole(usage: dict[str, int]) -> None:
    counts = token_counts(usage)
    cached = counts.get("cache_read_input_tokens", 0) + counts.get("cache_write_input_tokens", 0)
    assert cached <= counts.get("input_tokens", cached)
    reasoning = counts.get("reasoning_output_tokens", 0)
    assert reasoning <= counts.get("output_tokens", reasoning)
    assert counts.keys() == usage.keys() - {"total_tokens"}


@pytest.mark.parametrize("count", [-1, 1.5, "many", True, 1 << 63, float("nan"), object()])
def test_what_is_no_count_is_named_and_not_quoted(count: Any) -> None:
    with pytest.raises(NotAllowedError, match=r"^whole numbers, 0 or more$"):
        token_counts({"input_tokens": count})


@pytest.mark.parametrize("usage", [12, "13", [1, 2], None])
def test_what_has_no_counts_is_refused(usage: Any) -> None:
    with pytest.raises(NotAllowedError, match="token counts"):
        token_counts(usage)
