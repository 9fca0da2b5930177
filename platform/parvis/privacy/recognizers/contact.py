"""E-mail addresses and telephone numbers."""

import re
from collections.abc import Iterable, Iterator

import phonenumbers

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.announced import Kind, read_announced
from parvis.privacy.recognizers.base import (
    CHECKED,
    CUED,
    LIKELY,
    SURE,
    Hit,
    RuleRecognizer,
    cue,
    digits_of,
    is_cued,
)
from parvis.privacy.sieve import Sieve
from parvis.privacy.words import load_words

_AT = (
    r"(?:@|%40|&#0*64;|&#x0*40;|&commat;|"
    r"[ ]?(?:\[|\(|\{)[ ]?(?:at|arobase|arobas|ät|@)[ ]?(?:\]|\)|\})[ ]?)"
)
_DOT = (
    r"(?:\.|%2e|&#0*46;|&#x0*2e;|&period;|"
    r"[ ]?(?:\[|\(|\{)[ ]?(?:dot|point|punkt|\.)[ ]?(?:\]|\)|\})[ ]?)"
)
_EMAIL = re.compile(
    rf"(?<![\w.+%\-])[\w+%\-]{{1,64}}(?:{_DOT}[\w+%\-]{{1,64}}){{0,6}}{_AT}"
    rf"(?=[\w\-]{{2}}|[^\W_]{_DOT})[^\W_](?:[\w\-]{{0,61}}[^\W_])?"
    rf"(?:{_DOT}[^\W_](?:[\w\-]{{0,61}}[^\W_])?){{0,6}}",
    re.IGNORECASE,
)
# "marie point dupont arobase courriel point lu", said on the telephone
_SPOKEN_EMAIL = re.compile(
    r"(?<![\w\-])[\w+\-]{2,40}(?:[ ](?:point|dot|punkt|tiret|underscore|bindestrich|minus)[ ]"
    r"[\w+\-]{1,40}){0,4}[ ](?:arobase|arobas|at|ät|klammeraffe)[ ][\w\-]{2,40}"
    r"(?:[ ](?:point|dot|punkt|tiret|minus)[ ][\w\-]{2,40}){1,4}(?![\w\-])",
    re.IGNORECASE,
)
_AT_SIGN = re.compile(r"@|%40|&#|&commat|[\[({] ?(?:at|arobas)", re.IGNORECASE)
_SPLIT_EMAIL = re.compile(
    r"(?<![\w.+%\-])[\w+%\-]{1,64}(?:\.[\w+%\-]{1,64}){0,6} ?@ ?(?=[\w\-]{2}|[^\W_] "
    r"?\.)[^\W_][\w\-]{0,61}"
    r"(?:(?:\.| \. )[a-z][\w\-]{0,30}){1,4}",
    re.IGNORECASE,
)
# Mailboxes of an office, not of a person (annotation: functional mailboxes stay readable).
_OFFICE_WORDS = "|".join(map(re.escape, sorted(load_words("mailboxes.txt"), reverse=True)))
_OFFICE = re.compile(
    rf"(?:{_OFFICE_WORDS}|[a-zäöü]{{2,30}}(?:amt|stelle|verwaltung|kasse|b(?:u|ü|ue)ro|dienst|"
    rf"zentrum|b[eé]h(?:ö|oe|o)rde))(?:[.\-_](?:[a-z]{{2,20}}|\d{{1,4}}))*(?:[@\[({{ ]|%40|&)",
    re.I,
)

