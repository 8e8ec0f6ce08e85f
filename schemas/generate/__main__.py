"""`python -m watchline.schemas.generate` writes the generated files, `make generate` the samples too.

With `--migration NAME` it also writes the next migration, for the columns that the migrations so far don't make.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from watchline.schemas import codec
from watchline.schemas.generate import migration, records, reference, values

ROOM = codec.AVRO.parent


def declared() -> dict[str, Any]:
    """Every schema in `avro/` by its name, as it is written there."""
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(codec.AVRO.glob("*.avsc"))]
    return {schema["name"]: schema for schema in schemas}


def generated() -> dict[Path, str]:
    """Every generated file and what must stand in it."""
    schemas = declared()
    return {
        ROOM / "records.py": records.source(schemas),
        ROOM / "values.py": values.source(schemas),
        ROOM / "REFERENCE.md": reference.source(schemas),
        **_history(schemas),
    }


def _history(schemas: Mapping[str, Any]) -> dict[Path, str]:
    """The schemas of whole messages as they are now, whole: what a changed one is read by later. Never written anew."""
    inside = {
        name
        for schema in schemas.values()
        for field in schema.get("fields", ())
        for name in records.references(field["type"])
    }
    files = {}
    for name in sorted(schemas.keys() - inside):
        path = codec.AVRO / "history" / f"{name}-{codec.schema_fingerprint(name).hex()}.avsc"
        new = json.dumps(json.loads(codec.schema_text(name)), indent=2, ensure_ascii=False) + "\n"
        files[path] = path.read_text(encoding="utf-8") if path.exists() else new
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes what differs, and says so; 1 where a schema and `columns.py` don't go together."""
    parser = argparse.ArgumentParser(prog="python -m watchline.schemas.generate")
    parser.add_argument("--migration", metavar="NAME", help="write the next migration too, if columns are lacking")
    name = parser.parse_args(arguments).migration
    try:
        for path, text in generated().items():
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
                _say(f"wrote {path.relative_to(ROOM.parent)}")
        if name is not None:
            written = migration.write(name)
            _say("no column is lacking" if written is None else f"wrote {written.relative_to(ROOM.parent)}: read it")
    except ValueError as error:
        _say(str(error))
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
