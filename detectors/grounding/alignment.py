"""Two texts word by word: each token of one beside what answers to it in the other, compared, then weighed together.

Decomposable attention (Parikh et al. 2016) over the lower layers of the shared encoder, which run on each text by
itself: so a passage that many sentences are held against goes through them once, and what is trained is small enough
for a CPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from watchline.detectors.runtime.encoder import DIMENSIONS, LowerStates
from watchline.detectors.runtime.packing import Packer, in_order

LOWER_LAYERS = 4  # of the encoder; above, a token says more of its text and less of itself
MAX_AGAINST = 200  # tokens of what a text is held against
_WIDTH = 256
_NOWHERE = -1e4

Pair = tuple[LowerStates, Sequence[LowerStates]]


@dataclass(frozen=True, slots=True)
class PairOutputs:
    """What the aligner says of a text held against others.

    Attributes
    ----------
    logits : (classes,)
    tokens : (n,)
        Log-odds that each token of the text is marked; [CLS] first, [SEP] last.
    offsets : (n, 2)
        The characters of each token.
    """

    logits: NDArray[np.float32]
    tokens: NDArray[np.float32]
    offsets: Sequence[tuple[int, int]]


class Aligner(nn.Module):
    """Aligns a text with what it is held against.

    Parameters
    ----------
    classes
        How many logits a pair gets.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(DIMENSIONS)
        self.query = nn.Linear(DIMENSIONS, DIMENSIONS, bias=False)
        self.key = nn.Linear(DIMENSIONS, DIMENSIONS, bias=False)
        for projection in (self.query, self.key):
            nn.init.eye_(projection.weight)  # like goes with like, before anything is learnt
        self.sharpness = nn.Parameter(torch.tensor(12.0))
        self.compare = nn.Linear(4 * DIMENSIONS + 2, _WIDTH)
        self.compose = nn.TransformerEncoderLayer(
            _WIDTH, 4, 2 * _WIDTH, dropout=0.1, activation="gelu", batch_first=True
        )
        self.dropout = nn.Dropout(0.1)
        self.marks = nn.Linear(_WIDTH, 1)
        self.classes = nn.Linear(2 * _WIDTH, classes)

    @classmethod
    def load(cls, tensors: Mapping[str, Tensor], device: str) -> Aligner:
        """From the tensors of `state_dict`, in whatever precision."""
        model = cls(len(tensors["classes.bias"]))
        model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        return model.to(device).eval()

    def forward(self, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
        """Logits (pairs, classes), and the tokens' log-odds (pairs, longest), padded on the right.

        Of the texts that one is held against, those that don't fit into `MAX_AGAINST` tokens are left out, the first
        aside: so the most important comes first.
        """
        own, is_own = _padded([text.states for text, _ in pairs])
        # [CLS] and [SEP] of the others would answer to everything.
        other, is_other = _padded(
            [torch.cat([passage.states[1:-1] for passage in _fitting(against)]) for _, against in pairs]
        )
        own, other = self.norm(own), self.norm(other)
        cosines = functional.normalize(self.query(own), dim=-1) @ functional.normalize(self.key(other), dim=-1).mT
        weights = torch.softmax((self.sharpness * cosines).masked_fill(~is_other[:, None], _NOWHERE), dim=-1)
        answer = weights @ other
        nearest = cosines.masked_fill(~is_other[:, None], -1.0).amax(-1, keepdim=True)
        weighted_cosine = (weights * cosines).sum(-1, keepdim=True)
        compared = torch.cat([own, answer, own - answer, own * answer, nearest, weighted_cosine], -1)
        hidden = functional.gelu(self.compare(self.dropout(compared)))
        hidden = self.compose(hidden, src_key_padding_mask=~is_own)
        spoken = is_own.clone()
        spoken[:, 0] = False
        mean = (hidden * spoken[..., None]).sum(1) / spoken.sum(1, keepdim=True).clamp(min=1)
        most = hidden.masked_fill(~spoken[..., None], _NOWHERE).amax(1)
        return self.classes(self.dropout(torch.cat([mean, most], -1))), self.marks(hidden).squeeze(-1)

    @torch.inference_mode()
    def judge(self, pairs: Sequence[Pair], packer: Packer) -> list[PairOutputs]:
        """One for each pair, in order, within 1e-4 (fp32) whatever it is batched with."""
        order, packs = packer.run(pairs, _length, self)
        logits = in_order(order, (row.cpu().numpy() for pack, _ in packs for row in pack))
        marks = in_order(order, (row.cpu().numpy() for _, pack in packs for row in pack))
        return [
            PairOutputs(logits[place], marks[place][: len(text.offsets)], text.offsets)
            for place, (text, _) in enumerate(pairs)
        ]


def _padded(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """(rows, longest, 384), and which of it is there: (rows, longest)."""
    padded = nn.utils.rnn.pad_sequence([row.float() for row in rows], batch_first=True)
    lengths = torch.tensor([[len(row)] for row in rows], device=padded.device)
    return padded, torch.arange(padded.shape[1], device=padded.device) < lengths


def _fitting(against: Sequence[LowerStates]) -> Sequence[LowerStates]:
    lengths = np.cumsum([len(passage.states) for passage in against])
    return against[: max(int(np.searchsorted(lengths, MAX_AGAINST, side="right")), 1)]


def _length(pair: Pair) -> int:
    text, against = pair
    return len(text.states) + sum(len(passage.states) for passage in _fitting(against))
