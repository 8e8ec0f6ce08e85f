"""What stands in a document word for word, what only seems to, and what the document has and doesn't state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from watchline.detectors.grounding.claims import plain
from watchline.detectors.grounding.quotation import Quotable, Quotation
from watchline.detectors.grounding.tables import document_units
from watchline.detectors.runtime.text import sentences

SENTENCES = Path(__file__).parent / "sentences"


def rows(name: str) -> list[Any]:
    return [json.loads(line) for line in (SENTENCES / f"{name}.jsonl").read_text("utf-8").splitlines()]


def found(documents: Sequence[str], answer: str) -> list[Quotation | None]:
    """Of each sentence of an answer."""
    quotable = Quotable([unit for n, text in enumerate(documents) for unit in document_units(f"document:{n}", text)])
    texts = [plain(answer[start:end]) for start, end in sentences(answer)]
    return [quotable.find(text, before) for text, before in zip(texts, ["", *texts], strict=False)]


def test_a_quotation_is_found_and_what_is_quoted_out_of_its_context_is_not_cleared() -> None:
    cleared = [
        row["id"]
        for row in rows("out_of_context")
        if all(found_ is not None and not found_.doubt for found_ in found(row["documents"], row["output"]))
    ]
    assert len(cleared) <= 0.1 * len(rows("out_of_context")), cleared


CHANGES = {
    "as it is": lambda text: text,
    "capitals": str.upper,
    "blanks": lambda text: "  ".join(text.split()),
    "a list": lambda text: f"- {text}",
    "a number in a list": lambda text: f"3. {text}",
    "bold": lambda text: f"**{text}**",
    "quotation marks": lambda text: f"\u201c{text}\u201d",
    "no full stop": lambda text: text.rstrip("."),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_a_document_says_is_cleared_however_it_is_set(change: Any) -> None:
    results = []
    for document in rows("documents"):
        before = ""
        for start, end in sentences(document["text"]):
            text = document["text"][start:end]
            results.append(Quotable(document_units("document:0", document["text"])).find(plain(change(text)), before))
            before = text
    doubted = [result for result in results if result and result.doubt]
    cleared = sum(result is not None and not result.doubt for result in results)
    assert len(results) > 900
    assert len(doubted) <= 0.01 * len(results), [result.unit.embedded for result in doubted]
    assert cleared >= 0.8 * len(results)  # the others have too few words to be told from what stands anywhere


@pytest.mark.parametrize(
    ("document", "answer", "doubt"),
    [
        ("Myth: cold water shrinks wool. Heat does.", "Cold water shrinks wool cloth.", None),
        ("Common myths:\n- Cold water shrinks wool socks.", "Cold water shrinks wool socks.", "myth"),
        ("Does cold water shrink wool socks? Nobody knows.", "Does cold water shrink wool socks?", "question"),
        ("The maker claims that cold water shrinks wool socks.", "Cold water shrinks wool socks.", "reported"),
        ("Nothing shows that cold water shrinks wool socks.", "Cold water shrinks wool socks.", "denied"),
        (
            "If dried at once, wool socks keep their size for years.",
            "Wool socks keep their size for years.",
            "condition",
        ),
        ("Wool socks cost nine euros. Correction: socks cost ten.", "Wool socks cost nine euros.", "superseded"),
        (
            "Silk dries slowly. It must never be washed in very hot water by hand.",
            "It must never be washed in very hot water by hand.",
            "reference",
        ),
        ("Wool socks keep their size for many years.", "Wool socks keep their size for many years.", ""),
        ("Wool socks keep their size for many years.", "Wool socks keep their size.", None),
        ("Wool is warm.", "Wool is warm.", None),
    ],
)
def test_why_a_document_does_not_state_it(document: str, answer: str, doubt: str | None) -> None:
    (result,) = found([document], answer)
    assert (None if result is None else result.doubt) == doubt


def test_a_quoted_it_needs_the_sentence_before_it() -> None:
    silk, wool = "Silk dries slowly in the shade.", "Wool dries fast in the wind."
    quoted = "It must never be washed in very hot water by hand."
    *_, kept = found([f"{silk} {quoted} {wool}"], f"{silk} {quoted}")
    *_, moved = found([f"{silk} {quoted} {wool}"], f"{wool} {quoted}")
    assert kept is not None and not kept.doubt
    assert moved is not None and moved.doubt == "reference"
