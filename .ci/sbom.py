"""The software bill of materials, in CycloneDX: `make sbom` writes what is installed, and the detectors' weights.

Packages come from cyclonedx-py, which looks at the environment that this runs in; the weights are added as models.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "detectors" / "weights"
SPEC = SchemaVersion.V1_6


def main(path: str) -> int:
    """Writes it to a file, valid by CycloneDX's schema; returns the exit code."""
    bom = packages()
    bom["components"] = sorted([*bom["components"], *models()], key=lambda component: str(component["bom-ref"]))
    text = json.dumps(bom, indent=2, ensure_ascii=False) + "\n"
    if invalid := JsonStrictValidator(SPEC).validate_str(text):
        print(f"not valid by CycloneDX {SPEC.to_version()}: {invalid}", file=sys.stderr)
        return 1
    Path(path).write_text(text, encoding="utf-8")
    print(f"{path}: {len(bom['components'])} components, CycloneDX {SPEC.to_version()}")
    return 0


def packages() -> dict[str, Any]:
    """What is installed in the environment that runs this, each with version, licence and what it needs."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", sys.executable, "--spec-version", SPEC.to_version()]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--short-PURLs", "--output-reproducible"]
    command += ["--no-validate"]  # `main` does, once the models are in it
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    found: dict[str, Any] = json.loads(done.stdout)
    for component in found["components"]:  # a folder of this machine leads nobody to it
        links = component.pop("externalReferences", [])
        if public := [link for link in links if not link["url"].startswith("file:")]:
            component["externalReferences"] = public
    return found


def models() -> list[dict[str, Any]]:
    """The weights that `watchline-models` holds, by their hashes."""
    project = tomllib.loads((WEIGHTS / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [
        {
            "type": "machine-learning-model",
            "bom-ref": f"{project['name']}/{path.relative_to(WEIGHTS)}",
            "group": project["name"],
            "name": str(path.relative_to(WEIGHTS)),
            "version": project["version"],
            "licenses": [{"license": {"id": project["license"]}}],
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
        }
        for path in sorted(WEIGHTS.glob("*/*.safetensors"))
    ]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
