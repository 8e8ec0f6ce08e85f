"""Where English sentences end, and what tells English from other languages in Latin letters."""

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
# Spanish, Portuguese, Italian, French; German, Dutch, Scandinavian; Polish, Czech, Turkish, Indonesian, Romanian.
_FOREIGN_WORDS = (
    _words("""
    el los las una unos del que qué es por con para como más pero sus le ya este sí porque esta cuando muy sin sobre
    también hasta hay donde quien desde todo nos durante todos uno les ni contra otros não uma os dos das mais foi ao
    ele tem seu sua ou ser quando muito há já eu também só pelo pela até isso ela entre di che il della delle non sono
    nel alla per una più anche come le les des est une dans qui pour pas sur plus ce avec au sont cette comme
    der und ist nicht ein eine den mit für auf sich dem von zu auch als wie bei oder nach aus wird sind wir ich sie
    het een van niet zijn dat op aan met voor er maar ook naar och att det som är på av för med till inte om jag ikke
    og til har af jeg vi nie się na jest że z jak w czy są przez je se že jako bir ve bu için ile çok yang dan untuk
    dengan tidak ini și care pentru din
""")
    - _FUNCTION_WORDS
)

PROSE = Prose(
    abbreviations=_ABBREVIATIONS,
    letter_words=frozenset(["I"]),
    function_words=_FUNCTION_WORDS,
    foreign_words=_FOREIGN_WORDS,
)
