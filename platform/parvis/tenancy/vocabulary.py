"""The closed words of an agency's file that policy rules read, and those that are the file's own.

The first part equals the words of the policy envelope (a test compares the two), so that a file
which loads can always be decided on.
"""

from typing import Literal

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
ProcedureLaw = Literal["none", "lu", "fr", "de", "be", "eu"]
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
PiiNeed = Literal["none", "form", "correspondence", "case-file"]
DecisionStage = Literal["none", "information", "preparation", "decision"]
FriaStatus = Literal["not-required", "missing", "draft", "notified", "stale"]

# the file's own words
Country = Literal["lu", "fr", "de", "be"]
PrivacyProfile = Literal["default"]
