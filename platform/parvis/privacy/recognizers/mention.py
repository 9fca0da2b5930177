"""Names that only grammar gives away: who acts, who attends, whose initial stands before them,
who is named beside another, and names in texts written without capitals or in capitals only."""

import re
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import CUED, LIKELY, Hit, RuleRecognizer
from parvis.privacy.recognizers.lexicon import is_plain_word, is_word
from parvis.privacy.recognizers.places import OFFICE_WORDS
from parvis.privacy.sieve import Sieve
from parvis.privacy.words import (
    FIRST_NAMES,
    PARTICLES,
    TRUSTED_FIRST_NAMES,
    fold_name,
    is_never_a_name,
)

_L = r"[^\W\d_]"
_CAP = rf"[A-ZÀ-ÖØ-ÞŒŠŽŁŚĆČĐİ]{_L}{{1,40}}(?:['\-]{_L}{{1,40}}){{0,4}}"
_FULL = rf"{_CAP}(?: (?:(?:de|von|van|da|le|la|di) )?{_CAP}){{0,2}}"
_SMALL = rf"{_L}{{1,40}}(?:['\-]{_L}{{1,40}}){{0,4}}"
# What people do in notes: says, wants, refuses, pays, calls, comes (third person, present or past).
_VERBS = (
    r"dit|demande|refuse|accepte|conteste|appelle|rappelle|souhaite|veut|doit|retire|affirme|"
    r"pr[eé]tend|"
    r"habite|travaille|paye|paie|l'accepte|explique|confirme|r[eé]clame|propose|signale|"
    r"attend|vient|"
    r"s'oppose|se plaint|a (?:appel|t[eé]l[eé]phon|dit|pay|demand|refus|accept|d[eé]pos|envoy|"
    r"sign)\w*|"
    r"sagt|will|lehnt|stimmt|bittet|fragt|meint|ruft|klagt|zahlt|widerspricht|beantragt|kommt|"
    r"wohnt|"
    r"behauptet|erklärt|fordert|verlangt|möchte|weigert|schuldet|meldet|schreibt|verweigert|"
    r"hat (?:angerufen|"
    r"gezahlt|abgelehnt|zugestimmt|gesagt|beantragt|widersprochen)|war nicht da|"
    r"seet|wëll|freet|rifft|bezilt|mengt|weigert|akzeptéiert|refuséiert|kënnt|wunnt|schafft|"
    r"schreift|"
    r"says|wants|refuses|agrees|accepts|asks|calls|rang|called|owes|claims|denies|pays|paid|"
    r"lives|works|"
    r"disputes|objects|appeals|confirms|insists|threatens|said|told|wrote|phoned|complained|moved"
)
_ACTS = re.compile(
    rf"(?:^|[.;:!?,] |\n)(?:(?:{_L}{{3,20}}) : )?(?:d'|D'|[Dd]en? )?(?P<name>(?:(?:L[ae]|"
    rf"D[aei]|V[ao]n|El) )?{_CAP}) (?:nous |ne |lui |hat |huet )?"
    rf"(?:{_VERBS})(?!\w)",
    re.MULTILINE,
)
_AGAINST = Sieve(
    r"(?<!\w)(?:plainte|recours|proc[eé]dure|affaire|litige|klage|anzeige|verfahren|sache|plainte|"
    r"complaint|claim|case|proceedings|matter|[eE]state)(?: of| de| von| vum| in der sache)?"
    rf"(?: (?:contre|gegen|géint|against|of))? (?P<name>{_FULL})(?!\w)",
)
_ROLE = Sieve(
    r"(?<!\w)(?:l'agente?|agente?|den? agent|officer|case ?worker|social worker|work coach|"
    r"adviser|advisor|"
    r"teacher|inspector|sachbearbeiter(?:in)?|betreuer(?:in)?|lehrer(?:in)?|"
    r"klassenlehrer(?:in)?|berater(?:in)?|"
    r"kolleg(?:e|in)|zeug(?:e|in)|vermieter(?:in)?|mieter(?:in)?|conseill(?:er|[eè]re)|coll[eè]gue|"
    r"assistante sociale|enseignante?|voisine?|t[eé]moin|locataire|propri[eé]taire|beroderin?|"
    r"neighbou?r|dezernent(?:in)?|referent(?:in)?|amtsleiter(?:in)?|abteilungsleiter(?:in)?|"
    r"dirigent(?:in)?|minister(?:in)?|b[uü]rgermeister(?:in)?|echevin|schäffe[nt]?|maire|mayor|"
    r"richter(?:in)?|riichter(?:in)?|judge|juge|chief|director|r[eé]gisseu[rs]e?|line manager|"
    r"claimant|applicant|candidate|defendant|tenant|petent(?:in)?|mandant(?:in)?|halter(?:in)?|"
    r"dirigent|chauffeur|prisoner|patient(?:in|e)?|nomm[eé]e?|"
    r"witness|landlord|tenant|noper(?:in|esch)?|"
    r"(?:appel|visite|courrier|message|mail|lettre) de|(?:anruf|besuch|schreiben|brief|"
    r"mail) von|telefonat mit|"
    r"r[uü]cksprache(?: mit)?|(?:call|letter|visit|e-?mail) from|(?:spoke|talked) (?:to|with)|"
    r"met|vu avec|statt|anstelle von|in vertretung von|vertreten durch|remplac[eé]e? par|"
    r"[aà] la place de|instead of|on behalf of|(?:stands?|standing|in) for|"
    r"(?:stands?|standing|sits|sitting) in for|cover(?:s|ing)? for|remplace(?:ra)?|vertritt|"
    r"ersetzt|vertrëtt|c/o|z\. ?h(?:d|\.)\.?|"
    r"[aà] l'attention de|attn\.?:?|fao|for the attention of|amplaz vum|un den|"
    r"le fils|la fille|la veuve|kindsmutter|kindsvater|km|kv|"
    r"rdv avec|(?:uruff|bréif|mail) vum|mam|dem|vum) "
    rf"(?P<name>(?-i:{_FULL}))(?![\w\-])",
    re.IGNORECASE,
)
_FAMILY = Sieve(
    rf"(?<!\w)the (?P<name>{_CAP}) (?:family|children|twins|boys|girls|brothers|sisters|"
    rf"household|couple)(?!\w)"
)
_FAMILIES = Sieve(
    r"(?<!\w)(?:familles|familien|familljen|geschwister|eheleute|fr[eè]res|s[oœ]e?urs|[eé]poux)[ ]"
    rf"(?=(?P<list>(?-i:{_FULL})(?:, (?-i:{_FULL})){{0,5}}"
    rf"(?: (?:et|und|and|an|&) (?:(?-i:D[eiau]|L[ea]|V[ao]n) )?(?-i:{_FULL}))?))",
    re.IGNORECASE,
)
_IN_FAMILIES = re.compile(rf"(?:(?:D[eiau]|L[ea]|V[ao]n) )?{_CAP}(?: {_CAP})?")
_LAST_FIRST = re.compile(
    rf"(?:^|[;|(\n] ?|: )(?P<name>(?P<last>{_CAP}),? (?P<first>{_CAP}))(?=[ ]?(?:$|[;|,(\n)]|\d))"
)
_ARTICLE = re.compile(r"(?:mam|dem|vum) ", re.IGNORECASE)
_PARTIES = re.compile(
    rf"(?<!\w)(?P<name>{_CAP}) (?:c/|\./\.|gegen|géint|contre|vs?\.?|/\.) (?P<other>{_CAP})(?!\w)"
)
_ROSTER = re.compile(
    r"(?:^|[\n.] ?)(?:compte rendu : )?(?:pr[eé]sente?s?|excus[eé]e?s?|absente?s?|"
    r"participante?s?|anwesend|"
    r"entschuldigt|abwesend|teilnehmer(?:innen)?|teilnehmende|protokoll|verteiler|present|"
    r"apologies|"
    r"absent|attendees|attending|in attendance|entschëllegt|do waren|reunioun|cc|vu avec|mat|"
    r"rendez-vous|rdv|termin|h[eé]ritiers?|erben|d'ierwen|ierwen|executors?|t[eé]moins?|"
    r"zeug(?:e|in|en)|"
    r"witness(?:es)?|notaire|notar|solicitor)[ ]?:[ ]?(?=(?P<list>[^\n:;]{2,200}))",
    re.IGNORECASE,
)
_IN_LIST = re.compile(
    r"(?:(?:m|mm|mme|mlle|mr|mrs|ms|herrn?|frau|fr|hr|h[aä]r|madame|monsieur|dr|me)\.? )?"
    rf"(?P<name>(?-i:(?:[A-ZÀ-Þ]\. ?)?{_FULL}))(?=[ ]?(?:[,.&(]|et |und |and |an |a |$))",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=\w\w\w)\. ")
