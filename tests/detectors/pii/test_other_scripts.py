# ruff: noqa: RUF001 (letters of other scripts are what this file is about)
"""People whose names are in Greek, Cyrillic and other letters."""

from __future__ import annotations

import json
from itertools import product

import pytest

from watchline.detectors.pii.other_scripts import find
from watchline.detectors.pii.structure import normal_form

CYRILLIC = (
    *("Анна Смирнова", "Дмитрий Соколов", "Олена Шевченко", "Георги Димитров", "Стефан Јовановић", "Юлия Ким"),
    *("Анна-Мария Новак", "Ольга Сергеевна Орлова", "И. В. Гончаров"),
)
GREEK = ("Ελένη Παπαδοπούλου", "Νίκος Γεωργίου", "Μαρία Άννα Κώστα")
BEFORE = ("Customer", "Patient:", "My name is", "I spoke with", "Dear", "Mr.", "The refund is for", "Signed by")
IN_FIELDS = (
    "李娜",
    "欧阳修文",
    "田中太郎",
    "김민준",
    "أحمد منصور",
    "दीपा शर्मा",
    "דנה לוי",
    "สมชาย ใจดี",
    "Анна Смирнова",
)
FIELDS = ("name", "first_name", "lastName", "customer", "Contact Person", "assignee", "created_by", "patientName")


@pytest.mark.parametrize(("before", "name"), [*product(BEFORE, CYRILLIC + GREEK)])
def test_capitalised_words_after_what_announces_a_name(before: str, name: str) -> None:
    text = f"{before} {name}, who moved."
    (entity,) = find(text)
    assert text[entity.start : entity.end] == name
    assert entity.type == "PERSON"


@pytest.mark.parametrize(("field", "name"), [*product(FIELDS, IN_FIELDS)])
def test_values_of_fields_for_names(field: str, name: str) -> None:
    form = normal_form(json.dumps({"id": 7, field: name, "city": "Oslo"}, ensure_ascii=False)).text
    assert [form[entity.start : entity.end] for entity in find(form)] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "Customer Службы поддержки",  # one capital
        "Customer Анна",  # a single word
        "The letters α, β and Γ are Greek.",
        "product: 无线鼠标",
        "city: Москва",
        "title: Война И Мир",
        "status: 已完成",
        "name: 高品质不锈钢真空保温杯",  # longer than a name
        "name: Anna Смирнова2",
        "Москва и Нижний Новгород",
        "Плати с Тинькофф Банк",
    ],
)
def test_what_is_none(text: str) -> None:
    assert [*find(text)] == []
