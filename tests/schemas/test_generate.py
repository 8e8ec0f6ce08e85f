from __future__ import annotations

from pathlib import Path

import pytest

from watchline.schemas.generate import records
from watchline.schemas.generate.__main__ import generated


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_a_generated_file_is_what_the_schemas_make_of_it(path: Path) -> None:
    """Where it differs, `make generate` writes it."""
    assert path.exists()
    assert path.read_bytes() == generated()[path].encode()


def test_a_type_that_no_record_has_had_is_refused() -> None:
    with pytest.raises(ValueError, match="fixed"):
        records.python_type("fixed")


def test_a_record_with_few_fields_takes_them_by_position_and_another_by_keyword() -> None:
    def declared(*defaults: bool) -> dict[str, records.Declared]:
        fields = [
            {"name": f"f{n}", "type": "int", "doc": "One.", **({"default": 0} if default else {})}
            for n, default in enumerate(defaults)
        ]
        return {"Made": {"type": "record", "name": "Made", "doc": "Made up.", "fields": fields}}

    assert "kw_only" not in records.source(declared(False, True))
    assert "kw_only" in records.source(declared(True, False))
    assert "kw_only" in records.source(declared(*[False] * 6))