_INITIALED = re.compile(
    r"(?P<before>^|[,:(/>] ?|\n|[.!?] )(?P<name>(?:[A-ZÀ-Þ]\.-?[ ]?){1,2}(?:(?:de|von|van) )?"
    rf"{_CAP})(?P<after>[ ]?(?:$|\n|[,;)<]|\.[ ]?(?:$|\n)))"
)
_AND = re.compile(
    rf"(?<![\w\-])(?P<first>{_CAP}) (?:et|und|and|an|a|&|ou|oder|or) (?:d'|de |den )?"
    rf"(?P<second>{_CAP})(?![\w\-])"
)
_KIN = re.compile(r"(?<!\w)(?:family|famil[il]e|famill|children|enfants|kinder|kanner)(?!\w)", re.I)
_BRACKETED = re.compile(rf"\((?P<list>{_CAP}(?:, {_CAP}){{0,6}})\)")
_SMALL_SAID = Sieve(
    r"(?<![\w'])(?:je suis|c'est|ici|je m'appelle|m'appelle|pr[eé]nom|nom|ich bin|bin (?:der|die)|"
    r"hier (?:ist|spricht|schreibt)|mein name ist|der name ist|i am|i'm|im|this is|it's|its|"
    r"name is|"
    r"ask for|ech sinn(?: de| den| d')?|hei ass(?: de| den| d')?|ech heesche|virnumm|vorname|"
    r"mon (?:fils|mari|fr[eè]re|p[eè]re)|ma (?:fille|femme|m[eè]re|s[oœ]e?ur)|son (?:fr[eè]re|"
    r"fils|mari)|"
    r"mein(?:e|en|em|er)? (?:sohn|tochter|mann|frau|bruder|schwester|mutter|vater)|"
    r"my (?:son|daughter|husband|wife|mum|mom|dad|brother|sister|mother|father|friend)|"
    r"m[äe]i(?:n|ng|ngem|nger)? (?:jong|mann|fra|duechter|mamm|papp|brudder|kand)|meng (?:fra|"
    r"mamm|duechter))"
    rf"[ \n,]{{1,2}}(?:d'|de |den )?(?P<name>{_SMALL}(?:[ \n](?:(?:de|le|la|von|van|"
    rf"da) )?{_SMALL})?)"
    rf"(?P<after>[ \n]?(?:$|[.,;:!?)\n]|{_SMALL}))",
    re.IGNORECASE,
)
_SIGNED_SMALL = Sieve(
    rf"(?<!\w)(?:lg|mfg|vg|merci|gruß|gréiss|thx|thanks|"
    rf"cdt|grüße|gruss|bises|cheers|regards)[ ,]{{1,2}}(?P<name>{_SMALL})[ .]?(?:$|\n)"
)
_ALONE = re.compile(rf"(?<![\w\-'.@])(?P<name>{_SMALL})(?:[ \n](?P<last>{_SMALL}))?(?![\w\-@])")
_OFFICE = re.compile(
    rf"(?:{OFFICE_WORDS})\w{{0,3}}\Z|.*(?:amt|stelle|kasse|ung|heit|keit|schaft|ment|tion|gesuch|sprache|zahl|"
    r"bescheid|verfahren|nummer|gesetz|steuer)\Z",
    re.I,
)
_NOT_SURNAMES = frozenset(
    (
        "qui que dont est ist ass is was a hat huet has komma virgule comma punkt point feu"
        " az me wg re"
    ).split()
)
_LONGEST_FUNCTION_WORD = 3


