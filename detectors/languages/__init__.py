"""Everything that is true of one language only: its words, and the forms of its sentences.

`language.Language` says what the detectors ask of a language, `english.ENGLISH` is the only one so far. A second one is
another folder beside `english` with an object of the same kind; which of them reads a text, `runtime.text` would then
say, where it now says whether the text is English. Words are half of it: the encoder, the recogniser of names and what
was trained on top of them have read English too, so a language needs weights of its own, and figures in their cards.

What holds in any language is no part of this: digits and checksums, URLs, Markdown, JSON, code, the keys of services.
"""
