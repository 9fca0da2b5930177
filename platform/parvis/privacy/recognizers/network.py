"""Addresses of machines, personal parts of web addresses, coordinates."""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import SURE, Hit, RuleRecognizer
from parvis.privacy.sieve import Sieve

_IPV4 = Sieve(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = Sieve(
    r"(?<![\w:.])(?=[0-9a-f]*:[0-9a-f:]*:)[0-9a-f:]{2,39}(?:\.\d{1,3}){0,4}(?![\w:])", re.I
)
_VERSION_BEFORE = re.compile(
    r"(?:versi?ou?n|versioun|firmware|release|build|software|v\.?|§+|art\.?|article|section|"
    r"chapitre|kapitel|nr\.?|n°) ?\Z",
    re.I,
)
_MAC = re.compile(r"(?<![\w:\-])[0-9a-f]{2}([:\-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![\w:\-])", re.I)
_URL = Sieve(r"(?:https?://|www\.)[^\s<>\"']{3,2000}", re.IGNORECASE)
_QUERY = re.compile(r"[?#][^\s<>\"']+")
_USER_PART = re.compile(r"(?<=//)[^\s/@?#]+(?=@)")
_PERSONAL_KEYS = re.compile(
    r"[?&#;](?:[\w\-]*(?:token|key|auth|session|sid|pass|secret|mail|name|nom|user|login|"
    r"client|person|"
    r"id|phone|tel|birth|dob|ticket|ref|dossier|case|code|sig|jwt|state|nonce|q|search|query|"
    r"address|adresse)"
    r"[\w\-]*)=",
    re.IGNORECASE,
)
_PERSONAL_PATH = re.compile(
    r"(?<=/)(?:u|users?|profile?|profil|in|people|person|benutzer|account|compte|konto|"
    r"dossier|case|member)/[^\s/?#]+",
    re.IGNORECASE,
)
# one's own page at a network, with or without "https://"
_PROFILE = re.compile(
    r"(?<![\w@./\-])(?:https?://)?(?:[\w\-]{1,20}\.){0,2}(?:linkedin|facebook|fb|instagram|insta|twitter|"
    r"x|tiktok|xing|threads|bsky|snapchat|strava|vinted|ebay|doctolib|soundcloud|t|wa|github|gitlab|"
    r"mastodon)\.[a-z]{2,7}(?:\.[a-z]{2})?/(?!(?:help|about|legal|privacy|terms|login|hashtag|groups)"
    r"(?![\w]))@?[^\s<>\"',;()]{2,100}",
    re.IGNORECASE,
)
_COORDINATES = Sieve(
    r"(?<![\w.])-?\d{1,2}\.\d{4,8} ?[°]? ?[NSns]?[ ,;/]{1,3}-?\d{1,3}\.\d{4,8}"
    r"(?: ?[°]? ?[EWOewo])?(?!\w)"
)


class NetworkRecognizer(RuleRecognizer):
    """A UUID is not here: it names a thing, and a person's file only after a cue (`case`)."""

    labels = (Label.IP_ADDRESS, Label.MAC_ADDRESS, Label.URL, Label.COORDINATES)

    def find(self, text: str) -> Iterable[Hit]:
        """Every address of a machine and every personal part of a web address."""
        yield from self._ip(text)
        for match in _MAC.finditer(text):
            yield Hit(match.start(), match.end(), Label.MAC_ADDRESS, SURE, "mac")
        for match in _URL.finditer(text):
            yield from self._url(match)
        for match in _PROFILE.finditer(text):
            end = match.start() + len(match.group().rstrip(".:!?"))
            yield Hit(match.start(), end, Label.URL, SURE, "profile")
        for match in _COORDINATES.finditer(text):
            yield Hit(match.start(), match.end(), Label.COORDINATES, SURE, "coordinates")

    def _ip(self, text: str) -> Iterator[Hit]:
        for pattern, rule in ((_IPV4, "ipv4"), (_IPV6, "ipv6")):
            for match in pattern.finditer(text):
                before = text[max(0, match.start() - 12) : match.start()]
                if _is_ip(match.group()) and not _VERSION_BEFORE.search(before):
                    yield Hit(match.start(), match.end(), Label.IP_ADDRESS, SURE, rule)

    def _url(self, match: re.Match[str]) -> Iterator[Hit]:
        url, start = match.group().rstrip(".,;:!?)"), match.start()
        query = _QUERY.search(url)
        if query and _PERSONAL_KEYS.search(url, query.start()):
            yield Hit(start + query.start(), start + query.end(), Label.URL, SURE, "url_query")
        user = _USER_PART.search(url)
        if user:
            yield Hit(start + user.start(), start + user.end(), Label.URL, SURE, "url_user")
        path = _PERSONAL_PATH.search(url)
        if path:
            yield Hit(start + path.start(), start + path.end(), Label.URL, SURE, "url_path")


def _is_ip(text: str) -> bool:
    if text in ("::", "::1", "127.0.0.1", "0.0.0.0"):  # noqa: S104 - compared, not bound
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