class MentionRecognizer(RuleRecognizer):
    """Bare surnames that act, lists of people, initials, pairs, names in texts of one case."""

    labels = (Label.PERSON,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every such name."""
        for pattern, rule in (
            (_ACTS, "who_acts"),
            (_AGAINST, "party"),
            (_PARTIES, "party"),
            (_FAMILY, "family"),
        ):
            for match in pattern.finditer(text):
                for group in ("name", "other") if pattern is _PARTIES else ("name",):
                    yield from _person(text, *match.span(group), rule, LIKELY)
        for match in _ROLE.finditer(text):
            # after an article of Luxembourgish any noun may stand: only known first names
            if (
                not _ARTICLE.match(match.group())
                or fold_name(match["name"].split()[0]) in FIRST_NAMES
            ):
                yield from _person(text, *match.span("name"), "role", LIKELY)
        for match in _LAST_FIRST.finditer(text):
            if fold_name(match["first"]) in FIRST_NAMES:
                yield from _person(text, *match.span("name"), "last_and_first_name", LIKELY)
        yield from self._listed(text)
        yield from self._initialed(text)
        yield from self._beside(text)
        if _is_one_case(text):
            yield from self._one_case(text)

    def _listed(self, text: str) -> Iterator[Hit]:
        """People after "Present:" and the like."""
        for match in _FAMILIES.finditer(text):
            for entry in _IN_FAMILIES.finditer(text, *match.span("list")):
                yield from _person(text, *entry.span(), "family", LIKELY)
        for match in _ROSTER.finditer(text):
            stop = _SENTENCE_END.search(text, *match.span("list"))
            end = stop.start() + 1 if stop else match.end("list")
            for entry in _IN_LIST.finditer(text, match.start("list"), end):
                yield from _person(text, *entry.span("name"), "roster", CUED)

    def _initialed(self, text: str) -> Iterator[Hit]:
        for match in _INITIALED.finditer(text):
            at_end = not match["after"].strip(" .\n")
            # after a full stop "A. Name" may begin a sentence; at the end it signs
            if match["before"][:1] in (".", "!", "?") and not at_end:
                continue
            surname = match["name"].split(".")[-1].strip(" -")
            if not _is_no_name(surname):
                yield Hit(*match.span("name"), Label.PERSON, CUED, "initial_and_surname")

    def _beside(self, text: str) -> Iterator[Hit]:
        for match in _AND.finditer(text):
            if {fold_name(match["first"]), fold_name(match["second"])} <= FIRST_NAMES:
                for group in ("first", "second"):
                    yield from _person(text, *match.span(group), "named_together", LIKELY)
        for match in _BRACKETED.finditer(text):
            names = list(re.finditer(_CAP, match["list"]))
            before = text[max(0, match.start() - 40) : match.start()]
            if _KIN.search(before) or any(_is_first(name.group()) for name in names):
                start = match.start("list")
                for name in names:
                    span = (start + name.start(), start + name.end())
                    yield from _person(text, *span, "named_together", LIKELY)

    def _one_case(self, text: str) -> Iterator[Hit]:
        """Names in a text without capitals, or in capitals only: by the list and after a cue."""
        for match in _ALONE.finditer(text):
            if _is_first(match["name"]):
                last = match["last"]
                whole = (
                    last and len(last) > _LONGEST_FUNCTION_WORD and _ends_here(text, match.end())
                )
                end = match.end() if whole and not _is_no_name(last) else match.end("name")
                yield Hit(match.start("name"), end, Label.PERSON, LIKELY, "first_name_one_case")
        for pattern in (_SMALL_SAID, _SIGNED_SMALL):
            for match in pattern.finditer(text):
                yield from self._said(text, match)

    def _said(self, text: str, match: re.Match[str]) -> Iterator[Hit]:
        words = match["name"].replace("\n", " ").split(" ")
        closing = match.end() == len(text) and len(words) == 1 and not is_word(words[0])
        if is_never_a_name(words[0]) or not (closing or fold_name(words[0]) in FIRST_NAMES):
            return
        start, end = match.span("name")
        follows = match.groupdict().get("after") or ""
        closes = not follows.strip()[:1].isalpha() or _is_no_name(follows.strip())
        if len(words) > 1 and (_is_no_name(words[-1]) or not closes):
            end = start + len(words[0])
        yield Hit(start, end, Label.PERSON, CUED, "said_name_one_case")


def _person(text: str, start: int, end: int, rule: str, score: float) -> Iterator[Hit]:
    words = re.split(r"[ \n]", text[start:end])
    while len(words) > 1 and text[start:end].isupper() and _is_no_name(words[-1]):
        end -= len(words.pop()) + 1
    # "Le Floch", "Da Costa": the particle decides nothing
    first = words[1] if len(words) > 1 and words[0].casefold() in PARTICLES else words[0]
    around = text[max(0, start - 40) : end + 40]
    is_acronym = first.isupper() and (
        len(first) < 4  # noqa: PLR2004
        or (len(words) == 1 and len(first) < 6 and any(map(str.islower, around)))  # noqa: PLR2004
    )
    is_word = len(words) == 1 and is_plain_word(first)
    if not is_word and not _is_no_name(first) and (not is_acronym or _is_first(first)):
        yield Hit(start, end, Label.PERSON, score, rule)


def _is_no_name(word: str) -> bool:
    plain = word.strip(" .,")
    return (
        is_never_a_name(plain)
        or plain.casefold() in PARTICLES | _NOT_SURNAMES
        or _OFFICE.match(plain) is not None
    )


def _is_first(word: str) -> bool:
    return fold_name(word) in TRUSTED_FIRST_NAMES and not is_never_a_name(word)


def _is_one_case(text: str) -> bool:
    """Whether capitals say nothing here: hardly any, or hardly anything else."""
    plain = re.sub(r"(?<!\w)(?=[^\W\d]*\d)\w+", "", text)  # "G51 2QX" is no sign of care
    capitals = sum(map(str.isupper, plain))
    letters = sum(map(str.isalpha, text))
    return capitals * 40 < letters or capitals * 10 > letters * 7


def _ends_here(text: str, end: int) -> bool:
    """Whether a phrase may end here: punctuation, the end, or a small word that is no name."""
    after = re.match(r"[ \n]?([^\W\d_]*)", text[end : end + 40])
    word = after.group(1) if after else ""
    return not word or is_never_a_name(word) or word.casefold() in PARTICLES | _NOT_SURNAMES
