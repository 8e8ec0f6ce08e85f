"""Writes the trail as one file that anybody can check with Python alone, without Watchline."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.governance import verifier
from watchline.streams.governance.keys import Roots

README = """The audit trail of Watchline. Check it: python verify.py THIS_FILE.zip --roots YOUR_ROOTS.json
entries.jsonl: an entry a line, in order. anchors.jsonl: signed heads of their chain. roots.json: the root keys.
verify.py stands in here too; take it from where you trust it.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: how many entries, and the SHA-256 of the file."""

    entries: int
    anchors: int
    sha256: str


def write(
    path: Path, entries: Iterable[Mapping[str, Any]], anchors: Iterable[Mapping[str, Any]], roots: Roots
) -> Exported:
    """Writes a bundle. Raises ConfigurationError where the file is there already, or there are no entries.

    Parameters
    ----------
    path : Path
        A new file.
    entries, anchors : iterable of mapping
        As `verify.stored` and `anchors.read` give them.
    roots : Roots
    """
    try:
        with path.open("xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
            hashes, first, last, count = {}, -1, -1, 0
            with bundle.open("entries.jsonl", "w", force_zip64=True) as lines:
                digest = hashlib.sha256()
                for entry in entries:
                    count += 1
                    first, last = (entry["position"] if first < 0 else first), entry["position"]
                    _line(lines, digest, entry)
                hashes["entries.jsonl"] = digest.hexdigest()
            if not count:
                raise ConfigurationError("there are no entries to export: does `watchline governance run` run?")
            with bundle.open("anchors.jsonl", "w") as lines:
                digest, number = hashlib.sha256(), 0
                for anchor in anchors:
                    number += 1
                    _line(lines, digest, anchor)
                hashes["anchors.jsonl"] = digest.hexdigest()
            for name, content in {
                "roots.json": json.dumps(roots.as_json, indent=1).encode(),
                "verify.py": Path(verifier.__file__).read_bytes(),
                "README.txt": README.encode(),
            }.items():
                bundle.writestr(name, content)
                hashes[name] = hashlib.sha256(content).hexdigest()
            manifest = {
                "log": roots.log,
                "entries": count,
                "first": first,
                "last": last,
                "time": time.time_ns() // 1000,
                "sha256": hashes,
            }
            bundle.writestr("manifest.json", json.dumps(manifest, indent=1))
    except FileExistsError:
        raise ConfigurationError(f"there is a file {path} already") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    with path.open("rb") as written:
        return Exported(count, number, hashlib.file_digest(written, "sha256").hexdigest())


def _line(lines: IO[bytes], digest: Any, value: Mapping[str, Any]) -> None:
    line = verifier.canonical(value) + b"\n"
    lines.write(line)
    digest.update(line)
