"""English, as one object: each of its parts has a file."""

from __future__ import annotations

from watchline.detectors.languages.english.comparison import COMPARISON
from watchline.detectors.languages.english.conversation import CONVERSATION
from watchline.detectors.languages.english.groups import GROUPS
from watchline.detectors.languages.english.hours import HOURS
from watchline.detectors.languages.english.personal import PERSONAL
from watchline.detectors.languages.english.prose import PROSE
from watchline.detectors.languages.english.quotation import QUOTATION
from watchline.detectors.languages.english.records import RECORDS
from watchline.detectors.languages.english.words import WORDS
from watchline.detectors.languages.language import Language

ENGLISH = Language(PROSE, WORDS, CONVERSATION, QUOTATION, HOURS, RECORDS, PERSONAL, GROUPS, COMPARISON)
