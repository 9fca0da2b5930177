"""Audit records as sentences: what happened, who did it, how it ended. No record is read here."""

from collections.abc import Iterator, Mapping
from typing import Any

from parvis.web.i18n import N_, Words
from parvis.web.labels import tell_counts

SENTENCES: Mapping[str, str] = {
    "chat.started": N_("A question was put to the assistant {assistant}."),
    "chat.finished": N_("The question was answered in full."),
    "chat.aborted": N_("The answer was stopped before its end."),
    "chat.failed": N_("The question could not be answered."),
    "chat.refused": N_("The question was refused by the rules."),
    "chat.unknown": N_("How the answer ended is not known: the process was cut off."),
    "task.started": N_("Texts were given to the assistant {assistant} to compare or put in order."),
    "task.finished": N_("The texts were turned into numbers or put in order."),
    "task.failed": N_("The texts could not be worked on."),
    "task.refused": N_("A request was refused."),
    "tool.called": N_("The assistant {assistant} asked the client to call a tool."),
    "document.added": N_("A source was added or renewed."),
    "document.removed": N_("A source was removed."),
    "review.requested": N_("A draft was handed over for review."),
    "review.decided": N_("A draft was reviewed."),
    "auth.login": N_("A person signed in."),
    "auth.logout": N_("A person signed out."),
    "auth.failed": N_("A sign-in or an access token was refused."),
    "session.ended": N_("A session was ended."),
    "session.expired": N_("A session ran out."),
    "request.served": N_("A request was answered."),
    "request.refused": N_("A request was refused."),
    "admin.changed": N_("A setting of the agency was changed."),
    "admin.viewed": N_("A page of the administration was used."),
    "policy.published": N_("A set of rules was published."),
    "model.changed": N_("A model was changed."),
    "key.created": N_("A key was made."),
    "key.rotated": N_("A key was replaced by a new one."),
    "key.compromised": N_("A key was reported as compromised."),
    "key.retired": N_("A key was retired."),
    "log.created": N_("This log was opened for the first time."),
    "log.opened": N_("The log was opened by a process."),
    "log.heads": N_("The heads of all logs were recorded."),
    "log.heartbeat": N_("Sign of life of the log."),
    "log.closed": N_("The log was closed."),
    "log.rollback": N_("A loss of records was declared."),
    "clock.stepped": N_("The clock of the machine was changed."),
    "audit.read": N_("The audit log was read."),
    "audit.exported": N_("The audit log was exported."),
    "audit.unsealed": N_("A sealed text was opened."),
    "hold.placed": N_("A hold on deletion was placed."),
    "hold.lifted": N_("A hold on deletion was lifted."),
    "erasure.requested": N_("An erasure was asked for."),
    "erasure.refused": N_("An erasure was refused."),
    "erasure.confirmed": N_("An erasure was confirmed by a second person."),
    "erasure.done": N_("An erasure was carried out."),
    "retention.pruned": N_("Records whose time was over were removed."),
    "retention.ran": N_("The limits of what is kept were applied."),
    "reconcile.result": N_("Outside counts were compared with the log."),
    "incident.opened": N_("An incident was opened."),
    "incident.closed": N_("An incident was closed."),
}
FAMILIES: Mapping[str, str] = {
    "chat": N_("Questions and answers"),
    "auth": N_("Signing in and out"),
    "session": N_("Sessions"),
    "request": N_("Other requests"),
    "audit": N_("Reading of the audit log"),
    "task": N_("Vectors and rankings"),
    "tool": N_("Tools"),
    "document": N_("Sources"),
    "review": N_("Reviews"),
    "admin": N_("Administration"),
    "policy": N_("Rules"),
    "model": N_("Models"),
    "key": N_("Keys"),
    "log": N_("The log itself"),
    "clock": N_("Clock"),
    "hold": N_("Holds on deletion"),
    "erasure": N_("Erasures"),
    "retention": N_("Retention"),
    "reconcile": N_("Comparison with outside counts"),
    "incident": N_("Incidents"),
}
OUTCOMES: Mapping[str, str] = {
    "success": N_("done"),
    "denied": N_("refused"),
    "failed": N_("failed"),
    "aborted": N_("stopped"),
    "unknown": N_("unknown"),
}
VERDICTS: Mapping[str, str] = {
    "INTACT": N_("Every record is there and none was changed."),
    "INCOMPLETE": N_("A listed file is missing."),
    "TAMPERED": N_("Something was altered after it was written."),
    "UNVERIFIABLE": N_("The folder cannot be checked."),
}
VIEWS: Mapping[str, str] = {
    "list": N_("list"),
    "record": N_("one record"),
    "receipt": N_("search by receipt"),
    "download": N_("download of an export"),
    "report": N_("report to print"),
    "policy": N_("keys to trust (policy.txt)"),
    "folder": N_("the whole log as a folder"),
    "feed": N_("receiver of copies"),
    "fsck": N_("check of the live logs"),
    "head": N_("head of a log"),
    "anchor": N_("heads sent to witnesses"),
    "witness": N_("request to a witness, as a file"),
    "backup": N_("backup copy"),
    "proof": N_("proof of one record"),
    "subject.find": N_("what is kept of a person"),
    "privacy-tryout": N_("try-out of the privacy profiles"),
}
_ROLES: Mapping[str, str] = {
    "civil-servant": N_("Civil servant"),
    "auditor": N_("Auditor"),
    "agency-admin": N_("Agency administrator"),
    "overseer": N_("Overseer"),
    "chatbot": N_("Chatbot"),
    "platform-admin": N_("Platform administrator"),
    "platform-auditor": N_("Platform auditor"),
    "operator": N_("Operator at the command line"),
}
_TYPES: Mapping[str, str] = {
    "person": N_("Person"),
    "service": N_("Program"),
    "system": N_("The system"),
    "unknown": N_("Somebody unknown"),
}
_SHORT_PID = 8
_KINDS_OF_VIEWS = ("audit.read", "audit.exported", "admin.viewed")
# their counts are keys and values that were removed, nothing that a model did not see
_COUNTS_OF_WHAT_WENT = ("erasure.", "retention.")


