"""Words of the page of erasures and holds: kinds, grounds, states, and what is wrong in a form."""

from collections.abc import Mapping

from parvis.web.i18n import N_

KINDS: Mapping[str, str] = {
    "person": N_("A person"),
    "conversation": N_("A conversation of the portal"),
    "receipt": N_("One request, by its receipt"),
}
HOLD_KINDS: Mapping[str, str] = {
    "person": N_("A person"),
    "conversation": N_("A conversation of the portal"),
    "range": N_("A period"),
    "case": N_("Everything of this agency"),
}
GROUNDS: Mapping[str, str] = {
    "gdpr-17.1.a": N_("No longer needed for its purpose (GDPR Art. 17(1)(a))"),
    "gdpr-17.1.b": N_("Consent withdrawn (GDPR Art. 17(1)(b))"),
    "gdpr-17.1.c": N_("Objection of the person (GDPR Art. 17(1)(c))"),
    "gdpr-17.1.d": N_("Processed unlawfully (GDPR Art. 17(1)(d))"),
    "gdpr-17.1.e": N_("A law demands the erasure (GDPR Art. 17(1)(e))"),
}
REASONS: Mapping[str, str] = {
    "litigation": N_("Litigation (GDPR Art. 17(3)(e))"),
    "complaint": N_("Complaint (GDPR Art. 17(3)(e))"),
    "investigation": N_("Investigation (GDPR Art. 17(3)(b))"),
    "audit": N_("Audit (GDPR Art. 17(3)(b))"),
    "legal-duty": N_("Legal duty (GDPR Art. 17(3)(b))"),
    "archive": N_("Public archives (GDPR Art. 17(3)(d))"),
}
STATES: Mapping[str, str] = {
    "requested": N_("Waits for a second person"),
    "confirmed": N_("Confirmed and not finished"),
    "held": N_("Waits for a hold to end"),
    "done": N_("Carried out"),
}
# what was just done, as the address says it
DONE: Mapping[str, str] = {
    "asked": N_("The erasure was asked for. Nothing is erased before another person confirms it."),
    "placed": N_("The hold counts from now on."),
    "lifted": N_("The hold was lifted. What waited for it goes with the next daily run."),
}
FAULTS: Mapping[str, str] = {
    "kind": N_("Choose whose data it is."),
    "ref": N_("Give one identifier, without line breaks."),
    "ground": N_("Choose the ground."),
    "nothing": N_("Nothing is kept under this identifier: there is nothing to erase."),
    "shared": N_("This receipt belongs to a conversation: name the conversation."),
    "asked": N_("This erasure was asked for already; it stands in the list."),
    "hold-kind": N_("Choose what is kept."),
    "hold-ref": N_("Give one identifier, without line breaks."),
    "hold-since": N_("A period needs its first and its last day, in this order."),
    "hold-case": N_("A file number has letters A-Z, digits and . _ / -, and never a name."),
    "hold-reason": N_("Choose the reason."),
    "hold-until": N_("Give a day in the future."),
    "held": N_("A hold forbids it. It is carried out by the daily run once the hold is lifted."),
    "conflict": N_("It was done already, or you asked for it yourself: another person must."),
    "unknown": N_("Nothing is kept under this identifier."),
    "gone": N_("Nothing of it is kept any more."),
}
