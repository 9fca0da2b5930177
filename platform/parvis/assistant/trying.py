"""What a model would get of one text: for administrators who try a profile. Nothing is kept.

The same engine and profiles as a real request, under placeholders of a key that is thrown away.
"""

import os
from dataclasses import dataclass

from parvis.assistant.hiding import Hidden, apply_profile
from parvis.domain import Language
from parvis.errors import PersonalDataRefused
from parvis.language import detect_language
from parvis.privacy import Explanation, explain
from parvis.privacy.placeholders import SHAPE
from parvis.services import Services
from parvis.tenancy.config import Agency, Hiding


@dataclass(frozen=True, slots=True)
class Trial:
    """What the profile would make of a text. `hidden` is None where it would be refused.

    `back` is what a reader gets when the model repeats all of it. Personal data: MUST NOT be kept.
    """

    explanation: Explanation
    hidden: Hidden | None
    back: str
    language: Language


def try_profile(
    services: Services, agency: Agency, hiding: Hiding, text: str, language: Language | None
) -> Trial:
    """Everything at once. Raises PrivacyUnavailable."""
    allow = agency.privacy.allow
    told = explain(services.privacy, text, allow=allow)
    masked = services.privacy.mask([text], tag_key=os.urandom(32), allow=allow)
    # a French address in a German letter says nothing about its language
    spoken = language or detect_language(SHAPE.sub(" ", masked.texts[0])) or agency.languages[0]
    try:
        hidden = apply_profile(hiding, masked)
    except PersonalDataRefused:
        return Trial(told, None, "", spoken)
    return Trial(told, hidden, hidden.build_restorer(spoken).restore(hidden.texts[0]), spoken)
