"""Dates of birth: any date, in digits or words, that is said to be one. Other dates stay."""

import re
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import SURE, Hit, RuleRecognizer
from parvis.privacy.recognizers.birthdays import MONTH_NAMES, find_told_births
from parvis.privacy.recognizers.places import is_small_line
from parvis.privacy.sieve import Sieve
from parvis.privacy.words import is_never_a_name

_YEAR = r"(?:(?:18|19|20)\d\d|'?\d\d)"
_GAP = r"[ \n]"
_DIGITS = (
    # one digit in each box of a form: "1 9 / 0 2 / 1 9 5 2"
    r"\d \d ?[/.|] ?\d \d ?[/.|] ?\d \d \d \d(?!\d)|"
    rf"\d{{1,2}}(?: ?[./\-] ?|[ \n])\d{{1,2}}(?: ?[./\-] ?|[ \n]){_YEAR}(?!\d)|(?:18|19|20)"
    rf"\d\d[./\-](?:1[0-2]|0?[1-9])[./\-](?:3[01]|[12]\d|0?[1-9])(?!\d)|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d"
)
_WRITTEN = (
    rf"\d{{1,2}}(?:er|\.|st|nd|rd|th|te[nr]?|e)?[ \n\-]?(?:day{_GAP})?(?:of{_GAP}|"
    rf"de{_GAP})?(?:{MONTH_NAMES})"
    rf",?[ \n\-]?(?:en{_GAP})?{_YEAR}(?!\d)"
    rf"|(?:{MONTH_NAMES}){_GAP}(?:the{_GAP})?\d{{1,2}}(?:st|nd|rd|th)?,?{_GAP}{_YEAR}(?!\d)"
    rf"|(?<!\d )(?<!\d\. )(?:{MONTH_NAMES}){_GAP}(?:de{_GAP})?(?:18|19|20)\d\d(?!\d)"
    rf"|\d{{1,2}}(?:er|\.|te[nr]?)?{_GAP}(?:du{_GAP}mois{_GAP}de|de|vum)?{_GAP}?(?:{MONTH_NAMES})"
    rf"{_GAP}(?:des{_GAP}jahres|de{_GAP}l'an(?:n[eé]e)?|of|vum{_GAP}joer){_GAP}(?:18|19|"
    rf"20)\d\d(?!\d)"
    rf"|\d{{1,2}}{_GAP}du{_GAP}mois{_GAP}(?:de{_GAP}|d')(?:{MONTH_NAMES}){_GAP}{_YEAR}(?!\d)"
)
_NUMBER_WORD = (
    r"(?:[^\W\d_-]*(?:hundert|honnert|tausend|dausend|zwanzig|zwanzeg|dreißig|dreissig|drësseg|"
    r"vierzig|véierzeg|fünfzig|fofzeg|sechzig|siechzeg|siebzig|siwwenzeg|achtzig|achtzeg|"
    r"neunzig|nonzeg|zehn|nonzéng|"
    r"neunzehn|zwölf|zwielef|elf|eelef)[^\W\d_]*|mil(?:le)?|deux|cents?|neuf|quatre|vingts?|"
    r"dix|onze|douze|treize|quatorze|quinze|seize|trente|quarante|cinquante|soixante|septante|"
    r"huitante|nonante|un|une|trois|cinq|six|sept|huit|"
    r"nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|two|one|"
    r"three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen|eighteen|oh|"
    r"zwei|drei|vier|fünf|sechs|sieben|acht|neun|ein|eins|zwee|dräi|véier|fënnef|sechs|siwen|"
    r"aacht|néng|et|and|und|an)"
)
_DAY_WORD = (
    rf"(?:{_NUMBER_WORD}|[^\W\d_]+(?:ten|te|ter|sten|ste|ster|ter|st|nd|rd|th|ième)|premier|"
    r"first|second|third|ersten|éischten|drëtten|zweeten|dritten|dritter|twenty-[a-z]+|"
    r"[a-z]+-(?:et-)?[a-z]+)"
)
_IN_WORDS = (
    r"(?:(?:le|am|den|the|on|"
    rf"the){_GAP})?{_DAY_WORD}(?:[ \n-]{_DAY_WORD}){{0,3}}{_GAP}(?:of{_GAP})?(?:{MONTH_NAMES})"
    rf"(?:,?[ \n-](?:of )?(?:{_NUMBER_WORD}(?![^\W\d_])|{_YEAR}(?!\d))){{1,9}}"
)
_DATE = re.compile(rf"(?<![\w.,])(?:{_WRITTEN}|{_DIGITS}|{_IN_WORDS})", re.IGNORECASE)
# where no month is written with more behind it, only digits can be a date
_DATE_IN_DIGITS = Sieve(rf"(?<![\w.,])(?:{_DIGITS})", re.IGNORECASE)
_MONTH = Sieve(rf"(?:{MONTH_NAMES})(?=[,'\d \n\-]|en[ \n])", re.IGNORECASE)
_YEAR_ONLY = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_CUE = re.compile(
    r"(?:(?<!\w)(?!nee ?[,.;])(?:n[eé]+(?:\(e\)|\.e|·e|-e|e|s|es)?|naissance|"
    r"date[ \n](?:de[ \n])?naiss(?:ance|"
    r"\.)?|gebdat\w*|ddn|anniversaire|geb(?:oren(?:e[rn]?)?|\.|urtsdatum|urtstag|\.?-datum)?|"
    r"geburts-?(?:tag|datum)|geb\.-?dat\.?|"
    r"born|birth|birth ?date|birthday|dob|d[./]o[./]b\.?|b\.|date[ \n]of[ \n]birth|gebuer(?:en)?|"
    r"gebuerts(?:datum|dag|deklaratioun)|geburtsanzeige|birth registration|jahrgang|"
    r"joergang|newborn|neugeboren\w*|nouveau-né)(?![^\W\d_])|\*)"
    r"(?:(?:[^\d\n;!?]|\n(?![ ]*\n)){0,45}?|"
    r"(?:[^\d\n;!?]|\n(?!\n)){0,30}\?[ \n]{1,2}(?:[^\W\d_]{1,20}[ ]?:[ ]?)?"
    r"(?:le |am |de |den |the |um )?)\Z",
    re.IGNORECASE,
)
_CUE_AFTER = re.compile(
    r"\A(?:[^\d\n.;!?]{0,30})(?<!\w)(?:geboren|gebuer(?:en)?|zur welt|op d'welt|n[eé]e?(?!\w)|"
    r"\(?(?:date de naissance|geburtsdatum|dob|date of birth|geb\.)|"
    r"(?:pour la|zur|fir d'|for the) (?:naissance|geburt|gebuert|birth))"
    r"(?!:?[ ](?:am |le |on |den |de )?\d)",
    re.IGNORECASE,
)
_YEAR_CUE = re.compile(
    r"(?<!\w)(?:n[eé]e?s?(?:\(e\))?(?: en| vers)?|born (?-i:[A-ZÀ-Þ])[^\W\d_]+|"
    r"born(?: (?:here|(?:in|at) [^.;\d\n]{1,25}))?(?: in| around)?|b\.|"
    r"geb(?:oren(?:e[rn]?)?|\.)?(?: im jahr(?:e)?| um| ca\.)?|jahrgang|joergang|jg\.?|"
    r"gebuer(?:en)?(?: am joer| ëm)?|"
    r"ann[eé]e de naissance ?:?|geburtsjahr:?|gebuertsjoer:?|(?:birth year|year of birth):?) \Z",
    re.IGNORECASE,
)
# a date in words takes the word that joins the next sentence
_JOINED_AFTER = re.compile(r"[ ,\-](?:und|and|et|an)\Z", re.IGNORECASE)
# "geboren 1955, ich 1958", "née en 1970, moi en 1974"
_ALSO = re.compile(
    r"(?: (?:geboren|gebuer))?[,;]? (?:et |und |and |an )?(?:moi|lui|elle|ich|er|sie|ech|hien|"
    r"hatt|si|i|he|she|"
    r"(?:mon|ma|meine?|my|m[äe]\w{1,3}) [^\W\d_]+)(?: (?:was|est|ist|ass))?"
    r"(?: (?:born|n[eé]e?|geboren|gebuer))?(?: (?:in|en))? (?P<year>(?:19|20)\d\d)(?!\d)",
    re.IGNORECASE,
)
# "geb. 3/17", "née 08/1979"
_MONTH_YEAR = Sieve(
    r"(?<!\w)(?:n[eé]e?(?:\(e\))?(?: le| en)?|geb\.?(?:oren)?(?: im)?|born(?: in)?|"
    r"gebuer(?:en)?|dob:?|\*)"
    r"[ ]?(?P<month>(?:0?[1-9]|1[0-2])[/.](?:(?:19|20)\d\d|\d\d))(?![\d/.]\d|\d)",
    re.IGNORECASE,
)
# "does not know her date of birth, she thinks 1987"
_SAID_YEAR = Sieve(
    r"(?:date de naissance|date of birth|geburtsdatum|gebuertsdatum|birth date)[^\d\n]{1,60}"
    r"(?P<year>(?:19|20)\d\d)(?![\d./\-])",
    re.IGNORECASE,
)
_YEAR_CUE_AFTER = re.compile(r"[ ](?:gebuer(?:en)?|geboren|op d'welt komm)(?!\w)", re.IGNORECASE)
# "Garnier ; 12/05/1970 ; 06...": in a record a date between a name and another value
_RECORD = re.compile(r"[A-ZÀ-Þ][\w'\-]+ ?[;|(·•][ ]?\Z")
_LATEST_IN_RECORDS = 2020
# "Lucía Ortega, 09.12.1995, bisher ...": dates of letters are later, dates of laws follow no name
_AFTER_NAME = re.compile(r"[A-ZÀ-Þ][\w'\-]+ [A-ZÀ-Þ](?:[\w'\-]+|\.),? \(?\Z")
_GOES_ON = re.compile(r"[,)]|[ ](?:an|und|et|and)[ ]")
_AFTER_SMALL_NAME = re.compile(r"(?<!\w)[^\W\d_]{3,} [^\W\d_]{3,}, \(?\Z")
_LATEST_IN_SENTENCES, _EARLIEST_OF_TWO_DIGITS = 2012, 30
# "Fournier Élodie 14/07/1989 06...", "Tiago Vaz (30.11.19)": a name, a date, and no more words
_NAMED_RECORD = re.compile(
    r"(?:^|[\n:;|,.(] ?|(?:enfant|child|kind|"
    r"kand) )(?:[A-ZÀ-Þ][\w'\-]+,? ){1,3}(?:[A-ZÀ-Þ]\.|[A-ZÀ-Þ][\w'\-]+),? ?\(?\Z",
    re.MULTILINE,
)
_AFTER_RECORD = re.compile(r" ?(?:[;|)]|\n|$|[,]? ?[+(]?\d{2,})")
# "Overbeck (30.07.2002, Wilhelminenstr. 33)": in brackets behind a name, with more about her
_IN_BRACKETS = re.compile(r"[^\W\d_][\w'\-]+ \(\Z")
_BRACKET_AFTER = re.compile(
    r"[,;] ?(?!BGBl|JO|Mém|S\.|p\.|pp|GVBl|ABl|OJ|BStBl)[^)\n]{0,40}\d[^)\n]{0,40}\)", re.IGNORECASE
)
_TOWN_AFTER = re.compile(
    r",?[ \n](?i:in|à|zu|zou|at|op)[ \n](?P<town>[^\W\d_]{2,40}(?:-[^\W\d_]{1,40}){0,4}"
    r"(?:[ ](?:am|an der|sur|upon)[ ][A-ZÀ-Þ][^\W\d_]{1,40})?)"
)
# "09/11/1966, Verdun"
_TOWN_AFTER_COMMA = re.compile(
    r",[ ](?P<town>[A-ZÀ-Þ][^\W\d_]{2,40}(?:[ \-](?:sur|am|le|la|les|[A-ZÀ-Þ])[^\W\d_]{0,40}){0,4})"
    r"(?=[ ]?(?:[,.;)\n]|$))"
)
_ANOTHER_EVENT = re.compile(
    r"(?<!\w)(?:d[eé]c[eè]s|d[eé]c[eé]d[eé]e?|mariage|mari[eé]e?s?|verstorben|verheiratet|"
    r"gestorben|verst\.|gest\.|sterbe\w*|died|married|bestuet|gestuerwen|loi|gesetz|law|"
    r"versicherungsbeginn)\b",
    re.IGNORECASE,
)
# "children born after 1 September", "die vor dem 1.1.1964 Geborenen": whoever it is
_ALL_BORN = re.compile(
    r"(?<!\w)(?:after|before|since|between|on or after|après|avant(?! terme)|depuis|entre|"
    r"à partir du|nach|vor|seit|ab|"
    r"zwischen|no|virun|zënter)[ ](?:dem |den |de |le |the )?\Z",
    re.IGNORECASE,
)
_THING_BORN = re.compile(
    r"(?<!\w)(?:contrat|société|association|loi|projet|aide|id[eé]e|entreprise|mouvement|"
    r"dispositif|"
    r"programme|charity|scheme|company|idea|movement|party|project|verein|firma|idee|projekt|"
    r"gesellschaft|partei|veräin|union)[ ][^.!?;]{0,30}\Z",
    re.IGNORECASE,
)
# "my date of birth is ... and my wife's is ..."
_ANOTHERS = re.compile(
    r"[,;]? ?(?:and|et|und|an) (?:my|his|her|their|the|mon|ma|celle|celui|mein|meine|die|der|meng|"
    r"m[äe]in|d')[^.;:\d\n]{1,35}\Z",
    re.IGNORECASE,
)
_ENUMERATED = re.compile(r"(?:et|and|und|an|,|/)[ ](?:le |am |den |on |the )?\Z", re.IGNORECASE)


