"""Names by what stands around them: titles, form fields, greetings, closings, family words."""

import re
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import CUED, LIKELY, SURE, Hit, RuleRecognizer
from parvis.privacy.recognizers.lexicon import (
    is_first_name,
    is_only_first_name,
    is_plain_word,
    is_surname,
)
from parvis.privacy.recognizers.places import OFFICE_WORDS
from parvis.privacy.sieve import Sieve
from parvis.privacy.words import (
    FIRST_NAMES,
    PARTICLES,
    TRUSTED_FIRST_NAMES,
    fold_name,
    is_never_a_name,
)

_LETTER = r"[^\W\d_]"
_WORD = rf"{_LETTER}(?:{_LETTER}|['\-](?={_LETTER})){{0,40}}"
_INITIAL = r"(?-i:[A-ZÀ-Þ])\.(?:-?(?-i:[A-ZÀ-Þ])\.)?"
_CAPITAL = rf"(?-i:[A-ZÀ-ÖØ-ÞŒŠŽŁŚĆČĐİ]|[dlo]'(?=[A-ZÀ-Þ]))(?:{_LETTER}|['\-](?={_LETTER})){{0,40}}"
_PARTICLE = (
    r"(?:de la|de l'|van der|van den|von der|von und zu|zu|de|du|des|d'|von|van|den|der|di|da|"
    r"dos|das|del|della|el|al|ben|ten|ter|le|la)"
)
# up to five parts: "Jean-Pierre de la Tour", "J. Dupont", "MÜLLER-LÜDENSCHEIDT Anna"
_GAP = r"(?: |\n)"
_NAME = (
    rf"(?:(?:{_CAPITAL}|{_INITIAL})(?:{_GAP}(?:{_PARTICLE}{_GAP}?)?(?:{_CAPITAL}|"
    rf"{_INITIAL})){{0,4}})"
)
_ANY_NAME = rf"{_WORD}(?:[ ]{_WORD}){{0,4}}"

