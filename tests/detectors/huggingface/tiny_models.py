"""Hugging Face models of one small layer, set by hand, so that a known word does what a test says.

Half of a token's hidden numbers say which word it is, half which words stand anywhere in the window: attention is the
same to every token, and what it brings goes from a word's own number to that of the window.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertForTokenClassification,
    PreTrainedTokenizerFast,
)

from watchline.detectors.huggingface.settings import ModelSettings

WORDS = ("idiot", "kill", "ignore", "tower", "aliens", "women", "granted")
_HALF = 8  # 0 is for every other word
_UNK, _CLS, _SEP = 1, 2, 3
_RESTING = 0.258  # what the layer norm makes of a 0 beside one 1 among 16

# For each label of the model: weights of words in the window (`*word`: of the token itself), and a bias.
Heads = Mapping[str, tuple[Mapping[str, float], float]]
TOXIC: Heads = {"threat": ({"kill": 20.0}, -8.0), "INSULT": ({"idiot": 20.0}, -8.0)}
INJECTION: Heads = {"SAFE": ({}, 0.0), "INJECTION": ({"ignore": 20.0}, -8.0)}
STEREOTYPE: Heads = {"neutral": ({}, 0.0), "biased": ({"women": 20.0}, -8.0), "very biased": ({}, -20.0)}
NLI: Heads = {
    "contradiction": ({"aliens": 20.0}, -8.0),
    "ENTAILMENT": ({"tower": 20.0, "aliens": -60.0}, -30.0),
    "neutral": ({}, 0.0),
}
SUPPORTED: Heads = {"LABEL_0": ({"tower": 20.0}, -8.0)}
TOKENS: Heads = {"LABEL_0": ({}, 0.0), "LABEL_1": ({"*aliens": 60.0, "granted": -150.0}, -120.0)}


def build(
    folder: Path, heads: Heads, *, tokens: bool = False, blanks: bool = False, max_tokens: int = 64, **config: Any
) -> Path:
    """Writes model and tokenizer into the folder; word by word, and what is no known word is unknown.

    With `blanks` a token begins with the blank before its word, as in byte-level tokenizers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = dict(enumerate(heads))
    kind = BertForTokenClassification if tokens else BertForSequenceClassification
    model = kind(
        BertConfig(
            vocab_size=4 + len(WORDS), hidden_size=2 * _HALF, num_hidden_layers=1, num_attention_heads=1,
            intermediate_size=2, max_position_embeddings=max_tokens, num_labels=len(heads), id2label=names,
            label2id={name: place for place, name in names.items()}, **config,
        )
    )  # fmt: skip
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(float("LayerNorm.weight" in name))
        _set(model, heads, tokens)
    model.save_pretrained(folder)
    words = [f"▁{word}" for word in WORDS] if blanks else WORDS
    vocabulary = {word: place for place, word in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if blanks:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Punctuation(), pre_tokenizers.Metaspace(prepend_scheme="never")]
        )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", _CLS), ("[SEP]", _SEP)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=max_tokens
    ).save_pretrained(folder)
    return folder


def _set(model: Any, heads: Heads, tokens: bool) -> None:
    bert = model.bert
    own = {word: place for place, word in enumerate(WORDS, 1)}
    bert.embeddings.word_embeddings.weight[: _SEP + 1, 0] = 1.0
    attention = bert.encoder.layer[0].attention
    scale = 20.0 if tokens else 200.0
    for place in own.values():
        bert.embeddings.word_embeddings.weight[_SEP + place, place] = 1.0
        attention.self.value.weight[_HALF + place, place] = scale
        attention.self.value.bias[_HALF + place] = scale * _RESTING
    attention.output.dense.weight.copy_(torch.eye(2 * _HALF))
    if not tokens:
        bert.pooler.dense.weight.copy_(torch.eye(2 * _HALF))
    for row, (weights, bias) in enumerate(heads.values()):
        model.classifier.bias[row] = bias
        for word, weight in weights.items():
            place = own[word[1:]] if word.startswith("*") else _HALF + own[word]
            model.classifier.weight[row, place] = weight


# What stands in for shipped detectors in the tests of the contract: detector, heads, whether token by token, settings.
STAND_INS: Mapping[str, tuple[str, Heads, bool, Mapping[str, Any]]] = {
    "toxicity by a multi-label classifier": (
        "toxicity",
        TOXIC,
        False,
        {"labels": {"violence": "threat", "hate": [], "sexual": [], "self_harm": [], "sexism": []}},
    ),
    "injection by a text classifier": ("injection", INJECTION, False, {"labels": {"indirect_injection": "INJECTION"}}),
    "bias by a text classifier": ("bias", STEREOTYPE, False, {"labels": {"stereotype": ["biased", "very biased"]}}),
    "groundedness by an NLI model": ("groundedness", NLI, False, {}),
    "groundedness by a cross-encoder": ("groundedness", SUPPORTED, False, {}),
    "groundedness by a token classifier": ("groundedness", TOKENS, True, {}),
    "relevance by a cross-encoder": ("relevance", SUPPORTED, False, {}),
}


def stand_in(name: str, folder: Path) -> tuple[str, ModelSettings]:
    """Builds one; the detector that it stands in for, and the settings that name it."""
    detector, heads, tokens, settings = STAND_INS[name]
    several = {"problem_type": "multi_label_classification"} if heads is TOXIC else {}
    return detector, ModelSettings(str(build(folder, heads, tokens=tokens, **several)), **settings)
