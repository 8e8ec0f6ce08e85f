"""What is written comes back equal: every character, NULL and the empty text apart, by three readers of each format."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.documentation import readmes
from tests.streams.export.conftest import TIME, Store, event
from watchline.streams.export import dataset

EVERYTHING = "".join(map(chr, range(1, 0x300))) + "\u2028\u2029\u0085\ufeff\ufffd"
EACH_PLANE = "".join(chr(plane << 16 | 0x1234) for plane in range(17)) + "\U0001f642\r\n\"',;\t\\N\\"
TEXTS = ("", "\\N", "'", "=1+1", "＋1", "a\r\nb\rc\n", '"', ",", "null", "NULL", EVERYTHING, EACH_PLANE, "\r\n")  # noqa: RUF001
COMPARED = ("system_instructions", "error_message", "cost")


def read_csv(path: Path) -> list[dict[str, str | None]]:
    """As the manual says: NULL is \\N, and one ' comes off the front of a text."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: None if text == r"\N" else text.removeprefix("'") for name, text in row.items()}
            for row in csv.DictReader(file)
        ]


def by_python(path: Path) -> Iterator[tuple[Any, ...]]:
    for row in read_csv(path):
        yield row[COMPARED[0]], row[COMPARED[1]], row["cost"] and float(row["cost"])


def by_arrow(path: Path) -> Iterator[tuple[Any, ...]]:
    from pyarrow import csv as arrow_csv
    from pyarrow import json as arrow_json
    from pyarrow import parquet

    match path.suffix:
        case ".csv":
            convert = arrow_csv.ConvertOptions(
                null_values=[r"\N"], quoted_strings_can_be_null=False, include_columns=COMPARED
            )
            parse = arrow_csv.ParseOptions(newlines_in_values=True)
            rows = arrow_csv.read_csv(path, parse_options=parse, convert_options=convert).to_pylist()
            marked = [{**row, **{name: row[name].removeprefix("'") for name in COMPARED[:2]}} for row in rows]
            yield from (tuple(row[name] for name in COMPARED) for row in marked)
        case ".jsonl":
            yield from (tuple(row[name] for name in COMPARED) for row in arrow_json.read_json(path).to_pylist())
        case _:
            yield from (tuple(row[name] for name in COMPARED) for row in parquet.read_table(path).to_pylist())


def by_pandas(path: Path) -> Iterator[tuple[Any, ...]]:
    import pandas  # type: ignore[import-untyped]

    read = pandas.read_parquet(path)[[*COMPARED]].astype(object)
    yield from read.where(read.notna(), None).itertuples(index=False, name=None)


def by_lines(path: Path) -> Iterator[tuple[Any, ...]]:
    for line in path.read_text("utf-8").splitlines():  # breaks lines wherever Unicode does
        yield tuple(json.loads(line)[name] for name in COMPARED)


def read_by_clickhouse(client: Any, path: Path) -> Iterator[tuple[Any, ...]]:
    form = {".csv": "CSVWithNames", ".jsonl": "JSONEachRow", ".parquet": "Parquet"}[path.suffix]
    types = "event_id String, time String, system_instructions String, error_message String, cost Nullable(Float64)"
    sql = f"SELECT {', '.join(COMPARED)} FROM file('{path}', '{form}', '{types}') ORDER BY time, event_id"
    settings = {"input_format_skip_unknown_fields": 1, "input_format_with_names_use_header": 1}
    for row in client.query(sql, settings=settings).result_rows:
        texts = [text.removeprefix("'") if path.suffix == ".csv" else text for text in row[:2]]
        yield (*texts, row[2])


READERS: dict[dataset.Format, tuple[Callable[[Path], Iterator[tuple[Any, ...]]], ...]] = {
    "jsonl": (by_lines, by_arrow),
    "csv": (by_python, by_arrow),
    "parquet": (by_arrow, by_pandas),
}


def test_every_character_comes_back_from_every_format(store: Store) -> None:
    rows = [
        event(number, system_instructions=f"{text}{number}" if number % 2 else text, error_message=text, cost=cost)
        for number, (text, cost) in enumerate((text, cost) for text in TEXTS for cost in (None, 0.0, 0.25))
    ]
    store.insert(*rows)
    sql = f"SELECT {', '.join(COMPARED)} FROM v_interactions ORDER BY time"
    stored = [tuple(row) for row in store.client.query(sql).result_rows]
    assert {row[1] for row in stored} == {*TEXTS}
    for form, readers in READERS.items():
        path = store.export(form).folder / f"data.{form}"
        for read in readers:
            assert [*read(path)] == stored, (form, read)
        assert [*read_by_clickhouse(store.client, path)] == stored, form


def test_every_kind_of_value_comes_back_from_parquet(store: Store) -> None:
    from pyarrow import parquet

    values = {
        "documents": [("text", "id", None), ("", "", 0.5)],
        "input_parts": [(0, "reasoning", "hm", "", "")],
        "redactions": {"PERSON": 2},
        "producer_sequence": 2**64 - 1,
        "cancelled": True,
        "latency_s": float("inf"),
    }
    store.insert(event(1, **values))
    (row,) = parquet.read_table(store.export("parquet").folder / "data.parquet").to_pylist()
    assert row["documents"] == [{"content": "text", "id": "id", "score": None}, {"content": "", "id": "", "score": 0.5}]
    assert row["input_parts"] == [{"message": 0, "type": "reasoning", "content": "hm", "name": "", "id": ""}]
    assert dict(row["redactions"]) == {"PERSON": 2} and dict(row["attributes"]) == {"training": "yes"}
    assert (row["producer_sequence"], row["cancelled"], row["latency_s"]) == (2**64 - 1, True, float("inf"))
    assert (row["time"], row["source"]) == (TIME + timedelta(seconds=1), "production")


def test_no_cell_is_run_by_a_spreadsheet(store: Store) -> None:
    store.insert(*(event(number, error_message=f"{sign}cmd|calc") for number, sign in enumerate("=+-@\t\r\n＝＋－＠")))  # noqa: RUF001
    with (store.export("csv").folder / "data.csv").open(encoding="utf-8", newline="") as file:
        assert {row["error_message"][0] for row in csv.DictReader(file)} == {"'"}


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_the_columns_are_those_that_are_documented(store: Store, form: dataset.Format) -> None:
    from pyarrow import parquet

    store.insert(
        event(1, cost=0.5, documents=[("text", "id", None)], planned={"pii": "v1"}),
        event(2, cost=None, documents=[], planned={}),
    )
    export = store.export(form)
    reference = (readmes.ROOT / "schemas" / "REFERENCE.md").read_text("utf-8").partition("### v_interactions")[2]
    documented = {*re.findall(r"^\| `(\w+)` \|", reference.partition("###")[0], re.MULTILINE)}
    path = export.folder / f"data.{form}"
    match form:
        case "jsonl":
            found = [*export.lines()[0]]
        case "csv":
            found = [*read_csv(path)[0]]
        case _:
            found = parquet.read_schema(path).names
    assert {*found} == documented == export.manifest["columns"].keys()
    filled = {name: each["filled"] for name, each in export.manifest["columns"].items()}
    assert (filled["cost"], filled["documents"], filled["app"], filled["error_message"]) == (0.5, 0.5, 1.0, 0.0)