def tell_what(words: Words, record: Mapping[str, Any]) -> str:
    """What happened, as one sentence; the bare kind where it is newer than this page."""
    sentence = SENTENCES.get(record["kind"])
    if sentence is None:
        return str(record["kind"])
    assistant = record.get("target", {}).get("assistant", "–")
    # every value is a word of a closed alphabet, but `gettext` fills in only what it is given
    return words.gettext(sentence, assistant=assistant)


def tell_who(words: Words, actor: Mapping[str, Any]) -> str:
    """Who did it: role or type, client, and the pseudonym of the month in short."""
    roles = [words.gettext(_ROLES[role]) for role in actor.get("roles", ()) if role in _ROLES]
    told = ", ".join(roles) or words.gettext(_TYPES.get(actor["type"], actor["type"]))
    if actor["type"] == "service" and actor.get("client"):
        told += f" {actor['client']}"
    if actor.get("pid"):
        told += f" · {actor['pid'][:_SHORT_PID]}"
    return told


def tell_detail(words: Words, record: Mapping[str, Any]) -> str:
    """What else one wants to see in the list: what was hidden, which rule, which view."""
    told: list[str] = []
    if not record["kind"].startswith(_COUNTS_OF_WHAT_WENT):
        told += _tell_privacy(words, record.get("privacy", {}))
    if record.get("reason"):
        told.append(words.gettext("Reason:") + " " + record["reason"])
    if record["kind"] in _KINDS_OF_VIEWS:
        told.append(_tell_view(words, record.get("target", {})))
    return " · ".join(told)


def _tell_privacy(words: Words, privacy: Mapping[str, Any]) -> Iterator[str]:
    """What was hidden, what went in clear, or what a text was refused for; by kind, no values."""
    kept = privacy.get("kept", {})
    counts = privacy.get("counts", {})
    hidden = {kind: count - kept.get(kind, 0) for kind, count in counts.items()}
    if any(hidden.values()):
        is_blocked = privacy.get("action") == "blocked"
        refused, masked = N_("Refused for what it holds:"), N_("Hidden from the model:")
        lead = words.gettext(refused if is_blocked else masked)
        yield lead + " " + tell_counts(words, hidden)
    if kept:
        yield words.gettext("Left readable:") + " " + tell_counts(words, kept)


def _tell_view(words: Words, target: Mapping[str, Any]) -> str:
    view = target.get("view", "")
    told = words.gettext("View:") + " " + words.gettext(VIEWS.get(view, view))
    return f"{told} ({target['seq']})" if "seq" in target else told