REGIONS = ("LU", "FR", "DE", "BE", "NL", "CH", "AT", "PT", "IT", "GB")
_DIGIT_RUN = Sieve(
    r"(?<![\w.,])(?:\+|00|\(\+|\(0)?\d(?:[\d()]|[ .\-/]{1,3}(?=[\d(])|(?<!\))\n(?=\d)){5,24}"
)
_PHONE_CUE = cue(
    r"t[eé]l(?:[eé]phone|efon|\.)?|telefonnummer|phone|handy(?:nummer)?|mobile?|portable|gsm|fax|"
    r"appel(?:er|ez)|rufnummer|call(?: me)?(?: on| at)?|ruf|unruff|rufft|ugeruff|joindre|joignable|"
    r"erreichbar|erreechen|reach me(?: on| at)?|whatsapp|num[eé]ro de t[eé]l[eé]phone|"
    r"durchwahl|natel|num[eé]ro de portable|direct(?: line)?|doheem|b[uü]ro|r[üu]ckruf|rr|"
    r"zr[eé]ckruffen|ugeruff|contacter|kontaktéieren|text(?: me)?(?: on| at)?|"
    r"ring(?: me)?(?: back)?"
)
# "T: +44 ..." in a signature
_LETTER_CUE = re.compile(r"(?:^|[\n ,|])(?:[TMPF]|mob|cell|port|dom|bur|priv)\.?[ ]?:[ ]?\Z", re.I)
_NOT_A_PHONE_BEFORE = re.compile(
    r"(?:IBAN|BIC|n° ?SIREN|siret|rcs|matricule|steuer-?id|az\.?|aktenzeichen|dossier|isbn|"
    r"art\.?|§+|"
    r"article|€|eur|loi|nr\. ?sécu|l-|ref\.?|réf\.?|référence|facture|invoice|rechnung)"
    r"\W{0,4}(?:n[°or.]*|nr\.?|:)?\W{0,3}\Z",
    re.IGNORECASE,
)
_DIGIT_WORD = (
    r"(?:z[eé]ro|un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|"
    r"quinze|seize|"
    r"vingt|trente|quarante|cinquante|soixante|quatre-vingts?|et|null|eins?|zwei|zwo|drei|"
    r"vier|fünf|sechs|"
    r"sieben|acht|neun|elf|zwölf|(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|"
    r"neun)und\w{4,9}ig|zwanzig|"
    r"dreißig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|eent|zwee|zwou|dräi|véier|"
    r"fënnef|siwen|aacht|"
    r"néng|zéng|eelef|zwielef|dräizéng|véierzéng|fofzéng|siechzéng|siwwenzéng|uechtzéng|"
    r"nonzéng|(?:\w{3,6}an?)?(?:zwanzeg|drësseg|véierzeg|fofzeg|siechzeg|siwwenzeg|achtzeg|"
    r"nonzeg)|hundert|honnert|cent|"
    r"oh|zero|nought|one|two|three|four|five|seven|eight|nine|ten|eleven|twelve|\w{3,5}teen|"
    r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w{3,5})?|hundred|thousand|"
    r"double|triple|treble|plus)"
)
_SPOKEN = re.compile(
    rf"(?<![\w\-])(?:{_DIGIT_WORD}[ \n,\-]{{1,2}}){{4,30}}{_DIGIT_WORD}(?![\w\-])", re.IGNORECASE
)
_LONG_SPOKEN = 6
# dictated without a word that says so: from a nought on, or digit by digit
_NOUGHT = r"(?:z[eé]ro|nulle?|nul|oh|nought|naught|double oh|plus)"
_ONE_DIGIT = (
    r"(?:z[eé]ro|deux|trois|quatre|cinq|sept|huit|neuf|null|nul|eins|zwei|zwo|drei|vier|fünf|fuenf|"
    r"sechs|sieben|acht|neun|eent|een|zwee|zwou|dräi|véier|fënnef|siwen|aacht|néng|oh|nought|zero|"
    r"one|two|three|four|five|six|seven|eight|nine|double|triple|treble)"
)
_THEN = (
    r"[ \n,.\-–/]{1,3}(?:(?:dann|und dann|nochmal|noch ?mal|strich|tiret|puis|encore|ensuite|then|"
    r"and then|again|dash|hyphen|an dann|nach eemol)[ ,]{1,2}){0,2}"
)
_DICTATED = Sieve(
    rf"(?<![^\W_])(?:{_NOUGHT}(?:{_THEN}(?:{_DIGIT_WORD}(?![\w])|\d{{1,4}})){{5,24}}"
    rf"|{_NOUGHT}(?:{_THEN}{_DIGIT_WORD}(?!\w))?(?:{_THEN}\d{{1,4}}){{3,8}}"
    rf"|{_ONE_DIGIT}(?:{_THEN}{_ONE_DIGIT}(?!\w)){{6,24}})(?![\w\-])",
    re.IGNORECASE,
)
# "0160 nochmal 88 dann 21 40 7"
_IN_PARTS = Sieve(
    r"(?<![\w.,])0\d{1,4}[ ,]{1,2}(?:(?:und |et |and |an )?(?:dann|nochmal|puis|encore|ensuite|"
    r"then|"
    r"again|duerno)[ ,]{1,2}\d{1,8}(?:[ .\-/]\d{1,4}){0,5}[ ,]{0,2}){1,4}(?<=\d)",
    re.IGNORECASE,
)
_NUMBER_CUE = cue(r"(?:die |meng |meine |my |the )?(?:nummer|num[eé]ro|number)")
_DATE = re.compile(
    r"\A(?:\d{1,2}[./ \-]\d{1,2}[./ \-](?:19|20)\d\d|(?:19|20)\d\d[./ \-]\d{1,2}[./ \-]\d{1,2})"
)
# "04.01.26, 19:02", "04/12 09h"
_SHORT_DATE = re.compile(
    r"(?:0?[1-9]|[12]\d|3[01])([./])(?:0?[1-9]|1[0-2])(?:\1\d\d|[ ]\d\d(?=h))(?!\d)"
)
_DATE_BEFORE = re.compile(_DATE.pattern + r"[ \n]+(?=[\d(])")
_AMOUNT_AFTER = re.compile(r"\A(?:,\d\d)? ?(?:€|eur|euro|chf|%|\$|£|km|m²|kg)", re.IGNORECASE)
# numbers that nobody but a firm or an office can have: free, shared cost, emergency
_SERVICE = re.compile(
    r"(?:03(?:00|03|30|33|44|45|70|71)[ \-]\d{3}[ \-]\d{4}\Z|0(?:300|303|333|344|800|808|818|843|"
    r"844|845|870)[ /\-]\d{3}|0180\d?[ /\-]|0900[ /\-]|"
    r"0[ .\n]8\d\d[ .]\d|08(?:[ .]\d\d){4}\Z|(?:1800|1850|1890)[ ]\d|"
    r"(?:\(?(?:\+|00)352\)?[ ])?8002[ \-]?\d{4}\Z|116[ ]?\d{3}\Z)"
)
# "+43 316 872-0", "03328 318 0", "071 20 00 00", "020 7270 3000": the switchboard of a house
_SWITCHBOARD = re.compile(
    r"[+0(][\d ()/\-]{5,}\d[ ]?[\-–/ ][ ]?0\Z"
    r"|(?!0[67][ .\-]\d|0[67]\d{3}|01[567]\d|04[5-9]\d|\(?(?:\+|00))0\d[\d ().\-/]{3,}"
    r"(?:[ .]00[ .]00|[ .]\d?000)\Z"
)
_OFFICE_LINE_BEFORE = re.compile(
    r"(?<!\w)(?:hotline|infoline|standard(?: reste| est)?(?: le| au)?|switchboard|zentrale|"
    r"telefonzentrale|secr[eé]tariat|sekretariat|accueil|guichet|centre de contact|"
    r"service (?:client|fraude|des? [^\W\d_]+)|servicenummer|callcenter|call ?centre|their line|"
    r"notdienst|bereitschaftsdienst|ext\.?|duty line|help ?line|advice line|enquiries|enquiry line|"
    r"renseignements|auskunft|stördienst|nachtdienst|num[eé]ro vert|dépannage|pannen|pannendienst)"
    r"(?:[ ](?:unter|ist|ass|is|on|at|sous|au|op|de|der|die))?(?:[ ]?t[eé]l\.?)?[ ,:(–\-]{1,4}\Z",
    re.IGNORECASE,
)
_ONE_BY_ONE = re.compile(r"\d(?:[ .\-]\d){7,14}")
_LATER_NUMBER = re.compile(r"(?<=[ .\-/])(?:\+|00)\d[\d ().\-/]{6,20}\Z")
_MIN_DIGITS, _MAX_DIGITS, _MOST_NATIONAL = 6, 15, 12
_LEAST_ABROAD, _NATIONAL_LENGTHS = 9, range(9, 13)
# "447700900733", as programs write it
_MOBILE_WITHOUT_PLUS = re.compile(
    r"447\d{9}|3526[2-9]1\d{6}|33[67]\d{8}|491[567]\d{8,9}|324[5-9]\d{7}|41 ?7[4-9]\d{7}"
)
_NATIONAL_FORM = re.compile(r"\(?0[1-9]\d{0,4}\)?(?:[ .\-/]{1,3}\d{2,8}){1,5}")


