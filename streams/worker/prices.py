"""What a call costs, by its model and its token counts, where the app doesn't say.

The table is the part for text of LiteLLM's `model_prices_and_context_window.json` (MIT licence), as of `DATE`, in its
own form: US dollars a token, by the names that providers give their models. `WATCHLINE_PRICES` names another file of
that form, whose entries win over the shipped ones. Which table a cost is by is stored beside it: a price of today says
nothing of last year's bill.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import Interaction

SHIPPED = Path(__file__).with_name("prices.json")
SOURCE, DATE = "litellm-1.110.2", "2026-11-29"
# OpenTelemetry's gen_ai.provider.name and the names that apps have, to the table's.
_PROVIDERS = {
    **dict.fromkeys(("azure.ai.openai", "az.ai.openai", "azure_openai", "azure"), "azure"),
    **dict.fromkeys(("mistral_ai", "mistral"), "mistral"),
    **dict.fromkeys(("x_ai", "xai", "grok"), "xai"),
    **dict.fromkeys(("gcp.gemini", "gemini", "google", "google_genai"), "gemini"),
    **dict.fromkeys(("gcp.vertex_ai", "vertex_ai", "vertexai"), "vertex_ai"),
    **dict.fromkeys(("together", "together_ai"), "together_ai"),
    **dict.fromkeys(("fireworks", "fireworks_ai"), "fireworks_ai"),
    **{name: name for name in ("deepseek", "groq", "perplexity", "cohere", "openai", "anthropic", "bedrock")},
}
Tiers = Mapping[str, Sequence[tuple[int, Any]]]

_PREFIX = re.compile(r"^(?:models/|publishers/[\w.-]+/models/)")
_ABOVE = re.compile(r"(.+)_above_(\d+)k_tokens")


class Prices:
    """Prices of models, by name.

    Parameters
    ----------
    file
        A file in LiteLLM's form, whose entries win over the shipped ones.

    Attributes
    ----------
    version : str
        What is stored beside a cost: the source and date of the shipped table, and of the file a hash.

    Raises
    ------
    ConfigurationError
        The file can't be read, or isn't of that form.

    Examples
    --------
    >>> counts = {"input_tokens": 2006, "cache_read_input_tokens": 1920, "output_tokens": 300}
    >>> event = Interaction(event_id="e-1", time=0, app="shop", request_model="gpt-4o", **counts)
    >>> round(Prices().cost(event), 6)
    0.005615
    """

    def __init__(self, file: Path | None = None) -> None:
        self._models: dict[str, Mapping[str, Any]] = json.loads(SHIPPED.read_bytes())
        self._tiers: dict[str, Tiers] = {}  # of the models that were asked for
        self.version = f"{SOURCE} {DATE}"
        if file is not None:
            data, own = _read(file)
            self._models |= own
            self.version += f" + {hashlib.sha256(data).hexdigest()[:12]}"

    def cost(self, interaction: Interaction) -> float | None:
        """In US dollars; None where the model or a count that it is charged for is unknown.

        Cached and reasoning tokens are parts of input and output, each at a price of its own where the model has one.
        """
        name = next((name for name in _names(interaction) if name in self._models), None)
        if name is None:
            return None
        if name not in self._tiers:
            self._tiers[name] = _tiers(self._models[name])
        price = self._tiers[name]
        length = interaction.input_tokens or 0
        given = (interaction.input_tokens, interaction.output_tokens)
        sides = [_rate(price, f"{side}_cost_per_token", length) for side in ("input", "output")]
        if any(count is None and rate for count, rate in zip(given, sides, strict=True)) or not any(sides):
            return None
        parts = (
            (0, interaction.cache_read_input_tokens, "cache_read_input_token_cost"),
            (0, interaction.cache_write_input_tokens, "cache_creation_input_token_cost"),
            (0, interaction.input_audio_tokens, "input_cost_per_audio_token"),
            (1, interaction.reasoning_output_tokens, "output_cost_per_reasoning_token"),
            (1, interaction.output_audio_tokens, "output_cost_per_audio_token"),
        )
        left = [count or 0 for count in given]
        total = 0.0
        for side, count, key in parts:
            rate = _rate(price, key, length)
            if count and rate is not None:
                part = min(count, left[side])
                left[side] -= part
                total += part * rate
        return total + sum(count * (rate or 0.0) for count, rate in zip(left, sides, strict=True))


def _names(interaction: Interaction) -> Iterator[str]:
    """Under which names the model may stand in the table, the surest first."""
    provider = (interaction.provider or "").lower()
    prefix = _PROVIDERS.get(provider, "")
    for model in filter(None, (interaction.response_model, interaction.request_model)):
        name = _PREFIX.sub("", model)
        if prefix:
            yield f"{prefix}/{name}"
        yield name
        if not prefix and provider in ("aws.bedrock", "amazon_bedrock") and "/" in name:  # the ARN of a profile
            yield name.rpartition("/")[2]


def _tiers(entry: Mapping[str, Any]) -> Tiers:
    """A model's prices of a token, by what they are for: from which length of the input on each holds, ascending."""
    tiers: dict[str, list[tuple[int, Any]]] = {}
    for name, rate in entry.items():
        match = _ABOVE.fullmatch(name)
        above = int(match[2]) * 1000 if match else -1
        tiers.setdefault(match[1] if match else name, []).append((above, rate))
    return {key: sorted(rates, key=lambda tier: tier[0]) for key, rates in tiers.items()}


def _rate(tiers: Tiers, key: str, length: int) -> float | None:
    """A price of a token, in an input of so many tokens."""
    rate = next((rate for above, rate in reversed(tiers.get(key, ())) if above < length), None)
    return rate if isinstance(rate, int | float) else None


def _read(file: Path) -> tuple[bytes, dict[str, Mapping[str, Any]]]:
    try:
        data = file.read_bytes()
        table = json.loads(data)
    except OSError as error:
        raise ConfigurationError(f"prices: {file}: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(f"prices: {file}: not JSON") from None
    if not isinstance(table, dict) or not all(isinstance(entry, dict) for entry in table.values()):
        raise ConfigurationError(f"prices: {file}: not of LiteLLM's form, an object with an object for each model")
    return data, table
