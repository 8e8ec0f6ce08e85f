"""Token counts of any provider to ours: the cached ones are a part of the input, the reasoning ones of the output."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain, combinations
from typing import Any

from watchline.streams.producer.plain import plain
from watchline.streams.producer.reading import NotAllowedError

# Names of a count, in small letters with underscores, the names of maps around it before a dot. Ours first; then
# OpenAI's chat and responses, Anthropic's, Bedrock's, Gemini's, Mistral's, Cohere's, DeepSeek's, Ollama's, those of
# LangChain, Langfuse, LiteLLM, OpenRouter and Vercel's AI SDK, OpenTelemetry's and OpenInference's.
_NAMES = {
    "input_tokens": (
        *("input_tokens", "prompt_tokens", "prompt_token_count", "prompt_eval_count", "tokens.input_tokens"),
        *("billed_units.input_tokens", "prompt", "input"),
    ),
    "output_tokens": (
        *("output_tokens", "completion_tokens", "candidates_token_count", "response_token_count", "eval_count"),
        *("tokens.output_tokens", "billed_units.output_tokens", "completion", "output"),
    ),
    "cache_read_input_tokens": (
        *("cache_read_input_tokens", "prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens"),
        *("cached_content_token_count", "prompt_cache_hit_tokens", "input_token_details.cache_read"),
        *(
            "cached_input_tokens",
            "input_cached_tokens",
            "input_token_details.cache_read_tokens",
            "cache_read.input_tokens",
        ),
        "prompt_details.cache_read",
    ),
    "cache_write_input_tokens": (
        *("cache_write_input_tokens", "cache_creation_input_tokens", "input_token_details.cache_creation"),
        *("prompt_tokens_details.cache_write_tokens", "input_token_details.cache_write_tokens"),
        *("cache_creation.input_tokens", "prompt_details.cache_write"),
    ),
    "input_audio_tokens": (
        *("input_audio_tokens", "prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens"),
        *("input_token_details.audio_tokens", "input_token_details.audio", "prompt_details.audio"),
    ),
    "output_audio_tokens": (
        *("output_audio_tokens", "completion_tokens_details.audio_tokens", "output_tokens_details.audio_tokens"),
        *("output_token_details.audio_tokens", "output_token_details.audio", "completion_details.audio"),
    ),
    "reasoning_output_tokens": (
        *("reasoning_output_tokens", "completion_tokens_details.reasoning_tokens"),
        *("output_tokens_details.reasoning_tokens", "thoughts_token_count", "output_token_details.reasoning"),
        *("reasoning_tokens", "output_token_details.reasoning_tokens", "reasoning.output_tokens"),
        "output_tokens_details.thinking_tokens",
        "completion_details.reasoning",
    ),
}
_TOTAL = ("total_tokens", "total_token_count", "total")
_TOOL_PROMPT = "tool_use_prompt_token_count"  # of Gemini, which counts it beside the prompt
_READ = frozenset([*chain.from_iterable(_NAMES.values()), *_TOTAL, _TOOL_PROMPT])
_AROUND = re.compile(r"^(?:(?:gen_)?ai\.usage|llm\.(?:usage|token_count)|usage(?:_metadata)?|token_usage)\.")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def token_counts(usage: Any, unreadable: dict[str, str] | None = None) -> dict[str, int]:
    """The counts that an Interaction has, of a provider's usage; what else it holds is left out.

    Whether a provider counts cached and reasoning tokens apart from input and output shows in its total; where it gives
    none, Anthropic's and Gemini's names say so, and no part is larger than the whole.

    Parameters
    ----------
    usage
        A map or an object with fields, nested or not.
    unreadable
        Takes the counts that aren't whole numbers, 0 or more, with their types.

    Raises
    ------
    NotAllowedError
        It is neither; or, without `unreadable`, one of the counts can't be read.
    Exception
        What the object's own code raises.

    Examples
    --------
    >>> token_counts({"prompt_tokens": 13, "completion_tokens": 5, "total_tokens": 18})
    {'input_tokens': 13, 'output_tokens': 5}
    >>> token_counts({"input_tokens": 9, "cache_read_input_tokens": 17102, "output_tokens": 8})
    {'input_tokens': 17111, 'output_tokens': 8, 'cache_read_input_tokens': 17102}
    """
    fields = plain(usage)
    if not isinstance(fields, Mapping):
        raise NotAllowedError("a dict or an object with token counts")
    given: dict[str, int] = {}
    for name, value in _flat(fields):
        if name in _READ:
            try:
                given[name] = _count(value)
            except NotAllowedError:
                if unreadable is None:
                    raise
                unreadable[f"usage.{name}"] = type(value).__name__
    counts = {field: count for field, names in _NAMES.items() if (count := _first(given, names)) is not None}
    return _with_parts(counts, given)


def _with_parts(counts: dict[str, int], given: Mapping[str, int]) -> dict[str, int]:
    """The counts with those parts added to input and output that the provider counts beside them."""
    read, write = counts.get("cache_read_input_tokens", 0), counts.get("cache_write_input_tokens", 0)
    cached, reasoning = read + write, counts.get("reasoning_output_tokens", 0)
    tools = given.get(_TOOL_PROMPT, 0)
    total = _first(given, _TOTAL)
    whole = counts.get("input_tokens", 0) + counts.get("output_tokens", 0)
    parts = {"cached": cached, "reasoning": reasoning, "tools": tools}
    chosen = [
        apart
        for size in range(len(parts) + 1)
        for apart in combinations(parts, size)
        if total is not None and whole + sum(parts[name] for name in apart) == total
    ]
    too_large = {
        "cached": cached > counts.get("input_tokens", cached),
        "reasoning": reasoning > counts.get("output_tokens", reasoning),
    }
    if chosen:
        apart = {*chosen[0], *(name for name in too_large if too_large[name])}  # whatever the total says
    else:
        is_anthropic = "input_tokens" in given and "cache_creation_input_tokens" in given
        beside = {
            "cached": is_anthropic or too_large["cached"],
            "reasoning": "thoughts_token_count" in given or too_large["reasoning"],
            "tools": True,
        }
        apart = {name for name in parts if beside[name]}
    for field, name in (("input_tokens", "cached"), ("input_tokens", "tools"), ("output_tokens", "reasoning")):
        if field in counts and name in apart:
            counts[field] += parts[name]
    return counts


def _first(given: Mapping[str, int], names: tuple[str, ...]) -> int | None:
    return next((given[name] for name in names if name in given), None)


def _flat(fields: Mapping[Any, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        path = f"{before}{_CAMEL.sub('_', str(name)).lower()}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}.")
        elif value is not None:
            yield _AROUND.sub("", path), value


def _count(value: Any) -> int:
    """A whole number, however it is written: 13, 13.0, "13"."""
    try:
        count = value if isinstance(value, int) else int(number) if (number := float(value)).is_integer() else -1
    except (TypeError, ValueError, OverflowError):
        count = -1
    if isinstance(value, bool) or not 0 <= count < 1 << 63:
        raise NotAllowedError("whole numbers, 0 or more")
    return count
