"""Every recogniser, as Presidio wants them: one file for one kind of thing.

All are registered under one language code, so each runs on every text, whatever its language.
"""

from parvis.privacy.kind_tagger import load_kind_tagger
from parvis.privacy.rampart import Rampart
from parvis.privacy.recognizers.address import AddressRecognizer
from parvis.privacy.recognizers.bank import CardRecognizer, IbanRecognizer
from parvis.privacy.recognizers.base import RuleRecognizer
from parvis.privacy.recognizers.birth import BirthRecognizer
from parvis.privacy.recognizers.case import CaseRecognizer
from parvis.privacy.recognizers.contact import EmailRecognizer, PhoneRecognizer
from parvis.privacy.recognizers.document import DocumentRecognizer
from parvis.privacy.recognizers.learned import LearnedRecognizer
from parvis.privacy.recognizers.mention import MentionRecognizer
from parvis.privacy.recognizers.model import ModelRecognizer
from parvis.privacy.recognizers.name import NameRecognizer
from parvis.privacy.recognizers.network import NetworkRecognizer
from parvis.privacy.recognizers.number import NumberRecognizer
from parvis.privacy.recognizers.plate import PlateRecognizer
from parvis.privacy.recognizers.secret import SecretRecognizer
from parvis.privacy.recognizers.sender import SenderRecognizer
from parvis.privacy.recognizers.table import TableRecognizer
from parvis.privacy.recognizers.typed import TypedPlaceholderRecognizer


def build_recognizers(rampart: Rampart) -> list[RuleRecognizer]:
    """All of them, new; the model is shared."""
    return [
        TypedPlaceholderRecognizer(),
        IbanRecognizer(),
        CardRecognizer(),
        NumberRecognizer(),
        DocumentRecognizer(),
        EmailRecognizer(),
        PhoneRecognizer(),
        NetworkRecognizer(),
        SecretRecognizer(),
        BirthRecognizer(),
        CaseRecognizer(),
        PlateRecognizer(),
        AddressRecognizer(),
        NameRecognizer(),
        MentionRecognizer(),
        LearnedRecognizer(load_kind_tagger()),
        SenderRecognizer(),
        TableRecognizer(),
        ModelRecognizer(rampart),
    ]