class EmailRecognizer(RuleRecognizer):
    """Also `x@gouv.fr`, `x@agency.internal`, `x [at] y [dot] z`; no suffix list is asked."""

    labels = (Label.EMAIL,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every address that is not an office's."""
        for match in _SPOKEN_EMAIL.finditer(text):
            yield Hit(match.start(), match.end(), Label.EMAIL, SURE, "email_in_words")
        if not _AT_SIGN.search(text):
            return
        for pattern, rule in ((_EMAIL, "email"), (_SPLIT_EMAIL, "email_with_spaces")):
            for match in pattern.finditer(text):
                if not _is_office(match.group()):
                    yield Hit(match.start(), match.end(), Label.EMAIL, SURE, rule)


# "info.pixelstube@gmx.example": who works alone, not an office
_PRIVATE_HOST = re.compile(
    r"(?:info|contact|kontakt|mail|hello|hallo|bonjour|office)[.\-_][^@]{3,40}@(?:gmx|web|gmail|"
    r"googlemail|hotmail|outlook|live|yahoo|posteo|icloud|t-online|freenet|proton|protonmail)\.",
    re.IGNORECASE,
)


def _is_office(address: str) -> bool:
    return bool(_OFFICE.match(address)) and not _PRIVATE_HOST.match(address)


def find_office_mailboxes(text: str) -> Iterator[tuple[int, int]]:
    """Where functional mailboxes stand: nothing inside them is personal."""
    if _AT_SIGN.search(text):
        for match in _EMAIL.finditer(text):
            if _is_office(match.group()):
                yield match.span()


def find_office_lines(text: str) -> Iterator[tuple[int, int]]:
    """Where numbers stand that only a firm or an office can have: nothing inside is personal."""
    for match in _DIGIT_RUN.finditer(text):
        start, end = _without_brackets(text, *match.span())
        if _is_office_line(text, start, end):
            yield start, end


def _is_office_line(text: str, start: int, end: int) -> bool:
    return bool(
        _SERVICE.match(text[start:end])
        or _SWITCHBOARD.fullmatch(text[start:end])
        or _OFFICE_LINE_BEFORE.search(text[max(0, start - 40) : start])
    )


class PhoneRecognizer(RuleRecognizer):
    """Numbers of our neighbours, with or without country code; looked for only among digits."""

    labels = (Label.PHONE,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every run of digits that is a telephone number somewhere near, or said to be one."""
        yield from self._spoken(text)
        for match in _DIGIT_RUN.finditer(text):
            yield from self._written(text, match)

    def _spoken(self, text: str) -> Iterator[Hit]:
        for dictated in (*_DICTATED.finditer(text), *_IN_PARTS.finditer(text)):
            yield Hit(*dictated.span(), Label.PHONE, SURE, "phone_dictated")
        if not any(words.may_stand_in(text) for words in (_PHONE_CUE, _NUMBER_CUE)):
            return
        for spoken in _SPOKEN.finditer(text):
            is_told = any(is_cued(text, spoken.start(), c) for c in (_PHONE_CUE, _NUMBER_CUE))
            if is_told and len(re.findall(r"\w+", spoken.group())) >= _LONG_SPOKEN:
                yield Hit(*spoken.span(), Label.PHONE, SURE, "phone_in_words")

    def _written(self, text: str, match: re.Match[str]) -> Iterator[Hit]:
        # "14/07/1989 0612345908": the date before it is not part of the number
        date = _DATE_BEFORE.match(match.group())
        first = match.start() + (date.end() if date else 0)
        start, end = _without_brackets(text, first, match.end())
        run = text[start:end].replace("\n", " ")
        if len(digits_of(run)) > _MAX_DIGITS:  # "L-2146. 0035226445190": another number before it
            later = _LATER_NUMBER.search(run)
            start, run = (start + later.start(), later.group()) if later else (start, run)
        if not _MIN_DIGITS <= len(digits_of(run)) <= _MAX_DIGITS:
            return
        if _ONE_BY_ONE.fullmatch(run):  # "6 6 1 5 0 9 2 7 4"
            run = digits_of(run)
        if self._is_something_else(text, start, end):
            return
        before = text[max(0, start - 12) : start]
        if is_cued(text, start, _PHONE_CUE) or _LETTER_CUE.search(before):
            yield Hit(start, end, Label.PHONE, SURE, "phone_cue")
        elif _SHORT_DATE.match(text, start) or _is_of_thing(text, start):
            return
        elif _is_phone(run):
            # a country code is as good as a check digit against what only looks like an id
            score = CHECKED if run.lstrip("(").startswith("+") else CUED
            yield Hit(start, end, Label.PHONE, score, "phone")
        elif _is_written_as_phone(run):
            yield Hit(start, end, Label.PHONE, LIKELY, "phone_form")

    def _is_something_else(self, text: str, start: int, end: int) -> bool:
        return bool(
            _is_office_line(text, start, end)
            or _DATE.match(text[start:end])
            or text[end : end + 1].isalpha()
            or _NOT_A_PHONE_BEFORE.search(text[max(0, start - 24) : start])
            or _AMOUNT_AFTER.match(text[end : end + 8])
        )


def _is_of_thing(text: str, start: int) -> bool:
    """Whether it is called the number of a firm, a bill or a form."""
    announced = read_announced(text, start)
    return announced.kind is Kind.THING and announced.is_number


def _without_brackets(text: str, start: int, end: int) -> tuple[int, int]:
    """The number without brackets that stand around all of it or belong to the sentence."""
    while text[end - 1] in "( ":
        end -= 1
    run = text[start:end]
    if run.endswith(")") and run.count(")") > run.count("("):
        return start, end - 1
    if run.startswith("(") and run.count("(") > run.count(")"):
        return start + 1, end
    if run.startswith("(") and run.endswith(")") and run.find(")") >= run.rfind("("):
        inner = run[1:-1]
        if "(" in inner or ")" not in inner:
            return start + 1, end - 1
    return start, end


def _is_phone(run: str) -> bool:
    digits = digits_of(run)
    international = run.lstrip("(").startswith(("+", "00"))
    regions: tuple[str, ...] = REGIONS
    if not international:
        # without a country code only what people write as a telephone number: 0..., or LU groups
        if len(digits) > _MOST_NATIONAL:
            return False
        regions = REGIONS if digits.startswith("0") else ("LU",)
        if regions == ("LU",) and not _looks_luxembourgish(run, digits):
            return False
    number = run.replace("\n", " ")
    if international:
        number = re.sub(r"^\(?00", "+", number).replace("(0)", "")
    for region in regions if not international else ("ZZ",):
        try:
            parsed = phonenumbers.parse(number, region if region != "ZZ" else None)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return True
    return False


def _is_written_as_phone(run: str) -> bool:
    """In a phone's form though no plan knows it: plans change and people mistype."""
    digits = digits_of(run)
    if run.lstrip("(").startswith("+"):
        return len(digits) >= _LEAST_ABROAD
    if _MOBILE_WITHOUT_PLUS.fullmatch(run):
        return True
    return _NATIONAL_FORM.fullmatch(run) is not None and len(digits) in _NATIONAL_LENGTHS


def _looks_luxembourgish(run: str, digits: str) -> bool:
    """Mobile 6x1 xxx xxx, or six to eight digits in pairs, as they are written here."""
    if re.fullmatch(r"6[2-9][18][ .\-/]{0,3}(?:\d{3}[ .\-/]?\d{3}|\d\d(?:[ .\-/]?\d\d){2})", run):
        return True
    return bool(re.fullmatch(r"[2-9]\d(?:[ .\-]\d\d){2,4}", run)) and len(digits) in (6, 8, 10)
