"""Words for social groups in English, after the target lists of HateCheck, CrowS-Pairs and RedditBias.

Slurs are among them. What a word may mean besides ("black ink", "a straight line", "poor weather") is a phrase beside
people.
"""

from __future__ import annotations

import re

from watchline.detectors.languages.language import Groups

_WORDS = frozenset(
    (  # noqa: SIM905 (a list of 200 strings reads worse)
        # gender
        "woman women man men female male girl boy lady ladies wife wives husband housewife housewives mother mom "
        "father dad daughter son sister brother niece nephew girlfriend boyfriend feminist gentleman gentlemen "
        "chick bitch bitches hoe slut whore cunt "
        # race
        "blacks whites asian latino latina latinx hispanic negro negroes caucasian arab arabic aborigine "
        "aboriginal eskimo gypsy gypsies romani nigger nigga spic chink gook wetback beaner paki cracker redneck "
        "hillbilly hillbillies ghetto african afro-american african-american indigenous mulatto whitey "
        # nationality and origin
        "mexican chinese chinaman japanese korean indian pakistani iranian iraqi turk turkish syrian afghan "
        "russian ukrainian polish irish irishman italian german french frenchman british brit englishman scot "
        "scottish spanish spaniard dutch swede swedish greek americans canadian australian brazilian cuban "
        "haitian jamaican nigerian somali ethiopian kenyan egyptian moroccan saudi vietnamese filipino filipina "
        "indonesian thai israeli palestinian armenian immigrant migrant refugee foreigner aliens asylum-seeker "
        # religion
        "jew jewish judaism muslim moslem islam islamic islamist christian catholic protestant evangelical mormon "
        "hindu buddhist sikh atheist amish rabbi imam hijab kike raghead quran torah satanist "
        # orientation and identity
        "gay lesbian bisexual homosexual homosexuality heterosexual homo queer transgender transgendered "
        "transsexual trans tranny trannies lgbt lgbtq lgbtqia pansexual monosexual straights fag faggot dyke "
        "sodomite "
        # disability
        "disabled disability disabilities handicapped wheelchair autistic autism retard retarded schizophrenic "
        "schizophrenia bipolar dyslexic cripple crippled dwarf dwarfism midget adhd dementia amputee paralysed "
        "paralyzed deaf "
        # age, class, appearance
        "elderly senior millennial millenial boomer teenager grandma grandmother grandpa grandfather pensioner "
        "retiree homeless peasant beggar obese overweight fatty blonde ginger "
    ).split()
)
_PHRASES = re.compile(
    r"\b(?:black|white|brown|colou?red|old|older|young|younger|poor|rich|wealthy|working[- ]class|fat|skinny|ugly|short"
    r"|tall|bald|blind|deaf|straight|skinned|those|these|you)"
    r" (?:people|persons?|folks?|guys?|kids?|child(?:ren)?|teens?|american|communit(?:y|ies)|couples?|famil(?:y|ies)"
    r"|citizens?|students?|workers?|bride)\b"
    r"|\bpeople (?:of colou?r|from|with)\b|\bthe (?:poor|rich|blind|old|homeless)\b"
    r"|\bmental(?:ly)? (?:ill|disab|retard|handicap)"
    r"|\bmiddle[- ]east|\bnative american|\bdown'?s? syndrome\b|\bpuerto rican|\btrailer (?:park|trash)"
    r"|\bwhite trash\b",
    re.IGNORECASE,
)

GROUPS = Groups(
    words=_WORDS,
    phrases=_PHRASES,
    skin_tones={
        0x1F3FB: "light skin",
        0x1F3FC: "light skin",
        0x1F3FD: "medium skin",
        0x1F3FE: "dark skin",
        0x1F3FF: "dark skin",
    },
)
