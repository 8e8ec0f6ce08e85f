"""What claims nothing, as people and assistants put it in English: refusals, courtesies, referrals, citations."""

from __future__ import annotations

import re

from watchline.detectors.languages.language import Conversation

_SAYS = (
    r"(?:says?|mentions?|contains?|provides?|specif(?:y|ies)|states?|includes?|gives?|address(?:es)?|discuss(?:es)?|explains?"
    r"|covers?|describes?|indicates?|answers?)"
)
_PAPER = r"(?:documents?|context|passages?|texts?|articles?|sources?|excerpts?)"
_REFUSAL = re.compile(
    rf"""\b(?:
      unable\ to\ (?:answer|find|determine|provide)
    | (?:can(?:not|['\u2019]t)|could\ ?n(?:ot|['\u2019]t)|(?:am\ not|\bi\ wasn['\u2019]t)\ able\ to)\ (?:\w+\ )?
      (?:answer|find|determine|provide|say|tell|help|assist|do\ that|be\ (?:answered|determined|found))
    | (?:do(?:es)?\ ?n(?:ot|['\u2019]t)|did\ ?n(?:ot|['\u2019]t))\ (?:\w+\ )?
      (?:say|mention|contain|provide|specify|state|include|give|address|discuss|explain|cover|describe|know|indicate|answer
        |have\ (?:enough|any|the|that|this|information))
    | i\ (?:do\ not|don['\u2019]t)\ have\ (?:\w+\ )?access
    | i(?:\ am|\ was|['\u2019]m)\ (?:not\ able|unable)\ to
    | (?:is|are|was|were)\ ?(?:not|n['\u2019]t)\ (?:\w+\ )?
      (?:mentioned|specified|provided|stated|given|included|covered|explained|described|discussed|clear|sure|enough)
    | (?:information|details?|answer|data)\ (?:is|are)\ ?(?:not|n['\u2019]t)\ available\ (?:in|from|within|here)
    | (?:no|not\ enough|insufficient)\ (?:\w+\ )?(?:information|mention|details?|context)
    | (?:nothing\ in|neither|none|no)\ (?:(?:of|the|these|those|your|provided|given|available|retrieved)\ ){{0,3}}
      {_PAPER}[^.,;]{{0,20}}?\ {_SAYS}
    | {_PAPER}\ (?:\w+\ )?only\ {_SAYS}
    | not\ sure
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
_SOURCE = re.compile(
    r"\b(?:i|i['\u2019]m|documents?|documentation|passages?|texts?|articles?|context|information|sources?|data|excerpts?"
    r"|sections?|answer|unable|knowledge base)\b",
    re.IGNORECASE,
)
_FILE = r"(?:polic(?:y|ies)|manuals?|guides?|leaflets?|pages?|reports?|tables?|files?|story|stories)"
# A policy "doesn't cover" what it excludes: of such papers only words for saying make a refusal.
_UNSAID = re.compile(
    rf"\b{_FILE}\b[^.,;]{{0,30}}?\b(?:do(?:es)?\ ?n(?:ot|['\u2019]t)|never)\ (?:\w+\ )?"
    r"(?:say|mention|specify|state|address|discuss|explain|describe|indicate)\b"
    rf"|\bno mention of\b[^.;]{{0,1000}}\bin (?:the|this|your|any|these)\b[\w ]{{0,20}}\b(?:{_PAPER}|{_FILE})\b",
    re.IGNORECASE,
)
_TURN = re.compile(r"[,;]\s*(?:but|however|although|though|so)\b|\bhowever\b", re.IGNORECASE)
_COURTESY = re.compile(
    r"\W*(?:(?:sure(?: thing)?|certainly|absolutely|of course|(?:that['\u2019]s )?(?:correct|right|true|false)"
    r"|unanswerable|n/a|no answer(?: found)?|(?:hello|hi|hey)(?: there)?(?:[, ]+(?:and )?welcome(?: to [\w ]{1,30})?)?"
    r"|welcome(?: to [\w ]{1,30})?|no (?:problem|worries)|(?:one|just a) (?:moment|second)(?:,? please)?"
    r"|good (?:morning|afternoon|evening|day)|(?:that['\u2019]s an? )?(?:great|good|excellent|interesting) question"
    r"|take care|good luck(?: with [\w ]++)?|cheers|(?:(?:best|kind|warm) )?regards|(?:yours )?sincerely"
    r"|in (?:summary|short|brief|conclusion)|(?:please )?note(?: the following)?|let me (?:check|see|explain)"
    r"|have a (?:\w+ )?(?:day|weekend|evening|one)|(?:thanks?|thank you)(?: for [\w ]++)?)\W*$"
    r"|(?:sorry|i apologi[sz]e|i['\u2019]m sorry|you['\u2019]re welcome|(?:i )?hope (?:this|that|it)|let me know"
    r"|feel free|(?:don['\u2019]t|do not) hesitate|(?:i['\u2019]m|i am) here to (?:help|assist|answer)"
    r"|i (?:\w+ )?understand (?:your|that (?:this|it|you))"
    r"|let me (?:look|check|find|help|walk|clarify|summari[sz]e)"
    r"|let['\u2019]s (?:go|walk|look|take|start|begin|break|dive)"
    r"|(?:i['\u2019]d be|i['\u2019]m|i am|i would be|always)? ?(?:happy|glad) (?:to|i could) (?:help|assist)"
    r"|(?:could|can|would) you (?:please )?(?:tell|provide|clarify|share|let|specify|confirm|give)"
    r"|(?:to (?:help|assist|answer)[\w ]*, )?i(?:['\u2019]d|['\u2019]ll| would)? need (?:to know|(?:some |a bit )?more)"
    r"|please (?:(?:tell|share|specify|confirm) (?:me|us|which|what|whether|if|how|more)|let|provide|clarify|feel))\b)",
    re.IGNORECASE,
)
_ANNOUNCEMENT = re.compile(
    r"\W*(?:(?:sure|certainly|of course|absolutely|okay|ok|yes)\b\W{1,3})?"
    r"(?:(?:based on|according to|from|in) [\w ]{1,60}, )?"
    r"(?:here(?:['\u2019]s| is| are)\b[^:.\n]{0,100}|(?:the )?[\w ]{1,40} (?:is|are) as follows"
    r"|i(?:['\u2019]ve| have) (?:summari[sz]ed|listed|outlined|put together)\b[^:.\n]{0,60})(?::\W*|\bbelow\W*)$",
    re.IGNORECASE,
)
_STATED = re.compile(
    r"^(?!\W*(?:how|what|why|when|where|who|which|whether|if)\b).*?"
    r"\b(?:(?:is|are|was|were|has|had|can|could|may|might|must|shall|should|will|would|does|did)(?:n['\u2019]t| not)?\b"
    r"|(?:cannot|can['\u2019]t|won['\u2019]t|costs|takes|needs|includes|covers|requires|expires|ends|starts|begins|opens|closes"
    r"|applies|lasts|contains|lives|rises|falls|rose|fell|became)\b"
    r"|\w{2,30}s (?:have|cost|take|need|include|cover|require|expire|end|start|begin|open|close|apply|last|contain)\b)",
    re.IGNORECASE,
)
_REFERRAL = re.compile(
    r"\W*(?:(?:for [\w ]+, )?please|(?:instead, )?(?:you|i|we)(?:['\u2019]d| would| may| can| could| might| should)?)"
    r"(?: (?:also|want|wish|like|need|to|try|recommend|suggest|advise|that|you)){0,4}"
    r" (?:contact|call|reach|consult|talk|speak|ask|check|visit|see|refer)(?:ing)?\b",
    re.IGNORECASE,
)
_ABOUT_DOCUMENTS = re.compile(
    r"\b(?:summari[sz]e|summary of|tl;?dr|translate|rewrite|rephrase|overview of the following"
    r"|(?:this|these|following|above|attached|provided) (?:text|article|documents?|passages?|data|news|story|email))\b",
    re.IGNORECASE,
)

CONVERSATION = Conversation(
    refusal=_REFUSAL,
    source=_SOURCE,
    unsaid=_UNSAID,
    turn=_TURN,
    courtesy=_COURTESY,
    announcement=_ANNOUNCEMENT,
    stated=_STATED,
    referral=_REFERRAL,
    about_documents=_ABOUT_DOCUMENTS,
    pointers="see|visit|read|check|sources?|links?|more|find|go",
    reference_headings="sources?|references?|citations?",
    step="step",
    cited=r"doc(?:ument)?|source|ref(?:erence)?|passage|page|p\.",
    cited_in_brackets=(
        r"sources?:|see\b|accessed\b|ref(?:erence)?s?:|doc(?:ument)?\ \d|pages?\ \d|pp?\.\ ?\d"
        r"|sections?\ \d|chapter\ \d"
    ),
    cited_by_number="doc(?:ument)?|passage|source",
)
