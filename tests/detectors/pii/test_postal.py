"""Postal addresses of many countries: found from the flat to the country, and what only looks like one."""

from __future__ import annotations

import pytest

from watchline.detectors.pii import postal

ADDRESSES = """
C-12, Lakshmi Vihar Society, Tilak Road, Nashik 422001
Flat No. 7, 2nd Floor, Rajendra Nagar, Patna - 800016
House No. 45/2, Gali 3, Karol Bagh, New Delhi 110 005
Herengracht 401-403, 1017 BP Amsterdam
Oude Delft 95, 2611 BG Delft
Nieuwe Binnenweg 12a, 3014 GA Rotterdam
İstiklal Cad. No: 112 D: 3, Beyoğlu, İstanbul
Gül Sokak No:4/2, 34349 Beşiktaş/İstanbul
22 Awolowo Road, Ikoyi, Lagos
7 Aminu Kano Crescent, Wuse II, Abuja, Nigeria
RR 4 Box 88, Millbrook, AL 36054
HC 3 Box 12C, Alpine, TX 79830
P.O. Box 4410, Kisumu
Flat 9, 14 Whitworth Street, Manchester M1 3BN
3 Station Road, Cambridge CB1 2JW
Lindenstraße 8, 20099 Hamburg
Am Sandtorkai 30, 20457 Hamburg
Schönhauser Allee 177c, 10119 Berlin
Getreidegasse 9/2/5, 5020 Salzburg
Rämistrasse 71, 8006 Zürich
8 ter rue de Lille, 59000 Arras
27 avenue Jean Jaurès, 69007 Lyon
3 place Bellecour, 69002 Lyon
Calle Gran Vía 31, 2º C, 28013 Madrid
C/ Sierpes, 14, 41004 Sevilla
Carrera 11 # 82-71, Bogotá
Via Torino 40, 20123 Milano MI
Corso Umberto 155, 80138 Napoli
ul. Piotrkowska 86/3, 90-103 Łódź
Drottninggatan 71 B, 111 36 Stockholm
Nørregade 10, 3. tv, 1165 København K
Torggata 12, 0181 Oslo
Aleksanterinkatu 15 B 7, 00100 Helsinki
Rua Augusta, 1500, Apto 32, Consolação, São Paulo - SP, 01304-001
Av. Atlântica, 2400 - Copacabana, Rio de Janeiro - RJ, 22041-001
4-5-6 Roppongi, Minato-ku, Tokyo 106-0032
Unit 3/44 Lygon Street, Carlton VIC 3053
18 Beach Road, Bondi NSW 2026
310 Front Street West, Toronto, ON M5V 3B5
950 Harbor Boulevard NE, Salem, OR 97301
Andrássy utca 60, 1062 Budapest
Jl. Diponegoro No. 74, Jakarta 10320
""".strip().splitlines()


def found(text: str) -> list[str]:
    return [text[entity.start : entity.end] for entity in postal.find(text)]


@pytest.mark.parametrize(
    "frame", ["Send it to {}, we moved.", "It is {}.", '{{"home":"{}"}}', "<a>{}</a>", "x | {} | y"]
)
@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_are_found_whole(address: str, frame: str) -> None:
    assert max(found(frame.format(address)), key=len, default="") == address


@pytest.mark.parametrize(
    "text",
    [
        "Take a right at 3 Moon Way of life and listen.",
        "Chapter 9 The Winding Lane tells how it ended.",
        "Avenue Pictures makes films, Boulevard Brewing makes beer.",
        "Exercise 4 Drive safely, then rest.",
        "He is in ward 7, and out by Monday.",
        "Release 12, 20240 Items were moved.",
        "Order 44, 10115 Parts",
        "The job ran via Celery 5 and failed.",
        "Top 10 Place Names of 2020",
        "He came at 5, Anna left at 6.",
        "exp 11/29, CVV 987",
        "In Python 3, 2020 Was The Year",
        "Route 66 and Passage 2",
    ],
)
def test_what_is_no_address_is_left(text: str) -> None:
    assert not found(text)


def test_a_name_after_the_street_is_no_part_of_it() -> None:
    assert found("At 5 Elm Road, However, we met Jane.") == ["5 Elm Road"]
    assert found("5 Elm Road, Jane will be there.") == ["5 Elm Road"]