_TITLES = (
    r"(?-i:M)\.|mm\.|mr\.?|mme\.?|mmes|mlle|monsieur|madame|mademoiselle|ma[iî]tre|me|docteur|"
    r"dr\.?(?: med\.?| jur\.?)?|pr\.|professeur|prof\.?(?: dr\.?)?|"
    r"herrn?|frau|fr[aä]ulein|hr\.|fr\.|familie|eheleute|famille|[eé]poux|mrs\.?|ms\.?|miss|"
    r"sir|lady|lord|dame|koll\.|hofr[aä]t(?:in)?|mag\.|rev(?:'?d|erend)?\.?|sgt\.?|insp(?:ector)?\.?|"
    r"capt(?:ain)?\.?|cllrs?\.?|councillor|(?:dc|pc|ds)(?: \d{3,5})?|oma|opa|nan|gran(?:ny|dad)?|"
    r"auntie|uncle|babcia|monni|tatta|m[eé]m[eé]|p[eé]p[eé]|mamie|papy|tonton|tata|onkel|tante|"
    r"(?:den |dem |de )?h[aä]r(?:en)?|(?:d')?madamm?|(?:d')?joffer|(?:d')?fra|famill"
)
_TITLED = Sieve(
    rf"(?<![\w.\-])(?<!\d )(?:{_TITLES})(?:{_GAP}(?:i\. ?r\.|dr\.?|prof\.?|me|le docteur|"
    rf"la docteure))?{_GAP}(?P<name>(?:{_PARTICLE}{_GAP})?{_NAME})",
    re.IGNORECASE,
)
_TITLED_SMALL = Sieve(
    r"(?<![\w.\-])(?:mme|mlle|monsieur|madame|herrn?|frau|mrs|mr|ms|h[aä]r|madamm|joffer|"
    rf"m\.){_GAP}(?P<name>{_WORD})",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"(?:^|[\n;|,(]|\t|(?<=[.!?] )|(?<=- )) ?[*\-•]?[ ]?(?:nom(?: (?:et )?pr[eé]noms?|"
    r" de famille| de naissance| d'usage| complet)?|pr[eé]noms?(?: et nom)?|"
    r"nom[ ]?/[ ]?pr[eé]nom|"
    r"name(?:,? vorname)?|vor- und (?:nach|zu)name|vorname[n]?(?: und nachname)?|nachname|"
    r"familienname|geburtsname|zuname|surname|last ?name|first ?name|given names?|full name|"
    r"maiden name|family name|"
    r"numm(?: a virnumm)?|virnumm|familljennumm|demandeur|demandeuse|requ[eé]rante?|"
    r"antragsteller(?:in)?|antragstellende person|applicant|claimant|b[eé]n[eé]ficiaire|"
    r"allocataire|assur[eé]e?|pat\.|patient(?:in|e)?|"
    r"unterzeichne[tr](?:e|in)?|soussign[eé]e?|sign[eé]|signature|unterschrift|ënnerschr[eë]ft|"
    r"gez\.?|titulaire(?: du compte)?|kontoinhaber(?:in)?|account holder|"
    r"ansprechpartner(?:in)?|"
    r"sachbearbeiter(?:in)?|bearbeiter(?:in)?|case ?worker|gestionnaire|agent|versicherte[r]?|"
    r"steuerpflichtige[r]?|halter(?:in)?|mieter(?:in)?|vermieter(?:in)?|locataire|"
    r"propri[eé]taire|employ[eé]e?|salari[eé]e?|"
    r"mitarbeiter(?:in)?|arbeitnehmer(?:in)?|tenant|landlord|employee|contact|"
    r"kontakt(?:person)?|p[eè]re|m[eè]re|vater|mutter|kind|enfant|child|conjointe?|ehegatte|"
    r"ehefrau|ehemann|spouse|interpr[eè]te|interpreter|dolmetscher(?:in)?|sprachmittler(?:in)?|"
    r"organisat(?:eur|rice)|organisator(?:in)?|organi[sz]er|tr[eé]sori(?:er|[eè]re)|kassier(?:er|"
    r"in)?|"
    r"treasurer|caissi(?:er|[eè]re)|pr[eé]sidente?|secr[eé]taire|schriftf[uü]hrer(?:in)?|"
    r"bauherr(?:in)?|bauh[aä]r(?:in)?|contribuable|taxpayer|tuteur|tutrice|curat(?:eur|rice)|"
    r"vormund|"
    r"guardian|m[eé]decin(?: traitant)?|hausarzt|doctor|gp|avocate?|anw[aä]lt(?:in)?|solicitor|"
    r"wohnungsgeber(?:in)?|h[eé]bergeante?|[eé]l[eè]ve|pupil|sch[uü]ler(?:in)?|student(?:in)?|"
    r"accompagnat(?:eur|rice)s?|begleitung|begleedung|helpers?|responsable|verantwortlich|"
    r"r[eé]f[eé]rente?|eingezogen ist|zuletzt|kl[aä]ger(?:in)?|beklagte[r]?|plaignante?|witness|"
    r"t[eé]moin|zeug(?:e|in)|victime|gesch[aä]digte[r]?|accused|auteur|autor(?:in)?|author|fn|cn)"
    rf"[ ]?[:=][ ]?(?:(?:{_TITLES})[ ])?"
    rf"(?P<name>{_ANY_NAME}(?:, ?{_CAPITAL}(?=[ ]?[,;\n(*]|[ ]?$))?)"
    r"(?=[ ]*(?:$|[\n;,|)(/.]|[ ]-[ ]))",
    re.IGNORECASE | re.MULTILINE,
)
_SAID = Sieve(
    r"(?<!\w)(?:je m'appelle|je me nomme|mon nom (?:complet )?est|(?:il|elle) s'appelle|"
    r"nomm[eé]e?|pr[eé]nomm[eé]e?|ich hei(?:ß|ss)e|mein name ist|mein name lautet|(?:er|sie)"
    r" hei(?:ß|ss)t|namens|"
    r"my (?:full )?name is|my name's|(?:is|was) called|mäi numm ass|ech heeschen|ech heesche|"
    r"heescht|(?:de |mäi )?numm ass|i,|ich,|je soussign[eé]e?,?|ich, |"
    rf"je,|i am called|soussign[eé]e?,?)[ \n](?:(?:{_TITLES})[ ])?(?:d'|de |"
    rf"den )?(?P<name>{_ANY_NAME})",
    re.IGNORECASE,
)
_I_AM = Sieve(
    r"(?<!\w)(?:ici|je suis|c'est|ich bin(?: die| der)?|hier (?:ist|spricht|schreibt)|i am|"
    r"i'm|this is|ech sinn(?: den| de| d')?|hei ass(?: den| de| d')?|et ass(?: den| de| d')?)"
    r"[ \n]?"
    rf"(?P<name>{_CAPITAL}(?:{_GAP}(?:{_PARTICLE}{_GAP})?{_CAPITAL}){{1,3}})",
    re.IGNORECASE,
)
# the name of birth or of a late spouse: "née Tabourot", "geb. Grosskopf", "Wwe. Thielemann"
_BIRTH_NAME = Sieve(
    r"(?<!\w)(?:n[eé]e|geb(?:\.|orene[rn]?)|gebuer(?:en)?t?|born|[eé]pouse|[eé]p\.|veuve|vve|"
    r"wwe\.?|"
    r"witwe|verw\.|divorc[eé]e?|formerly|aka|alias|dite?|genannt|called|surnomm[eé]e?|"
    rf"(?:also )?known as|aussi appel[eé]e?)[ ](?P<name>{_CAPITAL}(?:[ \-]{_CAPITAL}){{0,2}})"
    r"(?=[ ]?[,;.:()\n]|$|"
    r"[ ](?:le|am|on|den?|in|à|zu|um)[ ])",
    re.IGNORECASE,
)
_USER = Sieve(
    r"(?<!\w)(?:utilisat(?:eur|rice)|users?(?:[ ]?name)?|benutzer(?:name)?|benotzer(?:numm)?|login|"
    r"compte|nom d'utilisateur|kennung|"
    r"account|konto|kont|identifiant|session)(?:[ ](?:ist|ass|is|est))?"
    r"[ ]?[:=]?[ ]?(?P<name>[a-zà-ÿ]{1,20}[._][a-zà-ÿ\-]{3,30}\d{0,4}|[a-zà-ÿ]{4,20}\d{1,4})"
    r"(?![\w@]|\.\w)",
    re.IGNORECASE,
)
# who speaks, in a chat that was copied: "[12/10/2026 08:14] Ninon P.: ..."
_SPEAKER = re.compile(
    r"^\[?(?:\d{1,4}[./\-]\d{1,2}[./\-]\d{2,4},? (?:à |um )?|(?<=\[))"
    r"\d{1,2}[:h]\d\d(?::\d\d)?(?: [AP]M)?\]?"
    r"(?: -)? (?P<name>[^:\n\d]{2,30}):",
    re.MULTILINE,
)
# a name that is spelled: "s c h m i d l i n", "B-E-C-K-E-R"
_SPELLED = re.compile(
    r"(?<![\w'])(?P<name>(?:[^\W\d_][ ]){4,20}[^\W\d_]|(?:[^\W\d_]-){3,20}[^\W\d_])(?![\w'])"
)
# "204: Legrand Y., RAS"
_LAST_AND_INITIAL = re.compile(
    rf"(?<![\w.\-])(?P<name>(?P<last>{_CAPITAL}) (?-i:[A-ZÀ-Þ])\.)(?=[ ]?[,;:)(\n/]|"
    rf"[ ]?$)",
    re.MULTILINE,
)
_DOTTED = re.compile(
    r"(?<![\w.@/:\-])(?P<name>(?P<first>[a-zà-ÿ]{1,20})\.[a-zà-ÿ]{4,30})(?![\w@/(]|\.\w)"
)
_KIN = Sieve(
    r"(?<!\w)(?:mon|ma|mes|notre|son|sa|leur|votre)[ ](?:fils|fille|mari|femme|[eé]poux|"
    r"[eé]pouse|fr[eè]re|s[oœ]e?ur|p[eè]re|m[eè]re|conjointe?|compagne|compagnon|voisine?|"
    r"coll[eè]gue|neveu|ni[eè]ce|oncle|tante|"
    r"beau-p[eè]re|belle-m[eè]re|enfant|b[eé]b[eé]|amie?|propri[eé]taire|patronne?|m[eé]decin)"
    r"(?:[ ](?:cadet|cadette|a[iî]n[eé]e?))?,?[ ](?:(?:le |la )?(?:dr\.?|docteur) )?"
    rf"(?P<name>{_NAME})|"
    r"(?<!\w)(?:mein|meine|meiner|meinem|meinen|meines|unser|unsere|unserem|unserer|unseren|"
    r"sein|seine|seiner|ihr|ihre|ihrem|ihrer|der|die|dem)[ ](?:sohn(?:es)?|tochter|mann|frau|"
    r"ehemann|ehefrau|bruder|schwester|vater|mutter|"
    r"kind|baby|partner(?:in)?|nachbar(?:n|in)?|kolleg(?:e|en|in)|neffe|nichte|onkel|tante|"
    r"schwiegervater|schwiegermutter|freund(?:in)?|vermieter(?:in)?|chef(?:in)?|hausarzt|"
    r"betreuer(?:in)?)s?,?[ ]"
    rf"(?P<name2>{_NAME})|"
    r"(?<!\w)(?:my|our|his|her|their)[ ](?:son|daughter|husband|wife|brother|sister|father|"
    r"mother|child|baby|partner|neighbou?r|colleague|nephew|niece|uncle|aunt|friend|landlord|"
    r"landlady|boss|doctor|gp|carer)s?,?[ ]"
    rf"(?P<name3>{_NAME})|"
    r"(?<!\w)(?:mäi|mäin|meng|mengem|menger|eise|eist|eiser|säi|seng|hire|hir)[ ](?:jong|"
    r"duechter|meedchen|mann|fra|brudder|schwëster|papp|mamm|kand|partner(?:in)?|noper|"
    r"kolleg(?:in)?|n[eé]wi|monni|tatta|frënd(?:in)?|proprietär|chef|bouf)s?,?[ ](?:de |den |"
    r"d'|dem )?"
    rf"(?P<name4>{_NAME})",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^[ ]*(?:bonjour|bonsoir|salut|coucou|ch[eè]re?s?|hallo|hi|hello|hey|dear|liebe[rs]?|"
    r"guten (?:tag|morgen|abend)|moien|moin|gudde? (?:moien|mëtteg|owend)|léif(?:en?|t)?|"
    rf"servus|grüß gott)[ ](?P<name>{_CAPITAL}(?:[ ]{_CAPITAL}){{0,2}})(?=[ ]?[,!.\n]|$)",
    re.IGNORECASE | re.MULTILINE,
)
_CLOSING = re.compile(
    r"(?:^|[\n.!?,] ?)(?:bien |tr[eè]s )?(?:cordialement|salutations(?: distingu[eé]es)?|"
    r"respectueusement|sinc[eè]rement|merci(?: d'avance| beaucoup| bien)?|mit (?:freundlichen|"
    r"besten|vielen|lieben) gr[üu](?:ß|ss)en|(?:viele|beste|freundliche|liebe|herzliche)"
    r" gr[üu](?:ß|ss)e|"
    r"gr[üu](?:ß|ss)e?|mfg|vg|lg|hochachtungsvoll|(?:vielen |besten )?dank(?: im voraus)?|"
    r"(?:kind |best |warm )?regards|yours (?:sincerely|faithfully|truly)|sincerely|many thanks|"
    r"thanks|thank you|best wishes|cheers|"
    r"(?:mat )?(?:beschte|léiwe|frëndleche|häerzleche|frëndlechen|schéine) gréiss(?:en)?|"
    r"(?:villmools )?merci|äddi|au plaisir|im auftrag|i\. ?a\.|in vertretung|i\. ?v\.|"
    r"hochachtungsvoll|all the best|a bientôt|à bientôt|bis geschwënn|is mise le meas|"
    r"for and on behalf|pour le (?:maire|directeur|préfet)|fir de schäffen(?:rot)?|"
    r"bien [aà] vous|salutations)"
    rf"[ ]?[,.!]?[ ]?\n[ \n]{{0,3}}(?P<name>(?:(?:{_TITLES})[ ])?{_ANY_NAME})"
    r"(?=[ ]?[,.]?[ ]?(?:\n|$))",
    re.IGNORECASE,
)
_SIGNED_INLINE = Sieve(
    r"(?:cordialement|gr[üu](?:ß|ss)en?|hochachtungsvoll|regards|sincerely|faithfully|gréiss|"
    r"merci|mfg|thanks)"
    rf"[ ]?[,.!]?[ ](?P<name>{_CAPITAL}(?:[ ](?:{_PARTICLE}[ ])?{_CAPITAL}){{1,3}})"
    r"[ ]?\.?[ ]?(?=\n|$)",
    re.IGNORECASE,
)
_FIRST_AND_LAST = re.compile(
    rf"(?<![\w\-])(?<![^dDlL]')(?P<first>{_CAPITAL}){_GAP}(?:(?:{_PARTICLE}|{_INITIAL}|"
    rf"{_CAPITAL}){_GAP}){{0,2}}?(?P<last>{_CAPITAL})(?![\w])"
)
_ALONE = re.compile(
    rf"(?<![\w\-'.])(?<!\d )(?<!\d\. )(?P<name>{_CAPITAL}(?:-{_CAPITAL})?)(?![\w\-])(?! \d)"
)
_SURNAME_BEFORE = re.compile(rf"(?<=[\w,(] )(?P<name>{_CAPITAL})[ ]\Z")
_NICKNAME = re.compile(
    rf"(?<![\w\-])(?P<first>{_CAPITAL})[ ](?:\((?P<name>{_CAPITAL})\)|[\"“„«](?P<quoted>{_CAPITAL})"
    rf"[\"”“»][ ](?P<last>{_CAPITAL}))"
)
_WITH_ARTICLE = Sieve(
    r"(?<!\w)(?:de|den|dem|vum|mam|beim|d'|D'|De|Den|Dem|mat|fir|vun)(?:(?<=')|[ ])"
    rf"(?P<name>{_CAPITAL})(?![\w\-])"
)
_STREET_BEFORE = re.compile(
    r"(?:rue|avenue|place|boulevard|chemin|all[eé]e|quai|pont|square|[eé]cole|lyc[eé]e|"
    r"coll[eè]ge|h[oô]pital|saint|sainte|st\.?|ste\.?|sankt|san|santa|prix|loi|parc|stade|"
    r"salle)[ \-](?:du |de la |de |d')?\Z",
    re.IGNORECASE,
)
_TOWNS = frozenset("nancy florence lourdes verdun sydney orlando adelaide lorraine valence".split())
_AT = re.compile(r"(?<!\w)(?:[aà]|en|de|sur|vers|par|in|nach|zu|bei|at|to|from|near)[ \n]\Z", re.I)
_ELIDED = re.compile(r"(?:[cjlmnst]|qu)['’](?=[a-zà-ÿ])|[CJMNST]['’](?=[a-zà-ÿ])")
_OFFICE = re.compile(rf"{OFFICE_WORDS}|d[ée]ngscht|dienst|stelle|team|service", re.IGNORECASE)
_MOST, _MOST_IN_CAPITALS, _MOST_SMALL, _LEAST_OFFICE = 6, 2, 4, 5
_TITLE_AT_START = re.compile(rf"(?:{_TITLES})[ ]", re.IGNORECASE)
_FUNCTION = re.compile(
    r"(?:le|la|l'|les|der|die|das|den|the|de|vun|vum|du|of)\Z|.*(?:meister(?:in)?|"
    r"minister(?:in)?|präsident(?:in)?|direktor(?:in)?|leiter(?:in)?|richter(?:in)?|anwalt|"
    r"anwältin|kanzler(?:in)?|rat|rätin|sekretär(?:in)?|beauftragte[rn]?|"
    r"inspecteur|inspektor(?:in)?|kommissar(?:in)?|meeschter|meeschtesch|presidentin?|"
    r"conseiller|conseillère|juge|procureur|notaire|notar(?:in)?|député|deputéiert|"
    r"abgeordnete[r]?|sénateur|rapporteur|doktor|professor(?:in)?|kolleg(?:e|in)|kollege|"
    r"nachbar(?:in)?|commissioner|judge|ambassador|chancellor|president|speaker|chair|chief|"
    r"advocate|vicar|ombudsman|sch[äo]ffen|[eé]chevine?|gouverneur|greffier|huissier|receveur|percepteur|trésorier)\Z",
    re.IGNORECASE,
)


class NameRecognizer(RuleRecognizer):
    """Names in a place where only a name can stand; the model sees the rest."""

    labels = (Label.PERSON,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every name that its surroundings announce."""
        for pattern, rule, score in (
            (_TITLED, "title", SURE),
            (_FIELD, "form_field", SURE),
            (_KIN, "family_word", CUED),
            (_GREETING, "greeting", CUED),
            (_SIGNED_INLINE, "signature", CUED),
            (_I_AM, "i_am", CUED),
            (_BIRTH_NAME, "birth_name", CUED),
        ):
            for match in pattern.finditer(text):
                yield from self._hits(text, match, rule, score)
        for match in _SAID.finditer(text):
            yield from self._hits(text, match, "said_name", SURE, small=2)
        for match in _CLOSING.finditer(text):
            yield from self._hits(text, match, "signature", SURE, small=4)
        for match in _TITLED_SMALL.finditer(text):
            yield from self._hits(text, match, "title", CUED, small=1)
        yield from self._formed(text)
        yield from self._listed(text)
        yield from self._beside(text)

    def _formed(self, text: str) -> Iterator[Hit]:
        """Names by their form: of users, of speakers in a chat, spelled, with an initial after."""
        for pattern, rule in (
            (_USER, "user_name"),
            (_SPEAKER, "speaker"),
            (_SPELLED, "spelled_name"),
        ):
            for match in pattern.finditer(text):
                yield Hit(*match.span("name"), Label.PERSON, CUED, rule)
        for match in _LAST_AND_INITIAL.finditer(text):
            if not is_never_a_name(match["last"]):
                yield Hit(*match.span("name"), Label.PERSON, LIKELY, "surname_and_initial")
        for match in _DOTTED.finditer(text):
            if len(match["first"]) == 1 or fold_name(match["first"]) in TRUSTED_FIRST_NAMES:
                yield Hit(*match.span("name"), Label.PERSON, LIKELY, "user_name")

    def _listed(self, text: str) -> Iterator[Hit]:
        """First names of the list: before a surname, after a Luxembourgish article, or alone."""
        for match in _FIRST_AND_LAST.finditer(text):
            if fold_name(match["first"]) in FIRST_NAMES and not _is_street(text, match.start()):
                found = _trim(text, match.start(), match.end(), 5)
                if found and found[1] > match.end("first"):
                    yield Hit(*found, Label.PERSON, LIKELY, "first_and_last_name")
        for pattern, names, rule in (
            (_WITH_ARTICLE, FIRST_NAMES, "article_and_first_name"),
            (_ALONE, TRUSTED_FIRST_NAMES, "first_name"),
        ):
            for match in pattern.finditer(text):
                name = match["name"]
                is_known = fold_name(name) in names or is_only_first_name(name)
                if is_known and not name.isupper() and not is_never_a_name(name):
                    if not _is_street(text, match.start("name")) and not _is_town(text, match):
                        yield Hit(*match.span("name"), Label.PERSON, LIKELY, rule)

    def _beside(self, text: str) -> Iterator[Hit]:
        """What stands beside a first name: a nickname, or the surname before it."""
        for match in _NICKNAME.finditer(text):
            nickname = match["name"] or match["quoted"]
            first = match["first"]
            is_first = fold_name(first) in FIRST_NAMES or is_first_name(first)
            if is_first and not _is_no_nickname(nickname):
                span = match.span("name") if match["name"] else match.span()
                yield Hit(*span, Label.PERSON, LIKELY, "nickname")
        for match in _ALONE.finditer(text):
            if fold_name(match["name"]) in FIRST_NAMES:
                start = _surname_start(text, match.start("name"))
                if start is not None:
                    yield Hit(start, match.end("name"), Label.PERSON, LIKELY, "last_and_first_name")

    def _hits(
        self, text: str, match: re.Match[str], rule: str, score: float, *, small: int = 5
    ) -> Iterator[Hit]:
        group = next((name for name, value in match.groupdict().items() if value), None)
        if group is None:
            return
        start, end = match.span(group)
        title = _TITLE_AT_START.match(text, start, end)
        if title:
            start = title.end()
        found = _trim(text, start, end, small)
        if found:
            yield Hit(*found, Label.PERSON, score, rule)


def _is_office_of_person(word: str) -> bool:
    """Whether it is what somebody is, before the name: "Bürgermeister Lohse"."""
    return len(word) >= _LEAST_OFFICE and _FUNCTION.fullmatch(word) is not None


def _is_town(text: str, match: re.Match[str]) -> bool:
    """Whether a first name is the town of that name here: "à Nancy", "in Florence"."""
    start = match.start("name")
    return fold_name(match["name"]) in _TOWNS and bool(_AT.search(text, max(0, start - 12), start))


def _is_no_nickname(word: str) -> bool:
    return is_never_a_name(word) or is_plain_word(word) or _OFFICE.search(word) is not None


def _surname_start(text: str, start: int) -> int | None:
    """Where a known surname right before a first name begins: "géint de Peffer Steve"."""
    before = _SURNAME_BEFORE.search(text, max(0, start - 45), start)
    is_known = before is not None and is_surname(before["name"])
    return before.start("name") if before and is_known else None


def _is_street(text: str, start: int) -> bool:
    return _STREET_BEFORE.search(text[max(0, start - 30) : start]) is not None


def _trim(text: str, start: int, end: int, small: int) -> tuple[int, int] | None:
    """The words from the first that may be a name to the last; None when the first is none.

    `small` bounds how many words are taken when they are all in small letters.
    """
    kept: list[tuple[int, int]] = []
    smalls = 0
    # in capitals, what follows a name cannot be told from it
    most = _MOST_IN_CAPITALS if text[max(0, start - 60) : end + 60].isupper() else _MOST
    for word in re.finditer(r"[^\s]+", text[start:end]):
        if not kept and word.group() in ("M.", "Me", "Hr.", "Fr.", "Mr.", "Dr."):
            continue
        if len(kept) == most or word.group() in ("I", "a", "e", "o", "y", "à"):
            break
        shown = word.group().strip(".,;:")
        if _ELIDED.match(shown):  # "un monsieur m'a dit"
            break
        is_particle = shown.casefold().rstrip("'") in PARTICLES
        if not kept and shown[:1].isupper() and _is_office_of_person(shown):
            continue
        if not is_particle and (
            (is_never_a_name(shown.rstrip(".")) and len(shown) > 1) or _FUNCTION.match(shown)
        ):
            break
        smalls += shown[:1].islower() and not is_particle
        if smalls > small or (
            smalls
            and kept
            and not text[start + kept[0][0]].islower()
            and not is_particle
            and small < _MOST_SMALL
        ):
            break
        kept.append(word.span())
    while kept and text[start + kept[-1][0] : start + kept[-1][1]].casefold() in PARTICLES:
        kept.pop()
    if not kept or kept[-1][1] - kept[0][0] < 2:  # noqa: PLR2004 - a lone initial is no name
        return None
    return start + kept[0][0], start + kept[-1][1]
