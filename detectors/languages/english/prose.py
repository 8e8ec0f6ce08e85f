"""Where English sentences end, and the words that all English prose has."""

from __future__ import annotations

from watchline.detectors.languages.language import Prose


def _words(lines: str) -> frozenset[str]:
    return frozenset(lines.split())


_ABBREVIATIONS = _words("""
    mr mrs ms dr prof sr jr st mt rev gen col capt sgt lt hon pres gov sen rep messrs vs cf eg ie e.g i.e fig figs no
    nos vol vols pp p ch sec eq al approx est dept univ inc ltd co corp bros a.m p.m u.s u.k u.n d.c ph.d m.d b.a m.a
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun viz resp incl min max avg
""")
_FUNCTION_WORDS = _words("""
    the of and to a in is it you that he was for on are with as i his they be at one have this from or had by but what
    some we can out other were all there when up use your how said an each she which do their if will way about many
    then them would like so these her him has more could no not who its did my than been where why does me our us
""")

PROSE = Prose(
    abbreviations=_ABBREVIATIONS,
    letter_words=frozenset(["I"]),
    function_words=_FUNCTION_WORDS,
)
