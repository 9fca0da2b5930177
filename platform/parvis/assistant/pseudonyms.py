"""Placeholders that stay the same from call to call, for vectors: an index must fit its queries.

A text is turned into a vector today and asked for next year, so the placeholder of a value cannot
belong to one conversation. It is derived from the value under a key of the agency and assistant:
equal values give equal placeholders there, and nowhere else. Nothing is ever put back: there is no
mapping. Each text is hidden on its own, so that its vector depends on nothing but itself.
"""

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Sequence

from parvis.assistant.hiding import Hidden, apply_profile
from parvis.keystore import derive_key
from parvis.privacy import Label, Masked
from parvis.privacy.masking import fold_value
from parvis.privacy.placeholders import SHAPE, canonical, derive_tag, write_placeholder
from parvis.services import Services
from parvis.tenancy.config import Agency, Assistant

# with the tag's four signs some 5 * 10^10 pseudonyms: ten thousand values rarely share one
_NUMBERS = 99_999


def hide_for_good(
    services: Services, agency: Agency, assistant: Assistant, texts: Sequence[str]
) -> Hidden:
    """The texts with a lasting pseudonym for every value, as the assistant's profile wants them.

    Raises PersonalDataRefused and PrivacyUnavailable: nothing may be sent then.
    """
    key = _key(services, agency, assistant)
    given: dict[str, str] = {}
    renamed = []
    detector = ""
    for text in texts:
        masked = services.privacy.mask([text], tag_key=key, allow=agency.privacy.allow)
        renamed.append(_rename(masked, key, given))
        detector = masked.detector
    kinds = Counter(_kind(one) for one in given)
    del kinds[Label.LITERAL]
    counts = {label.value: count for label, count in sorted(kinds.items())}
    whole = Masked(tuple(renamed), given, counts, detector)
    return apply_profile(agency.get_hiding(assistant), whole)


def write_pseudonym(key: bytes, label: Label, value: str) -> str:
    """The placeholder of this value, the same for every way of writing it."""
    meant = value if label is Label.LITERAL else fold_value(value)
    digest = hmac.new(key, f"{label.value}\0{meant}".encode(), hashlib.sha256).digest()
    number = 1 + int.from_bytes(digest[:8], "big") % _NUMBERS
    return write_placeholder(label, number, 0, derive_tag(digest[8:]))


def _rename(masked: Masked, key: bytes, given: dict[str, str]) -> str:
    def put(match: re.Match[str]) -> str:
        placeholder = canonical(match)
        if placeholder not in masked.mapping:
            return match.group()
        value = masked.mapping[placeholder]
        pseudonym = write_pseudonym(key, _kind(placeholder), value)
        given.setdefault(pseudonym, value)
        return pseudonym

    return SHAPE.sub(put, masked.texts[0])


def _kind(placeholder: str) -> Label:
    match = SHAPE.fullmatch(placeholder)
    assert match is not None  # noqa: S101 - we wrote it
    return Label(match["kind"])


def _key(services: Services, agency: Agency, assistant: Assistant) -> bytes:
    tenant_key = derive_key(services.root_key, "placeholders", agency.slug)
    return hmac.new(tenant_key, f"vectors\0{assistant.id}".encode(), hashlib.sha256).digest()
