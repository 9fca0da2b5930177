"""The closed words that an agency's file and the policy rules share: what an assistant is.

A file that loads can therefore always be decided on. Words that only one room knows live there.
"""

from typing import Literal

# what an assistant is for (the last four exist so that a rule can refuse them by name)
PurposeCode = Literal[
    "information",
    "guidance",
    "form-help",
    "search",
    "drafting",
    "summary",
    "translation",
    "classification",
    "internal-assistance",
    "case-support",
    "benefit-eligibility",
    "emergency-triage",
    "recruitment",
    "education-assessment",
    "scoring",
    "emotion-inference",
    "crime-prediction",
    "biometric-categorisation",
]
# where it is used: AI Act Art. 5(1)(f) and 26(7) treat work and education apart
AssistantContext = Literal["public-service", "workplace", "education"]
Sector = Literal[
    "municipality",
    "ministry",
    "employment",
    "social",
    "health",
    "education",
    "tax",
    "statistics",
    "justice",
    "police",
    "migration",
    "emergency",
    "defence",
    "other",
]
# whose law of administrative procedure binds the office
ProcedureLaw = Literal["none", "lu", "fr", "de", "be", "eu"]
# points of Annex III of Regulation (EU) 2024/1689
AnnexIII = Literal[
    "none",
    "1a",
    "1b",
    "1c",
    "2",
    "3a",
    "3b",
    "3c",
    "3d",
    "4a",
    "4b",
    "5a",
    "5b",
    "5c",
    "5d",
    "6",
    "7",
    "8a",
    "8b",
]
AiActRole = Literal["provider", "deployer", "both"]
# GDPR Art. 6(1); "led-8": Art. 8 of Directive (EU) 2016/680, for police and prosecution
LegalBasis = Literal["6.1.a", "6.1.b", "6.1.c", "6.1.d", "6.1.e", "6.1.f", "led-8"]
Art9Basis = Literal[
    "none",
    "9.2.a",
    "9.2.b",
    "9.2.c",
    "9.2.d",
    "9.2.e",
    "9.2.f",
    "9.2.g",
    "9.2.h",
    "9.2.i",
    "9.2.j",
]
# kinds of personal data, as the privacy engine finds them (a test compares)
PersonalKind = Literal[
    "PERSON",
    "LOCATION",
    "ADDRESS",
    "DATE_OF_BIRTH",
    "EMAIL",
    "PHONE",
    "IBAN",
    "CREDIT_CARD",
    "NATIONAL_ID",
    "TAX_ID",
    "HEALTH_INSURANCE_ID",
    "PASSPORT",
    "DRIVING_LICENCE",
    "LICENSE_PLATE",
    "CASE_NUMBER",
    "IP_ADDRESS",
    "MAC_ADDRESS",
    "URL",
    "COORDINATES",
    "SECRET",
]
# what is done with personal data on its way to a model; "default" is read as "mask"
HidingProfile = Literal["mask", "mask-only", "generalise", "block", "pass", "default"]
# why identifiers must reach the model, as written in the agency's records; "none": they need not
PiiNeed = Literal["none", "form", "correspondence", "case-file"]
# how near the output is to an individual decision (GDPR Art. 22)
DecisionStage = Literal["none", "information", "preparation", "decision"]
FriaStatus = Literal["not-required", "missing", "draft", "notified", "stale"]