class BirthRecognizer(RuleRecognizer):
    """A date after "né le", "geb.", "born", "gebuer", "*", or before "geboren"."""

    labels = (Label.DATE_OF_BIRTH, Label.LOCATION)

    def find(self, text: str) -> Iterable[Hit]:
        """Every date of birth."""
        last_end = -1
        has_month = any(_MONTH.finditer(text))
        for match in (_DATE if has_month else _DATE_IN_DIGITS).finditer(text):
            if (
                self._is_birth(text, match)
                or (
                    0 <= last_end
                    and match.start() - last_end < 45  # noqa: PLR2004
                    and _ANOTHERS.fullmatch(text, last_end, match.start())
                )
                or (
                    last_end >= 0
                    and match.start() - last_end < 12  # noqa: PLR2004
                    and _ENUMERATED.search(text[last_end : match.start()])
                )
            ):
                start = match.start() + _leading_article(match.group())
                last_end = match.end()
                end = start + len(_JOINED_AFTER.sub("", text[start : match.end()]))
                yield Hit(start, end, Label.DATE_OF_BIRTH, SURE, "birth_date")
                yield from self._town(text, match.end())
        yield from self._years(text)
        for start, end in find_told_births(text):
            if _THING_BORN.search(text, max(0, start - 60), start):
                continue
            yield Hit(start, end, Label.DATE_OF_BIRTH, SURE, "birth_told")

    def _is_birth(self, text: str, match: re.Match[str]) -> bool:
        before = text[max(0, match.start() - 75) : match.start()]
        is_joined = not any(space in match.group() for space in " \n")
        if is_joined and _NAMED_RECORD.search(before) and _AFTER_RECORD.match(text, match.end()):
            year = _YEAR_ONLY.search(match.group())
            return year is None or int(year.group()) <= _LATEST_IN_RECORDS
        after_name = _AFTER_SMALL_NAME if text.islower() else _AFTER_NAME
        if is_joined and after_name.search(before) and _GOES_ON.match(text, match.end()):
            if _is_long_ago(match.group()):
                return True
        if _IN_BRACKETS.search(before) and _BRACKET_AFTER.match(text, match.end()):
            return True
        if _RECORD.search(before) and re.match(r"[ ]?[;|)·•]", text[match.end() : match.end() + 2]):
            year = _YEAR_ONLY.search(match.group())
            return year is not None and int(year.group()) <= _LATEST_IN_RECORDS
        found = _CUE.search(before)
        if found and not _ANOTHER_EVENT.search(before, found.start()):
            return not _ALL_BORN.search(before) and not _THING_BORN.search(before, 0, found.start())
        return _CUE_AFTER.search(text[match.end() : match.end() + 50]) is not None

    def _town(self, text: str, end: int) -> Iterator[Hit]:
        """The town right after a date of birth."""
        town = _TOWN_AFTER.match(text, end) or _TOWN_AFTER_COMMA.match(text, end)
        if town and text[end : end + 1] == "," and " " in town["town"] and town["town"].isupper():
            return
        if town and town["town"][0].islower() and not is_small_line(text, town.start("town")):
            return
        if town and not is_never_a_name(town["town"]):
            yield Hit(*town.span("town"), Label.LOCATION, SURE, "birth_town")

    def _years(self, text: str) -> Iterator[Hit]:
        for match in _YEAR_ONLY.finditer(text):
            before = text[max(0, match.start() - 45) : match.start()]
            cue = _YEAR_CUE.search(before)
            if cue and _THING_BORN.search(text, max(0, match.start() - 60), match.start()):
                continue
            if cue or _YEAR_CUE_AFTER.match(text, match.end()):
                yield Hit(match.start(), match.end(), Label.DATE_OF_BIRTH, SURE, "birth_year")
                also = _ALSO.match(text, match.end())
                if also:
                    yield Hit(*also.span("year"), Label.DATE_OF_BIRTH, SURE, "birth_year")
                yield from self._town(text, match.end())
        for pattern in (_SAID_YEAR, _MONTH_YEAR):
            for match in pattern.finditer(text):
                yield Hit(*match.span(1), Label.DATE_OF_BIRTH, SURE, "birth_year")


def _is_long_ago(date: str) -> bool:
    year = _YEAR_ONLY.search(date)
    if year:
        return int(year.group()) <= _LATEST_IN_SENTENCES
    return int(date[-2:]) >= _EARLIEST_OF_TWO_DIGITS if date[-2:].isdigit() else False


def _leading_article(text: str) -> int:
    article = re.match(r"(?:le|am|den|the|on)[ \n]", text, re.IGNORECASE)
    return article.end() if article else 0
