"""A text through the upper layers of the shared encoder, fine-tuned to tell what harm is in it, and in which words.

The two lowest layers are those that embedding runs anyway. Layers 3 to 6 and the heads are trained for all labels at
once (multi-task learning, Caruana 1997; hard sharing below, as in MT-DNN, Liu et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from watchline.detectors.base import Embeddings
from watchline.detectors.harm.blend import OUTPUTS
from watchline.detectors.runtime.cache import TextCache
from watchline.detectors.runtime.encoder import DIMENSIONS, LowerStates
from watchline.detectors.runtime.packing import Packer, in_order
from watchline.detectors.runtime.plan import Passes
from watchline.detectors.runtime.weights import weights_folder

WEIGHTS = weights_folder("multitask") / "model.safetensors"
LOWER_LAYERS = 2  # of the encoder
_LAYERS = 4
_HEADS = 12
_AT_ONCE = 256  # texts; what the lower layers make of them takes some 15 MB
_CACHE_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class TextOutputs:
    """What the multitask model says of a text.

    Attributes
    ----------
    outputs : (OUTPUTS,)
        Log-odds of labels and experts, logits of registers, none calibrated: see `blend`.
    tokens : (n,)
        Log-odds that each token is part of what is toxic; [CLS] first, [SEP] last.
    offsets : (n, 2)
        The characters of each token.
    """

    outputs: NDArray[np.float32]
    tokens: NDArray[np.float32]
    offsets: Sequence[tuple[int, int]]


class MultitaskLayers(nn.Module):
    """The layers of the model with its heads; with the encoder's weights in them its layers are the encoder's."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                DIMENSIONS, _HEADS, 4 * DIMENSIONS, activation="gelu", layer_norm_eps=1e-12, batch_first=True
            )
            for _ in range(_LAYERS)
        )
        self.dropout = nn.Dropout(0.1)
        self.outputs = nn.Linear(2 * DIMENSIONS, OUTPUTS)
        self.marks = nn.Linear(DIMENSIONS, 1)

    @classmethod
    def load(cls, tensors: Mapping[str, Tensor], device: str) -> MultitaskLayers:
        """From what `quantised` gives."""
        model = cls()
        state = {
            name: tensors[name].float() * tensors.get(f"{name}.scale", torch.ones(1)) for name in model.state_dict()
        }
        model.load_state_dict(state)
        return model.to(device).eval()

    def quantised(self) -> dict[str, Tensor]:
        """Its weights to be stored: matrices of the layers in int8, a scale for each row; all else in float16."""
        tensors: dict[str, Tensor] = {}
        for name, tensor in self.state_dict().items():
            if name.startswith("layers.") and tensor.ndim == 2:
                scale = tensor.abs().amax(1, keepdim=True).cpu() / 127
                tensors |= {name: (tensor.cpu() / scale).round().to(torch.int8), f"{name}.scale": scale}
            else:
                tensors[name] = tensor.to("cpu", torch.float16).contiguous()
        return tensors

    def forward(self, texts: Sequence[LowerStates]) -> tuple[Tensor, Tensor]:
        """What is said of the texts (texts, OUTPUTS), and of the tokens (texts, longest), padded on the right."""
        hidden = nn.utils.rnn.pad_sequence([text.states.float() for text in texts], batch_first=True)
        lengths = torch.tensor([len(text.states) for text in texts], device=hidden.device)[:, None]
        there = torch.arange(hidden.shape[1], device=hidden.device) < lengths
        for layer in self.layers:
            hidden = layer(hidden, src_key_padding_mask=~there)
        mean = (hidden * there[..., None]).sum(1) / lengths
        pooled = self.dropout(torch.cat([hidden[:, 0], mean], 1))
        return self.outputs(pooled), self.marks(self.dropout(hidden)).squeeze(-1)


class MultitaskModel:
    """Judges texts, and remembers what it made of them. Not for two threads at once.

    Parameters
    ----------
    path
        Weights as safetensors.
    cache_bytes
        Room for what was made of texts seen before.
    """

    def __init__(self, path: Path = WEIGHTS, cache_bytes: int = _CACHE_BYTES) -> None:
        self._tensors = load_file(path)
        self._loaded: tuple[MultitaskLayers, Packer] | None = None
        self._kept = TextCache[TextOutputs](cache_bytes, lambda judged: 400 + 140 * len(judged.tokens))

    def judge(self, texts: Sequence[str], embeddings: Embeddings) -> list[TextOutputs]:
        """One for each text, in order, within 1e-4 (fp32) whatever it is batched with; reads `embeddings.lower`."""
        keys, known, missing = self._kept.look_up(texts)
        unknown = list(missing.items())
        for start in range(0, len(unknown), _AT_ONCE):
            batch = unknown[start : start + _AT_ONCE]
            lower = embeddings.lower([text for _, text in batch], LOWER_LAYERS)
            for (key, _), judged in zip(batch, judge(*self._model(lower), lower), strict=True):
                known[key] = judged
                self._kept.keep(key, judged)
        return [known[key] for key in keys]

    @property
    def passes(self) -> Passes:
        """What has gone through it."""
        return self._loaded[1].passes if self._loaded else Passes()

    def _model(self, lower: Sequence[LowerStates]) -> tuple[MultitaskLayers, Packer]:
        if self._loaded is None:
            device = str(lower[0].states.device)
            self._loaded = MultitaskLayers.load(self._tensors, device), Packer(device)
        return self._loaded


@cache
def shipped() -> MultitaskModel:
    """The multitask model with the shipped weights: one for all detectors, which read the same windows."""
    return MultitaskModel()


@torch.inference_mode()
def judge(model: MultitaskLayers, packer: Packer, lower: Sequence[LowerStates]) -> list[TextOutputs]:
    """What the layers make of texts, in order."""
    order, packs = packer.run(lower, lambda text: len(text.states), model)
    odds = in_order(order, (row.cpu().numpy() for pack, _ in packs for row in pack))
    marks = in_order(order, (row.cpu().numpy() for _, pack in packs for row in pack))
    return [
        TextOutputs(odds[place].copy(), marks[place][: len(text.offsets)].copy(), text.offsets)
        for place, text in enumerate(lower)
    ]
