"""`python -m watchline.schemas.generate` writes the generated files; `make generate` does that and the samples too."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from watchline.schemas import codec
from watchline.schemas.generate import records

ROOM = codec.AVRO.parent


def declared() -> dict[str, Any]:
    """Every schema in `avro/` by its name, as it is written there."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(codec.AVRO.glob("*.avsc"))]
    return {each["name"]: each for each in found}


def generated() -> dict[Path, str]:
    """Every generated file and what must stand in it."""
    schemas = declared()
    return {ROOM / "records.py": records.source(schemas), **_history(schemas)}


def _history(schemas: Mapping[str, Any]) -> dict[Path, str]:
    """The schemas of whole messages as they are now, whole: what a changed one is read by later. Never written anew."""
    inside = {
        name
        for each in schemas.values()
        for item in each.get("fields", ())
        for name in records.references(item["type"])
    }
    found = {}
    for name in sorted(schemas.keys() - inside):
        path = codec.AVRO / "history" / f"{name}-{codec.schema_fingerprint(name).hex()}.avsc"
        new = json.dumps(json.loads(codec.schema_text(name)), indent=2, ensure_ascii=False) + "\n"
        found[path] = path.read_text(encoding="utf-8") if path.exists() else new
    return found


def main() -> int:
    """Writes what differs, and says so."""
    for path, text in generated().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOM.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
