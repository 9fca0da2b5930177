"""The closed words of erasures and holds, and the law behind each (Regulation (EU) 2016/679)."""

from collections.abc import Mapping

# why something is erased: Art. 17(1), points (a) to (e)
ERASURE_GROUNDS: Mapping[str, str] = {
    "gdpr-17.1.a": "no longer needed for its purpose",
    "gdpr-17.1.b": "consent withdrawn",
    "gdpr-17.1.c": "objection of the person",
    "gdpr-17.1.d": "processed unlawfully",
    "gdpr-17.1.e": "a law demands the erasure",
}
# the owner erased it alone, on the page of the conversation
OWN = "own"

# why something is kept although somebody wants it erased: reason code, point of Art. 17(3)
HOLD_REASONS: Mapping[str, str] = {
    "litigation": "gdpr-17.3.e",
    "complaint": "gdpr-17.3.e",
    "investigation": "gdpr-17.3.b",
    "audit": "gdpr-17.3.b",
    "legal-duty": "gdpr-17.3.b",
    "archive": "gdpr-17.3.d",
}
REFUSAL_GROUNDS: Mapping[str, str] = {
    "gdpr-17.3.b": "a legal duty or a task in the public interest demands that it is kept",
    "gdpr-17.3.d": "it belongs to public archives",
    "gdpr-17.3.e": "it is needed for legal claims",
}
