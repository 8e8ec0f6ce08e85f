import pytest

from tests.detectors.grounding.answers import CASES, PLANS, STOCK
from watchline.detectors.grounding.claims import plain
from watchline.detectors.grounding.tables import document_units, separator
from watchline.detectors.grounding.truncation import is_cut
from watchline.detectors.runtime.words import words


def test_rows_are_read_with_the_names_of_their_columns() -> None:
    units = document_units("document:0", f"Our plans, all with free updates:\n\n{PLANS}")
    team = next(unit for unit in units if unit.embedded.startswith("Plan: Team"))
    assert team.embedded == "Plan: Team; Price per month: $29; Storage: 500 GB; Users: 10; Support: e-mail and chat"
    assert [unit.embedded for unit in units if "|" in unit.embedded] == []
    assert units[0].embedded.startswith("Our plans") and units[-1].embedded.startswith("All plans are billed")
    chair = document_units("document:0", STOCK)[0]
    assert chair.embedded.startswith("sku: A-101; product: Garden chair; colour: green; in_stock: 42")
    assert STOCK[chair.start : chair.end] == STOCK.split("\n")[1]


@pytest.mark.parametrize(
    "text",
    [
        "First, we open the lid, and wait.\nSecond, we close it, and go.\nThird, all is well, as planned, so far.",
        "a | b\nc | d",
        "one\ntwo\nthree",
        "",
    ],
)
def test_what_is_no_table(text: str) -> None:
    assert separator(text) is None
    assert all("; " not in unit.embedded for unit in document_units("document:0", text))


def test_a_cell_may_be_as_long_as_its_document() -> None:
    long = "word " * 40_000
    first, second = document_units("document:0", f"sku,name,price\nA-1,chair,$29\nA-2,{long},$30")
    assert first.embedded == "sku: A-1; name: chair; price: $29"
    assert len(second.embedded) > len(long)


def test_a_carriage_return_amid_a_row_is_a_blank() -> None:
    first, _ = document_units("document:0", "sku,name,price\nA-1,garden\rchair,$29\nA-2,table,$30")
    assert first.embedded == "sku: A-1; name: garden chair; price: $29"


def test_a_long_name_of_a_column_is_cut_in_the_rows() -> None:
    units = document_units("document:0", f"{'name ' * 1000}|b\n|---|---|\n" + "1|2\n" * 1000)
    assert sum(len(unit.embedded) for unit in units) < 200_000


@pytest.mark.parametrize("document", [document for _, document, _, _ in CASES.values()], ids=CASES)
def test_whole_documents_are_not_cut(document: str) -> None:
    assert not is_cut(document)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tokens expire after 24 hours. Requests are auth", True),
        ("Tokens expire after 24 hours.\n\nRequests are authenticated with a", True),
        ("Tokens expire after 24 hours. [truncated]", True),
        ("Tokens expire after 24 hours and then ...", True),
        ('{"name": "Blue Spoon", "ci', True),
        ("a,b,c\n1,2,3\n4,5,6\n7,", True),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |", False),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n| 3", True),
        ("Tokens expire after 24 hours.\n\nAcme Developer Relations", False),
        ("Tokens expire after 24 hours.\nhttps://api.acme.example/docs", False),
        ("Two ways:\n- by post\n- by courier", False),
        ("Opening hours: 9 to 5", False),
        ("", False),
    ],
)
def test_is_cut(text: str, expected: bool) -> None:
    assert is_cut(text) is expected


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("It costs $5 [1][2, 3].", "It costs $5 ."),
        ("2. Wait (see section 3).", "Wait ."),
        ("It costs $5 (about 4 euros) on page 3.", "It costs $5 (about 4 euros) on page 3."),
        ("Take `row[1]` of 10² cells.", "Take `row[1]` of 10² cells."),
        (
            "It is covered.² See [the site](https://home.example).",
            "It is covered. See [the site](https://home.example).",
        ),
    ],
)
def test_marks_are_blanked_in_place(sentence: str, left: str) -> None:
    assert len(plain(sentence)) == len(sentence)
    assert " ".join(plain(sentence).split()) == left


def test_numbers_are_read_however_they_are_written() -> None:
    assert words("twenty-four hours, one hundred requests, $1.5M, 3rd, 20%").tokens == (
        *("24", "hours", "100", "requests", "dollar", "1500000", "3", "20", "percent"),
    )
    assert words("twenty one, one or two").numbers == {"21", "2"}
