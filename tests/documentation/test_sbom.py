"""`make sbom`: what is installed and the models, valid by CycloneDX's own schema."""

from __future__ import annotations

import hashlib
import json
import runpy
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def script() -> dict[str, Any]:
    """Its names. Not as the tests are collected: each process of them would load CycloneDX's validator."""
    return runpy.run_path(str(ROOT / ".ci" / "sbom.py"))


@pytest.mark.slow
def test_it_names_every_package_and_every_model(tmp_path: Path) -> None:
    path = tmp_path / "sbom.json"
    assert script()["main"](str(path)) == 0  # which it isn't where CycloneDX's validator finds anything
    text = path.read_text(encoding="utf-8")
    assert "file:" not in text
    bom = json.loads(text)
    assert bom["metadata"]["component"]["name"] == "watchline"
    named = {canonicalize_name(component["name"]) for component in bom["components"]} | {"watchline"}
    assert {canonicalize_name(found.name) for found in distributions()} <= named
    hashes = {
        component["name"]: component["hashes"][0]["content"]
        for component in bom["components"]
        if component["type"] == "machine-learning-model"
    }
    weights = ROOT / "detectors" / "weights"
    assert hashes == {
        str(file.relative_to(weights)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in weights.rglob("*.safetensors")
    }
    assert "torch" in named and len(hashes) > 5


def test_one_that_is_not_valid_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = script()["main"]
    main.__globals__["packages"] = lambda: {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}
    main.__globals__["models"] = lambda: [{"type": "no such type", "bom-ref": "a", "name": "a"}]
    assert main(str(tmp_path / "sbom.json")) == 1
    assert "not valid by CycloneDX 1.6" in capsys.readouterr().err
    assert not (tmp_path / "sbom.json").exists()
