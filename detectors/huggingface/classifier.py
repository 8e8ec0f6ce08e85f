"""A Hugging Face classifier: texts in, probabilities of a detector's labels out, whatever the model calls its own.

Weights come from safetensors, never from a pickle, and code that comes with a model is never run: either could do
anything on this machine. What is too long for the model is read in windows that overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)
from transformers.utils.logging import disable_progress_bar

from watchline.detectors.base import digest
from watchline.detectors.declarations import DETECTORS, Task
from watchline.detectors.huggingface.settings import ModelSettings
from watchline.detectors.runtime.calibration import Numbers
from watchline.detectors.runtime.packing import Packer, padded, readable
from watchline.detectors.runtime.plan import Passes
from watchline.schemas.errors import ConfigurationError

_MAX_TOKENS = 4096  # by default: as long as LettuceDetect's training
_TOKENISED_AT_ONCE = 512  # texts or pairs
_FILES = (".json", ".model", ".safetensors", ".txt")  # of a folder, that make the model what it is
_ARCHITECTURES = {"ForTokenClassification": "token", "ForSequenceClassification": "sequence"}


class Classifier:
    """One model and how its output is read. Deterministic; what a text is batched with changes 1e-4 at most (fp32).

    Not for two threads at once.

    Parameters
    ----------
    detector
        Whose labels it gives.
    labels
        The detector's.
    settings
        Which model; see `ModelSettings`.
    device
        `cpu`, `cuda`, `cuda:N`; by default CUDA where there is one. bf16 on CUDA, else fp32.

    Attributes
    ----------
    task : str
        What the model reads: `sequence`, `pair` or `token`.
    max_tokens : int
        Of one window, special tokens included.
    version : str
        Hash of the model (a folder's files, or id and commit) and of how its output is read.

    Raises
    ------
    ConfigurationError
        A setting is wrong, or the model can't be loaded; names the setting and what is allowed.
    """

    def __init__(
        self, detector: str, labels: Sequence[str], settings: ModelSettings, device: str | None = None
    ) -> None:
        self._where = f"models.{detector}"
        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        disable_progress_bar()  # it writes into whatever the worker shows
        folder = Path(settings.model).expanduser()
        if not folder.is_dir() and (settings.model.startswith((".", "/", "~")) or settings.model.count("/") > 1):
            raise self._wrong("model", f"no folder {settings.model}")
        source = folder if folder.is_dir() else settings.model
        config = self._loaded(AutoConfig, source, settings.revision)
        # All from one commit, whatever happens to a branch in between.
        commit = None if folder.is_dir() else getattr(config, "_commit_hash", None) or settings.revision
        self.task = self._task(detector, settings.task, config)
        self._tokenizer = self._loaded(AutoTokenizer, source, commit)
        if not self._tokenizer.is_fast or self._tokenizer.pad_token_id is None:
            raise self._wrong("model", f"{settings.model} has no fast tokenizer with a padding token")
        kind = AutoModelForTokenClassification if self.task == "token" else AutoModelForSequenceClassification
        model, loading = self._loaded(kind, source, commit, use_safetensors=True, output_loading_info=True)
        if loading["missing_keys"] or loading["mismatched_keys"]:
            lacking = ", ".join(map(str, sorted(loading["missing_keys"] or loading["mismatched_keys"])[:3]))
            raise self._wrong("model", f"{settings.model} has no weights for {lacking}: it is not trained for this")
        dtype = torch.bfloat16 if self._device.startswith("cuda") else torch.float32
        self._model = model.to(dtype).to(self._device).eval()
        self._packer = Packer(self._device)
        self.max_tokens = self._max_tokens(settings.max_tokens, config)
        self._sigmoid = self._is_sigmoid(settings.activation, config)
        names = [str(config.id2label[place]) for place in range(config.num_labels)]
        self._sums, self._offsets = self._weights(labels, names, settings)
        files = sorted(path for path in folder.glob("*") if path.suffix in _FILES) if folder.is_dir() else []
        how = (self.task, self.max_tokens, self._sigmoid, self._sums.tolist(), self._offsets.tolist())
        self.version = digest(files, "" if files else f"{settings.model}@{commit}", repr(how))

    @property
    def passes(self) -> Passes:
        """What has gone through it."""
        return self._packer.passes

    def fit(self, texts: Sequence[str]) -> list[str]:
        """The texts as far as half a window holds them: what is second in a pair stays whole in every window."""
        if not texts:
            return []
        limit = self.max_tokens // 2
        encoded = self._tokenizer(
            [readable(text) for text in texts],
            add_special_tokens=False, truncation=True, max_length=limit, return_offsets_mapping=True,
        )  # fmt: skip
        return [
            text[: offsets[-1][1]] if len(offsets) == limit else text
            for text, offsets in zip(texts, encoded["offset_mapping"], strict=True)
        ]

    def scores(self, first: Sequence[str], second: Sequence[str] | None = None) -> Numbers:
        """The probabilities of the detector's labels for each text or pair: (len(first), labels).

        Of a text in several windows the highest: anything bad in it is found. Of a pair whose first text is in several
        windows the lowest, since a detector's label says what is wrong: one that supports is enough. The second texts
        must be of `fit`.
        """
        out = np.full((len(first), len(self._offsets)), 0.0 if second is None else 1.0)
        merge = np.maximum if second is None else np.minimum
        for start in range(0, len(first), _TOKENISED_AT_ONCE):
            encoded = self._tokenised(first, second, start)
            order, packs = self._run(encoded)
            owners = np.array(encoded["overflow_to_sample_mapping"])[order] + start
            merge.at(out, owners, self._ours(torch.cat(packs).cpu().numpy()))
        return out

    def token_scores(self, first: Sequence[str], second: Sequence[str]) -> list[tuple[list[tuple[int, int]], Numbers]]:
        """For each pair the tokens of its second text: start and end of each, and (tokens, labels) probabilities.

        Where the first text is in several windows a token has the lowest, as in `scores`.
        """
        out: list[tuple[list[tuple[int, int]], Numbers]] = []
        for start in range(0, len(first), _TOKENISED_AT_ONCE):
            encoded = self._tokenised(first, second, start)
            order, packs = self._run(encoded)
            rows = dict(zip(order, (row for pack in packs for row in pack.cpu().numpy()), strict=True))
            for place, owner in enumerate(encoded["overflow_to_sample_mapping"]):
                tokens = [token for token, part in enumerate(encoded.sequence_ids(place)) if part == 1]
                ours = self._ours(rows[place][tokens])
                if start + owner == len(out):
                    offsets = encoded["offset_mapping"][place]
                    out.append(([offsets[token] for token in tokens], ours))
                else:
                    np.minimum(out[-1][1], ours, out=out[-1][1])
        return out

    def _tokenised(self, first: Sequence[str], second: Sequence[str] | None, start: int) -> Any:
        piece = slice(start, start + _TOKENISED_AT_ONCE)
        return self._tokenizer(
            [readable(text) for text in first[piece]],
            None if second is None else [readable(text) for text in second[piece]],
            truncation="only_first", max_length=self.max_tokens, stride=self.max_tokens // 8,
            return_overflowing_tokens=True, return_offsets_mapping=self.task == "token",
        )  # fmt: skip

    def _run(self, encoded: Any) -> tuple[list[int], list[torch.Tensor]]:
        names = [name for name in self._tokenizer.model_input_names if name in encoded]
        rows = [{name: encoded[name][place] for name in names} for place in range(len(encoded["input_ids"]))]
        with torch.inference_mode():
            return self._packer.run(rows, lambda row: len(row["input_ids"]), self._probabilities)

    def _probabilities(self, rows: list[dict[str, list[int]]]) -> torch.Tensor:
        fill = {"input_ids": self._tokenizer.pad_token_id, "token_type_ids": self._tokenizer.pad_token_type_id}
        inputs = {name: padded([row[name] for row in rows], fill.get(name, 0), self._device) for name in rows[0]}
        logits = self._model(**inputs).logits.float()
        return torch.sigmoid(logits) if self._sigmoid else torch.softmax(logits, -1)

    def _ours(self, probabilities: Numbers) -> Numbers:
        """From the model's labels to the detector's: (n, model's) to (n, detector's)."""
        return np.clip(probabilities.astype(np.float64) @ self._sums + self._offsets, 0.0, 1.0)

    def _loaded(self, kind: Any, source: Path | str, revision: str | None, **options: Any) -> Any:
        try:
            return kind.from_pretrained(source, revision=revision, trust_remote_code=False, **options)
        except Exception as error:  # of any class: what the hub, the format or the model's own class raises
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise self._wrong("model", f"{source} cannot be loaded: {reason}") from error

    def _task(self, detector: str, wanted: Task | None, config: Any) -> Task:
        allowed = DETECTORS[detector].tasks
        architecture = next(iter(config.architectures or ()), "")
        built: str = next((task for end, task in _ARCHITECTURES.items() if architecture.endswith(end)), "")
        if built == "sequence" and "pair" in allowed:
            built = "pair"  # the same head, on two texts
        if wanted and built and (wanted == "token") != (built == "token"):
            raise self._wrong("task", f"is {wanted!r}; the model is a {architecture}")
        task = wanted or built
        for candidate in allowed:
            if candidate == task:
                return candidate
        said = f"{task!r}" if task else f"not said by its architecture ({architecture or 'none'})"
        raise self._wrong("task", f"is {said}; {detector} takes {' or '.join(allowed) or 'none'}")

    def _max_tokens(self, wanted: int | None, config: Any) -> int:
        positions = getattr(config, "max_position_embeddings", None)
        limit = self._tokenizer.model_max_length
        if limit > 1_000_000:  # how transformers say that nothing says it
            limit = positions - 2 if positions else 512  # some models count positions from 2
        limit = min(limit, positions or limit)
        if wanted is not None and not 16 <= wanted <= limit:
            raise self._wrong("max_tokens", f"is {wanted}; the model takes 16 to {limit}")
        return wanted or min(limit, _MAX_TOKENS)

    def _is_sigmoid(self, wanted: str | None, config: Any) -> bool:
        several = config.problem_type == "multi_label_classification"
        if wanted == "softmax" and config.num_labels == 1:
            raise self._wrong("activation", "the softmax of one label is always 1; allowed: sigmoid")
        return wanted == "sigmoid" if wanted else several or config.num_labels == 1

    def _weights(self, labels: Sequence[str], names: Sequence[str], settings: ModelSettings) -> tuple[Numbers, Numbers]:
        """What turns the model's probabilities into the detector's: (names, labels) to multiply, (labels,) to add."""
        if unknown := [label for label in settings.labels if label not in labels]:
            raise self._wrong("labels", f"no label {unknown[0]!r}; the detector has {', '.join(labels)}")
        sums, offsets = np.zeros((len(names), len(labels))), np.zeros(len(labels))
        places = {name.lower(): place for place, name in enumerate(names)}
        for column, label in enumerate(labels):
            wanted = settings.labels.get(label)
            if wanted is None:
                wanted = self._worked_out(label, names)
            for name in [wanted] if isinstance(wanted, str) else wanted:
                plain = name.lower()
                negative = plain not in places and plain.startswith("not ")
                if (place := places.get(plain.removeprefix("not ") if negative else plain)) is None:
                    raise self._wrong("labels", f"{label}: no label {name!r}; the model has {', '.join(names)}")
                sums[place, column] += -1.0 if negative else 1.0
                offsets[column] += negative
        return sums, offsets

    def _worked_out(self, label: str, names: Sequence[str]) -> str:
        plain = {name.lower(): name for name in names}
        if label in plain:
            return plain[label]
        if self.task == "pair" and len(names) == 1:
            return f"not {names[0]}"  # a cross-encoder's one score says how well the pair goes together
        if label == "unsupported" and self.task == "pair" and "entailment" in plain:
            return f"not {plain['entailment']}"
        if self.task == "token" and len(names) == 2:
            return names[1]
        raise self._wrong("labels", f"say what stands for {label}, [] for nothing; the model has {', '.join(names)}")

    def _wrong(self, setting: str, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self._where}.{setting}: {what}")
